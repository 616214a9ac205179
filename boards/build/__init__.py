"""Build of a bitstream from a machine on a board, with Yosys and nextpnr."""
