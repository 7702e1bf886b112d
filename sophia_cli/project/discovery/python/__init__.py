"""What Python files say about services, read from their trees or, where they are broken, from their text."""
