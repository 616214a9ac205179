"""Pixels: grey levels of images become the values that drive the first crossbar's rows."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.sim.errors import check_range

CHUNK = 1 << 12
"""Number of images that `grey_levels` converts at a time."""


def pixel_values(pixel_bits: int) -> npt.NDArray[np.uint8]:
    """Return the row value of each 8-bit grey level, rounded to nearest.

    Parameters
    ----------
    pixel_bits : int
        Width of a row value, 1 to 8.

    Returns
    -------
    ndarray of uint8, shape (256,)
        ``(grey * (2**pixel_bits - 1) + 127) // 255``.
    """
    top = 2 ** check_range("pixel_bits", pixel_bits, 1, 8) - 1
    return ((np.arange(256) * top + 127) // 255).astype(np.uint8)


def row_values(images: npt.NDArray[np.uint8], pixel_bits: int) -> npt.NDArray[np.float32]:
    """Round 8-bit grey levels to row values, as real numbers for a matrix product.

    Parameters
    ----------
    images : ndarray of uint8, shape (images, height, width) or (images, rows)
        Grey levels.
    pixel_bits : int
        Width of a row value, 1 to 8.

    Returns
    -------
    ndarray of float32, shape (images, rows)
        The integers of `pixel_values`, one row for each pixel. No grey level lies halfway between
        two of them, so rounding in single precision is exact; it is several times as fast as a
        table.
    """
    flat = images.reshape(len(images), math.prod(images.shape[1:]))
    top = 2 ** check_range("pixel_bits", pixel_bits, 1, 8) - 1
    values = flat.astype(np.float32)
    values *= np.float32(top / 255)
    return np.rint(values, out=values)


def quantise_pixels(images: npt.NDArray[np.uint8], pixel_bits: int) -> npt.NDArray[np.uint8]:
    """Round grey levels as `row_values` does, to an ndarray of uint8 of shape (images, rows)."""
    return row_values(images, pixel_bits).astype(np.uint8)


def grey_levels(shares: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    """Convert shares of white, 0 to 1, to grey levels: 255 times the share, rounded."""
    grey = np.empty(shares.shape, np.uint8)
    for start in range(0, len(shares), CHUNK):
        few = shares[start : start + CHUNK].astype(np.float32)
        grey[start : start + CHUNK] = np.rint(few * np.float32(255))
    return grey


def in_line(images: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Flatten images to shape (images, values).

    Channels in another order would have the same number of values, so images with channels must
    have exactly the expected shape.

    Raises
    ------
    ValueError
        If the images have another number of values than an image of `shape`, or other axes.
    """
    values = math.prod(shape)
    if images.ndim < 2 or math.prod(images.shape[1:]) != values:
        raise ValueError(f"images must have {values} pixels each, not shape {images.shape}")
    flat_already = images.ndim == 2 or images.shape[1:] == (1, values)
    if len(shape) > 2 and not flat_already and images.shape[1:] != shape:
        raise ValueError(f"images must have shape {shape} each, not {images.shape[1:]}")
    return images.reshape(len(images), values)
