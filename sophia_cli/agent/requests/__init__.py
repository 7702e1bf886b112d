"""What can be asked of the agent on its socket."""
