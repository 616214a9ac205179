"""Columns cut into tiles, in training: conversions in the forward pass, straight through behind.

The forward pass converts each tile's sums as the machine does. The backward pass takes a conversion
for the identity where it is inside its range, and for a constant where it saturates.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.training.latent.number_formats import Array
from allspin.sim.network.adc import Adc

Real = npt.NDArray[np.floating[Any]]
Inside = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class TiledSums:
    """Column sums of a layer through its converters.

    Attributes
    ----------
    sums : ndarray, shape (images, columns)
        Converted and added.
    rows : int
        Rows of a tile.
    inside : list of ndarray of bool, each (images, columns)
        Of each tile: which conversions were inside the converter's range.
    """

    sums: Real
    rows: int
    inside: list[Inside]


def tiled_sums(adc: Adc, drive: Real, matrix: Real) -> TiledSums:
    """Column sums of a batch.

    Parameters
    ----------
    adc : Adc
        The converters.
    drive : ndarray, shape (images, rows)
        Row values, whole numbers.
    matrix : ndarray, shape (rows, columns)
        R_AH words.
    """
    low, high = -(1 << adc.bits - 1), (1 << adc.bits - 1) - 1
    share = drive.dtype.type(2.0**-adc.shift)
    sums = np.zeros((len(drive), matrix.shape[1]), drive.dtype)
    inside: list[Inside] = []
    for start in range(0, len(matrix), adc.rows):
        rows = slice(start, start + adc.rows)
        read = drive[:, rows] @ matrix[rows]
        read *= share
        read += drive.dtype.type(0.5)
        np.floor(read, out=read)
        inside.append((read >= low) & (read <= high))
        sums += np.clip(read, low, high, out=read)
    sums *= drive.dtype.type(2.0**adc.shift)
    return TiledSums(sums, adc.rows, inside)


def by_weight(tiled: TiledSums, drive: Array, slope: Array) -> Array:
    """Gradient by the matrix, from that by the sums (images, columns)."""
    return np.concatenate(
        [
            drive[:, place * tiled.rows : (place + 1) * tiled.rows].T @ (slope * inside)
            for place, inside in enumerate(tiled.inside)
        ]
    )


def by_drive(tiled: TiledSums, matrix: Array, slope: Array) -> Array:
    """Gradient by the row values, from that by the sums (images, columns)."""
    return np.concatenate(
        [
            (slope * inside) @ matrix[place * tiled.rows : (place + 1) * tiled.rows].T
            for place, inside in enumerate(tiled.inside)
        ],
        axis=1,
    )
