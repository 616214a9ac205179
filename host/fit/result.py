"""Fits of all that was measured, and how its variation is read."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from allspin.host.fit.columns import Measurement
from allspin.host.fit.goodness import Goodness, MeterNoise, judge, meter_noise
from allspin.host.fit.neuron import NeuronFit, fit_neuron
from allspin.host.fit.options import FitOptions, lent_cycles, lent_devices
from allspin.host.fit.response import Interval, ResponseFit, fit_response
from allspin.host.fit.spread import (
    CycleSpread,
    DeviceSpread,
    cycle_spread,
    device_spread,
)
from allspin.host.show.table import Cell, Column, Number, Table
from allspin.sim.device.device import Device
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Polarity
from allspin.sim.synapse.synapse import DEVICE_READINGS, OCCASIONS


@dataclass(frozen=True, eq=False)
class PolarityResult:
    """One polarity: fit, variation, and how well the model describes it."""

    fit: ResponseFit
    cycles: CycleSpread
    devices: DeviceSpread
    goodness: Goodness


@dataclass(frozen=True, eq=False)
class FitResult:
    """All that came of the data.

    Attributes
    ----------
    polarities : dict of Polarity to PolarityResult
        Those that were measured.
    neuron : NeuronFit or None
        The neuron, if its curves were given.
    occasion, reading : str
        Readings of C2C and D2D that are taken; empty where there are none.
    unit, current_unit : str
        Units of the data.
    base : Device or None
        What stands in for what was not measured.
    meter : MeterNoise or None
        Noise of the meter that pulse curves were read with, where it can be told.
    """

    polarities: dict[Polarity, PolarityResult]
    neuron: NeuronFit | None
    occasion: str
    reading: str
    unit: str
    current_unit: str
    base: Device | None = None
    meter: MeterNoise | None = None

    def complaints(self, neuron_only: bool = False) -> list[str]:
        """What the models do not describe, with numbers; a line each."""
        parts = [
            (polarity.name.lower(), part.goodness)
            for polarity, part in self.polarities.items()
            if not neuron_only
        ]
        if self.neuron is not None:
            parts.append(("the neuron", self.neuron.goodness))
        return [f"{name}: {goodness}" for name, goodness in parts if not goodness.described]


def judge_polarity(fit: ResponseFit, meter: MeterNoise | None = None) -> PolarityResult:
    """Variation of a fitted polarity, without the meter's noise, and whether the model will do."""
    cycles = cycle_spread(fit, None if meter is None else meter.point)
    kept = math.exp(-1 / fit.nonlinearity.value) if cycles.occasion == "pulse" else 0.0
    models = [
        own.at(device.pulses / fit.pulses)
        for device, own in zip(fit.devices, fit.fits, strict=True)
    ]
    goodness = judge(fit.devices, models, kept)
    return PolarityResult(fit, cycles, device_spread(fit, cycles), goodness)


def _occasion(result: dict[Polarity, PolarityResult], asked: str | None, base: str | None) -> str:
    """The reading of C2C: as asked for, as the base has it, or what the data say."""
    found = {part.cycles.occasion for part in result.values()}
    return asked or base or ("pulse" if found == {"pulse"} else "write")


def _reading(result: dict[Polarity, PolarityResult], asked: str | None, base: str | None) -> str:
    """The reading of D2D, as that of C2C; empty where there is one device only."""
    spreads = [part.devices for part in result.values() if part.devices.readings]
    if not spreads:
        return base or ""
    names = spreads[0].explained
    return (
        asked
        or base
        or max(names, key=lambda name: sum(spread.explained[name] for spread in spreads))
    )


def _lent_readings(
    base: Device, polarity: Polarity, options: FitOptions
) -> tuple[str | None, str | None]:
    """Readings that a polarity of the base has, where it varies; the measured one takes them.

    Raises
    ------
    UserError
        If others are asked for.
    """
    found: list[str | None] = []
    for what, lent, asked, option in (
        ("C2C", lent_cycles, options.occasion, "--c2c-occasion"),
        ("D2D", lent_devices, options.reading, "--d2d-reading"),
    ):
        value, reading = lent(base, polarity)
        if value and asked not in (None, reading):
            raise UserError(
                f"the {what} of {base.name} is read as {reading}, and {polarity.name.lower()} is "
                f"that of {base.name}; take {option} {reading}, or another --base"
            )
        found.append(reading if value else None)
    return found[0], found[1]


def fit_all(measurement: Measurement, options: FitOptions, base: Device | None = None) -> FitResult:
    """Fit whatever was measured.

    Parameters
    ----------
    measurement : Measurement
        The curves.
    options : FitOptions
        What was asked for.
    base : Device, optional
        What stands in for what was not measured.

    Raises
    ------
    UserError
        If only one polarity was measured and nothing stands in for the other, or a fit makes
        no sense.
    """
    present = [polarity for polarity in Polarity if measurement.of(polarity)]
    lent: tuple[str | None, str | None] = None, None
    if len(present) == 1:
        missing = next(polarity for polarity in Polarity if polarity not in present)
        if base is None:
            raise UserError(
                f"there are only curves of {present[0].name.lower()}; give those of "
                f"{missing.name.lower()} too, or a device whose {missing.name.lower()} stands in, "
                "such as --base paper"
            )
        if not options.table:
            lent = _lent_readings(base, missing, options)
    fits = {polarity: fit_response(measurement.of(polarity), polarity) for polarity in present}
    for polarity, fit in fits.items():
        if fit.span.value <= 0:
            raise UserError(
                f"R_AH does not {'fall' if polarity else 'rise'} with pulses of "
                f"{polarity.name.lower()}; is it the right column?"
            )
    pulses = [curve for curve in measurement.curves if curve.polarity is not None]
    meter = meter_noise(pulses, list(fits.values()), options.meter)
    polarities = {polarity: judge_polarity(fit, meter) for polarity, fit in fits.items()}
    occasion = reading = ""
    if polarities:
        occasion = _occasion(polarities, options.occasion, lent[0])
        reading = _reading(polarities, options.reading, lent[1])
    curves = options.select(measurement)
    neuron = fit_neuron(curves) if curves else None
    return FitResult(
        polarities,
        neuron,
        occasion,
        reading,
        measurement.unit,
        measurement.current_unit,
        base,
        meter,
    )


# Values and intervals of a fit as plain data, for device files and JSON.


def _plain(one: Interval) -> dict[str, float]:
    """An interval for a TOML file."""
    return {"value": float(one.value), "low": float(one.low), "high": float(one.high)}


def _goodness(goodness: Goodness) -> dict[str, Any]:
    return {
        "described": goodness.described,
        "r_squared": float(goodness.r_squared),
        "misfit": float(goodness.misfit),
        "runs": int(goodness.runs),
        "expected_runs": float(goodness.expected_runs),
        "runs_chance": float(goodness.runs_p_value),
    }


def report(result: FitResult) -> dict[str, Any]:
    """Every value with its interval, by polarity and neuron, as plain data."""
    whole: dict[str, Any] = {}
    for polarity, part in result.polarities.items():
        fit = part.fit
        whole[polarity.name.lower()] = {
            "A": _plain(fit.nonlinearity),
            "P_max": fit.pulses,
            "R_min": _plain(fit.low),
            "R_max": _plain(fit.high),
            "intervals_from": fit.basis,
            "devices": len(fit.devices),
            "cycles": sum(len(device.resistance) for device in fit.devices),
            "c2c": {
                "write": _plain(part.cycles.write),
                "pulse": _plain(part.cycles.pulse),
                "from": part.cycles.basis,
            },
            "d2d": {name: _plain(one) for name, one in part.devices.readings.items()},
            "d2d_explained": {name: float(share) for name, share in part.devices.explained.items()},
            "goodness": _goodness(part.goodness),
        }
    if result.meter is not None:
        whole["meter_noise"] = _plain(result.meter.deviation) | {"from": result.meter.basis}
    if result.neuron is not None:
        neuron = result.neuron
        own: dict[str, Any] = {name: _plain(one) for name, one in neuron.values.items()}
        own |= {
            "full_current": neuron.full_current,
            "full_resistance": neuron.full_resistance,
            "use": _plain(neuron.use),
            "intervals_from": neuron.basis,
            "devices": len(neuron.devices),
            "cycles": sum(len(device.resistance) for device in neuron.devices),
            "goodness": _goodness(neuron.goodness),
        }
        for name, spread in (("gain", neuron.gain), ("threshold_spread", neuron.threshold_spread)):
            if spread is not None:
                own[name] = _plain(spread)
        whole["neuron"] = own
    return whole


# The table of a fitted device, as the terminal shows it.

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
    return [*rows, *_table_goodness(part)]


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
    return [*rows, *_table_goodness(neuron)]


def _table_goodness(part: dict[str, Any]) -> list[Row]:
    goodness = part["goodness"]
    return [
        _told("R^2", Number(goodness["r_squared"], ".5f")),
        _told("runs test, p-value", Number(goodness["runs_chance"], ".2g")),
    ]
