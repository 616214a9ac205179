"""The cells of a programmed chip as a table: to a probe station, and what it read back."""
