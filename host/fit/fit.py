"""From files of measured curves to a device, and to how well the models describe them."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from allspin.host.data.catalogue import open_device
from allspin.host.draw.style import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    R_AH,
    SKY,
    SOFT,
    VERMILION,
    add_grid,
    name_text,
    new_figure,
    styled,
)
from allspin.host.fit.columns import Measurement, ReadOptions
from allspin.host.fit.device import make_device, measured_response
from allspin.host.fit.goodness import Goodness
from allspin.host.fit.measurement import read_measurement
from allspin.host.fit.neuron import NeuronFit
from allspin.host.fit.options import FitOptions
from allspin.host.fit.response import DeviceCurves
from allspin.host.fit.result import FitResult, PolarityResult, fit_all, report
from allspin.host.fit.spread import Outlier, set_aside
from allspin.sim.device.device import Device
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.synapse.response import Array, Polarity

# Data, fit and residuals of measured curves.

COLOURS = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY)
"""Of devices, in turn."""
NAMED_DEVICES = 6
"""More devices than these are not named one by one."""


def _draw_data(
    upper: Axes, lower: Axes, devices: list[DeviceCurves], models: list[Array], factor: float
) -> None:
    """Points, models and residuals of every device; x times a factor."""
    for number, (device, model) in enumerate(zip(devices, models, strict=True)):
        colour = COLOURS[number % len(COLOURS)]
        x = device.pulses * factor
        for cycle in device.resistance:
            upper.plot(x, cycle, ".", color=colour, markersize=2, alpha=0.35, zorder=1)
        named = 1 < len(devices) <= NAMED_DEVICES
        label = name_text(device.device) if named else None
        upper.plot(x, model, color=colour, linewidth=1.2, zorder=2, label=label)
        lower.plot(
            x,
            device.mean - model,
            ".-",
            color=colour,
            markersize=2.5,
            linewidth=0.6,
            alpha=0.8,
        )
    lower.axhline(0, color=INK, linewidth=0.8)
    for axes in (upper, lower):
        add_grid(axes)
    if 1 < len(devices) <= NAMED_DEVICES:
        upper.legend(fontsize=7, loc="best")


def _draw_outliers(axes: Axes, outliers: Sequence[Outlier], factor: float) -> None:
    """Crosses; what is far beyond the data does not make these small."""
    low, high = axes.get_ylim()
    style: dict[str, Any] = {"color": VERMILION, "markersize": 4, "zorder": 3}
    for outlier in outliers:
        if outlier.curve is not None:
            y = np.clip(outlier.curve.resistance, low, high)
            axes.plot(outlier.curve.x * factor, y, "x-", linewidth=0.5, **style)
        elif outlier.x is not None and outlier.resistance is not None:
            y = min(max(outlier.resistance, low), high)
            axes.plot(outlier.x * factor, y, "x", clip_on=False, **style)
    axes.set_ylim(low, high)


def _draw_table(upper: Axes, lower: Axes, result: PolarityResult, unit: str) -> None:
    """Data about the measured table."""
    fit = result.fit
    mean = measured_response(fit.devices, fit.pulses).resistance
    grid = np.arange(mean.size)
    models = [np.interp(device.pulses, grid, mean) for device in fit.devices]
    _draw_data(upper, lower, fit.devices, models, 1.0)
    upper.set_title(f"{fit.polarity.name.capitalize()}\nmeasured table", fontsize=9)
    upper.set_ylabel(f"{R_AH} ({unit})")
    lower.set_ylabel(f"residual of\nthe mean ({unit})")
    lower.set_xlabel("pulses")


def _draw_polarity(upper: Axes, lower: Axes, result: PolarityResult, unit: str) -> None:
    fit = result.fit
    models = [
        own.at(device.pulses / fit.pulses)
        for device, own in zip(fit.devices, fit.fits, strict=True)
    ]
    _draw_data(upper, lower, fit.devices, models, 1.0)
    if len(fit.devices) > 1:
        grid = np.linspace(0, fit.pulses, 400)
        upper.plot(grid, fit.mean_curve(grid), color=INK, linestyle="--")
    a = fit.nonlinearity
    values = f"A = {a.value:.3g} pulses ({a.low:.3g} to {a.high:.3g})"
    _title(upper, fit.polarity.name.capitalize(), values, result.goodness)
    upper.set_ylabel(f"{R_AH} ({unit})")
    lower.set_ylabel(f"residual of\nthe mean ({unit})")
    lower.set_xlabel("pulses")
    _note(lower, str(result.goodness))


def _draw_neuron(upper: Axes, lower: Axes, fit: NeuronFit, unit: str, current_unit: str) -> None:
    factor, shown = (1e3, "mA") if current_unit == "A" else (1.0, current_unit)
    _draw_data(upper, lower, fit.devices, fit.models, factor)
    threshold = fit.values["threshold"]
    upper.axvline(threshold.value * factor, color=SOFT, linestyle=":", linewidth=1)
    low, middle, high = (
        f"{getattr(threshold, edge) * factor:.3g}" for edge in ("low", "value", "high")
    )
    _title(upper, "Neuron", f"threshold = {middle} {shown} ({low} to {high})", fit.goodness)
    upper.set_ylabel(f"{R_AH} ({unit})")
    lower.set_ylabel(f"residual of\nthe mean ({unit})")
    lower.set_xlabel(f"current ({shown})")
    _note(lower, str(fit.goodness))


def _title(axes: Axes, name: str, values: str, goodness: Goodness) -> None:
    if goodness.described:
        axes.set_title(f"{name}\n{values}", fontsize=9)
    else:
        axes.set_title(f"{name}\nnot described by the model", fontsize=9, color=VERMILION)


def _note(axes: Axes, text: str) -> None:
    text = text.replace("R^2", "R²").replace("range, ", "range\n")
    axes.set_title(text, fontsize=7, fontweight="normal")


@styled
def fit_picture(
    result: FitResult, name: str, table: bool = False, outliers: Sequence[Outlier] = ()
) -> Figure:
    """Draw what was measured, what was fitted, and what is left.

    Parameters
    ----------
    result : FitResult
        The fit.
    name : str
        The device's name, for the title.
    table : bool
        Whether the synapse is the measured table in place of the model.
    outliers : sequence of Outlier
        Points and cycles that were set aside; they are crossed out, those beyond the axes at its
        edge.
    """
    parts = [*result.polarities, *([None] if result.neuron is not None else [])]
    figure = new_figure(4.6 * len(parts), 5.4, f"{name_text(name)}: data, fit and residuals")
    grid = figure.subplots(
        2, len(parts), squeeze=False, sharex="col", gridspec_kw={"height_ratios": (2.2, 1)}
    )
    for column, part in enumerate(parts):
        upper, lower = grid[0, column], grid[1, column]
        if isinstance(part, Polarity):
            draw = _draw_table if table else _draw_polarity
            draw(upper, lower, result.polarities[part], result.unit)
        elif result.neuron is not None:
            _draw_neuron(upper, lower, result.neuron, result.unit, result.current_unit)
        factor = 1e3 if part is None and result.current_unit == "A" else 1.0
        _draw_outliers(upper, [one for one in outliers if one.polarity == part], factor)
    figure.legend(
        handles=_legend(result, table, bool(outliers)),
        loc="outside lower center",
        ncols=5,
        fontsize=8,
    )
    return figure


def _legend(result: FitResult, table: bool, outliers: bool) -> list[Line2D]:
    """What points and lines are."""
    fitted = "measured table" if table else "fit"
    several = any(len(part.fit.devices) > 1 for part in result.polarities.values())
    handles = [
        Line2D([], [], color=BLUE, marker=".", linestyle="none", label="measured, each cycle"),
        Line2D([], [], color=BLUE, label=f"{fitted}, a colour for each device"),
    ]
    if several and not table:
        handles.append(Line2D([], [], color=INK, linestyle="--", label="mean device"))
    if result.neuron is not None:
        handles.append(Line2D([], [], color=SOFT, linestyle=":", label="threshold"))
    if outliers:
        handles.append(
            Line2D([], [], color=VERMILION, marker="x", linestyle="none", label="set aside")
        )
    return handles


@dataclass(frozen=True, eq=False)
class Fitted:
    """What came of measured curves.

    Attributes
    ----------
    measurement : Measurement
        The curves.
    options : FitOptions
        What was asked for.
    result : FitResult
        Values, intervals, and how well the models describe the curves.
    base : Device or None
        What stands in for what was not measured.
    outliers : list of Outlier
        Points that were set aside.
    """

    measurement: Measurement
    options: FitOptions
    result: FitResult
    base: Device | None
    outliers: list[Outlier]

    @property
    def complaints(self) -> list[str]:
        """What the models do not describe, a line each; a measured table needs no model."""
        return self.result.complaints(neuron_only=self.options.table)

    def device(self) -> Device:
        """The device, whether or not the models describe the curves.

        Raises
        ------
        UserError
            If a value is outside what a device can have.
        """
        device = make_device(self.result, self.measurement, self.options, self.base)
        if not self.outliers:
            return device
        source = device.source | {"outliers": [str(outlier) for outlier in self.outliers]}
        return dataclasses.replace(device, source=source)

    def picture(self) -> Figure:
        """Data, fit, and what is left."""
        return fit_picture(self.result, self.options.name, self.options.table, self.outliers)

    def to_dict(self, device: Path | None, pictures: Sequence[Path]) -> dict[str, Any]:
        """As ``allspin fit --json`` prints it; see ``docs/formats.md``.

        Parameters
        ----------
        device : Path or None
            The device file, if it was written.
        pictures : sequence of Path
            The pictures.
        """
        return {
            "device": None if device is None else str(device),
            "kind": "table" if self.options.table else "model",
            "described": not self.complaints,
            "c2c_occasion": self.result.occasion or None,
            "d2d_reading": self.result.reading or None,
            "outliers": [outlier.to_dict() for outlier in self.outliers],
            "pictures": [str(path) for path in pictures],
            **_finite(report(self.result)),
        }


def fit(
    files: Sequence[str | Path],
    options: FitOptions | str,
    reading: ReadOptions | None = None,
    base: str | None = None,
    noted: Callable[[str], None] = lambda note: None,
    *,
    at: str | OperatingPoint | None = None,
) -> Fitted:
    """Fit measured curves: R_AH against pulse number, and R_AH against current of a neuron.

    Parameters
    ----------
    files : sequence of str or Path
        CSV files; see ``docs/formats.md``.
    options : FitOptions or str
        How the curves are fitted, with the device's name; or only the name.
    reading : ReadOptions, optional
        How the files are read.
    base : str, optional
        A device file, or the name of one that ships, whose values are used for what was not
        measured; without it these are left out.
    noted : callable, optional
        Told what is odd about the files, as soon as they are read; ``measurement.notes`` of
        what is returned has it too.
    at : str or OperatingPoint, optional
        Operating point of the base, such as ``current=9mA``; its file's default.

    Returns
    -------
    Fitted

    Raises
    ------
    UserError
        If a file cannot be read or understood, only one polarity was measured, or a fit makes
        no sense.
    """
    stand_in = None if base is None else open_device(base, at)
    options = FitOptions(options) if isinstance(options, str) else options
    measurement = read_measurement([Path(file) for file in files], reading)
    outliers: list[Outlier] = []
    try:
        if not options.keep_outliers:
            measurement, outliers = set_aside(measurement)
    finally:
        for note in measurement.notes:
            noted(note)
    result = fit_all(measurement, options, stand_in)
    return Fitted(measurement, options, result, stand_in, outliers)


def _finite(value: Any) -> Any:
    """The same without infinities, which JSON has not: they become null."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
