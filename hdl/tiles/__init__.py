"""Columns that are cut into tiles of rows: where a tile ends, and what converts its sums."""
