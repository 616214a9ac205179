"""``allspin fit``: from measured curves to a device file."""

import argparse
import json
from pathlib import Path

from allspin.host.cli.decays import NOT_DESCRIBED, are_decays, fit_decays
from allspin.host.cli.options import (
    SHARED,
    add_options,
    add_shared,
    check_together,
    read_options,
)
from allspin.host.cli.parser import naming_options
from allspin.host.data.catalogue import operating_point
from allspin.host.data.files import check_writable
from allspin.host.draw.style import Look, save_picture
from allspin.host.fit.columns import BRANCHES, MISSING, ColumnNames, ReadOptions
from allspin.host.fit.fit import fit
from allspin.host.fit.goodness import METHODS
from allspin.host.fit.lookup import take_lookup_tables
from allspin.host.fit.quantities import quantity
from allspin.host.fit.result import REFERENCES, FitOptions, fit_table, readings
from allspin.host.fit.spread import DEVICE_CHOICES
from allspin.host.show.progress import Steps
from allspin.host.show.say import say, warn
from allspin.host.show.table import print_tables
from allspin.sim.device.device import Device
from allspin.sim.device.device_file import save_device, save_point
from allspin.sim.errors import UserError
from allspin.sim.synapse.pulse_changes import is_lookup_table
from allspin.sim.synapse.synapse import OCCASIONS

# The options of ``allspin fit``, and how they say files are read.


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
    add(
        "--d2d-reading",
        dest="reading",
        choices=DEVICE_CHOICES,
        help="reading of D2D (the one that explains most)",
    )
    add(
        "--meter-noise",
        dest="meter",
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
    add_options(parser, Look)
    _add_reading_arguments(parser)
    for what in ("pulse", "cycle", "device", "polarity", "current"):
        add(f"--{what}-column", dest=what, metavar="NAME", help=f"column of the {what}")
    add(
        "--resistance-column",
        dest="resistance",
        metavar="NAME",
        action="append",
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
    at = SHARED["--at"]["help"]
    add_shared(parser, "--at", help=f"with --base, {at}")
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
        help="rows to take, such as current=8 or current=8,-11 or field=90..110; may be repeated",
    )
    add(
        "--ignore-column",
        dest="ignored",
        metavar="NAME",
        action="append",
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


def _reading(arguments: argparse.Namespace) -> ReadOptions:
    """How the files are read."""
    with naming_options():
        current: str | None = arguments.read_current
        return read_options(
            arguments,
            ReadOptions,
            columns=read_options(arguments, ColumnNames),
            read_current=None if current is None else quantity(current, "A", "--read-current"),
        )


HELP = """\
Fit measured curves: R_AH of a synapse against pulse number, over any number of cycles and
devices, and R_AH of a neuron against current. Writes a device file with values, intervals and
readings, and beside it a picture of data, fit and residuals. From R_AH against time, at one or
more temperatures, it fits retention by thermal activation."""
EPILOG = """\
A file has a header with names and units, such as
device,cycle,polarity,pulse,R_AH (ohm) for a synapse or
device,cycle,current (mA),R_AH (ohm) for a neuron. See docs/formats.md. Two
lookup tables of CrossSim (dG_increasing.txt, dG_decreasing.txt) are taken
without a fit; each further pair is another device.

If the model does not describe a curve, the command says so, writes only the
picture, and ends with exit status 1. Then --table writes the measured table as
the device, and --force writes the model anyway.

examples:
  allspin fit pulses.csv neuron.csv -o mine.toml
  allspin fit device-*.csv --resistance-column Rxy -o mine.toml
  allspin fit dG_increasing.txt dG_decreasing.txt -o measured.toml
  allspin fit pulses.csv --where current=8,-11 --point current=8mA -o mine.toml
  allspin fit decay.csv --base mine.toml -o aged.toml
  allspin run paper-10 --device mine.toml --chip 1
"""


def _take_lookup_tables(arguments: argparse.Namespace, options: FitOptions, look: Look) -> int:
    """CrossSim's tables become a device without any fit."""
    output: Path = arguments.output
    taken = take_lookup_tables(arguments.files, options, arguments.base, arguments.at)
    pictures = save_picture(taken.picture(), output.parent, output.stem, look)
    _save(taken.device, arguments)
    if arguments.json:
        say(json.dumps(taken.to_dict(output, pictures)))
        return 0
    pulses, synapse = taken.pulses, taken.synapse
    devices = len(arguments.files) // 2
    say(
        f"{output}: lookup tables of {pulses[0]} and {pulses[1]} pulses between "
        f"{synapse.low:.3g} and {synapse.high:.3g} S, "
        + (f"the mean of {devices} devices." if devices > 1 else "taken as they are.")
    )
    for line in taken.device.readings():
        say(line)
    return 0


def _save(device: Device, arguments: argparse.Namespace) -> None:
    """Write the device file, or a point of it."""
    output: Path = arguments.output
    point = operating_point(arguments.point)
    if point is None:
        save_device(device, output)
        return
    lacking = save_point(device, output, point)
    if lacking is not None:
        warn(f"{output} has the point {point}, and is not complete yet: {lacking}")


def run(arguments: argparse.Namespace) -> int:
    """Read, fit, judge, write."""
    output: Path = arguments.output
    check_writable(output, regular=True)
    look = read_options(arguments, Look)
    operating_point(arguments.point)  # before anything is computed
    check_together(arguments)
    if not is_lookup_table(arguments.files[0]) and are_decays(arguments):
        return fit_decays(arguments, _reading(arguments))
    options = read_options(arguments, FitOptions, name=arguments.name or output.stem)
    reading = _reading(arguments)
    if is_lookup_table(arguments.files[0]):
        if reading != ReadOptions():
            raise UserError(
                f"{arguments.files[0]} is a lookup table, which is taken as it is; leave out what "
                "says how CSV files are read"
            )
        return _take_lookup_tables(arguments, options, look)
    with Steps() as steps, steps.waiting("fitting, and drawing the fit"):
        fitted = fit(arguments.files, options, reading, arguments.base, warn, at=arguments.at)
        device = fitted.device() if not fitted.complaints or arguments.force else None
        pictures = save_picture(fitted.picture(), output.parent, output.stem, look)
    for complaint in fitted.complaints:
        warn(f"the model does not describe {complaint}")
    if device is not None:
        _save(device, arguments)
    if arguments.json:
        say(json.dumps(fitted.to_dict(None if device is None else output, pictures)))
    elif device is not None:
        written = f"{output} and its picture are written."
        notes = [*readings(fitted, device, fitted.measurement.electrical), written]
        print_tables([fit_table(fitted, device)], notes)
    if device is None:
        warn(
            f"{output} is not written; see {pictures[0]}, and give --table for "
            "the measured table as the device, or --force for the model anyway"
        )
        return NOT_DESCRIBED
    return 0
