"""The parameters of an engine: of a network, a hardware profile, and the kind of FPGA."""
