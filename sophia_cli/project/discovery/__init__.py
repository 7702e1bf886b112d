"""What can be started in a repository: found in its files, with file and line as evidence. Nothing is run."""
