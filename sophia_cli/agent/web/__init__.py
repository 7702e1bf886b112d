"""The web API of the agent, a process of its own: the state of the services over HTTP, for reading."""
