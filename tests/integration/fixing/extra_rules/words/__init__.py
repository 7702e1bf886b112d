"""Rules about words, for tests of the command line."""
