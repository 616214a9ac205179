"""Engine behind buses of other designs: AXI-Stream for images, Wishbone for the rest."""
