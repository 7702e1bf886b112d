"""What all commands on services share: the agent is reached, its slot taken, the outcome read."""
