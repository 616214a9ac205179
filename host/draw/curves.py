"""Lines with error bars: an accuracy, or a resistance, against something."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
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
from allspin.sim.device.device import Device
from allspin.sim.network.network import Network

COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
MARKERS = ("o", "s", "^", "D", "v", "P")
"""With the colours, so that lines stay apart in grey too."""

THOUSANDS = 10_000
"""From here on numbers at the x axis are told in groups of three digits."""


@dataclass(frozen=True)
class Line:
    """A line of a picture.

    Parameters
    ----------
    label : str
        In the legend.
    x, y : sequence of float
        Points.
    error : sequence of float, optional
        Standard deviation of each.
    marked : bool
        Whether points are marked, or only the line is drawn.
    dashed : bool
        Whether the line is dashed.
    joined : bool
        Whether there is a line between the points.
    colour : str, optional
        Other than its turn's.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    error: Sequence[float] | None = None
    marked: bool = True
    dashed: bool = False
    joined: bool = True
    colour: str | None = None


@dataclass(frozen=True)
class Panel:
    """One pair of axes.

    Parameters
    ----------
    lines : sequence of Line
        What is drawn.
    x, y : str
        Labels of the axes, with units.
    title : str
        Above it.
    levels : dict of str to float
        Horizontal lines to compare with, by what they are.
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

    lines: Sequence[Line]
    x: str
    y: str
    title: str = ""
    levels: dict[str, float] = field(default_factory=dict)
    x_scale: str = "linear"
    y_scale: str = "linear"
    y_range: tuple[float, float] | None = None
    places: str = "best"
    ticks: Sequence[float] | None = None


def draw_panel(axes: Axes, panel: Panel) -> None:
    """Draw a panel into axes."""
    for number, line in enumerate(panel.lines):
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
    elif max(max(line.x) for line in panel.lines) >= THOUSANDS:
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
    axes.set_xlabel(panel.x.replace("R_AH", R_AH))
    axes.set_ylabel(panel.y.replace("R_AH", R_AH))
    if panel.title:
        axes.set_title(panel.title)
    if len(panel.lines) > 1 or panel.lines[0].label:
        axes.legend(loc=cast(Any, panel.places), fontsize=8)
    add_grid(axes)


@styled
def curves(title: str, panels: Sequence[Panel], across: int = 2) -> Figure:
    """Draw panels side by side.

    Parameters
    ----------
    title : str
        Of the whole.
    panels : sequence of Panel
        In reading order.
    across : int
        How many stand side by side at most.
    """
    columns = min(across, len(panels))
    rows = -(-len(panels) // columns)
    figure = new_figure(max(6.0, 4.8 * columns), 3.7 * rows + 0.4, title.replace("R_AH", R_AH))
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    for axes, panel in zip(grid.flat, panels, strict=False):
        draw_panel(axes, panel)
    return figure


def even(low: float, high: float, points: int = 201) -> list[float]:
    """Evenly spaced numbers, both ends included."""
    return [float(x) for x in np.linspace(low, high, points)]


# The neuron's curve, and the steps that its table makes of it.


def full_scale(device: Device | None) -> tuple[str, str]:
    """What the largest current and the largest R_AH of a neuron are, where they were measured.

    Parameters
    ----------
    device : Device or None
        What `allspin fit` made of curves in ampere and ohm tells both.

    Returns
    -------
    current, resistance : str
        Such as ``0.35 uA`` and ``1.2 ohm``; empty where it is not known.
    """
    fitted = {} if device is None else device.source.get("fit", {})
    neuron = fitted.get("neuron", {}) if isinstance(fitted, dict) else {}
    try:
        current, resistance = float(neuron["full_current"]), float(neuron["full_resistance"])
    except (KeyError, TypeError, ValueError):
        return "", ""
    if device is None or device.unit != "ohm":
        return "", ""
    return f"{1e6 * current:.3g} \N{MICRO SIGN}A", f"{resistance:.3g} ohm"


def draw_curve(axes: Axes, network: Network, device: Device | None = None) -> None:
    """Draw response and table of a network's hidden neurons into axes.

    Parameters
    ----------
    axes : Axes
        Where to.
    network : Network
        A network with a hidden layer.
    device : Device, optional
        What it is made of: units are told where its file has them.
    """
    size = 2**network.current_bits
    top = 2**network.hidden_bits - 1
    fine = np.linspace(0, 1, 2001)
    table = network.layers[0].table
    if table is not None:
        axes.step(
            np.arange(size + 1) - 0.5,
            np.append(table, table[-1]),
            where="post",
            color=VERMILION,
            linewidth=1.2,
            label=f"table: {size} entries of {network.hidden_bits} bits",
        )
    axes.plot(
        fine * (size - 1),
        network.neuron.response(fine) * top,
        color=BLUE,
        linewidth=2.2,
        alpha=0.75,
        label="device",
    )
    knees = network.neuron.knees
    if knees is not None:
        for place, text, side in (
            (knees.threshold, "switching starts", "left"),
            (knees.end, "saturated", "right"),
        ):
            if place <= 1:
                axes.axvline(place * (size - 1), color=SOFT, linestyle=":", linewidth=1)
                axes.annotate(
                    text,
                    (place * (size - 1), 0.5 * top if side == "left" else 0.25 * top),
                    xytext=(4 if side == "left" else -4, 0),
                    textcoords="offset points",
                    ha=side,
                    fontsize=8,
                )
    axes.set_xlim(0, size - 1)
    axes.set_ylim(0, top * 1.04)
    axes.set_xticks([*range(0, size - 1, size // 8), size - 1])
    axes.set_yticks(sorted({round(step * top / 5) for step in range(6)}))
    current, resistance = full_scale(device)
    full = f"; {size - 1} is {current}" if current else ""
    axes.set_xlabel(f"input current (LSB{full})")
    full = f";\n{top} is {resistance}" if resistance else ""
    axes.set_ylabel(f"activation: {R_AH} above reset\n(LSB{full})")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)
    add_grid(axes)


@styled
def neuron_curve(network: Network, device: Device | None = None) -> Figure:
    """Draw the hidden neurons' response with their table's steps over it.

    Parameters
    ----------
    network : Network
        A network with a hidden layer.
    device : Device, optional
        What it is made of.
    """
    name = network.neuron.title or network.neuron.name
    figure = new_figure(7, 4.2, f"The {name} neuron, and what the machine keeps of it")
    draw_curve(figure.subplots(), network, device)
    return figure
