"""Learning in the array: pulses on devices, the learning rule, and the network that results."""
