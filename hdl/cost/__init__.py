"""Costs of blocks in cells, bits and clock cycles; no part of the machine."""
