"""``allspin fit``: from measured curves to a device file."""

from pathlib import Path

from allspin.host.cli.options import (
    FAILED,
    SHARED,
    Arguments,
    Parser,
    add_options,
    add_shared,
    answer,
    read_options,
)
from allspin.host.data.catalogue import operating_point
from allspin.host.data.files import check_writable
from allspin.host.draw.picture_style import PictureStyle
from allspin.host.fit.decay import FittedDecay, fit_decay
from allspin.host.fit.explain import HEADS, columns_table
from allspin.host.fit.fitted import Fitted
from allspin.host.fit.fitting import fit
from allspin.host.fit.lookup import LookupDevice, take_lookup_tables
from allspin.host.fit.options import DecayOptions, FitOptions
from allspin.host.fit.switching import FittedSwitching, fit_switching, is_switching
from allspin.host.lab.column_map import is_decay
from allspin.host.lab.reading import ColumnNames, ReadOptions
from allspin.host.lab.tables import CsvFile, read_csv
from allspin.host.show.say import warn
from allspin.host.show.terminal import print_tables
from allspin.sim.device.device_file import save_device, save_point
from allspin.sim.errors import UserError
from allspin.sim.synapse.lookup_table import is_lookup_table
from allspin.sim.systems import MissingPackage, naming_extras


def add_arguments(parser: Parser) -> None:
    """Declare the command's options."""
    parser.add_argument("files", metavar="CSV", nargs="+", type="file", help="files of curves")
    add_shared(parser, "-o --output", metavar="DEVICE", help="device file to write")
    parser.add_argument(
        "--explain",
        action="store_true",
        help="also print which column was taken for what and why, and which curves; without -o "
        "nothing is written",
    )
    add_options(parser, FitOptions)
    parser.add_argument(
        "--force", action="store_true", help="write a model that does not describe the data"
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
    for kind in (DecayOptions, ReadOptions, ColumnNames):
        add_options(parser, kind)
    add_shared(parser, "--style", "--json")


HELP = """\
Fit measured curves: R_AH of a synapse against pulse number, over any number of cycles and
devices, and R_AH of a neuron against current. Writes a device file with values, intervals and
readings, and beside it a picture of data, fit and residuals. From R_AH against time, at one or
more temperatures, it fits retention by thermal activation; from probabilities or counts of
switching against current, a neuron that switches by chance."""
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
  allspin fit --explain pulses.csv
  allspin fit device-*.csv --resistance-column Rxy -o mine.toml
  allspin fit dG_increasing.txt dG_decreasing.txt -o measured.toml
  allspin fit pulses.csv --where current=8,-11 --point current=8mA -o mine.toml
  allspin fit decay.csv --base mine.toml -o aged.toml
  allspin fit switching.csv --base mine.toml -o chance.toml
  allspin run paper-10 --device mine.toml --chip 1
"""


NOT_FOR_DECAYS = ("states", "table", "occasion", "reading", "meter", "currents", "point")
"""Options that say nothing of decays."""


def run(arguments: Arguments) -> int:
    """Read, fit, judge, write."""
    output, pictures = arguments.output, []
    if output is not None:
        check_writable(output, regular=True)
    elif not arguments.explain:
        raise UserError("give -o DEVICE, or --explain to see how the files are read")
    look = PictureStyle.open(arguments.style or "screen")
    point = operating_point(arguments.point)
    reading = read_options(arguments, ReadOptions)
    explained = [columns_table(arguments.files, reading.columns)] if arguments.explain else []
    if explained and not arguments.json:
        # At once, since it also tells why a file is refused.
        print_tables(explained)
    with arguments.steps.waiting("fitting, and drawing the fit"):
        fitted = _fit(arguments, reading)
        device = fitted.device() if arguments.force or not fitted.complaints else None
        if output is not None:
            pictures = _draw(fitted, output, look)
    for complaint in fitted.complaints:
        warn(f"the model does not describe {complaint}")
    tables = [fitted.explained()] if explained else []
    record = fitted.to_dict(None if device is None else output, pictures) | {
        table.title: [dict(zip(HEADS[table.title], row, strict=True)) for row in table.rows]
        for table in explained + tables
    }
    if device is None:
        if arguments.json or tables:
            answer(arguments, record, tables)
        seen = f"see {pictures[0]}, and " if pictures else ""
        warn(
            f"{output or 'a device'} is not written; {seen}give --table for the measured table of "
            "pulse curves as the device, or --force for the model anyway"
        )
        return FAILED
    notes = fitted.notes(device)
    if output is not None:
        notes.append(f"{output} {'and its picture are' if pictures else 'is'} written.")
        if point is None:
            save_device(device, output)
        elif (lacking := save_point(device, output, point)) is not None:
            warn(f"{output} has the point {point}, and is not complete yet: {lacking}")
    answer(arguments, record, tables + fitted.tables(device), notes)
    return 0


Fit = Fitted | FittedDecay | FittedSwitching | LookupDevice


def _draw(fitted: Fit, output: Path, look: PictureStyle) -> list[Path]:
    """The picture's files; a fit without what draws it is a fit all the same."""
    try:
        with naming_extras():
            from allspin.host.draw.picture_files import save_picture

            return save_picture(fitted.plot(), output.parent, output.stem, look)
    except MissingPackage as error:
        warn(f"there is no picture: {error}")
        return []


def _fit(arguments: Arguments, reading: ReadOptions) -> Fit:
    """What is made of the files: by a fit of curves or decays, or of lookup tables without one."""
    files, base, at = arguments.files, arguments.base, arguments.at
    tables = is_lookup_table(files[0])
    read = [] if tables else [read_csv(path) for path in files]
    if not tables and _are_decays(arguments, read, reading.columns):
        return fit_decay(
            files,
            base,
            read_options(arguments, DecayOptions),
            reading,
            at,
            progress=arguments.steps,
        )
    name = arguments.name or (arguments.output or files[0]).stem
    options = read_options(arguments, FitOptions, name=name)
    if tables:
        return take_lookup_tables(files, options, reading, base, at)
    if any(is_switching(file, reading.columns) for file in read):
        if base is None:
            raise UserError(
                "of switching probabilities a neuron is made: give `base`, the device that it is "
                "put into"
            )
        return fit_switching(files, base, options, reading, at, progress=arguments.steps)
    return fit(files, options, reading, base, at=at, progress=arguments.steps)


def _are_decays(arguments: Arguments, files: list[CsvFile], names: ColumnNames) -> bool:
    """Whether the files are decays, that is R_AH against time.

    Raises
    ------
    UserError
        If some are and others are not, or an option is for the other kind.
    """
    found = [is_decay(file, names) for file in files]
    if not any(found):
        if arguments.attempt_time is not None or arguments.equilibrium:
            raise UserError("--attempt-time and --equilibrium are for decays")
        return False
    path = arguments.files[found.index(True)]
    if not all(found) or arguments.base is None:
        raise UserError(
            f"{path} is a decay, whose retention is added to a device; fit that first, then give "
            "decays alone, with --base DEVICE"
        )
    for name in NOT_FOR_DECAYS:
        if getattr(arguments, name) not in (None, False):
            raise UserError(f"`{name}` is for pulse curves and neurons, not for decays")
    return True
