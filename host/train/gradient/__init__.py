"""The network that is trained, and its passes forward and back, through machine and chips."""
