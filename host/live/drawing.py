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
        for start, end in zip(points, points[len(points) > 1 :], strict=False):
            _draw_line(ink, start, end)
    framed = (shape[0], shape[1])
    image = frame_ink(ink, framed, framing_for(framed)) if ink.any() else np.zeros(framed, np.uint8)
    # A drawing is grey: all channels are alike.
    return np.broadcast_to(image.T, shape[:1:-1] + image.T.shape).T


def _draw_line(
    ink: npt.NDArray[np.float32], start: npt.NDArray[np.int64], end: npt.NDArray[np.int64]
) -> None:
    """Ink each pixel with a centre within half a pen's width of a line.

    In whole numbers, so that a page in the browser, by the same rule, draws the same pixels.
    """
    reach = PEN * SIDE * PIXEL / 2
    left, top = (np.maximum(np.minimum(start, end) - reach, 0) // PIXEL).astype(int)
    right, bottom = ((np.maximum(start, end) + reach) // PIXEL).astype(int) + 1
    part = ink[top:bottom, left:right]
    y, x = np.indices(part.shape)
    across, down = end - start
    x, y = (x + left) * PIXEL - start[0], (y + top) * PIXEL - start[1]
    along, square = x * across + y * down, max(across**2 + down**2, 1)
    to_start, to_end = x**2 + y**2, (x - across) ** 2 + (y - down) ** 2
    ends = np.where(along <= 0, to_start, to_end) * square
    distance = np.where((along > 0) & (along < square), (x * down - y * across) ** 2, ends)
    part[distance <= int(reach**2) * square] = 1
