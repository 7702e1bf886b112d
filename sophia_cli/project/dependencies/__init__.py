"""What the project declares, locks and has installed, and which distribution each import comes from."""
