"""Pictures of a sweep: accuracy against each factor, yield, the worst and the best chip."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import Collection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from allspin.host.show.pictures.confusion import confusion_matrices
from allspin.host.show.pictures.curves import COLOURS
from allspin.host.show.pictures.style import (
    BLUE,
    INK,
    SCREEN,
    SOFT,
    Look,
    add_grid,
    name_text,
    new_figure,
    save_picture,
    styled,
)
from allspin.host.study.sweep.runner import Sweep
from allspin.host.study.sweep.table import Row

ACROSS = 2
"""Panels side by side."""
MOST_POINTS = 40
"""With more chips than this a box has no points of its own drawn."""
JITTER = 0.16
"""Half the width that points of a box are spread over."""
TITLES = {
    "network": "network",
    "states": "states of a synapse",
    "device": "device",
    "c2c": "C2C of the synapse, times the device's",
    "d2d": "D2D of the synapse, times the device's",
    "neuron_d2d": "D2D of the neuron, times the device's",
    "neuron_c2c": "C2C of the neuron, times the device's",
    "program": "programmed",
    "polarity": "polarity",
    "tries": "tries of write-verify",
    "band": "band of write-verify",
    "calibrate": "neurons calibrated",
}
"""What each factor is called below its axis."""

Shares = npt.NDArray[np.float64]


def value_name(value: Any) -> str:
    """A factor's value as a label."""
    if value is None:
        return "other schemes"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else name_text(Path(str(value)).stem)


def shares_by_value(rows: list[Row], factor: str) -> dict[Any, Shares]:
    """Accuracies of all chips that have each value of a factor, in the grid's order."""
    values = dict.fromkeys(getattr(row.point, factor) for row in rows)
    return {
        value: np.array(
            [row.outcome.accuracy for row in rows if getattr(row.point, factor) == value]
        )
        for value in values
    }


def _panels(title: str, count: int) -> tuple[Figure, list[Axes]]:
    columns = min(ACROSS, count)
    rows = -(-count // columns)
    figure = new_figure(max(6.0, 4.8 * columns), 3.6 * rows + 0.4, title)
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for empty in axes[count:]:
        empty.set_axis_off()
    return figure, axes[:count]


def _draw_boxes(axes: Axes, groups: dict[Any, Shares]) -> None:
    """A violin with a box in it for each value, and its chips where they are few."""
    rng = np.random.default_rng(0)  # only spreads points sideways
    for place, shares in enumerate(groups.values()):
        # The density's estimate needs values that differ.
        if len(np.unique(shares)) > 1 and len(shares) > 2:
            violin = axes.violinplot(shares, [place], widths=0.8, showextrema=False)
            for body in cast(list[Collection], violin["bodies"]):
                body.set(facecolor=BLUE, alpha=0.22, edgecolor="none")
        axes.boxplot(
            shares,
            positions=[place],
            widths=0.28,
            showfliers=False,
            patch_artist=True,
            boxprops={"facecolor": "white", "edgecolor": INK},
            medianprops={"color": INK, "linewidth": 1.6},
            whiskerprops={"color": INK},
            capprops={"color": INK},
        )
        if len(shares) <= MOST_POINTS:
            sideways = place + rng.uniform(-JITTER, JITTER, len(shares))
            axes.plot(sideways, shares, "o", color=BLUE, markersize=2.6, alpha=0.75, zorder=3)
    names = [value_name(value) for value in groups]
    crowded = sum(map(len, names)) > 44
    axes.set_xticks(
        range(len(groups)),
        names,
        rotation=25 if crowded else 0,
        ha="right" if crowded else "center",
    )
    axes.set_xlim(-0.6, len(groups) - 0.4)


@styled
def accuracy_by_factor(rows: list[Row], factors: list[str]) -> Figure:
    """Draw how accuracies are distributed at each value of each factor.

    Parameters
    ----------
    rows : list of Row
        The sweep's rows.
    factors : list of str
        Factors to draw; in each panel the others take all of their values.
    """
    others = ", all values of the other factors together" if len(factors) > 1 else ""
    figure, panels = _panels(f"Accuracy of chips{others}", len(factors))
    for axes, factor in zip(panels, factors, strict=True):
        _draw_boxes(axes, shares_by_value(rows, factor))
        axes.set_xlabel(TITLES[factor])
        axes.set_ylabel("test accuracy")
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        add_grid(axes)
    return figure


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


@styled
def yields_by_factor(rows: list[Row], factors: list[str]) -> Figure:
    """Draw which share of the chips is above an accuracy, a line for each value.

    Parameters
    ----------
    rows, factors
        As of `accuracy_by_factor`.
    """
    figure, panels = _panels("Yield: share of chips at or above an accuracy", len(factors))
    lowest = min(row.outcome.accuracy for row in rows)
    highest = max(row.outcome.accuracy for row in rows)
    margin = max(0.02 * (highest - lowest), 1e-4)
    for axes, factor in zip(panels, factors, strict=True):
        for number, (value, shares) in enumerate(shares_by_value(rows, factor).items()):
            accuracies, yields = yield_curve(shares)
            axes.step(
                [lowest - margin, *accuracies, highest + margin],
                [1.0, *yields, 0.0],
                where="pre",
                color=COLOURS[number % len(COLOURS)],
                linestyle=("-", "--", ":")[number // len(COLOURS) % 3],
                linewidth=1.5,
                label=value_name(value),
            )
        axes.set_xlim(lowest - margin, highest + margin)
        axes.set_ylim(0, 1.03)
        axes.set_xlabel("accuracy")
        axes.set_ylabel("share of chips")
        axes.xaxis.set_major_locator(MaxNLocator(6))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(PercentFormatter(1))
        axes.legend(
            title=TITLES[factor], loc="lower left", fontsize=8, title_fontsize=8, alignment="left"
        )
        add_grid(axes)
        axes.grid(axis="x", color=SOFT, alpha=0.2)
    return figure


def _described(row: Row, factors: list[str]) -> str:
    place = ", ".join(
        f"{factor} {value_name(getattr(row.point, factor))}" for factor in factors[:4]
    )
    return f"chip {row.chip} ({row.outcome.accuracy:.2%})\n{place}"


def worst_and_best(sweep: Sweep, factors: list[str]) -> Figure:
    """Draw the confusion matrices of the sweep's worst and best chip.

    Each is a seed, so it is made again, on the golden model: any machine answers as it does.

    Parameters
    ----------
    sweep : Sweep
        The sweep.
    factors : list of str
        Factors that the titles name.
    """
    matrices = []
    ordered = sorted(sweep.rows, key=lambda row: row.outcome.accuracy)
    for title, row in (("Worst", ordered[0]), ("Best", ordered[-1])):
        answers, labels = sweep.plan.answers(row.point, row.chip)
        classes = int(max(labels.max(), answers.max())) + 1
        matrices.append((f"{title}: {_described(row, factors)}", labels, answers, classes))
    return confusion_matrices("Worst and best chip", matrices)


def draw_sweep(sweep: Sweep, folder: Path, look: Look = SCREEN) -> list[Path]:
    """Draw all pictures of a sweep.

    Parameters
    ----------
    sweep : Sweep
        The sweep, finished.
    folder : Path
        Where to; it must exist.
    look : Look
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
    return [
        *save_picture(accuracy_by_factor(sweep.rows, factors), folder, "accuracy", look),
        *save_picture(yields_by_factor(sweep.rows, factors), folder, "yield", look),
        *save_picture(worst_and_best(sweep, factors), folder, "worst-and-best", look),
    ]
