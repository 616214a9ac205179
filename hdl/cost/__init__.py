"""What blocks cost, in cells, bits and cycles; no part of the machine."""
