"""What runs a network: the golden model, or a machine behind a link."""
