"""Data, fit and residuals of measured curves."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from allspin.host.show.pictures.style import (
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
from allspin.host.study.fit.device import measured_response
from allspin.host.study.fit.model.goodness import Goodness
from allspin.host.study.fit.model.neuron import NeuronFit
from allspin.host.study.fit.model.outliers import Outlier
from allspin.host.study.fit.model.response import DeviceCurves
from allspin.host.study.fit.result import FitResult, PolarityResult
from allspin.sim.device.synapse.response import Array, Polarity

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
