"""The options that make ``allspin run`` run on a chip."""

import argparse

from allspin.host.cli.options.point import add_point_argument
from allspin.host.study.running.chip_options import PAPER, ChipOptions
from allspin.sim.errors import UserError
from allspin.sim.programming.schemes import DEFAULT_BAND, POLARITIES, SCHEMES


def add_programming_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that say how a chip is programmed."""
    add = parser.add_argument
    add(
        "--polarity",
        metavar="NAME",
        help=f"polarity of the pulse trains: {', '.join(POLARITIES)} (quieter)",
    )
    add(
        "--tries",
        metavar="N",
        type=int,
        help="writes of a cell that write-verify may take (8 up to 16 states, else 32)",
    )
    add(
        "--band",
        metavar="SHARE",
        type=float,
        help="how far from its level write-verify lets a cell be, as a fraction of the range "
        f"({DEFAULT_BAND:g})",
    )


def add_chip_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of a chip."""
    add = parser.add_argument
    add("--chip", metavar="SEED", type=int, help="run on this chip (the ideal one)")
    add(
        "--device",
        metavar="DEVICE",
        help=f"device file of the chip, or the name of one that ships ({PAPER})",
    )
    add_point_argument(parser)
    add(
        "--program",
        dest="scheme",
        metavar="SCHEME",
        help=f"how the chip is programmed: {', '.join(SCHEMES)} (open-loop)",
    )
    add_programming_arguments(parser)
    add("--calibrate", action="store_true", help="calibrate the thresholds of the chip's neurons")


def chip_options(arguments: argparse.Namespace) -> ChipOptions | None:
    """The chip that was asked for, if one was.

    Raises
    ------
    UserError
        If an option is wrong or does not go with the others.
    """
    if arguments.chip is None:
        for name in ("device", "at", "scheme", "polarity", "tries", "band", "calibrate"):
            if getattr(arguments, name) not in (None, False):
                raise UserError(f"`{name}` needs --chip SEED")
        return None
    return ChipOptions(
        arguments.chip,
        device=arguments.device or PAPER,
        scheme=arguments.scheme or "open-loop",
        polarity=arguments.polarity or "quieter",
        tries=arguments.tries,
        band=arguments.band,
        calibrate=arguments.calibrate,
        at=arguments.at,
    )
