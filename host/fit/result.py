"""What is asked of a fit, and what comes of it: values, intervals, readings; as data and tables."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np

from allspin.host.fit.explained import curves_table
from allspin.host.fit.goodness import METHODS, Goodness, MeterNoise
from allspin.host.fit.neuron import NeuronFit
from allspin.host.fit.outliers import Outlier
from allspin.host.fit.response import DeviceCurves, Interval, ResponseFit
from allspin.host.fit.spread import DEVICE_CHOICES, CycleSpread
from allspin.host.lab.curves import Measurement
from allspin.host.lab.quantities import few
from allspin.host.show.table import Cell, Number, Table, TableColumn
from allspin.sim.device.device import Device
from allspin.sim.network.levels import MAX_STATES, MIN_STATES
from allspin.sim.parameters import Brief, Parameters, Shown, option
from allspin.sim.synapse.response import Polarity
from allspin.sim.synapse.synapse_variation import DEVICE_READINGS, OCCASIONS

REFERENCES = ("column", "centred", "ideal")
"""A column of devices, with their C2C and D2D, or something without."""


@dataclass(frozen=True)
class FitOptions(Parameters):
    """How curves are fitted; None lets the data decide.

    Parameters
    ----------
    name : str
        The device's name: a line of text; empty for that of the first file.
    states : int or None
        States of the synapse, 2 to 128; None for as many as pulses, at most 128.
    occasion : str or None
        Reading of C2C: ``write``, ``pulse`` or, of a model, ``root``.
    reading : str or None
        Reading of D2D: one of `allspin.host.fit.spread.DEVICE_CHOICES`.
    currents : tuple of float or None
        Part of the neuron's curve, from a magnitude of at least 0 to a higher one, in mA; in the
        file's numbers if it names no unit.
    table : bool
        Whether the synapse is to be the measured table in place of the model.
    keep_outliers : bool
        Whether outliers are fitted like any other points.
    reference : str
        Reference that is subtracted from a conductance: one of `REFERENCES`.
    meter : str or None
        How the meter's noise is measured: one of `allspin.host.fit.goodness.METHODS`.

    Raises
    ------
    ValueError
        If one of them makes no sense; the message begins with its name.
    """

    name: str = field(default="", metadata=option("the device's name (that of the file)"))
    states: int | None = field(
        default=None,
        metadata={"low": MIN_STATES, "high": MAX_STATES}
        | option(
            "states that the synapse is used with, 2 to 128; no measured value depends on it (as "
            "many as pulses, at most 128; with lookup tables 100)",
            "N",
        ),
    )
    occasion: str | None = field(
        default=None,
        metadata=option(
            "reading of C2C (the one that suits the data)",
            flag="--c2c-occasion",
            choices=list(OCCASIONS),
        ),
    )
    reading: str | None = field(
        default=None,
        metadata=option(
            "reading of D2D (the one that explains most)",
            flag="--d2d-reading",
            choices=DEVICE_CHOICES,
        ),
    )
    currents: tuple[float, float] | None = field(
        default=None,
        metadata=option(
            "part of the neuron's curve, in mA (in the file's numbers if it names no unit)",
            ("LOW", "HIGH"),
            nargs=2,
            type=float,
        ),
    )
    table: bool = field(
        default=False,
        metadata=option("make the synapse from the measured table, without a fit"),
    )
    keep_outliers: bool = field(
        default=False, metadata=option("fit outliers like any other points")
    )
    meter: str | None = field(
        default=None,
        metadata={"known": METHODS}
        | option(
            "how the meter's noise is told from C2C (by repeated reads of a pulse, else by "
            "plateaus that scatter less than the rest)",
            flag="--meter-noise",
            choices=METHODS,
        ),
    )
    reference: str = field(
        default="column",
        metadata={"known": REFERENCES}
        | option(
            "reference of a conductance: a column that is written as the cells are, one whose mean "
            "is the middle of the range, or an ideal one (column)",
            choices=REFERENCES,
        ),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.currents is not None and (
            np.shape(self.currents) != (2,)
            or not 0 <= self.currents[0] < self.currents[1] < math.inf
        ):
            raise ValueError("currents takes a lower and a higher magnitude, such as 2 12")
        if self.table and self.occasion == "root":
            raise ValueError(
                "occasion must be write or pulse of a measured table, whose deviations add up as "
                "they were measured, not root"
            )
        if (self.name and not self.name.strip()) or not self.name.isprintable():
            raise ValueError("name must be a word or line of text")


# The table of a fitted device, as the terminal shows it.

COLUMNS = (
    TableColumn("part", group=True),
    TableColumn("what"),
    TableColumn("value", number=True),
    TableColumn("from"),
    TableColumn("to"),
    TableColumn("unit"),
)


def row(
    part: str, what: str, value: Cell | Interval, unit: str = "", scale: float = 1.0
) -> tuple[Cell, ...]:
    """A row of a value, and of its interval if it has one."""
    if not isinstance(value, Interval):
        return part, what, value, None, None, unit
    # Value and interval often differ in the third digit.
    edges = (value.value, value.low, value.high)
    return part, what, *(Number(scale * edge, "#.4g") for edge in edges), unit


def _goodness_rows(part: str, goodness: Goodness) -> list[tuple[Cell, ...]]:
    return [
        row(part, "R^2", Number(goodness.r_squared, ".5f")),
        row(part, "runs test, p-value", Number(goodness.runs_p_value, ".2g")),
    ]


@dataclass(frozen=True, eq=False)
class PolarityResult(Brief):
    """One polarity: fit, C2C, D2D as `device_spread` has it, and whether the model describes it."""

    fit: ResponseFit
    cycles: CycleSpread
    readings: dict[str, Interval]
    explained: dict[str, float]
    goodness: Goodness


class MadeDevice(Shown):
    """What a device is made of: it has `device`, and a `plot` of its own."""

    def explained(self) -> Table:
        """Which curves were found in which lines, and what became of them."""
        return curves_table()

    def save(self, path: str | Path) -> None:
        """Write the device's file; see `allspin.save_device`."""
        cast(Any, self).device().save(path)


@dataclass(frozen=True, eq=False)
class FitResult(MadeDevice):
    """All that came of the data.

    Attributes
    ----------
    measurement : Measurement
        The curves.
    options : FitOptions
        What was asked for.
    base : Device or None
        What stands in for what was not measured.
    outliers : list of Outlier
        Points and cycles that were set aside.
    polarities : dict of Polarity to PolarityResult
        Those that were measured.
    neuron : NeuronFit or None
        The neuron, if its curves were given.
    meter : MeterNoise or None
        Noise of the meter that pulse curves were read with, where it can be told.
    occasion, reading : str
        Readings of C2C and D2D that are taken; empty where there are none.
    together : Interval or None
        Correlation of devices' own deviations of both polarities, where that can be told.
    """

    measurement: Measurement
    options: FitOptions
    base: Device | None
    outliers: list[Outlier]
    polarities: dict[Polarity, PolarityResult]
    neuron: NeuronFit | None
    meter: MeterNoise | None
    occasion: str
    reading: str
    together: Interval | None = None

    @property
    def unit(self) -> str:
        """Unit of R_AH."""
        return self.measurement.unit

    @property
    def correlation(self) -> float:
        """The correlation that the device is given: 0 where its interval has both signs."""
        sure = self.together is not None and self.together.low * self.together.high > 0
        return self.together.value if self.together is not None and sure else 0.0

    @property
    def current(self) -> tuple[float, str]:
        """A factor for currents, and the unit in which it gives them."""
        unit = self.measurement.current_unit
        return (1e3, "mA") if unit == "A" else (1.0, unit)

    @property
    def complaints(self) -> list[str]:
        """What the models do not describe, a line each; a measured table needs no model."""
        modelled = {} if self.options.table else self.polarities
        parts = {polarity.name.lower(): part.goodness for polarity, part in modelled.items()}
        parts |= {"the neuron": self.neuron.goodness} if self.neuron else {}
        return [f"{name}: {one}" for name, one in parts.items() if not one.described]

    def report(self) -> dict[str, Any]:
        """Every value with its interval, by polarity and neuron, as plain data."""
        whole: dict[str, Any] = {}
        for polarity, part in self.polarities.items():
            fit = part.fit
            whole[polarity.name.lower()] = {
                "A": fit.nonlinearity.plain(),
                "P_max": fit.pulses,
                "R_min": fit.low.plain(),
                "R_max": fit.high.plain(),
                **_basis(fit.basis, fit.devices),
                "c2c": {
                    "write": part.cycles.write.plain(),
                    "pulse": part.cycles.pulse.plain(),
                    "from": part.cycles.basis,
                },
                "d2d": {name: one.plain() for name, one in part.readings.items()},
                "d2d_explained": {name: float(share) for name, share in part.explained.items()},
                "goodness": part.goodness.plain(),
            }
        if self.together is not None:
            whole["d2d_correlation"] = self.together.plain()
        if self.meter is not None:
            whole["meter_noise"] = self.meter.deviation.plain() | {"from": self.meter.basis}
        if (neuron := self.neuron) is not None:
            spreads = {"gain": neuron.gain, "threshold_spread": neuron.threshold_spread}
            whole["neuron"] = {
                **{name: one.plain() for name, one in neuron.values.items()},
                "full_current": neuron.full_current,
                "full_resistance": neuron.full_resistance,
                "use": neuron.use.plain(),
                **_basis(neuron.basis, neuron.devices),
                "goodness": neuron.goodness.plain(),
                **{name: one.plain() for name, one in spreads.items() if one is not None},
            }
        return whole

    def tables(self, device: Device) -> list[Table]:
        """Values and intervals of the device that was made of it."""
        rows: list[tuple[Cell, ...]] = []
        for polarity in Polarity:
            name = polarity.name.lower()
            measured = device.synapse.figures(polarity, self.unit)
            rows += [row(f"{name} (table)", *figure) for figure in measured]
            part = None if measured else self.polarities.get(polarity)
            if part is not None:
                d2d = part.readings.get(self.reading)
                rows += [
                    row(name, "A", part.fit.nonlinearity, "pulses"),
                    row(name, "P_max", part.fit.pulses, "pulses"),
                    row(name, "R_min", part.fit.low, self.unit),
                    row(name, "R_max", part.fit.high, self.unit),
                    row(name, "C2C", part.cycles.of(self.occasion), "of the range"),
                    row(name, "D2D", d2d or "not known", "see below" if d2d else "one device"),
                    *_goodness_rows(name, part.goodness),
                ]
        if self.together is not None:
            used = "both polarities" if self.correlation else "both polarities; taken as 0"
            rows.append(row("devices", "correlation of D2D", self.together, used))
        if self.meter is not None:
            rows.append(row("meter", "noise", self.meter.deviation, self.unit))
        if self.neuron is not None:
            rows += self._neuron_rows(self.neuron)
        return [
            Table(
                f"Device {device.name}: values and 95 % intervals",
                COLUMNS,
                rows,
                rules=[at for at, one in enumerate(rows) if at and one[0] != rows[at - 1][0]],
            )
        ]

    def _neuron_rows(self, neuron: NeuronFit) -> list[tuple[Cell, ...]]:
        factor, current = self.current
        found = [
            ("threshold", neuron.values["threshold"], current, factor),
            ("slope", neuron.values["slope"], f"{self.unit}/{current}", 1 / factor),
            ("height", neuron.values.get("height"), self.unit),
            ("heating", neuron.values.get("heating"), f"{self.unit}/{current}^2", 1 / factor**2),
            ("C2C", neuron.use, "of R_AH's range"),
            ("D2D of slope", neuron.gain, "of the slope"),
            ("D2D of threshold", neuron.threshold_spread, "of full current"),
            ("D2D", None if neuron.gain else "not known", "one device"),
        ]
        rows = [row("neuron", *one) for one in found if one[1] is not None]
        return rows + _goodness_rows("neuron", neuron.goodness)

    def notes(self, device: Device) -> list[str]:
        """How its variations are read, and what the files say of pulses, line by line."""
        lines = []
        if self.meter is not None:
            lines.append(
                "The noise of the meter, from "
                f"{'repeated reads' if self.meter.basis == 'reads' else 'plateaus that scatter'}, "
                f"is no part of C2C; it is kept as read_noise "
                f"{device.imperfections.read_noise:.3g}."
            )
        if self.neuron is not None and "heating" in self.neuron.values:
            heat = self.neuron.values["heating"].value * self.neuron.full_current**2
            lines.append(
                f"Of the neuron's R_AH {heat:.3g} {self.unit} at full current grow with its square "
                "(heating), and are no part of the device."
            )
        if known := self.measurement.electrical:
            figures = (f"{key} {at:.4g} {'As'[key.endswith('time')]}" for key, at in known.items())
            lines.append(f"Of pulses and reads the files say: {', '.join(figures)}.")
        if self.polarities and not device.synapse.figures(Polarity(0), self.unit):
            lines.append(
                f"C2C is read as drawn {OCCASIONS[self.occasion]}; curves are of "
                f"{few(c.device for c in self.measurement.curves if c.polarity is not None)}."
            )
            if self.reading:
                lines.append(f"D2D is read as {DEVICE_READINGS[self.reading]}.")
        return lines


def _basis(basis: str, devices: Sequence[DeviceCurves]) -> dict[str, object]:
    """What intervals rest on, for a report."""
    return {
        "intervals_from": basis,
        "devices": len(devices),
        "cycles": sum(len(device.resistance) for device in devices),
    }
