"""Made breakage: valid Python files, broken the way people and tools break them, with the valid text beside."""
