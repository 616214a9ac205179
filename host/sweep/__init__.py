"""Sweeps: chips over grids of device parameters."""
