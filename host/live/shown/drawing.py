"""Strokes of a pen as an image of a network's."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from allspin.host.data.image_files.framing import Grey, frame_image
from allspin.sim.errors import UserError

GRID = 1000
"""Coordinates are whole numbers from 0 to this, across and down."""
SIDE = 280
"""Pixels across the raster that strokes are drawn on."""
PEN = 0.085
"""Width of the pen, as a share of the pad's side: MNIST's is about a tenth of a digit's height."""

Strokes = Sequence[Sequence[int]]
"""Of each stroke x, y, x, y and so on."""


def raster(strokes: Strokes) -> Grey:
    """Draw strokes, light on dark.

    Parameters
    ----------
    strokes : sequence of sequence of int
        Of each stroke x, y, x, y and so on, from 0 to `GRID`; one point is a dot.

    Returns
    -------
    ndarray of float32, shape (`SIDE`, `SIDE`)
        Grey levels, 0 for paper, 255 for ink.

    Raises
    ------
    UserError
        If Pillow is missing.
    """
    try:
        from PIL import Image, ImageDraw
    except ImportError:
        raise UserError("drawings need Pillow: pip install 'allspin[live]'") from None
    image = Image.new("L", (SIDE, SIDE))
    draw = ImageDraw.Draw(image)
    radius = PEN * SIDE / 2
    for stroke in strokes:
        points = [
            (x * SIDE / GRID, y * SIDE / GRID)
            for x, y in zip(stroke[0::2], stroke[1::2], strict=True)
        ]
        if len(points) > 1:
            draw.line(points, fill=255, width=round(2 * radius))
        for x, y in points:
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.asarray(image, np.float32)


def drawn_image(strokes: Strokes, shape: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """A drawing as a network sees it, framed as the images are that it was trained with.

    Parameters
    ----------
    strokes : sequence of sequence of int
        As of `raster`.
    shape : tuple of int
        Height and width of the network's images.

    Returns
    -------
    ndarray of uint8, shape `shape`
        Grey levels, 0 for paper; all 0 where nothing is drawn.

    Raises
    ------
    UserError
        If Pillow is missing.
    """
    grey = raster(strokes)
    try:
        return frame_image(grey, shape).image
    except ValueError:  # nothing is drawn, or all of the pad is
        return np.zeros(shape, np.uint8)
