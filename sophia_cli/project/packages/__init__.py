"""The target environment as something that can be changed: what is in it, what is to be, and the way back."""
