"""Which readings of an array compute, and what they need of its resistances."""
