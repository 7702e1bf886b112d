"""The sockets that services are reached at, and who keeps them while an agent is away."""
