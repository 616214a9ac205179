"""Charts of wrong answers: confusion matrices, and the images themselves."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from allspin.host.draw.style import (
    GREEN,
    SOFT,
    VERMILION,
    new_figure,
    styled,
)

DARK = 0.75
"""Share of the colour scale above which numbers are white."""
NEAR = 1.4
"""Ratio to the end of the colour bar below which a tick would touch the one at the end."""
MOST_LABELLED = 20
"""Most classes with legible numbers in the cells."""

Integers = npt.NDArray[np.int64]


def confusion_counts(labels: Integers, answers: Integers, classes: int) -> Integers:
    """Count the images of each label (rows) with each answer (columns)."""
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (labels, answers), 1)
    return counts


def write_counts(
    axes: Axes, counts: Integers, colours: npt.NDArray[np.str_], size: float, bold: bool = False
) -> None:
    """Write the counts other than 0 into their cells, and the classes beside them.

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
        True if right answers are bold.
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
    axes.set(xticks=range(len(counts)), yticks=range(len(counts)))


def frame(axes: Axes) -> None:
    """Draw a frame without ticks, and label the axes of a confusion matrix."""
    axes.spines[:].set_visible(True)
    axes.tick_params(length=0)
    axes.set(xlabel="answer", ylabel="label")


@styled
def confusion_matrices(
    title: str, matrices: Sequence[tuple[str, Integers, Integers, int]], height: float = 6.4
) -> Figure:
    """Draw confusion matrices side by side, with one scale of colours.

    Parameters
    ----------
    title : str
        Of the whole.
    matrices : sequence of (str, ndarray, ndarray, int)
        A title each, and the parameters of `confusion_counts`.
    height : float
        Of the whole, in inches.
    """
    figure = new_figure(6.4 * len(matrices), height, title)
    across = figure.subplots(1, len(matrices), squeeze=False)[0]
    counts = [confusion_counts(*what[1:]) for what in matrices]
    wrong = []
    for each in counts:
        right = np.diag(np.diag(each))
        wrong.append(np.ma.masked_equal(each - right, 0))
    most = max(int(each.filled(0).max()) for each in wrong)
    norm = LogNorm(1, max(2, most))
    colour_map = mpl.colormaps["YlOrRd"].with_extremes(bad="#ffffff00")
    for axes, (name, *_), each, off in zip(across, matrices, counts, wrong, strict=True):
        shown = axes.imshow(off, cmap=colour_map, norm=norm)
        if len(each) <= MOST_LABELLED:
            dark = np.ma.filled(norm(off) > DARK, False)
            colours = np.where(dark, "#ffffff", "#000000")  # on light cells, in a dark page too
            np.fill_diagonal(colours, SOFT)
            write_counts(axes, each, colours, 8, bold=True)
        frame(axes)
        axes.set_title(name)
        if most:
            bar = figure.colorbar(shown, ax=axes, label="images with a wrong answer", shrink=0.8)
            ticks = _ticks(most)
            bar.set_ticks(ticks, labels=[f"{tick:,}" for tick in ticks])
            bar.minorticks_off()
    return figure


def _ticks(most: int) -> list[int]:
    """Return 1, 2, 5, 10, 20 and so on up to the largest count, and that one."""
    ticks = []
    for power in range(9):
        for step in (1, 2, 5):
            tick = step * 10**power
            if NEAR * tick < most:
                ticks.append(tick)
    return [*ticks, most]


def confusion_matrix(labels: Integers, answers: Integers, classes: int) -> Figure:
    """Draw the confusion matrix of one set of answers.

    Parameters
    ----------
    labels, answers : ndarray of int, shape (images,)
        Right classes, and the machine's answers.
    classes : int
        Number of classes.
    """
    wrong = int(np.count_nonzero(labels != answers))
    title = f"Confusion: {wrong:,} of {len(labels):,} images got a wrong answer"
    return confusion_matrices(title, [("", labels, answers, classes)], height=5.6)


MOST = 200
"""Most images that are drawn."""
ACROSS = 16
INCHES = 0.56
"""Width of an image's place in the picture."""
MARGINS = (0.5, 0.34)
"""Margins of a place, as shares of an image: above and below for text, and at the right."""


@styled
def wrong_images(
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
    answers: npt.NDArray[np.int64],
) -> Figure:
    """Draw the images with wrong answers, each with its number, label and answer.

    Parameters
    ----------
    images : ndarray of uint8, shape (images, height, width)
        All images.
    labels, answers : ndarray of int, shape (images,)
        Right classes, and the machine's answers.
    """
    wrong = np.flatnonzero(labels != answers)
    shown = wrong[:MOST]
    height, width = images.shape[1:]
    tall = round(height * (1 + MARGINS[0]))
    wide = round(width * (1 + MARGINS[1]))
    down = max(1, -(-len(shown) // ACROSS))
    above = (tall - height) // 2
    # Dark on light, each in the middle of its place's height and at its left.
    room = ((0, down * ACROSS - len(shown)), (above, tall - height - above), (0, wide - width))
    places = 255 - np.pad(images[shown], room)
    by_row = places.reshape(down, ACROSS, tall, wide).swapaxes(1, 2)
    sheet = by_row.reshape(down * tall, ACROSS * wide)
    across = INCHES * ACROSS
    some = "all" if len(shown) == len(wrong) else f"the first {len(shown)} of"
    title = f"The images that it got wrong ({some} {len(wrong):,})"
    figure = new_figure(across, across * sheet.shape[0] / sheet.shape[1] + 0.6, title)
    axes = figure.subplots()
    axes.imshow(sheet, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set_axis_off()
    for place, number in enumerate(shown):
        row, column = divmod(place, ACROSS)
        left = column * wide
        middle = (row + 0.5) * tall
        over = middle - height / 2 - 1
        below = middle + height / 2
        label = f"{labels[number]}"
        answer = f"\N{RIGHTWARDS ARROW} {answers[number]}"
        axes.text(left, over, label, color=GREEN, fontsize=7.5, fontweight="bold")
        axes.text(left + width, over, answer, color=VERMILION, fontsize=7.5, ha="right")
        axes.text(left + width / 2, below, f"{number}", fontsize=5.5, ha="center", va="top")
    said = "Above: label \N{RIGHTWARDS ARROW} answer; below: the image's number in the test set"
    figure.supxlabel(said, fontsize=8, x=0.01, ha="left")
    return figure
