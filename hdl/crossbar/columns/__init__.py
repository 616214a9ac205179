"""Columns: what a beat adds to each lane, and when the sums leave."""
