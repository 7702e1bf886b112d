"""Facts of this machine's processes and sockets, and the means to start and end instances of services."""
