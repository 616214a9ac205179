"""Training images bent a little, anew in every epoch.

Images that share a transformation are bent together: they lie side by side, one image a
column, so that moving a pixel copies a run of memory. A whole epoch of MNIST takes a
fraction of a second that way.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

GROUP = 32
"""Images that share one random transformation (in one epoch; the groups are drawn anew)."""
GRID = 5
"""Knots of the elastic displacement along each side of the image."""


@dataclass(frozen=True)
class Augmentation:
    """How far an image may be bent.

    Parameters
    ----------
    rotation : float
        Standard deviation of the angle, in degrees.
    stretch : float
        Standard deviation of scale along either axis and of shear, as a fraction.
    shift : float
        Standard deviation of the shift along either axis, in pixels.
    elastic : float
        Standard deviation of the displacement at the knots of a coarse grid, in pixels.
    """

    rotation: float = 5.0
    stretch: float = 0.05
    shift: float = 0.7
    elastic: float = 0.5


def _spline_weights(size: int) -> npt.NDArray[np.float32]:
    """Weight of each knot at each pixel of a line, shape (size, GRID): smooth bumps."""
    position = np.linspace(0.0, GRID - 1.0, size)
    distance = np.abs(position[:, None] - np.arange(GRID))
    bump = np.where(distance < 1, 0.5 + 0.5 * np.cos(np.pi * np.minimum(distance, 1)), 0.0)
    return bump.astype(np.float32)


class Augmenter:
    """Bends groups of images of one shape.

    Parameters
    ----------
    shape : tuple of int
        Height and width of an image.
    augmentation : Augmentation
        How far.
    """

    def __init__(self, shape: tuple[int, int], augmentation: Augmentation) -> None:
        self.shape = shape
        self.augmentation = augmentation
        height, width = shape
        y, x = np.mgrid[:height, :width].astype(np.float32)
        self._y = (y - (height - 1) / 2).ravel()
        self._x = (x - (width - 1) / 2).ravel()
        self._bumps = np.einsum(
            "yi,xj->yxij", _spline_weights(height), _spline_weights(width)
        ).reshape(height * width, GRID * GRID)

    def draw(
        self, count: int, rng: np.random.Generator
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """Draw transformations, as sources of each pixel.

        Parameters
        ----------
        count : int
            Number of transformations.
        rng : Generator
            Where chance comes from.

        Returns
        -------
        sources : ndarray of int32, shape (count, 4, pixels)
            Pixels that each pixel is mixed from; the number of pixels stands for the dark
            outside.
        weights : ndarray of float32, shape (count, 4, pixels)
            Their shares (bilinear).
        """
        height, width = self.shape
        how = self.augmentation

        def normal(*shape: int) -> npt.NDArray[np.float32]:
            return rng.standard_normal((count, *shape), dtype=np.float32)

        angle = normal(1) * np.float32(np.deg2rad(how.rotation))
        stretch_y, stretch_x, shear = (1 + how.stretch * normal(1) for _ in range(3))
        shear -= 1
        cos, sin = np.cos(angle), np.sin(angle)
        y = stretch_y * (cos * self._y - sin * (self._x + shear * self._y))
        x = stretch_x * (sin * self._y + cos * (self._x + shear * self._y))
        knots = how.elastic * normal(2, GRID * GRID)
        bend = knots @ self._bumps.T
        y += bend[:, 0] + how.shift * normal(1) + np.float32((height - 1) / 2)
        x += bend[:, 1] + how.shift * normal(1) + np.float32((width - 1) / 2)
        top, left = np.floor(y), np.floor(x)
        y -= top
        x -= left
        top, left = top.astype(np.int32), left.astype(np.int32)
        sources = np.empty((count, 4, height * width), dtype=np.int32)
        weights = np.empty((count, 4, height * width), dtype=np.float32)
        for corner in range(4):
            down, right = divmod(corner, 2)
            row, column = top + down, left + right
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            sources[:, corner] = np.where(inside, row * width + column, height * width)
            weights[:, corner] = (y if down else 1 - y) * (x if right else 1 - x)
        return sources, weights

    def bend(
        self,
        block: npt.NDArray[np.float32],
        sources: npt.NDArray[np.int32],
        weights: npt.NDArray[np.float32],
    ) -> npt.NDArray[np.float32]:
        """Apply one transformation to a group of images.

        Parameters
        ----------
        block : ndarray of float32, shape (pixels + 1, images)
            Grey levels, one image a column; the last row is the outside, 0.
        sources, weights : ndarray, shape (4, pixels)
            One of the transformations that `draw` returned.

        Returns
        -------
        ndarray of float32, shape (pixels, images)
        """
        out = block[sources[0]]
        out *= weights[0][:, None]
        for corner in range(1, 4):
            part = block[sources[corner]]
            part *= weights[corner][:, None]
            out += part
        return out
