"""The agent: the process of a project that owns its sockets, starts its instances and keeps them healthy."""
