"""The breakers, by what they damage."""
