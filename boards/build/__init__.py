"""From a machine on a board to its bitstream, with Yosys and nextpnr."""
