"""Estimates from measured curves: disturbances, models, variation, and intervals of all values."""
