"""Training: real numbers first, then the machine's integers."""
