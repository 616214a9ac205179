"""The live page: draw a digit, and watch a machine work on it."""
