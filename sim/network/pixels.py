"""Pixels as the crossbar's rows see them."""

import math

import numpy as np
import numpy.typing as npt

from allspin.sim.network.levels import check_range


def pixel_values(pixel_bits: int) -> npt.NDArray[np.uint8]:
    """Row value of each 8-bit grey level, rounded to nearest.

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
    """Round 8-bit grey levels to row values, one row a pixel, as real numbers for a product.

    Parameters
    ----------
    images : ndarray of uint8, shape (images, height, width) or (images, rows)
        Grey levels.
    pixel_bits : int
        Width of a row value, 1 to 8.

    Returns
    -------
    ndarray of float32, shape (images, rows)
        The whole numbers of `pixel_values`: no grey level lies halfway between two of them, so
        that rounding in single precision is exact, and several times as fast as a table.
    """
    flat = images.reshape(len(images), math.prod(images.shape[1:]))
    top = 2 ** check_range("pixel_bits", pixel_bits, 1, 8) - 1
    values = flat.astype(np.float32)
    values *= np.float32(top / 255)
    return np.rint(values, out=values)


def quantise_pixels(images: npt.NDArray[np.uint8], pixel_bits: int) -> npt.NDArray[np.uint8]:
    """The same as `row_values` as bytes: ndarray of uint8, shape (images, rows)."""
    return row_values(images, pixel_bits).astype(np.uint8)
