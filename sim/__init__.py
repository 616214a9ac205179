"""Number formats, device physics, network file and golden model: NumPy, safetensors, tomli-w."""

if __name__ != "allspin.sim":
    # Under a second name there would be a second copy of every class.
    raise ImportError(f"this is allspin.sim, not {__name__}")
