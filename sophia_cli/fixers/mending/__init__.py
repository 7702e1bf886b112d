"""Mending: fixes chosen, tried in memory round by round, carried out, checked, and taken back where they fail."""
