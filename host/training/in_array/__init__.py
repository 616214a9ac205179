"""Training in the array: a network learns by pulses on device models, the paper's way."""
