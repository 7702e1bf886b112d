"""What each Python file says about imports, names and calls: facts, read from its tree or its broken text."""
