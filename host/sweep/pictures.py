"""Pictures of a sweep: accuracy against each factor, yield, the worst and the best chip."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from allspin.host.charts.confusion import confusion_matrices
from allspin.host.charts.line_charts import COLOURS, MARKERS, panel_axes
from allspin.host.data.catalogue import DEVICE_SUFFIX, SUFFIX
from allspin.host.draw.picture_files import save_picture
from allspin.host.draw.picture_style import SCREEN, PictureStyle
from allspin.host.draw.style import (
    INK,
    SOFT,
    add_grid,
    add_legend,
    name_text,
    styled,
)
from allspin.host.machines.opening import GOLDEN
from allspin.host.sweep.grid import FACTORS
from allspin.host.sweep.job import Row, answers_of, shown
from allspin.host.sweep.sweeping import Sweep

ACROSS, HEIGHT = 2, 3.6
"""Panels side by side, and how high each is, in inches."""
MOST_PANELS = 12
"""With more combinations than this, each factor has a panel in their place."""
MOST_POINTS = 40
"""With more chips than this a box has no points of its own drawn."""
BOXES = 0.8
"""Width of the boxes of a value, side by side."""
HUES = ("program", "network", "calibrate")
"""Factors that colours tell, the first that varies."""
DASHES = ("-", "--", ":", "-.")
JITTER = 0.2
"""Half the share of a box's width that its points are spread over."""
Shares = npt.NDArray[np.float64]


def value_name(value: Any) -> str:
    """A factor's value as a label."""
    if value is None:
        return "other schemes"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    # Of files their names; a point's text has dots too, which are no suffixes.
    name = Path(str(value)).name
    return name_text(name.removesuffix(SUFFIX).removesuffix(DEVICE_SUFFIX))


def _by_value(rows: list[Row], factor: str | None) -> dict[Any, list[Row]]:
    """Rows by the value that they have of a factor, in the grid's order; all without one."""
    parts: dict[Any, list[Row]] = {}
    for row in rows:
        parts.setdefault(getattr(row.point, factor) if factor else None, []).append(row)
    return parts


def _counted(rows: list[Row]) -> str:
    """What each box and line is of, which a caption tells too."""
    chips = len({row.chip for row in rows})
    return f"{chips} chip{'s' * (chips > 1)} a point, {rows[0].images:,} test images each"


def _shares(rows: list[Row]) -> Shares:
    """Accuracies of chips."""
    return np.array([row.accuracy for row in rows])


SweepPanel = tuple[str, list[Row], str, str | None]
"""Of a panel its title, which tells the values that are the same in all of it; its rows; the factor
of its axis; and that of its colours, schemes before networks, None where nothing else varies."""


def layout(rows: list[Row], factors: list[str]) -> tuple[list[SweepPanel], str]:
    """Lay out the pictures of a sweep.

    Each combination of values has a panel, but for the factor of the most values, which is the
    axis, and the hue's, so that each box and line is of one point of the grid. Where these were
    too many, each factor has a panel, in which those of all other values are together.

    Parameters
    ----------
    rows : list of Row
        The sweep's rows.
    factors : list of str
        All that vary, at least one.

    Returns
    -------
    panels : list of SweepPanel
        In reading order.
    pooled : str
        What the picture's title says where values are together.
    """
    counts = {factor: len(_by_value(rows, factor)) for factor in factors}
    few = (name for name in HUES if counts.get(name, math.inf) <= len(COLOURS))
    hue = next(few, None) if len(factors) > 1 else None
    across = max((name for name in factors if name != hue), key=counts.__getitem__)
    others = [name for name in factors if name not in (hue, across)]
    if math.prod(counts[name] for name in others) > MOST_PANELS:
        return [
            ("", rows, name, None if name == hue else hue) for name in factors
        ], ", all values of the other factors together"
    parts: dict[str, list[Row]] = {}
    for row in rows:
        values = (
            f"{FACTORS[name].title}: {value_name(getattr(row.point, name))}" for name in others
        )
        parts.setdefault("\n".join(values), []).append(row)
    return [(name, some, across, hue) for name, some in parts.items()], ""


def _draw_box(axes: Axes, shares: Shares, place: float, width: float, look: int) -> None:
    """A box, and its chips where they are few."""
    colour = COLOURS[look % len(COLOURS)]
    axes.boxplot(
        shares,
        positions=[place],
        widths=0.6 * width,
        showfliers=False,
        patch_artist=True,
        boxprops={"facecolor": "white", "edgecolor": INK},
        medianprops={"color": INK, "linewidth": 1.6},
        whiskerprops={"color": INK},
        capprops={"color": INK},
    )
    if len(shares) <= MOST_POINTS:
        rng = np.random.default_rng(0)  # only spreads points sideways
        sideways = place + width * rng.uniform(-JITTER, JITTER, len(shares))
        mark = MARKERS[look % len(MARKERS)]
        axes.plot(sideways, shares, mark, color=colour, markersize=2.6, alpha=0.75, zorder=3)


def _draw_boxes(axes: Axes, rows: list[Row], factor: str, hue: str | None) -> None:
    """A box for each value of a factor, and beside one another those of the other's values."""
    values = list(_by_value(rows, factor))
    parts = _by_value(rows, hue)
    width = BOXES / len(parts)
    for look, (of, part) in enumerate(parts.items()):
        aside = (look - (len(parts) - 1) / 2) * width
        for value, some in _by_value(part, factor).items():
            _draw_box(axes, _shares(some), values.index(value) + aside, 0.95 * width, look)
        if hue is not None:
            colour, mark = COLOURS[look % len(COLOURS)], MARKERS[look % len(MARKERS)]
            axes.plot([], [], mark, color=colour, label=value_name(of))
    names = [value_name(value) for value in values]
    leaning = {"rotation": 25, "ha": "right"} if sum(map(len, names)) > 44 else {}
    axes.set_xticks(range(len(names)), names, **leaning)
    axes.set_xlim(-0.6, len(names) - 0.4)


@styled
def accuracy_by_factor(rows: list[Row], factors: list[str]) -> Figure:
    """Draw how accuracies are distributed at each point of the grid.

    Parameters
    ----------
    rows : list of Row
        The sweep's rows.
    factors : list of str
        Factors that vary; see `layout`.
    """
    parts, pooled = layout(rows, factors)
    title = f"Accuracy of {_counted(rows)}{pooled}"
    figure, panels = panel_axes(title, len(parts), ACROSS, HEIGHT)
    ends = _ends(rows)
    for axes, (name, some, across, hue) in zip(panels, parts, strict=True):
        _draw_boxes(axes, some, across, hue)
        axes.set(title=name, xlabel=FACTORS[across].title, ylabel="test accuracy", ylim=ends)
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        add_grid(axes)
    add_legend(figure, panels)
    return figure


def _ends(rows: list[Row]) -> tuple[float, float]:
    """Ends of an axis of all chips' accuracies."""
    shares = _shares(rows)
    margin = max(0.03 * float(np.ptp(shares)), 1e-4)
    return float(shares.min()) - margin, float(shares.max()) + margin


def yield_curve(shares: Shares) -> tuple[Shares, Shares]:
    """Share of chips that are at least as good as an accuracy.

    Parameters
    ----------
    shares : ndarray of float64, shape (chips,)
        Their accuracies.

    Returns
    -------
    accuracies, yields : ndarray of float64, shape (chips,)
        Rising accuracies of the chips, and the share of chips at or above each.
    """
    accuracies = np.sort(shares)
    at_least = len(shares) - np.searchsorted(accuracies, accuracies, side="left")
    return accuracies, at_least / len(shares)


def _draw_yields(axes: Axes, rows: list[Row], factor: str, hue: str | None, start: float) -> None:
    """A line from a start for each value of a factor, dashed for the other's."""
    values = list(_by_value(rows, factor))
    for style, (of, part) in enumerate(_by_value(rows, hue).items()):
        for value, some in _by_value(part, factor).items():
            look = values.index(value)
            accuracies, yields = yield_curve(_shares(some))
            name = value_name(value) if hue is None else f"{value_name(value)}, {value_name(of)}"
            axes.step(
                [start, *accuracies, accuracies[-1]],
                [1.0, *yields, 0.0],
                where="pre",
                color=COLOURS[look % len(COLOURS)],
                linestyle=DASHES[style % len(DASHES)],
                marker=MARKERS[look % len(MARKERS)],
                # Where chips are, not at the line's ends; marks at the axes' edge are whole.
                markevery=list(range(1, len(some) + 1, max(1, len(some) // 6))),
                clip_on=False,
                markersize=3.5,
                linewidth=1.4,
                label=name,
            )


@styled
def yields_by_factor(rows: list[Row], factors: list[str]) -> Figure:
    """Draw which share of the chips is above an accuracy, a line for each value.

    Parameters
    ----------
    rows, factors
        As of `accuracy_by_factor`; dashes tell what colours tell there.
    """
    parts, pooled = layout(rows, factors)
    title = f"Yield: share of chips at or above an accuracy{pooled}\n{_counted(rows)}"
    figure, panels = panel_axes(title, len(parts), ACROSS, HEIGHT)
    ends = _ends(rows)
    for axes, (name, some, across, hue) in zip(panels, parts, strict=True):
        _draw_yields(axes, some, across, hue, ends[0])
        axes.set(title=name, xlim=ends, ylim=(0, 1.03), xlabel="accuracy", ylabel="share of chips")
        axes.xaxis.set_major_locator(MaxNLocator(6))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(PercentFormatter(1))
        add_grid(axes)
        axes.grid(axis="x", color=SOFT, alpha=0.2)
        if pooled:  # each panel has lines of its own
            axes.legend(title=FACTORS[across].title, fontsize=8, loc="lower left")
    if not pooled:
        add_legend(figure, panels, FACTORS[parts[0][2]].title)
    return figure


def worst_and_best(sweep: Sweep, factors: list[str]) -> Figure:
    """Draw the confusion matrices of the sweep's worst chip, and of the best at the same point.

    Each is a seed, so it is made again, on the golden model: any machine answers as it does.

    Parameters
    ----------
    sweep : Sweep
        The sweep.
    factors : list of str
        Factors that the title names.
    """
    worst = min(sweep.rows, key=lambda row: row.accuracy)
    alike = [row for row in sweep.rows if row.point == worst.point]
    best = max(alike, key=lambda row: row.accuracy)
    matrices = []
    for title, row in (("Worst", worst), ("Best", best)):
        job = replace(sweep.plan.job(row.point, row.chip), on=GOLDEN)
        answers, labels = answers_of(job), shown(job)[1]
        classes = int(max(labels.max(), answers.max())) + 1
        name = f"{title}: chip {row.chip} ({row.accuracy:.2%})"
        matrices.append((name, labels, answers, classes))
    place = ", ".join(
        f"{factor} {value_name(getattr(worst.point, factor))}" for factor in factors[:4]
    )
    chips = f"Worst and best of {len(alike)} chips"
    return confusion_matrices(f"{chips}: {place}" if place else chips, matrices)


def draw_sweep(sweep: Sweep, folder: Path, look: PictureStyle = SCREEN) -> list[Path]:
    """Draw all pictures of a sweep.

    Parameters
    ----------
    sweep : Sweep
        The sweep, finished.
    folder : Path
        Where to; it must exist.
    look : PictureStyle
        What files.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    UserError
        If a file cannot be written.
    """
    factors = sweep.plan.grid.varied()
    figures = {
        "accuracy": accuracy_by_factor(sweep.rows, factors),
        "yield": yields_by_factor(sweep.rows, factors),
        "worst-and-best": worst_and_best(sweep, factors),
    }
    return [
        path for name, each in figures.items() for path in save_picture(each, folder, name, look)
    ]
