"""Sweeps: accuracy of chips over a grid of what they are made of and how they are programmed."""
