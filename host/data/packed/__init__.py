"""Files that others packed, unpacked within limits: gzip, and NumPy's arrays and archives."""
