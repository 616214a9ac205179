"""``allspin fit``: from measured curves to a device file."""

import json
from collections.abc import Sequence
from typing import Any

from allspin.host.cli.options import (
    FAILED,
    SHARED,
    Arguments,
    Parser,
    add_options,
    add_shared,
    answer,
    naming_options,
    read_options,
)
from allspin.host.data.catalogue import operating_point
from allspin.host.data.files import check_writable
from allspin.host.draw.style import Look, save_picture
from allspin.host.fit.columns import BRANCHES, MISSING, ColumnNames, ReadOptions, is_decay
from allspin.host.fit.decay import DecayOptions, decay_lines, decay_picture, decay_table, fit_decay
from allspin.host.fit.fit import fit
from allspin.host.fit.goodness import METHODS
from allspin.host.fit.lookup import take_lookup_tables
from allspin.host.fit.quantities import quantity
from allspin.host.fit.result import REFERENCES, FitOptions, fit_table, readings
from allspin.host.fit.spread import DEVICE_CHOICES
from allspin.host.fit.tables import read_csv
from allspin.host.show.say import say, warn
from allspin.host.show.table import Table
from allspin.sim.device.device import Device
from allspin.sim.device.device_file import save_device, save_point
from allspin.sim.errors import UserError
from allspin.sim.synapse.pulse_changes import is_lookup_table
from allspin.sim.synapse.synapse import OCCASIONS


def add_arguments(parser: Parser) -> None:
    """Declare the command's options."""
    parser.add_argument("files", metavar="CSV", nargs="+", type="file", help="files of curves")
    add_shared(parser, "-o --output", metavar="DEVICE", required=True, help="device file to write")
    parser.add_argument("--name", help="the device's name (that of the file)")
    parser.add_argument(
        "--states",
        type=int,
        help="states that the synapse is used with, 2 to 128; no measured value depends on it (as "
        "many as pulses, at most 128; with lookup tables 100)",
    )
    parser.add_argument(
        "--table",
        action="store_true",
        help="make the synapse from the measured table, without a fit",
    )
    parser.add_argument(
        "--force", action="store_true", help="write a model that does not describe the data"
    )
    parser.add_argument(
        "--c2c-occasion",
        dest="occasion",
        choices=list(OCCASIONS),
        help="reading of C2C (the one that suits the data)",
    )
    parser.add_argument(
        "--d2d-reading",
        dest="reading",
        choices=DEVICE_CHOICES,
        help="reading of D2D (the one that explains most)",
    )
    parser.add_argument(
        "--meter-noise",
        dest="meter",
        choices=METHODS,
        help="how the meter's noise is told from C2C (by repeated reads of a pulse, else by "
        "plateaus that scatter less than the rest)",
    )
    parser.add_argument(
        "--reference",
        choices=REFERENCES,
        default=REFERENCES[0],
        help="reference of a conductance: a column of devices that vary, or an ideal one (column)",
    )
    parser.add_argument(
        "--currents",
        metavar=("LOW", "HIGH"),
        nargs=2,
        type=float,
        help="part of the neuron's curve, in mA (in the file's numbers if it names no unit)",
    )
    parser.add_argument(
        "--base",
        metavar="DEVICE",
        help="device whose values are used for what was not measured; without it these are "
        "left out, and energy is unknown. A decay's retention is added to it",
    )
    add_shared(parser, "--at", help=f"with --base, {SHARED['--at']['help']}")
    parser.add_argument(
        "--point",
        metavar="POINT",
        help="operating point of the measurement, such as current=8mA, added to the points of the "
        "device file",
    )
    parser.add_argument(
        "--attempt-time",
        metavar="TIME",
        help="attempt time of decays, such as 1ns (fitted to several temperatures, else 1ns)",
    )
    parser.add_argument(
        "--equilibrium",
        metavar="SHARE",
        type=float,
        default=0.0,
        help="what R_AH decays to: 0 is the middle of the range, -1 and 1 are its ends (0)",
    )
    add_options(parser, Look)
    parser.add_argument(
        "--where",
        metavar="COLUMN=VALUE",
        action="append",
        help="rows to take, such as current=8 or current=8,-11 or field=90..110; may be repeated",
    )
    parser.add_argument(
        "--ignore-column",
        dest="ignored",
        metavar="NAME",
        action="append",
        help="a column that may vary and is ignored; may be repeated",
    )
    parser.add_argument(
        "--branch", choices=BRANCHES, help="branch of a neuron's loop: current rising or falling"
    )
    parser.add_argument(
        "--turn",
        metavar="PULSE",
        type=float,
        help="pulse at which pulses of the other polarity begin (where R_AH turns)",
    )
    parser.add_argument(
        "--missing",
        metavar="SHARE",
        type=float,
        default=MISSING,
        help=f"share of a curve's values that may be missing ({MISSING})",
    )
    parser.add_argument(
        "--keep-outliers", action="store_true", help="fit outliers like any other points"
    )
    parser.add_argument(
        "--read-current", metavar="CURRENT", help="with Hall voltages, such as 0.1mA"
    )
    for what in ("pulse", "cycle", "device", "polarity", "current"):
        parser.add_argument(
            f"--{what}-column", dest=what, metavar="NAME", help=f"column of the {what}"
        )
    parser.add_argument(
        "--resistance-column",
        dest="resistance",
        metavar="NAME",
        action="append",
        help="column of R_AH; given several times, as many cycles",
    )
    add_shared(parser, "--json")


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


NOT_FOR_DECAYS = ("states", "table", "occasion", "reading", "meter", "currents", "point")
"""Options that say nothing of decays."""


def run(arguments: Arguments) -> int:
    """Read, fit, judge, write."""
    files, output = arguments.files, arguments.output
    check_writable(output, regular=True)
    look = read_options(arguments, Look)
    operating_point(arguments.point)  # before anything is computed
    tables = is_lookup_table(files[0])
    decays = not tables and _are_decays(arguments)
    with naming_options():
        current: str | None = arguments.read_current
        reading = read_options(
            arguments,
            ReadOptions,
            columns=read_options(arguments, ColumnNames),
            read_current=None if current is None else quantity(current, "A", "--read-current"),
        )
    if decays:
        return _fit_decays(arguments, reading, look)
    options = read_options(arguments, FitOptions, name=arguments.name or output.stem)
    if tables:
        if reading != ReadOptions():
            raise UserError(
                f"{files[0]} is a lookup table, which is taken as it is; leave out what "
                "says how CSV files are read"
            )
        return _take_lookup_tables(arguments, options, look)
    steps = arguments.steps
    with steps.waiting("fitting, and drawing the fit"):
        fitted = fit(files, options, reading, arguments.base, warn, at=arguments.at)
        device = fitted.device() if not fitted.complaints or arguments.force else None
        pictures = save_picture(fitted.picture(), output.parent, output.stem, look)
    found = None if device is None else output
    shown: list[Table] = []
    notes: list[str] = []
    if device is not None:
        shown = [fit_table(fitted, device)]
        notes = [*readings(fitted, device, fitted.measurement.electrical)]
    advice = "give --table for the measured table as the device, or --force for the model anyway"
    record = fitted.to_dict(found, pictures)
    return _finish(arguments, device, fitted.complaints, record, shown, notes, advice)


def _finish(
    arguments: Arguments,
    device: Device | None,
    complaints: Sequence[str],
    record: dict[str, Any],
    tables: Sequence[Table],
    notes: Sequence[str],
    advice: str,
) -> int:
    """Write and print what was fitted; without a device, say why there is none."""
    for complaint in complaints:
        warn(f"the model does not describe {complaint}")
    if device is not None:
        _save(device, arguments)
        notes = [*notes, f"{arguments.output} and its picture are written."]
    if device is not None or arguments.json:
        answer(arguments, record, tables, notes)
    if device is not None:
        return 0
    warn(f"{arguments.output} is not written; see {record['pictures'][0]}, and {advice}")
    return FAILED


def _take_lookup_tables(arguments: Arguments, options: FitOptions, look: Look) -> int:
    """CrossSim's tables become a device without any fit."""
    output = arguments.output
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


def _save(device: Device, arguments: Arguments) -> None:
    """Write the device file, or a point of it."""
    output = arguments.output
    point = operating_point(arguments.point)
    if point is None:
        save_device(device, output)
    elif (lacking := save_point(device, output, point)) is not None:
        warn(f"{output} has the point {point}, and is not complete yet: {lacking}")


def _are_decays(arguments: Arguments) -> bool:
    """Whether the files are decays, that is R_AH against time.

    Raises
    ------
    UserError
        If some are and others are not, or an option is for the other kind.
    """
    found = [is_decay(read_csv(path)) for path in arguments.files]
    if not any(found):
        if arguments.attempt_time is not None or arguments.equilibrium:
            raise UserError("--attempt-time and --equilibrium are for decays")
        return False
    path = arguments.files[found.index(True)]
    if not all(found):
        raise UserError(
            f"{path} is a decay and other files are none; fit the device first, then its decays "
            "with --base"
        )
    if arguments.base is None:
        raise UserError(
            f"{path} is a decay, whose retention is added to a device; name that with --base DEVICE"
        )
    for name in NOT_FOR_DECAYS:
        if getattr(arguments, name) not in (None, False):
            raise UserError(f"`{name}` is for pulse curves and neurons, not for decays")
    return True


def _fit_decays(arguments: Arguments, reading: ReadOptions, look: Look) -> int:
    """Fit decays, which add retention to a device."""
    output = arguments.output
    attempt: str | None = arguments.attempt_time
    with naming_options():
        seconds = None if attempt is None else quantity(attempt, "s", "--attempt-time")
    options = read_options(arguments, DecayOptions, attempt_time=seconds)
    arguments.steps.start("fitting decays")
    fitted = fit_decay(arguments.files, arguments.base, options, reading, arguments.at, warn)
    arguments.steps.finish()
    device = fitted.device() if not fitted.complaints or arguments.force else None
    pictures = save_picture(decay_picture(fitted), output.parent, output.stem, look)
    if outliers := fitted.outliers():
        warn(
            f"{len(outliers)} points are set aside as outliers, the first: {outliers[0]} "
            "(--keep-outliers keeps them)"
        )
    record = fitted.to_dict(None if device is None else output, pictures)
    shown, notes = [decay_table(fitted)], decay_lines(fitted)
    advice = "give --force to write it anyway"
    return _finish(arguments, device, fitted.complaints, record, shown, notes, advice)
