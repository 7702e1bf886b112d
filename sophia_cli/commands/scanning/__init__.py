"""What `sophia scan` and `sophia fix` look at: the project and its scan."""
