"""Rules about imports: modules and names that are not there, cycles, shadows."""
