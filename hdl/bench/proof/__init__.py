"""Proofs: what holds of a block for every input, and what a crossbar is held against."""
