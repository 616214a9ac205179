"""Training: in floats, through quantisation and variation, and in the array."""
