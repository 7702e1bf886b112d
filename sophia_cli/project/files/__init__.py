"""Which files a project has, and why others are left out."""
