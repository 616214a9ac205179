"""Chips in gateware: R_AH words drawn as they are written, and noise of uses."""
