"""Pictures of fits: data, models, and what is left, of pulses, neurons and decays alike."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

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
from allspin.host.fit.goodness import Goodness
from allspin.sim.synapse.response import Array

COLOURS = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY)
"""Of devices, or of temperatures, in turn."""
NAMED = 6
"""More groups of curves than these are not named one by one."""


@dataclass
class Panel:
    """Curves over one another, and below them what their models leave.

    Attributes
    ----------
    title, x : str
        What stands above it, and at the x axis.
    goodness : Goodness or None
        How well the curves are described, if that is to be said.
    log : bool
        Whether x is told by its logarithm.
    groups : dict of str to list of (ndarray, ndarray, ndarray)
        By the name of what has a colour: x, R_AH of shape (cycles, points), and the model.
    aside : list of (ndarray, ndarray)
        Points, or cycles, that were set aside.
    mean : (ndarray, ndarray) or None
        A dashed line, of the mean device.
    threshold : float or None
        A place that is marked.
    """

    title: str
    x: str
    goodness: Goodness | None = None
    log: bool = False
    groups: dict[str, list[tuple[Array, Array, Array]]] = field(default_factory=dict)
    aside: list[tuple[Array, Array]] = field(default_factory=list)
    mean: tuple[Array, Array] | None = None
    threshold: float | None = None


def _draw(upper: Axes, lower: Axes, panel: Panel) -> None:
    left = []
    for number, (label, curves) in enumerate(panel.groups.items()):
        colour = COLOURS[number % len(COLOURS)]
        if 1 < len(panel.groups) <= NAMED:
            upper.plot([], [], color=colour, label=name_text(label))
        for x, cycles, model in curves:
            rest = np.nanmean(cycles, axis=0) - model
            upper.plot(x, cycles.T, ".", color=colour, markersize=2.5, alpha=0.4, zorder=1)
            upper.plot(x, model, color=colour, linewidth=1.2, zorder=2)
            lower.plot(x, rest, ".-", color=colour, markersize=2.5, linewidth=0.6)
            left.append(rest)
    if panel.mean is not None:
        upper.plot(*panel.mean, color=INK, linestyle="--", label="mean device")
    if panel.threshold is not None:
        upper.axvline(panel.threshold, color=SOFT, linestyle=":", label="threshold")
    upper.set_xscale("log" if panel.log else "linear")
    # What is far beyond the data does not make these small.
    low, high = upper.get_ylim()
    for number, (x, y) in enumerate(panel.aside):
        style: dict[str, Any] = {"color": VERMILION, "markersize": 4, "linewidth": 0.5, "zorder": 3}
        style["label"] = "" if number else "set aside"
        upper.plot(x, np.clip(y, low, high), "x-", clip_on=False, **style)
    upper.set_ylim(low, high)
    reach = 8 * float(np.median(np.abs(np.concatenate(left)))) or 1.0
    lower.set_ylim(*np.clip(lower.get_ylim(), -reach, reach))
    lower.axhline(0, color=INK, linewidth=0.8)
    if upper.get_legend_handles_labels()[1]:
        upper.legend(fontsize=7)


@styled
def fit_picture(name: str, unit: str, panels: Sequence[Panel]) -> Figure:
    """Draw what was measured, what was fitted, and what is left.

    Outliers are crossed out, those beyond the axes at its edge.

    Parameters
    ----------
    name : str
        The device's.
    unit : str
        Of R_AH.
    panels : sequence of Panel
        Side by side.
    """
    figure = new_figure(
        max(4.6 * len(panels), 6.0), 5.4, f"{name_text(name)}: data, fit and residuals"
    )
    grid = figure.subplots(
        2,
        len(panels),
        squeeze=False,
        sharex="col",
        gridspec_kw={"height_ratios": (2.2, 1)},
    )
    for (upper, lower), panel in zip(grid.T, panels, strict=True):
        _draw(upper, lower, panel)
        title, colour = panel.title, INK
        if panel.goodness is not None:
            note = str(panel.goodness).replace("R^2", "R²").replace("range, ", "range\n")
            lower.set_title(note, fontsize=7, fontweight="normal")
        if panel.goodness is not None and not panel.goodness.described:
            title, colour = f"{title}\nnot described by the model", VERMILION
        upper.set_title(title, fontsize=9, color=colour)
        upper.set_ylabel(f"{R_AH} ({unit})")
        lower.set_ylabel(f"residual of\nthe mean ({unit})")
        lower.set_xlabel(panel.x)
        for axes in (upper, lower):
            add_grid(axes)
    return figure
