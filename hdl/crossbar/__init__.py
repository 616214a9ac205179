"""Rows drive, columns sum: crossbars, memories of cells, and the way of a word to its cell."""
