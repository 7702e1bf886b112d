"""Releases on the disk: numbered copies of a project's files that nothing changes, and where they come from."""
