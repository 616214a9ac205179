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


def _draw(figure: Figure, axes: Axes, counts: Integers, top: float) -> None:
    """Draw counts, with colours that end at `top` wrong answers."""
    classes = len(counts)
    off = _wrong(counts)
    shown = axes.imshow(
        np.ma.masked_equal(off, 0),
        cmap=mpl.colormaps["YlOrRd"],
        norm=LogNorm(1, max(2.0, top)),
    )
    if classes <= MOST_LABELLED:
        for row in range(classes):
            for column in range(classes):
                count = counts[row, column]
                if count:
                    dark = row != column and count > 0.5 * top
                    axes.text(
                        column,
                        row,
                        f"{count}",
                        ha="center",
                        va="center",
                        fontsize=8,
                        fontweight="bold" if row == column else "normal",
                        color="white" if dark else SOFT if row == column else INK,
                    )
        axes.set_xticks(range(classes))
        axes.set_yticks(range(classes))
    axes.spines[:].set_visible(True)
    axes.tick_params(length=0)
    axes.set_xlabel("answer")
    axes.set_ylabel("label")
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
