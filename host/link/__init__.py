"""The host's end of the link: frames, sparse images, and machines nobody need tell apart."""
