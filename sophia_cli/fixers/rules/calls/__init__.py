"""Rules about calls: arguments that a callable of the project does not take, and those that it needs."""
