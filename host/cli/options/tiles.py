"""The options that cut a network's columns into tiles."""

import argparse

from allspin.host.cli.options.names import naming_options
from allspin.sim.network.tiling import Tiles

TILE_ROWS = "with columns cut into tiles of N rows, a power of two (the network's own)"
"""What ``--tile-rows`` says."""
ADC_BITS = "with --tile-rows, bits of a tile's converters, 2 to 24"
"""What ``--adc-bits`` says."""


def add_tile_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare ``--tile-rows`` and ``--adc-bits``."""
    parser.add_argument("--tile-rows", metavar="N", type=int, help=TILE_ROWS)
    parser.add_argument("--adc-bits", metavar="N", type=int, help=ADC_BITS)


def tile_options(arguments: argparse.Namespace) -> Tiles | None:
    """The tiles that were asked for, if any.

    Raises
    ------
    UserError
        If a value is outside its range, or one of the two is missing.
    """
    with naming_options():
        return Tiles.asked(arguments.tile_rows, arguments.adc_bits)
