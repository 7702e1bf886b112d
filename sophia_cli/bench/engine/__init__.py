"""The load engine: worker processes that make a load, the loop inside each, and what they count."""
