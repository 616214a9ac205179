"""What the gateware is, shown to be the golden model: as a netlist, and in a simulator."""
