"""What the settings file says, as values."""
