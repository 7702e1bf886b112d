"""How a listening socket reaches the program that serves: start recipes, the launcher, the shims."""
