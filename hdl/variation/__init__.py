"""Gateware that makes a chip of a seed: the generator, and what is made of its draws."""
