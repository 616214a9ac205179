"""A stream of bytes to a device, and a session over it that may lose or damage any of them."""
