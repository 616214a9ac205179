"""Resident images: kept on the board, run and judged there."""
