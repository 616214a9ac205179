"""Blocks between the crossbars of a network with feature maps: windows, pooling, flattening."""
