"""The story of `sophia demo`."""
