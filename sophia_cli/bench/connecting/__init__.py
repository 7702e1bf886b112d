"""From a URL to connections: targets, how they are dialled, one exchange, and why one fails."""
