"""Finding what is broken and mending it: rules, the syntax repair engine, and the rounds that make fixes."""
