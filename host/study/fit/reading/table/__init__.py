"""A table in a text file: its lines, what their cells say, and which of them is the header."""
