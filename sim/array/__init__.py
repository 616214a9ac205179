"""Resistance network of an array of Hall crosses, and the weights that it computes with."""
