"""Charts of rows below one another: dots along an axis, or bars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from allspin.host.charts.line_charts import COLOURS, MARKERS
from allspin.host.draw.style import (
    BLUE,
    GROUND,
    INK,
    PALE,
    SOFT,
    name_text,
    new_figure,
    styled,
)
from allspin.host.show.say import shortened

WIDTH = 5.4
"""Width of a picture, in inches."""
JITTER = 0.16
"""Share of a row's height that its dots spread over, either way."""
MEAN = 0.23
"""Share of a row's height that the bar of a mean takes, either way; its label stands above."""


@dataclass(frozen=True)
class Strip:
    """Row of dots.

    Parameters
    ----------
    label : str
        Name of the row.
    values : sequence of float
        A dot each.
    text : str
        Summary at the right, with its unit.
    mean : float, optional
        Drawn as an upright bar.
    """

    label: str
    values: Sequence[float]
    text: str
    mean: float | None = None


def _draw_strip(axes: Axes, place: int, strip: Strip) -> None:
    # Only spreads dots sideways.
    aside = np.random.default_rng(0).uniform(-JITTER, JITTER, len(strip.values))
    if len(strip.values) == 1:
        aside[:] = 0
    axes.axhline(place, color=PALE, linewidth=0.8, zorder=0)
    axes.plot(
        strip.values,
        place + aside,
        MARKERS[place % len(MARKERS)],
        color=COLOURS[place % len(COLOURS)],
        markersize=5,
        markeredgewidth=0,
        alpha=0.8,
    )
    if strip.mean is not None:
        axes.plot([strip.mean] * 2, [place - MEAN, place + MEAN], color=INK, linewidth=1.6)
    beside, label = axes.get_yaxis_transform(), name_text(shortened(strip.label, 56))
    ground = {"facecolor": GROUND, "edgecolor": "none", "pad": 0.5}
    axes.text(0, place - 0.36, label, transform=beside, fontweight="bold", bbox=ground)
    axes.text(1.02, place, strip.text, transform=beside, va="center", fontweight="bold")


@styled
def strips(
    title: str,
    rows: Sequence[Strip],
    label: str,
    guide: tuple[float, str] | None = None,
    log: bool = False,
) -> Figure:
    """Draw rows of dots, each below its label.

    Parameters
    ----------
    title : str
        Of the whole.
    rows : sequence of Strip
        At least one.
    label : str
        Label of the axis, with its unit.
    guide : tuple of (float, str), optional
        Value to compare with, and its label.
    log : bool
        True if the axis is logarithmic.
    """
    figure = new_figure(WIDTH, 0.62 * len(rows) + 0.9, title)
    axes = figure.subplots()
    for place, strip in enumerate(rows):
        _draw_strip(axes, place, strip)
    if guide is not None:
        axes.axvline(guide[0], color=SOFT, linestyle=":", linewidth=1.2, zorder=1)
        axes.set_title(guide[1], loc="right", fontweight="normal", fontsize=8)
    if log:
        axes.set_xscale("log")
    axes.margins(x=0.08)
    axes.set(ylim=(len(rows) - 0.7, -0.65), yticks=[], xlabel=label)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color=PALE, linewidth=0.8)
    return figure


@styled
def bars(title: str, values: Mapping[str, float], label: str, form: str) -> Figure:
    """Draw a bar for each value, with the value at its end.

    Parameters
    ----------
    title : str
        Of the whole.
    values : mapping of str to float
        Values by name, at least 0.
    label : str
        Label of the axis, with its unit.
    form : str
        Format of the values.
    """
    figure = new_figure(WIDTH, 0.27 * len(values) + 1.0, title)
    axes = figure.subplots()
    names = [name_text(shortened(name, 48)) for name in values]
    drawn = axes.barh(range(len(names)), list(values.values()), height=0.7, color=BLUE)
    axes.bar_label(drawn, [format(value, form) for value in values.values()], padding=3)
    axes.set_yticks(range(len(names)), names)
    axes.set(ylim=(len(names) - 0.4, -0.6), xlabel=label)
    axes.margins(x=0.12)
    if not any(values.values()):
        axes.set_xlim(0, 1)
    axes.grid(axis="x", color=PALE, linewidth=0.8)
    axes.tick_params(length=0, axis="y")
    return figure
