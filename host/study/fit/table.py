"""The table of a fitted device, as the terminal shows it."""

from typing import Any

from rich.table import Table
from rich.text import Text

from allspin.host.study.fit.report import report
from allspin.host.study.fit.result import FitResult
from allspin.sim.device.device import Device
from allspin.sim.device.synapse_response import Polarity
from allspin.sim.device.synapse_variation import DEVICE_READINGS, OCCASIONS


def fit_table(result: FitResult, device: Device) -> Table:
    """Values and intervals of a device that was fitted.

    Parameters
    ----------
    result : FitResult
        The fit.
    device : Device
        What was made of it.
    """
    table = Table(title=f"Device {device.name}: values and 95 % intervals")
    for heading in ("", "value", "unit"):
        table.add_column(heading, overflow="fold")
    whole = report(result)
    measured = _measured(result, device)
    for polarity, rows in measured.items():
        table.add_section()
        table.add_row(Text(f"{polarity.name.lower()} (table)", style="bold"), "", "")
        for row in rows:
            table.add_row(*row)
    if not measured:
        _add_fitted(table, whole, result)
    if "meter_noise" in whole:
        table.add_section()
        table.add_row("noise of the meter", _shown(whole["meter_noise"]), result.unit)
    if "neuron" in whole:
        _add_neuron(table, whole["neuron"], result)
    return table


BASES = {"reads": "repeated reads", "plateau": "the scatter about plateaus"}


def readings(result: FitResult, device: Device) -> list[str]:
    """How its variations are read, line by line."""
    lines = []
    if result.meter is not None:
        lines.append(
            f"The noise of the meter, from {BASES[result.meter.basis]}, is no part of C2C; it is "
            f"kept as read_noise {device.imperfections.read_noise:.3g}."
        )
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
    table.add_row("runs test, p-value", f"{goodness['runs_chance']:.2g}", "")
