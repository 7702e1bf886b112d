"""Reading the repository's git history as values, without running anything that the checkout names."""
