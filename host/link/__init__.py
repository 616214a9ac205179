"""The host's end of the link: frames, sparse images, and devices that it does not know apart."""
