"""Pictures of a sweep: accuracy by factor, yield, and the worst and the best chip."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
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
from allspin.host.sweep.job import Row
from allspin.host.sweep.measuring import golden_answers
from allspin.host.sweep.point import FACTORS
from allspin.host.sweep.sweeping import Sweep

ACROSS = 2
"""Panels side by side."""
HEIGHT = 3.6
"""Height of a panel in inches."""
MOST_PANELS = 12
"""Most panels with one for each combination; more are pooled, with one for each factor."""
MOST_POINTS = 40
"""Most chips that are drawn as points of a box."""
BOXES = 0.8
"""Width of the boxes of a value, side by side."""
HUES = ("program", "network", "calibrate")
"""Factors that colours may show: the first that varies."""
DASHES = ("-", "--", ":", "-.")
JITTER = 0.2
"""Half the share of a box's width that its points are spread over."""
TICK_LETTERS = 44
"""Most letters of an axis's tick labels before they are turned."""
Shares = npt.NDArray[np.float64]


def value_name(value: Any) -> str:
    """Return a factor's value as a label."""
    if value is None:
        return "other schemes"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    # A file's name without suffix; an operating point's text has dots too, which are no suffixes.
    name = Path(str(value)).name
    return name_text(name.removesuffix(SUFFIX).removesuffix(DEVICE_SUFFIX))


def _by_value(rows: list[Row], factor: str | None) -> dict[Any, list[Row]]:
    """Group rows by their value of a factor, in the grid's order; one group without a factor."""
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        value = getattr(row.point, factor) if factor else None
        groups.setdefault(value, []).append(row)
    return groups


def _size_text(rows: list[Row]) -> str:
    """Return the number of chips and images behind each box and line."""
    chips = len({row.chip for row in rows})
    return f"{chips} chip{'s' if chips > 1 else ''} a point, {rows[0].images:,} test images each"


def _shares(rows: list[Row]) -> Shares:
    """Return the accuracies of chips."""
    return np.array([row.accuracy for row in rows])


@dataclass(frozen=True)
class SweepPanel:
    """Panel of a sweep's picture.

    Attributes
    ----------
    title : str
        Values that all rows of the panel share.
    rows : list of Row
        Rows that it shows.
    across : str
        Factor along the axis.
    hue : str or None
        Factor that colours or dashes show; None if none is left.
    """

    title: str
    rows: list[Row]
    across: str
    hue: str | None


def layout(rows: list[Row], factors: list[str]) -> tuple[list[SweepPanel], bool]:
    """Lay out the pictures of a sweep.

    Each combination of values has a panel, except for the values of two factors: the one with most
    values is the axis, the other the hue. So each box and line is one point of the grid. If these
    panels are more than `MOST_PANELS`, each factor has a panel that pools all values of the others.

    Parameters
    ----------
    rows : list of Row
        The sweep's rows.
    factors : list of str
        Factors that vary, at least one.

    Returns
    -------
    panels : list of SweepPanel
        Panels in reading order.
    pooled : bool
        True if panels pool all values of the other factors.
    """
    counts = {factor: len(_by_value(rows, factor)) for factor in factors}
    hue = _hue(counts)
    across = max((name for name in factors if name != hue), key=counts.__getitem__)
    others = [name for name in factors if name not in (hue, across)]
    if math.prod(counts[name] for name in others) > MOST_PANELS:
        pooled = [SweepPanel("", rows, name, None if name == hue else hue) for name in factors]
        return pooled, True
    groups: dict[str, list[Row]] = {}
    for row in rows:
        title = "\n".join(
            f"{FACTORS[name].title}: {value_name(getattr(row.point, name))}" for name in others
        )
        groups.setdefault(title, []).append(row)
    return [SweepPanel(title, group, across, hue) for title, group in groups.items()], False


def _hue(counts: dict[str, int]) -> str | None:
    """Choose the factor that colours show, by the number of values of each factor."""
    if len(counts) == 1:
        return None
    for name in HUES:
        if counts.get(name, math.inf) <= len(COLOURS):
            return name
    return None


def _pooled_text(pooled: bool) -> str:
    """Return the title's addition for panels that pool values."""
    return ", all values of the other factors together" if pooled else ""


def _draw_box(axes: Axes, shares: Shares, place: float, width: float, style: int) -> None:
    """Draw a box, with its chips as points if they are few."""
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
        colour = COLOURS[style % len(COLOURS)]
        mark = MARKERS[style % len(MARKERS)]
        axes.plot(sideways, shares, mark, color=colour, markersize=2.6, alpha=0.75, zorder=3)


def _draw_boxes(axes: Axes, panel: SweepPanel) -> None:
    """Draw a box for each value along the axis, and side by side those of the hue's values."""
    values = list(_by_value(panel.rows, panel.across))
    hues = _by_value(panel.rows, panel.hue)
    width = BOXES / len(hues)
    for style, (hue, rows) in enumerate(hues.items()):
        aside = (style - (len(hues) - 1) / 2) * width
        for value, group in _by_value(rows, panel.across).items():
            _draw_box(axes, _shares(group), values.index(value) + aside, 0.95 * width, style)
        if panel.hue is not None:
            colour = COLOURS[style % len(COLOURS)]
            mark = MARKERS[style % len(MARKERS)]
            axes.plot([], [], mark, color=colour, label=value_name(hue))
    names = [value_name(value) for value in values]
    turned = sum(map(len, names)) > TICK_LETTERS
    axes.set_xticks(range(len(names)), names, **({"rotation": 25, "ha": "right"} if turned else {}))
    axes.set_xlim(-0.6, len(names) - 0.4)


@styled
def accuracy_by_factor(rows: list[Row], factors: list[str]) -> Figure:
    """Draw the distribution of accuracies at each point of the grid.

    Parameters
    ----------
    rows : list of Row
        The sweep's rows.
    factors : list of str
        Factors that vary; see `layout`.
    """
    panels, pooled = layout(rows, factors)
    title = f"Accuracy of {_size_text(rows)}{_pooled_text(pooled)}"
    figure, all_axes = panel_axes(title, len(panels), ACROSS, HEIGHT)
    ends = _ends(rows)
    for axes, panel in zip(all_axes, panels, strict=True):
        _draw_boxes(axes, panel)
        axes.set(
            title=panel.title,
            xlabel=FACTORS[panel.across].title,
            ylabel="test accuracy",
            ylim=ends,
        )
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        add_grid(axes)
    add_legend(figure, all_axes)
    return figure


def _ends(rows: list[Row]) -> tuple[float, float]:
    """Return the ends of an axis that has all accuracies."""
    shares = _shares(rows)
    margin = max(0.03 * float(np.ptp(shares)), 1e-4)
    return float(shares.min()) - margin, float(shares.max()) + margin


def yield_curve(shares: Shares) -> tuple[Shares, Shares]:
    """Compute the share of chips at or above each accuracy.

    Parameters
    ----------
    shares : ndarray of float64, shape (chips,)
        Accuracies of the chips.

    Returns
    -------
    accuracies, yields : ndarray of float64, shape (chips,)
        Rising accuracies of the chips, and the share of chips at or above each.
    """
    accuracies = np.sort(shares)
    at_least = len(shares) - np.searchsorted(accuracies, accuracies, side="left")
    return accuracies, at_least / len(shares)


def _draw_yields(axes: Axes, panel: SweepPanel, start: float) -> None:
    """Draw a line from `start` for each value along the axis, dashed by the hue's values."""
    values = list(_by_value(panel.rows, panel.across))
    for style, (hue, rows) in enumerate(_by_value(panel.rows, panel.hue).items()):
        for value, group in _by_value(rows, panel.across).items():
            colour = values.index(value)
            accuracies, yields = yield_curve(_shares(group))
            label = value_name(value)
            if panel.hue is not None:
                label = f"{label}, {value_name(hue)}"
            axes.step(
                [start, *accuracies, accuracies[-1]],
                [1.0, *yields, 0.0],
                where="pre",
                color=COLOURS[colour % len(COLOURS)],
                linestyle=DASHES[style % len(DASHES)],
                marker=MARKERS[colour % len(MARKERS)],
                # Marks are at chips, not at the line's ends, and are whole at the axes' edge.
                markevery=list(range(1, len(group) + 1, max(1, len(group) // 6))),
                clip_on=False,
                markersize=3.5,
                linewidth=1.4,
                label=label,
            )


@styled
def yields_by_factor(rows: list[Row], factors: list[str]) -> Figure:
    """Draw the share of chips at or above each accuracy, a line for each value.

    Parameters
    ----------
    rows, factors
        As of `accuracy_by_factor`; dashes show the factor that colours show in that picture.
    """
    panels, pooled = layout(rows, factors)
    subtitle = _size_text(rows)
    title = f"Yield: share of chips at or above an accuracy{_pooled_text(pooled)}\n{subtitle}"
    figure, all_axes = panel_axes(title, len(panels), ACROSS, HEIGHT)
    ends = _ends(rows)
    for axes, panel in zip(all_axes, panels, strict=True):
        _draw_yields(axes, panel, ends[0])
        axes.set(
            title=panel.title, xlim=ends, ylim=(0, 1.03), xlabel="accuracy", ylabel="share of chips"
        )
        axes.xaxis.set_major_locator(MaxNLocator(6))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(PercentFormatter(1))
        add_grid(axes)
        axes.grid(axis="x", color=SOFT, alpha=0.2)
        if pooled:  # each panel has lines of its own
            axes.legend(title=FACTORS[panel.across].title, fontsize=8, loc="lower left")
    if not pooled:
        add_legend(figure, all_axes, FACTORS[panels[0].across].title)
    return figure


def worst_and_best(sweep: Sweep, factors: Sequence[str]) -> Figure:
    """Draw the confusion matrices of the sweep's worst chip, and of the best at the same point.

    The golden model makes both chips again from their seeds; it answers as any machine does.

    Parameters
    ----------
    sweep : Sweep
        The sweep.
    factors : sequence of str
        Factors that the title names, the first four.
    """
    worst = min(sweep.rows, key=lambda row: row.accuracy)
    same_point = [row for row in sweep.rows if row.point == worst.point]
    best = max(same_point, key=lambda row: row.accuracy)
    matrices = []
    for title, row in (("Worst", worst), ("Best", best)):
        job = sweep.plan.job(row.point, row.chip)
        answers = golden_answers(job)
        _, labels = job.test_set()
        classes = int(max(labels.max(), answers.max())) + 1
        name = f"{title}: chip {row.chip} ({row.accuracy:.2%})"
        matrices.append((name, labels, answers, classes))
    title = f"Worst and best of {len(same_point)} chips"
    values = [f"{name} {value_name(getattr(worst.point, name))}" for name in factors[:4]]
    if values:
        title = f"{title}: {', '.join(values)}"
    return confusion_matrices(title, matrices)


def draw_sweep(sweep: Sweep, folder: Path, look: PictureStyle = SCREEN) -> list[Path]:
    """Draw all pictures of a sweep.

    Parameters
    ----------
    sweep : Sweep
        The sweep, finished.
    folder : Path
        Folder of the pictures; it must exist.
    look : PictureStyle
        Style and formats of the files.

    Returns
    -------
    list of Path
        Files that were written.

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
    files = []
    for name, figure in figures.items():
        files += save_picture(figure, folder, name, look)
    return files
