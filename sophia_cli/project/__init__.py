"""The user's repository as values, and the safe ways to read and change it."""
