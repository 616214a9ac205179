"""Synapses: pulse responses, measured tables, and the values that pulse trains write."""
