"""Rules about what the project declares, imports and installs."""
