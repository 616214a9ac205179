"""Number formats, device physics, network image and golden model (NumPy only)."""
