"""Ways to bring cells to their states, with pulses: open loop, by trains, write-verify."""
