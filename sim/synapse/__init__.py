"""Synapses: pulse responses, measured tables, and what trains of pulses write."""
