"""One device: a synapse's R_AH by pulses, a neuron's by current, and how each varies."""
