"""The syntax repair engine: a search for the smallest plausible edit after which a file compiles."""
