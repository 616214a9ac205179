"""Bitstreams built: one board, or several at a time."""
