"""Synapses: every kind, how pulses move R_AH, and how devices and cycles differ."""
