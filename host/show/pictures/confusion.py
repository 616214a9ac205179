"""The confusion matrix: which class is taken for which."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from allspin.host.show.pictures.style import INK, SOFT, new_figure, styled

DARK = 0.75
"""Share of the colours, from the light end on, above which numbers are white."""
MOST_LABELLED = 20
"""With more classes than this, numbers in the cells would not be legible."""

Integers = npt.NDArray[np.int64]


def _counts(labels: Integers, answers: Integers, classes: int) -> Integers:
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (labels, answers), 1)
    return counts


def _wrong(counts: Integers) -> npt.NDArray[np.float64]:
    """The counts without those of right answers."""
    return np.where(np.eye(len(counts), dtype=bool), 0.0, counts)


def write_counts(
    axes: Axes, counts: Integers, colours: npt.NDArray[np.str_], size: float, bold: bool = False
) -> None:
    """Write the counts that are not 0 into their cells, and the classes beside them.

    Parameters
    ----------
    axes : Axes
        Where an image of the counts is.
    counts : ndarray of int, shape (classes, classes)
        Images by label and answer.
    colours : ndarray of str, shape (classes, classes)
        Of each number.
    size : float
        Of the numbers, in points.
    bold : bool
        Whether those of right answers are bold.
    """
    for row, column in np.argwhere(counts):
        axes.text(
            column,
            row,
            f"{counts[row, column]}",
            ha="center",
            va="center",
            fontsize=size,
            fontweight="bold" if bold and row == column else "normal",
            color=colours[row, column],
        )
    axes.set_xticks(range(len(counts)))
    axes.set_yticks(range(len(counts)))


def frame(axes: Axes) -> None:
    """A frame without ticks, and what the axes of a confusion matrix are."""
    axes.spines[:].set_visible(True)
    axes.tick_params(length=0)
    axes.set_xlabel("answer")
    axes.set_ylabel("label")


def _draw(figure: Figure, axes: Axes, counts: Integers, top: float) -> None:
    """Draw counts, with colours that end at `top` wrong answers."""
    off = _wrong(counts)
    shown = axes.imshow(
        np.ma.masked_equal(off, 0),
        cmap=mpl.colormaps["YlOrRd"],
        norm=LogNorm(1, max(2.0, top)),
    )
    if len(counts) <= MOST_LABELLED:
        dark = np.log1p(off) > DARK * np.log1p(top)
        colours = np.where(dark, "white", INK)
        np.fill_diagonal(colours, SOFT)
        write_counts(axes, counts, colours, 8, bold=True)
    frame(axes)
    bar = figure.colorbar(shown, ax=axes, label="images with a wrong answer", shrink=0.8)
    bar.ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    bar.ax.yaxis.set_major_formatter("{x:g}")
    bar.ax.yaxis.set_minor_locator(NullLocator())


@styled
def confusion_matrix(labels: Integers, answers: Integers, classes: int) -> Figure:
    """Draw how many images of each class got each answer.

    Parameters
    ----------
    labels, answers : ndarray of int, shape (images,)
        What is right, and what the machine said.
    classes : int
        Number of classes.
    """
    counts = _counts(labels, answers, classes)
    wrong = int(counts.sum() - np.trace(counts))
    figure = new_figure(
        6.4, 5.6, f"Confusion: {wrong:,} of {len(labels):,} images got a wrong answer"
    )
    _draw(figure, figure.subplots(), counts, float(_wrong(counts).max()))
    return figure


@styled
def confusion_matrices(
    title: str, matrices: Sequence[tuple[str, Integers, Integers, int]]
) -> Figure:
    """Draw confusion matrices side by side, in the same colours.

    Parameters
    ----------
    title : str
        Of the whole.
    matrices : sequence of (str, ndarray, ndarray, int)
        A title each, and what `confusion_matrix` takes.
    """
    figure = new_figure(6.4 * len(matrices), 6.4, title)
    across = figure.subplots(1, len(matrices), squeeze=False)[0]
    counts = [_counts(*what[1:]) for what in matrices]
    top = max(float(_wrong(each).max()) for each in counts)
    for axes, (name, *_), each in zip(across, matrices, counts, strict=True):
        _draw(figure, axes, each, top)
        axes.set_title(name)
    return figure
