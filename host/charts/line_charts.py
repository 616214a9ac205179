"""Line charts: panels of lines with error bars and levels to compare with."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from allspin.host.draw.style import (
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    R_AH,
    SKY,
    SOFT,
    VERMILION,
    add_grid,
    new_figure,
    styled,
)

COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
MARKERS = ("o", "s", "^", "D", "v", "P")
"""Marks that go with the colours, so that lines stay apart in grey."""

THOUSANDS = (10_000, 10_000_000)
"""Range of numbers at the x axis that are grouped in thousands."""


@dataclass(frozen=True)
class ChartLine:
    """Line of a chart.

    Parameters
    ----------
    label : str
        In the legend.
    x, y : sequence of float
        Points.
    error : sequence of float, optional
        Standard deviation of each.
    marked : bool
        True if its points are marked.
    dashed : bool
        True if the line is dashed.
    joined : bool
        True if a line joins the points.
    colour : str, optional
        Other than its turn's.
    turn : int, optional
        Place whose colour and mark it has, if not its own place in the panel.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    error: Sequence[float] | None = None
    marked: bool = True
    dashed: bool = False
    joined: bool = True
    colour: str | None = None
    turn: int | None = None


@dataclass(frozen=True)
class ChartPanel:
    """Pair of axes with lines.

    Parameters
    ----------
    lines : sequence of ChartLine
        Lines that are drawn.
    x, y : str
        Labels of the axes, with units.
    title : str
        Above it.
    levels : dict of str to float
        Horizontal lines to compare with, by their labels.
    x_scale : str
        ``linear``, ``log``, or ``symlog`` (linear below the smallest positive x).
    y_scale : str
        ``linear`` or ``log``.
    y_range : tuple of float, optional
        Ends of the y axis.
    places : str
        Where the legend is.
    ticks : sequence of float, optional
        Ticks of the x axis.
    """

    lines: Sequence[ChartLine]
    x: str
    y: str
    title: str = ""
    levels: dict[str, float] = field(default_factory=dict)
    x_scale: str = "linear"
    y_scale: str = "linear"
    y_range: tuple[float, float] | None = None
    places: str = "best"
    ticks: Sequence[float] | None = None


def draw_panel(axes: Axes, panel: ChartPanel) -> None:
    """Draw a panel into axes."""
    for place, line in enumerate(panel.lines):
        number = place if line.turn is None else line.turn
        axes.errorbar(
            line.x,
            line.y,
            yerr=line.error,
            label=line.label,
            color=line.colour or COLOURS[number % len(COLOURS)],
            linestyle="none" if not line.joined else "--" if line.dashed else "-",
            linewidth=1.4,
            marker=MARKERS[number % len(MARKERS)] if line.marked else None,
            markersize=4,
            capsize=2,
            elinewidth=1,
        )
    axes.set_yscale(panel.y_scale)
    if panel.y_scale == "log":
        axes.yaxis.set_major_formatter("{x:g}")
    if panel.x_scale == "symlog":
        positive = [x for line in panel.lines for x in line.x if x > 0]
        axes.set_xscale("symlog", linthresh=min(positive), linscale=0.4)
    else:
        axes.set_xscale(panel.x_scale)
    if panel.ticks is not None:
        axes.set_xticks(list(panel.ticks), [f"{tick:g}" for tick in panel.ticks])
        axes.minorticks_off()
    elif THOUSANDS[0] <= max(max(line.x) for line in panel.lines) < THOUSANDS[1]:
        axes.xaxis.set_major_formatter("{x:,.0f}")
    for text, level in panel.levels.items():
        axes.axhline(level, color=SOFT, linestyle=":", linewidth=1.2, zorder=0)
        axes.annotate(
            text,
            (1, level),
            xycoords=("axes fraction", "data"),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=7.5,
        )
    if panel.y_range is not None:
        axes.set_ylim(*panel.y_range)
    labels = {"xlabel": panel.x.replace("R_AH", R_AH), "ylabel": panel.y.replace("R_AH", R_AH)}
    axes.set(title=panel.title, **labels)
    if any(line.label for line in panel.lines):
        # More than a dozen names below one another would be higher than the axes.
        axes.legend(
            loc=cast(Any, panel.places),
            fontsize=8,
            ncols=1 + sum(bool(line.label) for line in panel.lines) // 13,
        )
    add_grid(axes)


def panel_axes(title: str, count: int, across: int, height: float) -> tuple[Figure, list[Axes]]:
    """Make a figure with panels of a height in inches, `across` side by side or one more."""
    columns = count if count <= across + 1 else across
    rows = -(-count // columns)
    figure = new_figure(
        max(6.0, (4.8 if columns <= across else 3.6) * columns), height * rows + 0.4, title
    )
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for empty in axes[count:]:
        empty.set_axis_off()
    return figure, axes[:count]


@styled
def curves(title: str, panels: Sequence[ChartPanel], across: int = 2) -> Figure:
    """Draw panels side by side.

    Parameters
    ----------
    title : str
        Of the whole.
    panels : sequence of ChartPanel
        In reading order.
    across : int
        How many stand side by side at most.
    """
    figure, places = panel_axes(title.replace("R_AH", R_AH), len(panels), across, 3.7)
    for axes, panel in zip(places, panels, strict=True):
        draw_panel(axes, panel)
    return figure
