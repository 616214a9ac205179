"""Pictures, in Matplotlib."""
