"""``allspin fit``: from measured curves to a device file."""

import argparse
import json
from pathlib import Path

from allspin.host.cli.devices.decays import NOT_DESCRIBED, are_decays, fit_decays
from allspin.host.cli.devices.fit_arguments import add_arguments as add_arguments
from allspin.host.cli.devices.fit_arguments import read_options
from allspin.host.cli.options.names import naming_options
from allspin.host.cli.options.pictures import picture_options
from allspin.host.data.catalogue import operating_point
from allspin.host.data.files import check_writable
from allspin.host.show.pictures.style import Look, save_picture
from allspin.host.show.printing import print_tables
from allspin.host.show.progress import Steps
from allspin.host.show.say import say, warn
from allspin.host.study.fit.fit import fit
from allspin.host.study.fit.lookup import take_lookup_tables
from allspin.host.study.fit.options import FitOptions
from allspin.host.study.fit.reading.options import ReadOptions
from allspin.host.study.fit.table import fit_table, readings
from allspin.sim.device.device import Device
from allspin.sim.device.device_file import save_device, save_point
from allspin.sim.errors import UserError
from allspin.sim.pulses.lookup_table import is_lookup_table

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
    look = picture_options(arguments)
    operating_point(arguments.point)  # before anything is computed
    if arguments.at is not None and arguments.base is None:
        raise UserError("--at needs --base")
    if not is_lookup_table(arguments.files[0]) and are_decays(arguments):
        with naming_options():
            reading = read_options(arguments)
        return fit_decays(arguments, reading)
    with naming_options():
        options = FitOptions(
            name=arguments.name or output.stem,
            states=arguments.states,
            occasion=arguments.occasion,
            reading=arguments.d2d_reading,
            currents=arguments.currents and tuple(arguments.currents),
            table=arguments.table,
            keep_outliers=arguments.keep_outliers,
            meter=arguments.meter_noise,
            reference=arguments.reference,
        )
        reading = read_options(arguments)
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
        notes = [*readings(fitted.result, device, fitted.measurement.electrical), written]
        print_tables([fit_table(fitted.result, device)], notes)
    if device is None:
        warn(
            f"{output} is not written; see {pictures[0]}, and give --table for "
            "the measured table as the device, or --force for the model anyway"
        )
        return NOT_DESCRIBED
    return 0
