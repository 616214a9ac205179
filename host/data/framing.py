"""Framing of an image as a network takes it: light ink on dark, in the learnt place and size.

MNIST's digits were cropped, scaled into 20 x 20 pixels with their sides' ratio kept, and put into
28 x 28 so that their centre of mass is at pixel (14, 14), rounded to whole pixels (LeCun et al.,
1998, and the evidence of its 10,000 test images).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.data.image_files import Grey
from allspin.sim.parameters import Brief

FRAMINGS = {
    "mnist": "cropped, scaled and centred by its mass, as MNIST's digits were",
    "whole": "scaled as a whole",
}
"""Ways to frame an image for a network's rows."""
MNIST_SHAPE = (28, 28)
MNIST_BOX = 20 / 28
"""Side of the box that a digit is scaled into, as a share of the image's."""
TOP = 255
NOISE = 3.0
"""Standard deviations of the paper's level within which a pixel is paper."""
DEVIATION = 1.4826
"""Standard deviation of normal noise whose median absolute deviation is 1."""
SPECK = {3: 4, 5: 5}
"""Pixels in a square, by its side, below which they are a speck on uneven paper. A line of one
pixel's width is not a speck."""
CONTRAST = 0.5
"""Share of the contrast above which the outermost pixels differ too much to be paper."""
FAINT = 0.2
"""Share of the full ink up to which a pixel does not count when a digit is cropped: blurred edges,
and traces of paper and compression."""


@dataclass(frozen=True, eq=False)
class Framed(Brief):
    """Image that is ready for a network.

    Attributes
    ----------
    image : ndarray of uint8, shape (height, width) or (height, width, 3)
        Grey levels, 0 for paper; or red, green and blue.
    inverted : bool
        True if the paper was lighter than the ink.
    framing : str
        One of `FRAMINGS`.
    """

    image: npt.NDArray[np.uint8]
    inverted: bool
    framing: str


def _paper(grey: Grey) -> tuple[float, float, float]:
    """Return the grey level of the paper, its noise, and the grey level of the ink."""
    low, high = float(grey.min()), float(grey.max())
    edge = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])
    paper = float(np.median(edge))
    ink = low if paper - low > high - paper else high
    noise = NOISE * DEVIATION * float(np.median(np.abs(edge - paper)))
    if noise < CONTRAST * abs(ink - paper):
        return paper, noise, ink
    # Cropped so closely that ink is on the edge: most pixels are paper.
    light = float(np.median(grey)) > (low + high) / 2
    return (high, 0.0, low) if light else (low, 0.0, high)


def _specks(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return True for each pixel of a mask with too few neighbours to be ink."""
    from scipy.ndimage import convolve

    around = {
        side: convolve(mask.astype(int), np.ones((side, side)), mode="constant") for side in SPECK
    }
    return np.all([around[side] < few for side, few in SPECK.items()], axis=0)


def ink_of(grey: Grey) -> tuple[Grey, bool]:
    """Return the amount of ink of each pixel, and True if it is darker than the paper.

    The paper has the median level of the outermost pixels. The ink has the level of the darkest or
    of the lightest pixel, the one that differs more. A pixel that differs from the paper no more
    than the outermost pixels among themselves is paper too, and so are specks if these differ.

    Parameters
    ----------
    grey : ndarray of float32, shape (height, width)
        From 0, black, to 255, white.

    Returns
    -------
    ink : ndarray of float32, shape (height, width)
        From 0, paper, to 1.
    inverted : bool
        True if the paper is lighter than the ink.

    Raises
    ------
    ValueError
        If all pixels are the same, except for specks.
    """
    if grey.min() == grey.max():
        raise ValueError("it shows nothing: all its pixels are the same")
    paper, noise, full = _paper(grey)
    ink = (grey - np.float32(paper)) / np.float32(full - paper)
    ink[ink * abs(full - paper) <= noise] = 0
    if noise:
        ink[_specks(ink > 0)] = 0
    if not np.any(ink > FAINT):
        raise ValueError("it shows nothing: only specks differ from the paper")
    return np.clip(ink, 0, 1), full < paper


def _cropped(ink: Grey, faint: float) -> tuple[Grey, tuple[int, int]]:
    """Crop an image to more than faint ink; return its first row and column too."""
    rows, columns = (np.flatnonzero((ink > faint).any(axis=axis)) for axis in (1, 0))
    part = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return part, (int(rows[0]), int(columns[0]))


def _scaled(ink: Grey, height: int, width: int) -> Grey:
    from PIL import Image

    if ink.shape == (height, width):
        return ink
    scaled = Image.fromarray(ink).resize((width, height), Image.Resampling.BICUBIC)
    return np.clip(np.asarray(scaled), 0, 1)


def _fitted(ink: Grey, height: float, width: float) -> Grey:
    """Scale to the largest size that fits a box, with the ratio of the sides."""
    share = min(height / ink.shape[0], width / ink.shape[1])
    return _scaled(ink, *(max(1, round(side * share)) for side in ink.shape))


def _centre(ink: npt.NDArray[np.floating[Any]], axis: int) -> float:
    """Return the centre of mass along an axis."""
    along = ink.sum(axis=1 - axis)
    return float(along @ np.arange(len(along)) / along.sum())


def _is_framed(grey: Grey) -> bool:
    """Return True if an image of MNIST's size is framed like MNIST's."""
    part, corner = _cropped(grey, 0)
    middle = MNIST_SHAPE[0] / 2
    centred = (np.rint(middle - _centre(part, axis)) == corner[axis] for axis in (0, 1))
    return max(part.shape) == round(MNIST_BOX * MNIST_SHAPE[0]) and all(centred)


def _place(size: int, room: int, centre: float | None) -> int:
    """Return the begin of a side whose centre is in the middle, as far as it has room."""
    begin = round((room - size) / 2) if centre is None else int(np.rint(room / 2 - centre))
    return min(max(begin, 0), room - size)


def frame_image(grey: Grey, shape: tuple[int, int], framing: str | None = None) -> Framed:
    """Frame an image for a network.

    Parameters
    ----------
    grey : ndarray of float32, shape (height, width)
        From 0, black, to 255, white.
    shape : tuple of int
        Height and width of the network's images.
    framing : str, optional
        One of `FRAMINGS`; ``mnist`` for 28 x 28, else ``whole``.

    Raises
    ------
    ValueError
        If all pixels are the same.
    """
    framing = framing or framing_for(shape)
    ink, inverted = ink_of(grey)
    light = TOP - grey if inverted else grey
    if framing == "mnist" and grey.shape == shape == MNIST_SHAPE and _is_framed(light):
        return Framed(np.rint(light).astype(np.uint8), inverted, framing)
    image = frame_ink(ink, shape, framing)
    if not image.any():
        raise ValueError(f"it shows nothing that is left at {shape[0]} x {shape[1]} pixels")
    return Framed(image, inverted, framing)


def framing_for(shape: tuple[int, int]) -> str:
    """Return the framing of images for a network of this shape, one of `FRAMINGS`."""
    return "mnist" if shape == MNIST_SHAPE else "whole"


def frame_ink(ink: Grey, shape: tuple[int, int], framing: str) -> npt.NDArray[np.uint8]:
    """Scale and place ink, from 0 to 1, some of it not faint; see `frame_image`."""
    height, width = shape
    centres: list[float | None] = [None, None]
    box = 1.0
    if framing == "mnist":
        ink, box = _cropped(ink, FAINT)[0], MNIST_BOX
    # Whole levels, so that the centre does not depend on the order of summation.
    part = np.rint(_fitted(ink, box * height, box * width) * TOP)
    if framing == "mnist":
        centres = [_centre(part, axis) for axis in (0, 1)]
    top = _place(part.shape[0], height, centres[0])
    left = _place(part.shape[1], width, centres[1])
    image = np.zeros(shape, np.uint8)
    image[top : top + part.shape[0], left : left + part.shape[1]] = part
    return image
