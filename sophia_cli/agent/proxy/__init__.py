"""HAProxy in front of strict services, as the agent keeps it."""
