"""One chapter for each of the paper's subjects."""
