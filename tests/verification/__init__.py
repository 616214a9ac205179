"""Checks that each block has: the table of ``docs/verification.md``."""
