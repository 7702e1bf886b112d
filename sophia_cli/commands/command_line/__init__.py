"""The command line: words read, options that commands share, where results and errors go."""
