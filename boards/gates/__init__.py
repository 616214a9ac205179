"""Simulation of netlists with models of their cells, driven through the board's pins."""
