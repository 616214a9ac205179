"""The options that make ``allspin run`` run on a chip, and ``allspin export`` program one."""

import argparse
from pathlib import Path

from allspin.host.cli.options.point import add_point_argument
from allspin.host.study.running.chip_options import PAPER, ChipOptions, ProbedChipOptions
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


def add_scheme_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the scheme of programming, and what belongs to it."""
    add = parser.add_argument
    add(
        "--program",
        dest="scheme",
        metavar="SCHEME",
        help=f"how the chip is programmed: {', '.join(SCHEMES)} (open-loop)",
    )
    add_programming_arguments(parser)


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
    add_scheme_arguments(parser)
    add("--calibrate", action="store_true", help="calibrate the thresholds of the chip's neurons")
    add(
        "--measured",
        metavar="CELLS",
        type=Path,
        help="cells as a probe station read them, CSV or .npz; neurons are the mean one, or "
        "those of --chip",
    )
    add_missing_argument(parser)


def add_missing_argument(parser: argparse.ArgumentParser) -> None:
    """Declare how many measured cells may be missing."""
    parser.add_argument(
        "--missing",
        metavar="SHARE",
        type=float,
        help="with --measured, share of the cells that may be missing or open; a Hall arm "
        "that is open adds nothing to its column (0)",
    )


def chip_options(arguments: argparse.Namespace) -> ChipOptions | ProbedChipOptions | None:
    """The chip that was asked for, if one was.

    Raises
    ------
    UserError
        If an option is wrong or does not go with the others.
    """
    if arguments.measured is not None:
        return _probed(arguments)
    if arguments.missing is not None:
        raise UserError("`missing` needs --measured CELLS")
    if arguments.chip is None:
        for name in ("device", "at", "scheme", "polarity", "tries", "band", "calibrate"):
            if getattr(arguments, name) not in (None, False):
                raise UserError(f"`{name}` needs --chip SEED")
        return None
    return programmed_chip(arguments, calibrate=arguments.calibrate)


def _probed(arguments: argparse.Namespace) -> ProbedChipOptions:
    """A chip whose cells were read back: how it was programmed is the probe station's business."""
    for name in ("scheme", "polarity", "tries", "band"):
        if getattr(arguments, name) is not None:
            raise UserError(f"`{name}` is for a chip that is programmed here, not for --measured")
    if arguments.calibrate and arguments.chip is None:
        raise UserError("`calibrate` needs --chip SEED: the mean neuron needs no calibration")
    return ProbedChipOptions(
        arguments.measured,
        device=arguments.device or PAPER,
        at=arguments.at,
        seed=arguments.chip,
        missing=arguments.missing or 0.0,
        calibrate=arguments.calibrate,
    )


def programmed_chip(arguments: argparse.Namespace, calibrate: bool = False) -> ChipOptions:
    """The chip of some seed and scheme.

    Raises
    ------
    UserError
        If an option is wrong or does not go with the others.
    """
    return ChipOptions(
        arguments.chip,
        device=arguments.device or PAPER,
        scheme=arguments.scheme or "open-loop",
        polarity=arguments.polarity or "quieter",
        tries=arguments.tries,
        band=arguments.band,
        calibrate=calibrate,
        at=arguments.at,
    )
