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


def quantise_pixels(images: npt.NDArray[np.uint8], pixel_bits: int) -> npt.NDArray[np.uint8]:
    """Round 8-bit grey levels to row values, one row a pixel.

    Parameters
    ----------
    images : ndarray of uint8, shape (images, height, width) or (images, rows)
        Grey levels.
    pixel_bits : int
        Width of a row value, 1 to 8.

    Returns
    -------
    ndarray of uint8, shape (images, rows)
    """
    return pixel_values(pixel_bits)[images.reshape(len(images), math.prod(images.shape[1:]))]
