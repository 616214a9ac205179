"""Comparison of a network's neurons with CMOS: area, energy and time."""
