"""One file a command: arguments in, report out, exit code. Its parts stand in the folders beside."""
