"""What callables take, over all files, and the calls that do not fit."""
