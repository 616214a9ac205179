"""PLLs: divisors by search over the legal ranges, and the wrappers around the parts' cells."""
