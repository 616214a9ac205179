"""The images that got a wrong answer."""

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from host.pictures.style import GREEN, VERMILION, new_figure, styled

MOST = 200
"""How many are drawn at most."""
ACROSS = 16


@styled
def wrong_images(
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
    answers: npt.NDArray[np.int64],
) -> Figure:
    """Draw the images that the machine got wrong, each with its number, label and answer.

    Parameters
    ----------
    images : ndarray of uint8, shape (images, height, width)
        All images.
    labels, answers : ndarray of int, shape (images,)
        What is right, and what the machine said.
    """
    wrong = np.flatnonzero(labels != answers)
    shown = wrong[:MOST]
    down = max(1, -(-len(shown) // ACROSS))
    some = "all" if len(shown) == len(wrong) else f"the first {len(shown)} of"
    figure = new_figure(
        9, 0.78 * down + 0.75, f"The images that it got wrong ({some} {len(wrong):,})"
    )
    grid = figure.subplots(down, ACROSS, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, number in zip(grid.flat, shown, strict=False):
        axes.imshow(255 - images[number], cmap="gray", vmin=0, vmax=255)
        axes.text(0, -1.5, f"{labels[number]}", color=GREEN, fontsize=7.5, fontweight="bold")
        axes.text(
            images.shape[2] - 1,
            -1.5,
            f"\N{RIGHTWARDS ARROW} {answers[number]}",
            color=VERMILION,
            fontsize=7.5,
            ha="right",
        )
        axes.text(
            images.shape[2] / 2,
            images.shape[1] + 0.5,
            f"{number}",
            fontsize=5.5,
            ha="center",
            va="top",
        )
    figure.supxlabel(
        "above: label \N{RIGHTWARDS ARROW} answer; below: the image's number in the test set",
        fontsize=8,
        x=0.01,
        ha="left",
    )
    return figure
