"""Cost models: standard cells, spin devices, and the circuits around both."""
