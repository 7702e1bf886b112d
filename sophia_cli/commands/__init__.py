"""One file a command: arguments in, report out, exit code."""
