"""What lies between the crossbars of a network with feature maps."""
