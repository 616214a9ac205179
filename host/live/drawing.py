"""Drawings: strokes of a pen as an image of a network."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from allspin.host.data.framing import frame_ink, framing_for

GRID = 1000
"""Largest coordinate; coordinates are whole numbers from 0, across and down."""
SIDE = 280
"""Pixels across the raster of the strokes."""
PIXEL, STEP = 25, 7
"""Lengths of a pixel and of a step of the grid, in a unit that divides both."""
PEN = 0.085
"""Width of the pen, as a share of the pad's side: MNIST's is a tenth of a digit's height."""

Strokes = Sequence[Sequence[int]]
"""Strokes, each as x, y, x, y and so on."""


def drawn_image(strokes: Strokes, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Return a drawing as an image of a network, framed like its training images.

    Parameters
    ----------
    strokes : sequence of sequence of int
        Of each stroke x, y, x, y and so on, from 0 to `GRID`; one point is a dot.
    shape : tuple of int
        Height and width of the network's images, and channels, which are then alike.

    Returns
    -------
    ndarray of uint8, shape `shape`
        Grey levels, 0 for paper; all 0 without strokes.
    """
    ink = np.zeros((SIDE, SIDE), np.float32)
    for stroke in strokes:
        points = np.reshape(stroke, (-1, 2)) * STEP
        # One point is a line to itself.
        ends = points[1:] if len(points) > 1 else points
        for start, end in zip(points, ends, strict=False):
            _draw_line(ink, start, end)
    height, width, *channels = shape
    image = np.zeros((height, width), np.uint8)
    if ink.any():
        image = frame_ink(ink, image.shape, framing_for(image.shape))
    # A drawing is grey: all channels are alike.
    if channels:
        image = image[:, :, None]
    return np.broadcast_to(image, shape)


def _draw_line(
    ink: npt.NDArray[np.float32], start: npt.NDArray[np.int64], end: npt.NDArray[np.int64]
) -> None:
    """Ink each pixel with a centre within half a pen's width of a line.

    In whole numbers, so that a page in the browser, by the same rule, draws the same pixels.
    """
    reach = PEN * SIDE * PIXEL / 2
    first = np.maximum(np.minimum(start, end) - reach, 0)
    last = np.maximum(start, end) + reach
    left, top = (first // PIXEL).astype(int)
    right, bottom = (last // PIXEL).astype(int) + 1
    part = ink[top:bottom, left:right]
    row, column = np.indices(part.shape)
    # Places from the line's start.
    x = (column + left) * PIXEL - start[0]
    y = (row + top) * PIXEL - start[1]
    across, down = end - start
    along = x * across + y * down
    square = max(across**2 + down**2, 1)
    to_start = x**2 + y**2
    to_end = (x - across) ** 2 + (y - down) ** 2
    to_line = (x * down - y * across) ** 2
    # Squared distances, times the squared length of the line.
    to_ends = np.where(along <= 0, to_start, to_end) * square
    beside = (along > 0) & (along < square)
    distance = np.where(beside, to_line, to_ends)
    part[distance <= int(reach**2) * square] = 1
