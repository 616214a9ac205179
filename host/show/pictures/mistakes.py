"""The images that got a wrong answer."""

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from allspin.host.show.pictures.style import GREEN, VERMILION, new_figure, styled

MOST = 200
"""How many are drawn at most."""
ACROSS = 16
INCHES = 0.56
"""Width of a place in the picture."""
MARGINS = (0.5, 0.34)
"""What a place leaves free, in images: above and below for text, and at the right."""


def arrange(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Lay images out in rows of `ACROSS`, dark on light, each in a place with margins.

    Parameters
    ----------
    images : ndarray of uint8, shape (images, height, width)
        Grey levels, 0 to 255.

    Returns
    -------
    ndarray of uint8, shape (down * place height, `ACROSS` * place width)
        An image is in the middle of its place's height and at its left.
    """
    height, width = images.shape[1:]
    tall, wide = round(height * (1 + MARGINS[0])), round(width * (1 + MARGINS[1]))
    down = max(1, -(-len(images) // ACROSS))
    sheet = np.full((down, ACROSS, tall, wide), 255, dtype=np.uint8)
    top = (tall - height) // 2
    for number, image in enumerate(images):
        row, column = divmod(number, ACROSS)
        sheet[row, column, top : top + height, :width] = 255 - image
    return sheet.transpose(0, 2, 1, 3).reshape(down * tall, ACROSS * wide)


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
    sheet = arrange(images[shown])
    scale = INCHES * ACROSS / sheet.shape[1]
    some = "all" if len(shown) == len(wrong) else f"the first {len(shown)} of"
    figure = new_figure(
        INCHES * ACROSS,
        scale * sheet.shape[0] + 0.6,
        f"The images that it got wrong ({some} {len(wrong):,})",
    )
    axes = figure.subplots()
    axes.imshow(sheet, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set_axis_off()
    height, width = images.shape[1:]
    tall, wide = sheet.shape[0] // max(1, -(-len(shown) // ACROSS)), sheet.shape[1] // ACROSS
    for place, number in enumerate(shown):
        row, column = divmod(place, ACROSS)
        left, top = column * wide, row * tall
        above, below = top + (tall - height) / 2 - 1, top + (tall + height) / 2
        axes.text(left, above, f"{labels[number]}", color=GREEN, fontsize=7.5, fontweight="bold")
        axes.text(
            left + width,
            above,
            f"\N{RIGHTWARDS ARROW} {answers[number]}",
            color=VERMILION,
            fontsize=7.5,
            ha="right",
        )
        axes.text(left + width / 2, below, f"{number}", fontsize=5.5, ha="center", va="top")
    figure.supxlabel(
        "above: label \N{RIGHTWARDS ARROW} answer; below: the image's number in the test set",
        fontsize=8,
        x=0.01,
        ha="left",
    )
    return figure
