"""SPH1xx: what keeps a file from compiling."""
