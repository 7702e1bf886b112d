"""A Report made readable: text for people, JSON for programs."""
