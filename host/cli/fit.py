"""``allspin fit``: from measured curves to a device file."""

import argparse
import json
import math
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from allspin.host.data.catalogue import open_device
from allspin.host.data.files import check_writable
from allspin.host.show.pictures.style import save_picture
from allspin.host.show.say import say, warn
from allspin.host.show.terminal import Terminal
from allspin.host.study.fit.device import FitOptions, FitResult, fit_all, make_device, report
from allspin.host.study.fit.measurement import ColumnNames, read_measurement
from allspin.host.study.fit.picture import fit_picture
from allspin.host.study.fit.spread import DEVICE_CHOICES
from allspin.sim.device.device import Device
from allspin.sim.device.device_file import save_device
from allspin.sim.device.response import Polarity
from allspin.sim.device.synapse_variation import DEVICE_READINGS, OCCASIONS
from allspin.sim.device.table_device import is_lookup_table, load_lookup_tables
from allspin.sim.errors import UserError
from allspin.sim.network.levels import MAX_STATES, MIN_STATES

NAME = "fit"
HELP = """\
Fit measured curves: R_AH against pulse number, over any number of cycles and devices, and R_AH
against current of a neuron. Writes a device file with values, intervals and readings, and
beside it a picture of data, fit and residuals."""
EPILOG = """\
A file has a header with names and units, such as device,cycle,polarity,pulse,R_AH (ohm) for a
synapse or device,cycle,current (mA),R_AH (ohm) for a neuron. See docs/formats.md. Two lookup
tables of CrossSim (dG_increasing.txt, dG_decreasing.txt) are taken as they are.

A curve that the model does not describe is said to be so, with exit status 1, and nothing is
written but the picture: --table then makes the device of the measured table itself, --force
of the model in spite of it.

examples:
  allspin fit pulses.csv neuron.csv -o mine.toml
  allspin fit device-*.csv --resistance-column Rxy -o mine.toml
  allspin fit dG_increasing.txt dG_decreasing.txt -o measured.toml
  allspin run paper-10 --device mine.toml --chip 1
"""

NOT_DESCRIBED = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("files", metavar="CSV", nargs="+", type=Path, help="files of curves")
    add("-o", "--output", metavar="DEVICE", type=Path, required=True, help="device file to write")
    add("--name", help="the device's name (that of the file)")
    add("--states", type=int, help="states of the synapse, 2 to 128 (as many as pulses)")
    add("--table", action="store_true", help="make the synapse of the measured table, without fit")
    add("--force", action="store_true", help="write a model that does not describe the data")
    add("--c2c-occasion", choices=list(OCCASIONS), help="reading of C2C (what the data say)")
    add("--d2d-reading", choices=DEVICE_CHOICES, help="reading of D2D (what explains most)")
    add(
        "--currents",
        metavar=("LOW", "HIGH"),
        nargs=2,
        type=float,
        help="part of the neuron's curve, in mA (in the file's numbers if it names no unit)",
    )
    add(
        "--base",
        metavar="DEVICE",
        default="paper",
        help="stands in for what was not measured (paper)",
    )
    for what in ("pulse", "cycle", "device", "polarity", "current"):
        add(f"--{what}-column", metavar="NAME", help=f"column of the {what}")
    add(
        "--resistance-column",
        metavar="NAME",
        action="append",
        default=[],
        help="column of R_AH; several are as many cycles",
    )
    add("--json", action="store_true", help="print the result as one JSON object")


def _options(arguments: argparse.Namespace, current_unit: str) -> FitOptions:
    if arguments.states is not None and not MIN_STATES <= arguments.states <= MAX_STATES:
        raise UserError(
            f"--states must be from {MIN_STATES} to {MAX_STATES}, not {arguments.states}"
        )
    currents = None
    if arguments.currents is not None:
        low, high = arguments.currents
        if not 0 <= low < high < math.inf:
            raise UserError("--currents takes a lower and a higher magnitude, such as 2 12")
        factor = 1e-3 if current_unit == "A" else 1.0
        currents = (low * factor, high * factor)
    name = arguments.name or arguments.output.stem
    if not name.strip() or not name.isprintable():
        raise UserError("--name must be a word or line of text")
    return FitOptions(
        name=name,
        states=arguments.states,
        occasion=arguments.c2c_occasion,
        reading=arguments.d2d_reading,
        currents=currents,
        table=arguments.table,
    )


def _shown(one: dict[str, float]) -> str:
    value, low, high = (f"{one[key]:.4g}" for key in ("value", "low", "high"))
    return f"{value}  ({low} to {high})"


def _add_fitted(table: Table, whole: dict[str, Any], result: FitResult) -> None:
    """Rows of the fitted polarities."""
    for name in ("potentiation", "depression"):
        part: dict[str, Any] | None = whole.get(name)
        if part is None:
            continue
        table.add_section()
        table.add_row(Text(name, style="bold"), "", "")
        table.add_row("A", _shown(part["A"]), "pulses")
        table.add_row("P_max", str(part["P_max"]), "pulses")
        for key in ("R_min", "R_max"):
            table.add_row(key, _shown(part[key]), result.unit)
        table.add_row("C2C", _shown(part["c2c"][result.occasion]), "of the range")
        if part["d2d"]:
            table.add_row("D2D", _shown(part["d2d"][result.reading]), "see below")
        else:
            table.add_row("D2D", "one device: not known", "")
        _add_goodness(table, part)


def _add_neuron(table: Table, neuron: dict[str, Any], result: FitResult) -> None:
    """Rows of the fitted neuron."""
    table.add_section()
    table.add_row(Text("neuron", style="bold"), "", "")
    factor, current = (1e3, "mA") if result.current_unit == "A" else (1.0, result.current_unit)
    for key, label, unit, scale in (
        ("threshold", "threshold", current, factor),
        ("slope", "slope", f"{result.unit}/{current}", 1 / factor),
        ("height", "height", result.unit, 1.0),
        ("use", "C2C", "of R_AH's range", 1.0),
        ("gain", "D2D of slope", "of the slope", 1.0),
        ("threshold_spread", "D2D of threshold", "of full current", 1.0),
    ):
        if key in neuron:
            scaled = {edge: value * scale for edge, value in neuron[key].items()}
            table.add_row(label, _shown(scaled), unit)
    if "gain" not in neuron:
        table.add_row("D2D", "one device: not known", "")
    _add_goodness(table, neuron)


def _add_goodness(table: Table, part: dict[str, Any]) -> None:
    goodness = part["goodness"]
    table.add_row("R^2", f"{goodness['r_squared']:.5f}", "")
    table.add_row("runs test, chance", f"{goodness['runs_chance']:.2g}", "")


def _print_table(result: FitResult, device: Device, path: Path) -> None:
    table = Table(title=f"Device {device.name}: values and 95 % intervals")
    for heading in ("", "value", "unit"):
        table.add_column(heading, overflow="fold")
    whole = report(result)
    measured = {polarity: device.synapse.figures(polarity, result.unit) for polarity in Polarity}
    for polarity, rows in measured.items():
        if rows:
            table.add_section()
            table.add_row(Text(f"{polarity.name.lower()} (table)", style="bold"), "", "")
            for row in rows:
                table.add_row(*row)
    if not any(measured.values()):
        _add_fitted(table, whole, result)
    if "neuron" in whole:
        _add_neuron(table, whole["neuron"], result)
    Terminal().print(table)
    if result.polarities and not any(measured.values()):
        say(f"C2C is read as drawn {OCCASIONS[result.occasion]}.")
        if result.reading:
            say(f"D2D is read as {DEVICE_READINGS[result.reading]}.")
    say(f"{path} and its picture are written.")


def _take_lookup_tables(arguments: argparse.Namespace) -> int:
    """CrossSim's tables become a device without any fit."""
    base = open_device(arguments.base)
    synapse = load_lookup_tables(arguments.files, arguments.states or 100)
    device = Device(
        name=arguments.name or arguments.output.stem,
        synapse=synapse,
        neuron=base.neuron,
        neuron_variation=base.neuron_variation,
        electrical=base.electrical,
        unit="siemens",
        source={
            "method": "lookup tables of CrossSim",
            "files": [path.name for path in arguments.files],
            "neuron": f"not measured: that of {base.name}",
        },
    )
    save_device(device, arguments.output)
    pulses = [synapse.response(polarity).resistance.size - 1 for polarity in Polarity]
    if arguments.json:
        say(json.dumps({"device": str(arguments.output), "kind": "table", "pulses": pulses}))
    else:
        say(
            f"{arguments.output}: lookup tables of {pulses[0]} and {pulses[1]} pulses between "
            f"{synapse.low:.3g} and {synapse.high:.3g} S, taken as they are."
        )
    return 0


def run(arguments: argparse.Namespace) -> int:
    """Read, fit, judge, write."""
    check_writable(arguments.output, regular=True)
    if is_lookup_table(arguments.files[0]):
        return _take_lookup_tables(arguments)
    base = open_device(arguments.base)
    measurement = read_measurement(
        arguments.files,
        ColumnNames(
            pulse=arguments.pulse_column,
            resistance=tuple(arguments.resistance_column),
            cycle=arguments.cycle_column,
            device=arguments.device_column,
            polarity=arguments.polarity_column,
            current=arguments.current_column,
        ),
    )
    for note in measurement.notes:
        warn(note)
    options = _options(arguments, measurement.current_unit)
    result = fit_all(measurement, options)
    picture = fit_picture(result, options.name, options.table)
    pictures = save_picture(picture, arguments.output.parent, arguments.output.stem)
    # A measured table needs no model of the synapse.
    complaints = result.complaints(neuron_only=options.table)
    for complaint in complaints:
        warn(f"the model does not describe {complaint}")
    device = None
    if not complaints or arguments.force:
        device = make_device(result, measurement, options, base)
        save_device(device, arguments.output)
    if arguments.json:
        record = {
            "device": None if device is None else str(arguments.output),
            "kind": "table" if options.table else "model",
            "described": not complaints,
            "c2c_occasion": result.occasion or None,
            "d2d_reading": result.reading or None,
            "pictures": [str(path) for path in pictures],
            **_finite(report(result)),
        }
        say(json.dumps(record))
    elif device is not None:
        _print_table(result, device, arguments.output)
    if device is None:
        warn(
            f"{arguments.output} is not written; see {pictures[0]}, and take --table for "
            "the measured table as the device, or --force for the model in spite of it"
        )
        return NOT_DESCRIBED
    return 0


def _finite(value: Any) -> Any:
    """The same without infinities, which JSON has not: they become null."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
