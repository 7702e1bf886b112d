"""What the agent remembers across its own death."""
