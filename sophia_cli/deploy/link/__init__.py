"""The agent's Unix socket: where it is, what is said on it, and the client that commands use."""
