"""The neurons that are compared: spin devices, CMOS neurons in cells, digital columns."""
