"""What the cells of a chip hold: writes, decay, stuck cells, and an array under pulses."""
