"""The options of ``allspin fit``, and how they say files are read."""

import argparse
from pathlib import Path

from allspin.host.cli.options.pictures import add_picture_arguments
from allspin.host.cli.options.point import add_point_argument
from allspin.host.study.fit.model.meter import METHODS
from allspin.host.study.fit.model.spread import DEVICE_CHOICES
from allspin.host.study.fit.options import REFERENCES
from allspin.host.study.fit.reading.options import BRANCHES, MISSING, ColumnNames, ReadOptions
from allspin.host.study.fit.reading.table.units import quantity
from allspin.sim.device.synapse.variation import OCCASIONS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("files", metavar="CSV", nargs="+", type=Path, help="files of curves")
    add("-o", "--output", metavar="DEVICE", type=Path, required=True, help="device file to write")
    add("--name", help="the device's name (that of the file)")
    add(
        "--states",
        type=int,
        help="states that the synapse is used with, 2 to 128; no measured value depends on it (as "
        "many as pulses, at most 128; with lookup tables 100)",
    )
    add(
        "--table",
        action="store_true",
        help="make the synapse from the measured table, without a fit",
    )
    add("--force", action="store_true", help="write a model that does not describe the data")
    add(
        "--c2c-occasion",
        dest="occasion",
        choices=list(OCCASIONS),
        help="reading of C2C (the one that suits the data)",
    )
    add("--d2d-reading", choices=DEVICE_CHOICES, help="reading of D2D (the one that explains most)")
    add(
        "--meter-noise",
        choices=METHODS,
        help="how the meter's noise is told from C2C (by repeated reads of a pulse, else by "
        "plateaus that scatter less than the rest)",
    )
    add(
        "--reference",
        choices=REFERENCES,
        default=REFERENCES[0],
        help="reference of a conductance: a column of devices that vary, or an ideal one (column)",
    )
    add(
        "--currents",
        metavar=("LOW", "HIGH"),
        nargs=2,
        type=float,
        help="part of the neuron's curve, in mA (in the file's numbers if it names no unit)",
    )
    _add_base_arguments(parser)
    add_picture_arguments(parser)
    _add_reading_arguments(parser)
    for what in ("pulse", "cycle", "device", "polarity", "current"):
        add(f"--{what}-column", metavar="NAME", help=f"column of the {what}")
    add(
        "--resistance-column",
        metavar="NAME",
        action="append",
        default=[],
        help="column of R_AH; given several times, as many cycles",
    )
    add("--json", action="store_true", help="print the result as one JSON object")


def _add_base_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the device is made of beside the data, and where it was measured."""
    add = parser.add_argument
    add(
        "--base",
        metavar="DEVICE",
        help="device whose values are used for what was not measured; without it these are "
        "left out, and energy is unknown. A decay's retention is added to it",
    )
    add_point_argument(parser, "with --base, ")
    add(
        "--point",
        metavar="POINT",
        help="operating point of the measurement, such as current=8mA, added to the points of the "
        "device file",
    )
    add(
        "--attempt-time",
        metavar="TIME",
        help="attempt time of decays, such as 1ns (fitted to several temperatures, else 1ns)",
    )
    add(
        "--equilibrium",
        metavar="SHARE",
        type=float,
        default=0.0,
        help="what R_AH decays to: 0 is the middle of the range, -1 and 1 are its ends (0)",
    )


def _add_reading_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how files are read."""
    add = parser.add_argument
    add(
        "--where",
        metavar="COLUMN=VALUE",
        action="append",
        default=[],
        help="rows to take, such as current=8 or current=8,-11 or field=90..110; may be repeated",
    )
    add(
        "--ignore-column",
        metavar="NAME",
        action="append",
        default=[],
        help="a column that may vary and is ignored; may be repeated",
    )
    add("--branch", choices=BRANCHES, help="branch of a neuron's loop: current rising or falling")
    add(
        "--turn",
        metavar="PULSE",
        type=float,
        help="pulse at which pulses of the other polarity begin (where R_AH turns)",
    )
    add(
        "--missing",
        metavar="SHARE",
        type=float,
        default=MISSING,
        help=f"share of a curve's values that may be missing ({MISSING})",
    )
    add("--keep-outliers", action="store_true", help="fit outliers like any other points")
    add("--read-current", metavar="CURRENT", help="with Hall voltages, such as 0.1mA")


def read_options(arguments: argparse.Namespace) -> ReadOptions:
    """How the files are read."""
    current: str | None = arguments.read_current
    return ReadOptions(
        columns=ColumnNames(
            pulse=arguments.pulse_column,
            resistance=tuple(arguments.resistance_column),
            cycle=arguments.cycle_column,
            device=arguments.device_column,
            polarity=arguments.polarity_column,
            current=arguments.current_column,
        ),
        where=tuple(arguments.where),
        ignored=tuple(arguments.ignore_column),
        branch=arguments.branch,
        turn=arguments.turn,
        missing=arguments.missing,
        read_current=None if current is None else quantity(current, "A", "--read-current"),
    )
