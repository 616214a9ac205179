"""The table of a fitted device, as the terminal shows it."""

from collections.abc import Mapping
from typing import Any

from allspin.host.show.table import Cell, Column, Number, Table
from allspin.host.study.fit.report import report
from allspin.host.study.fit.result import FitResult
from allspin.sim.device.device import Device
from allspin.sim.device.synapse.response import Polarity
from allspin.sim.device.synapse.variation import DEVICE_READINGS, OCCASIONS

COLUMNS = (
    Column("part", group=True),
    Column("what"),
    Column("value", number=True),
    Column("from"),
    Column("to"),
    Column("unit"),
)
Row = tuple[Cell, ...]


def fit_table(result: FitResult, device: Device) -> Table:
    """Values and intervals of a device that was fitted.

    Parameters
    ----------
    result : FitResult
        The fit.
    device : Device
        What was made of it.
    """
    whole = report(result)
    parts: list[tuple[str, list[Row]]] = [
        (f"{polarity.name.lower()} (table)", [_told(*row) for row in rows])
        for polarity, rows in _measured(result, device).items()
    ]
    if not parts:
        parts = [
            (name, _fitted(whole[name], result))
            for name in ("potentiation", "depression")
            if name in whole
        ]
    if "meter_noise" in whole:
        parts.append(("meter", [_interval("noise", whole["meter_noise"], result.unit)]))
    if "neuron" in whole:
        parts.append(("neuron", _neuron(whole["neuron"], result)))
    rows = [(part, *row) for part, of_part in parts for row in of_part]
    rules = [number for number, row in enumerate(rows) if number and row[0] != rows[number - 1][0]]
    title = f"Device {device.name}: values and 95 % intervals"
    return Table(title, COLUMNS, rows, rules=rules)


DIGITS = "#.4g"
"""Of a value and its interval, which often differ in the third digit."""
BASES = {"reads": "repeated reads", "plateau": "the scatter about plateaus"}


UNITS = {
    "potentiation_current": "A",
    "depression_current": "A",
    "saturation_current": "A",
    "read_current": "A",
    "pulse_time": "s",
    "read_time": "s",
}
"""Units of what files say of pulses and reads."""


def readings(result: FitResult, device: Device, known: Mapping[str, float]) -> list[str]:
    """How its variations are read, and what the files say of pulses, line by line.

    Parameters
    ----------
    result : FitResult
        The fit.
    device : Device
        What came of it.
    known : mapping of str to float
        ``electrical`` of the measurement.
    """
    lines = []
    if result.meter is not None:
        lines.append(
            f"The noise of the meter, from {BASES[result.meter.basis]}, is no part of C2C; it is "
            f"kept as read_noise {device.imperfections.read_noise:.3g}."
        )
    if known:
        told = ", ".join(f"{key} {value:.4g} {UNITS[key]}" for key, value in known.items())
        lines.append(f"Of pulses and reads the files say: {told}.")
    if not result.polarities or _measured(result, device):
        return lines
    lines += [f"C2C is read as drawn {OCCASIONS[result.occasion]}."]
    if result.reading:
        lines.append(f"D2D is read as {DEVICE_READINGS[result.reading]}.")
    return lines


def _measured(result: FitResult, device: Device) -> dict[Polarity, list[tuple[str, str, str]]]:
    """Rows of the polarities that are measured tables."""
    figures = {one: device.synapse.figures(one, result.unit) for one in Polarity}
    return {polarity: rows for polarity, rows in figures.items() if rows}


def _told(what: str, value: Cell, unit: str = "") -> Row:
    """A row of what has no interval."""
    return what, value, None, None, unit


def _interval(what: str, one: dict[str, float], unit: str, scale: float = 1.0) -> Row:
    """A row of a value and its interval."""
    return what, *(Number(scale * one[key], DIGITS) for key in ("value", "low", "high")), unit


def _fitted(part: dict[str, Any], result: FitResult) -> list[Row]:
    """Rows of a fitted polarity."""
    rows = [
        _interval("A", part["A"], "pulses"),
        _told("P_max", part["P_max"], "pulses"),
        *(_interval(key, part[key], result.unit) for key in ("R_min", "R_max")),
        _interval("C2C", part["c2c"][_figure(result)], "of the range"),
    ]
    if part["d2d"]:
        rows.append(_interval("D2D", part["d2d"][result.reading], "see below"))
    else:
        rows.append(_told("D2D", "not known", "one device"))
    return [*rows, *_goodness(part)]


def _figure(result: FitResult) -> str:
    """Which of the two figures of C2C an occasion has."""
    return "write" if result.occasion == "write" else "pulse"


def _neuron(neuron: dict[str, Any], result: FitResult) -> list[Row]:
    """Rows of the fitted neuron."""
    factor, current = (1e3, "mA") if result.current_unit == "A" else (1.0, result.current_unit)
    rows = [
        _interval(label, neuron[key], unit, scale)
        for key, label, unit, scale in (
            ("threshold", "threshold", current, factor),
            ("slope", "slope", f"{result.unit}/{current}", 1 / factor),
            ("height", "height", result.unit, 1.0),
            ("use", "C2C", "of R_AH's range", 1.0),
            ("gain", "D2D of slope", "of the slope", 1.0),
            ("threshold_spread", "D2D of threshold", "of full current", 1.0),
        )
        if key in neuron
    ]
    if "gain" not in neuron:
        rows.append(_told("D2D", "not known", "one device"))
    return [*rows, *_goodness(neuron)]


def _goodness(part: dict[str, Any]) -> list[Row]:
    goodness = part["goodness"]
    return [
        _told("R^2", Number(goodness["r_squared"], ".5f")),
        _told("runs test, p-value", Number(goodness["runs_chance"], ".2g")),
    ]
