"""Random transformations of training images: rotation, stretch, shear, shift, elastic, mirror."""

from typing import Any

import numpy as np

from allspin.host.train.gradient.number_formats import Array
from allspin.host.train.training_options import Augmentation

SIDE = 28
"""Side in pixels of the images, MNIST's, in which amounts are given."""
KNOTS = 5
"""Knots of the elastic displacement along each side of the image."""


def bilinear(shape: tuple[int, int], y: Array, x: Array) -> Any:
    """Return transformations that read an image at other places, between its pixels.

    Parameters
    ----------
    shape : tuple of int
        Height and width of an image.
    y, x : ndarray of float32, shape (transformations, pixels)
        Place, in pixels, from which each pixel of the result is read; outside the image it is dark.

    Returns
    -------
    csr_array of float32, shape (transformations * pixels, transformations * pixels)
        Factor of images, those of each transformation below those of the one before. It is one
        product for all, since a thread that trains meanwhile waits for the interpreter at each
        call.
    """
    from scipy.sparse import csr_array  # loading SciPy takes time, and some trainings bend nothing

    height, width = shape
    size = y.size
    top = np.floor(y)
    left = np.floor(x)
    down = y - top
    right = x - left
    up = 1 - down
    back = 1 - right
    sources = np.empty((*y.shape, 4), np.int32)
    shares = np.empty((*y.shape, 4), np.float32)
    corners = (
        (top, left, up * back),
        (top, left + 1, up * right),
        (top + 1, left, down * back),
        (top + 1, left + 1, down * right),
    )
    for corner, (row, column, share) in enumerate(corners):
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        shares[:, :, corner] = share * inside
        sources[:, :, corner] = np.where(inside, row * width + column, 0)
    first_pixels = np.arange(len(y), dtype=np.int32) * (height * width)
    sources += first_pixels[:, None, None]
    ends = np.arange(0, 4 * size + 1, 4, dtype=np.int32)
    return csr_array((shares.ravel(), sources.ravel(), ends), shape=(size, size))


def _knot_weights(size: int) -> Array:
    """Return the weight of each knot at each pixel of a line, shape (size, KNOTS).

    The weights are smooth, and those of a pixel add up to 1.
    """
    place = np.linspace(0.0, KNOTS - 1.0, size)
    knots = np.arange(KNOTS)
    distance = np.minimum(np.abs(place[:, None] - knots), 1.0)
    return (0.5 + 0.5 * np.cos(np.pi * distance)).astype(np.float32)


class Bending:
    """Random transformations of images of one size.

    Parameters
    ----------
    shape : tuple of int
        Height and width of an image.
    augmentation : Augmentation
        Amounts of the transformations.
    """

    def __init__(self, shape: tuple[int, int], augmentation: Augmentation) -> None:
        self._shape = shape
        self._augmentation = augmentation
        self._middle = np.array([[(side - 1) / 2] for side in shape], np.float32)
        self._pixels = np.indices(shape, dtype=np.float32).reshape(2, -1) - self._middle
        bumps = np.einsum("yi,xj->ijyx", *map(_knot_weights, shape))
        self._bumps = bumps.reshape(KNOTS * KNOTS, -1)

    def draw(self, count: int, rng: np.random.Generator) -> Any:
        """Draw transformations, in the form of `bilinear`."""
        amounts = self._augmentation
        height, width = self._shape
        tall = height / SIDE
        wide = width / SIDE
        pixel_y, pixel_x = self._pixels

        def normal(*shape: int) -> Array:
            return rng.standard_normal((count, *shape), dtype=np.float32)

        angle = normal(1) * np.float32(np.deg2rad(amounts.rotation))
        stretch_y = 1 + amounts.stretch * normal(1)
        stretch_x = 1 + amounts.stretch * normal(1)
        sheared = pixel_x + amounts.stretch * normal(1) * pixel_y
        shift_y = amounts.shift * tall * normal(1)
        shift_x = amounts.shift * wide * normal(1)
        elastic = (amounts.elastic * normal(2, KNOTS * KNOTS)) @ self._bumps
        cos = np.cos(angle)
        sin = np.sin(angle)
        turned_y = cos * pixel_y - sin * sheared
        turned_x = sin * pixel_y + cos * sheared
        y = stretch_y * turned_y + shift_y + tall * elastic[:, 0]
        x = stretch_x * turned_x + shift_x + wide * elastic[:, 1]
        if amounts.mirror:
            mirrored = rng.random((count, 1), dtype=np.float32) < amounts.mirror
            x = np.where(mirrored, -x, x)
        middle_y, middle_x = self._middle
        return bilinear(self._shape, y + middle_y, x + middle_x)
