"""What `sophia doctor` looks at."""
