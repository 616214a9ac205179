"""The array in pictures: where its error is, and what a network reaches as it changes."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from allspin.host.show.pictures.style import (
    BLUE,
    GREEN,
    ORANGE,
    VERMILION,
    add_grid,
    new_figure,
    styled,
)

COLOURS = {"series": VERMILION, "selected": BLUE, "buffered": GREEN}
MARKS = "osD^"


def _colour(title: str, drawn: int) -> str:
    """A colour for each reading, and another for the second curve of one."""
    return ORANGE if drawn else COLOURS.get(title.split(",")[0], BLUE)


@styled
def array_accuracy(
    panels: Mapping[str, Mapping[str, Sequence[tuple[float, float]]]], ideal: float
) -> Figure:
    """Draw accuracy over what changes in an array.

    Parameters
    ----------
    panels : mapping
        By the label of a panel's axis, by the title of a curve: pairs of value and accuracy.
    ideal : float
        Accuracy in the ideal array.
    """
    figure = new_figure(9, 6, "Which readings of the array compute")
    for axes, (label, lines) in zip(figure.subplots(2, 2).flat, panels.items(), strict=True):
        axes.axhline(100 * ideal, color="#8A8A8A", linestyle=":", linewidth=1)
        seen: dict[str, int] = {}
        for number, (title, points) in enumerate(lines.items()):
            kind = title.split(",")[0]
            values, shares = np.array(points).T
            axes.plot(
                values,
                100 * shares,
                marker=MARKS[number],
                color=_colour(title, seen.get(kind, 0)),
                label=title,
            )
            seen[kind] = seen.get(kind, 0) + 1
        if "dB" not in label:
            axes.set_xscale("log")
        axes.set_ylim(0, 103)
        axes.set_xlabel(label)
        axes.set_ylabel("accuracy (%)")
        axes.legend(fontsize=8, loc="best")
        add_grid(axes)
    return figure


@styled
def array_error(maps: Mapping[str, npt.NDArray[np.float64]]) -> Figure:
    """Draw the error of each cell of an array.

    Parameters
    ----------
    maps : mapping of str to ndarray of float64, each (rows, columns)
        By title, the error's magnitude as a fraction of a cell's range.
    """
    figure = new_figure(9, 4.6, "Where the array's error is, as a fraction of a cell's range")
    for axes, (title, error) in zip(figure.subplots(1, len(maps)).flat, maps.items(), strict=True):
        image = axes.imshow(
            np.maximum(error, 1e-6),
            norm=LogNorm(1e-6, 1),
            cmap="cividis",
            aspect="auto",
            interpolation="nearest",
        )
        axes.set_title(title, fontsize=9)
        axes.set_xlabel("column")
        axes.set_ylabel("row")
        figure.colorbar(image, ax=axes)
    return figure
