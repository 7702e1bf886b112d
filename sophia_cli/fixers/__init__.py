"""Finding what is broken and mending it: rules, the syntax repair engine, and the engine that runs fixes."""
