"""Memories of R_AH words, and the way of a word to its cell."""
