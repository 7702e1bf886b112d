"""Reports of benchmarks in every format."""
