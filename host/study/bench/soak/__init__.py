"""A soak: hours of random work on a virtual board over a bad wire, each result compared."""
