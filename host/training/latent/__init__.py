"""A network in training: latent weights, number formats, passes forward and back, the optimiser."""
