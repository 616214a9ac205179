"""Fitted device: the device, its tables, notes, picture and JSON."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from allspin.host.estimate.goodness import Goodness
from allspin.host.estimate.neuron import NeuronFit
from allspin.host.estimate.response import DeviceCurves
from allspin.host.fit.device import make_device, measured_response
from allspin.host.fit.explain import curves_table
from allspin.host.fit.panels import Panel, PanelCurve
from allspin.host.fit.result import COLUMNS, FitResult, PolarityResult, row
from allspin.host.lab.quantities import few
from allspin.host.show.table import Cell, Number, Table
from allspin.sim.device.device import Device
from allspin.sim.synapse.response import Array, Polarity
from allspin.sim.synapse.synapse_variation import DEVICE_READINGS, OCCASIONS


class Fitted(FitResult):
    """Result of fitting measured curves: values, and the device, picture and JSON made of them."""

    def device(self) -> Device:
        """Return the device, or raise a `UserError` if a value is outside a device's range."""
        return make_device(self)

    @property
    def current(self) -> tuple[float, str]:
        """Factor for currents, and the unit in which it gives them."""
        unit = self.measurement.current_unit
        return (1e3, "mA") if unit == "A" else (1.0, unit)

    def explained(self) -> Table:
        """Return the table of curves: file and line of each, and its use."""
        left_out = [one.curve for one in self.outliers if one.x is None]
        return curves_table(self.measurement.curves, left_out)

    def to_dict(self, device: Path | None = None, pictures: Sequence[Path] = ()) -> dict[str, Any]:
        """Return the object that ``allspin fit --json`` prints; see `MadeDevice.to_dict`."""
        return _finite(super().to_dict(device, pictures)) | {
            "kind": "table" if self.options.table else "model",
            "c2c_occasion": self.occasion or None,
            "d2d_reading": self.reading or None,
            "outliers": [outlier.to_dict() for outlier in self.outliers],
        }

    def tables(self, device: Device) -> list[Table]:
        """Return values and intervals of the device that was made."""
        rows: list[tuple[Cell, ...]] = []
        for polarity in Polarity:
            rows += self._polarity_rows(device, polarity)
        if self.together is not None:
            used = "both polarities" if self.correlation else "both polarities; taken as 0"
            rows.append(row("devices", "correlation of D2D", self.together, used))
        if self.meter is not None:
            rows.append(row("meter", "noise", self.meter.deviation, self.unit))
        if self.neuron is not None:
            rows += self._neuron_rows(self.neuron)
        rules = [at for at, one in enumerate(rows) if at and one[0] != rows[at - 1][0]]
        title = f"Device {device.name}: values and 95 % intervals"
        return [Table(title, COLUMNS, rows, rules=rules)]

    def _polarity_rows(self, device: Device, polarity: Polarity) -> list[tuple[Cell, ...]]:
        name = polarity.name.lower()
        measured = device.synapse.figures(polarity, self.unit)
        if measured:
            return [row(f"{name} (table)", *figure) for figure in measured]
        part = self.polarities.get(polarity)
        if part is None:
            return []
        d2d = part.devices.readings.get(self.reading)
        return [
            row(name, "A", part.fit.nonlinearity, "pulses"),
            row(name, "P_max", part.fit.pulses, "pulses"),
            row(name, "R_min", part.fit.low, self.unit),
            row(name, "R_max", part.fit.high, self.unit),
            row(name, "C2C", part.cycles.of(self.occasion), "of the range"),
            row(name, "D2D", d2d or "not known", "see below" if d2d else "one device"),
            *_goodness_rows(name, part.goodness),
        ]

    def _neuron_rows(self, neuron: NeuronFit) -> list[tuple[Cell, ...]]:
        factor, current = self.current
        values = neuron.values
        rows = [
            row("neuron", "threshold", values["threshold"], current, factor),
            row("neuron", "slope", values["slope"], f"{self.unit}/{current}", 1 / factor),
        ]
        if "height" in values:
            rows.append(row("neuron", "height", values["height"], self.unit))
        if "heating" in values:
            unit = f"{self.unit}/{current}^2"
            rows.append(row("neuron", "heating", values["heating"], unit, 1 / factor**2))
        rows.append(row("neuron", "C2C", neuron.use, "of R_AH's range"))
        if neuron.gain is None:
            rows.append(row("neuron", "D2D", "not known", "one device"))
        else:
            rows.append(row("neuron", "D2D of slope", neuron.gain, "of the slope"))
            spread = neuron.threshold_spread
            rows.append(row("neuron", "D2D of threshold", spread, "of full current"))
        return rows + _goodness_rows("neuron", neuron.goodness)

    def notes(self, device: Device) -> list[str]:
        """Return the readings of its variations, and facts on pulses, line by line."""
        lines = []
        if self.meter is not None:
            lines.append(
                "The noise of the meter, from repeated reads, is no part of C2C; it is kept as "
                f"read_noise {device.imperfections.read_noise:.3g}."
            )
        if self.neuron is not None and "heating" in self.neuron.values:
            heat = self.neuron.values["heating"].value * self.neuron.full_current**2
            lines.append(
                f"Of the neuron's R_AH {heat:.3g} {self.unit} at full current grow with its square "
                "(heating), and are no part of the device."
            )
        figures = []
        for key, value in self.measurement.electrical.items():
            figures.append(f"{key} {value:.4g} {'s' if key.endswith('time') else 'A'}")
        if figures:
            lines.append(f"Of pulses and reads the files say: {', '.join(figures)}.")
        if self.polarities and not device.synapse.figures(Polarity(0), self.unit):
            pulsed = [one.device for one in self.measurement.curves if one.polarity is not None]
            lines.append(
                f"C2C is read as drawn {OCCASIONS[self.occasion]}; curves are of {few(pulsed)}."
            )
            if self.reading:
                lines.append(f"D2D is read as {DEVICE_READINGS[self.reading]}.")
        return lines

    def plot(self) -> Any:
        """Draw data, fit and residuals."""
        # Matplotlib takes long to load, and a fit does not need it.
        from allspin.host.fit.picture import fit_picture

        panels = [self._panel(part) for part in self.polarities.values()]
        if self.neuron is not None:
            panels.append(self._neuron_panel(self.neuron))
        return fit_picture(self.options.name, self.unit, panels)

    def _panel(self, part: PolarityResult) -> Panel:
        fit = part.fit
        name = fit.polarity.name.capitalize()
        aside = self._aside(fit.polarity, 1.0)
        if self.options.table:
            mean = measured_response(fit.devices, fit.pulses).resistance
            models = [np.interp(one.pulses, np.arange(mean.size), mean) for one in fit.devices]
            curves = _panel_curves(fit.devices, models, 1.0)
            return Panel(f"{name}\nmeasured table", "pulses", curves=curves, aside=aside)
        a = fit.nonlinearity
        panel = Panel(
            f"{name}\nA = {a.value:.3g} pulses ({a.low:.3g} to {a.high:.3g})",
            "pulses",
            part.goodness,
            curves=_panel_curves(fit.devices, fit.models, 1.0),
            aside=aside,
        )
        if len(fit.devices) > 1:
            pulses = np.linspace(0, fit.pulses, 400)
            panel.mean = pulses, fit.mean_curve(pulses)
        return panel

    def _neuron_panel(self, fit: NeuronFit) -> Panel:
        factor, unit = self.current
        threshold = fit.values["threshold"].scaled(lambda current: current * factor)
        return Panel(
            f"Neuron\nthreshold = {threshold.value:.3g} {unit} ({threshold.low:.3g} to "
            f"{threshold.high:.3g})",
            f"current ({unit})",
            fit.goodness,
            curves=_panel_curves(fit.devices, fit.models, factor),
            aside=self._aside(None, factor),
        )

    def _aside(self, polarity: Polarity | None, factor: float) -> list[tuple[Array, Array]]:
        """Return outlying points and cycles; x times a factor."""
        found = []
        for one in self.outliers:
            if one.curve.polarity is not polarity:
                continue
            if one.x is None:
                found.append((one.curve.x * factor, one.curve.resistance))
            else:
                found.append((np.array([one.x * factor]), np.array([one.resistance], float)))
        return found


def _goodness_rows(part: str, goodness: Goodness) -> list[tuple[Cell, ...]]:
    return [
        row(part, "R^2", Number(goodness.r_squared, ".5f")),
        row(part, "runs test, p-value", Number(goodness.runs_p_value, ".2g")),
    ]


def _panel_curves(
    devices: Sequence[DeviceCurves], models: Sequence[Array], factor: float
) -> list[PanelCurve]:
    """Return curves and models of each device; x times a factor."""
    pairs = zip(devices, models, strict=True)
    return [
        PanelCurve(one.device, one.pulses * factor, one.resistance, model) for one, model in pairs
    ]


def _finite(value: Any) -> Any:
    """Return a value with null for infinities, which JSON does not have."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
