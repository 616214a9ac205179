"""Number formats, device physics, network image and golden model (NumPy only)."""

if __name__ != "allspin.sim":
    # Under a second name there would be a second copy of every class.
    raise ImportError(f"this is allspin.sim, not {__name__}")
