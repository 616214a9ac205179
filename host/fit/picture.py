"""Pictures of fits: data, models and residuals, of pulses, neurons and decays alike."""

from collections.abc import Sequence
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
    add_legend,
    name_text,
    new_figure,
    styled,
)
from allspin.host.fit.panels import Panel, PanelCurve
from allspin.host.show.say import shortened

COLOURS = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY)
"""Colours of devices, or of temperatures, in turn."""
LOOKS = (("-", "o"), ("--", "s"), (":", "^"), ("-.", "D"))
"""Line styles and marks of devices, in turn, where colours stand for temperatures."""
NAMED = 12
"""Largest number of curves with names."""
BEYOND = "set aside, beyond the axis"
"""Label of an arrow at the edge of a panel."""


def _draw_curves(upper: Axes, lower: Axes, curves: Sequence[PanelCurve]) -> float:
    """Draw data, models and residuals; return the median magnitude of these."""
    left = []
    names, devices = (
        list(dict.fromkeys(each))
        for each in zip(*((one.name, one.device) for one in curves), strict=True)
    )
    named = len(names) <= len(COLOURS) and 1 < len(curves) <= NAMED
    for one in curves:
        colour = COLOURS[names.index(one.name) % len(COLOURS)]
        dash, mark = LOOKS[devices.index(one.device) % len(LOOKS)]
        dots: dict[str, Any] = {"color": colour, "markersize": 2.2, "markeredgewidth": 0}
        upper.plot(one.x, one.cycles.T, mark, alpha=0.5, zorder=1, **dots)
        label = ", ".join((one.name, *([one.device] if len(devices) > 1 else [])))
        line = {"linestyle": dash, "label": name_text(shortened(label, 24)) if named else None}
        upper.plot(*(one.line or (one.x, one.model)), color=colour, linewidth=1.2, **line)
        rest = np.nanmean(one.cycles, axis=0) - one.model
        lower.plot(one.x, rest, mark, alpha=0.8, **dots)
        left.append(np.abs(rest))
    return float(np.median(np.concatenate(left)))


def _draw(upper: Axes, lower: Axes, panel: Panel) -> None:
    median = _draw_curves(upper, lower, panel.curves)
    if panel.mean is not None:
        upper.plot(*panel.mean, color=INK, linestyle="--", label="mean device")
    if panel.threshold is not None:
        upper.axvline(panel.threshold, color=SOFT, linestyle=":", label="threshold")
    upper.set_xscale("log" if panel.log else "linear")
    # An arrow in a strip at the edge stands for an outlier, which would shrink the data.
    low, high = upper.get_ylim()
    strip = 0.06 * (high - low) if panel.aside else 0.0
    look: dict[str, Any] = {"color": VERMILION, "markersize": 4, "linewidth": 0.5, "zorder": 3}
    for x, y in panel.aside:
        edge = np.clip(y, low - strip / 2, high + strip / 2)
        upper.plot(x, edge, "x-", label="set aside", **look)
        for mark, far in (("^", y > edge), ("v", y < edge)):
            if far.any():
                upper.plot(x[far], edge[far], mark, label=BEYOND, **look)
    upper.set_ylim(low - strip, high + strip)
    reach = 8 * median or 1.0
    lower.set_ylim(*np.clip(lower.get_ylim(), -reach, reach))
    lower.axhline(0, color=INK, linewidth=0.8)


@styled
def fit_picture(name: str, unit: str, panels: Sequence[Panel]) -> Figure:
    """Draw data, fit and residuals.

    Outliers are crossed out; those beyond the axis are arrows at its edge.

    Parameters
    ----------
    name : str
        Name of the device.
    unit : str
        Unit of R_AH.
    panels : sequence of Panel
        Diagrams side by side.
    """
    title = f"{name_text(name)}: data, fit and residuals"
    figure = new_figure(max(4.6 * len(panels), 6.0), 5.4, title)
    grid = figure.subplots(
        2,
        len(panels),
        squeeze=False,
        sharex="col",
        gridspec_kw={"height_ratios": (2.2, 1)},
    )
    for (upper, lower), panel in zip(grid.T, panels, strict=True):
        _draw(upper, lower, panel)
        if panel.goodness is not None:
            note = f"Residuals: {panel.goodness}".replace("R^2", "R²").replace("range, ", "range\n")
            lower.set_title(note, fontsize=7, fontweight="normal")
        wrong = panel.goodness is not None and not panel.goodness.described
        title = f"{panel.title}\nnot described by the model" if wrong else panel.title
        if BEYOND in upper.get_legend_handles_labels()[1]:
            title += f"\narrows: {BEYOND}"
        upper.set_title(title, fontsize=9, color=VERMILION if wrong else INK)
        upper.set_ylabel(f"{R_AH} ({unit})")
        lower.set_ylabel(f"residual of\nthe mean ({unit})")
        lower.set_xlabel(panel.x)
        for axes in (upper, lower):
            add_grid(axes)
    add_legend(figure, grid[0])  # colours are the same in all panels
    return figure
