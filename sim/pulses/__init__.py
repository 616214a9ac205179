"""What pulses and writes leave, as distributions: Markov chains, and normal laws to draw from."""
