"""A network run, scored, compared, simulated; self-test and information."""
