"""Which checks each block has: the table of ``docs/verification.md``."""
