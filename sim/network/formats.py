"""The converters of a layer whose columns are cut into tiles of rows."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.sim.errors import check_power_of_two, check_range
from allspin.sim.parameters import Brief

# Signed R_AH words: what a synapse's state is worth in the crossbar.
#
# The Hall resistance of a device follows its perpendicular magnetisation, so it is
# signed and one device carries one signed weight. A state ``s`` of ``N`` sits at the
# symmetric level ``2 s - (N - 1)`` (an even N has no zero level, an odd one has its middle
# state there); the word is that level times the largest whole step that keeps the outermost
# state within the word.

MIN_STATES = 2
MAX_STATES = 128
MIN_RAH_BITS = 2
MAX_RAH_BITS = 8


def full_scale(rah_bits: int) -> int:
    """Largest R_AH word of either sign: ``2**(rah_bits - 1) - 1``."""
    return 2 ** (rah_bits - 1) - 1


def uniform_levels(states: int, rah_bits: int = 8) -> npt.NDArray[np.int16]:
    """Words of `states` equally spaced R_AH levels.

    Parameters
    ----------
    states : int
        Number of states, 2 to 128.
    rah_bits : int
        Width of a signed R_AH word, 2 to 8.

    Returns
    -------
    ndarray of int16, shape (states,)
        Rising, symmetric about zero, without a zero if `states` is even; no unit (full
        scale is ``2**(rah_bits - 1) - 1``).

    Raises
    ------
    ValueError
        If the states do not fit: `states` needs ``2**(rah_bits - 1) >= states``.

    Examples
    --------
    >>> uniform_levels(10).tolist()
    [-126, -98, -70, -42, -14, 14, 42, 70, 98, 126]
    """
    states = check_range("states", states, MIN_STATES, MAX_STATES)
    rah_bits = check_range("rah_bits", rah_bits, MIN_RAH_BITS, MAX_RAH_BITS)
    if 2 ** (rah_bits - 1) < states:
        raise ValueError(
            f"{states} states need R_AH words of at least "
            f"{(states - 1).bit_length() + 1} bits, not {rah_bits}"
        )
    step = full_scale(rah_bits) // (states - 1)
    return ((2 * np.arange(states) - (states - 1)) * step).astype(np.int16)


# Pixels as the crossbar's rows see them.


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


CHUNK = 1 << 12
"""Images whose floats become grey levels at a time."""


def grey_levels(shares: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    """Grey levels of images that are shares of white, 0 to 1: 255 times that, rounded."""
    grey = np.empty(shares.shape, np.uint8)
    for start in range(0, len(shares), CHUNK):
        few = shares[start : start + CHUNK].astype(np.float32)
        grey[start : start + CHUNK] = np.rint(few * np.float32(255))
    return grey


def in_line(images: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Images with their values in a line, shape (images, values).

    Channels in another order would be as many values, so images with channels have the very shape.

    Raises
    ------
    ValueError
        If they have not as many values as an image of that shape, or their own axes differ.
    """
    values = math.prod(shape)
    if images.ndim < 2 or math.prod(images.shape[1:]) != values:
        raise ValueError(f"images must have {values} pixels each, not shape {images.shape}")
    listed = images.ndim == 2 or images.shape[1:] == (1, values)
    if len(shape) > 2 and not listed and images.shape[1:] != shape:
        raise ValueError(f"images must have shape {shape} each, not {images.shape[1:]}")
    return images.reshape(len(images), values)


MIN_TILE_ROWS, MAX_TILE_ROWS = 8, 1 << 16
MIN_ADC_BITS, MAX_ADC_BITS = 2, 24
MAX_ADC_SHIFT = 23


def frozen(array: npt.ArrayLike, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """A copy of whole numbers that nobody can change; `ValueError` where they do not fit."""
    source = np.asarray(array)
    with np.errstate(invalid="ignore"):  # a NaN is refused below
        copy = source.astype(dtype, order="K")
    if source.dtype != dtype and not np.array_equal(source, copy):
        raise ValueError(f"values do not fit {np.dtype(dtype).name}")
    copy.setflags(write=False)
    return copy


@dataclass(frozen=True, eq=False)
class Adc(Brief):
    """An analogue-to-digital converter at the foot of each column of each tile.

    Row r is in tile ``r // rows``. Of a tile's column sum s, in words times row values, its
    converter makes

        ``clamp((s + offset + 2**shift // 2) >> shift, -2**(bits - 1), 2**(bits - 1) - 1)``

    (rounded to the nearest, halves up; saturating). A tile without a driven row is not converted
    and adds nothing. The column's sum is that of its tiles' conversions, times ``2**shift``.

    Parameters
    ----------
    rows : int
        Rows of a tile, a power of two, 8 to 65536; the last tile may have fewer. At least the
        layer's rows: one tile.
    bits : int
        Width of a conversion, signed, 2 to 24.
    shift : int
        A conversion's step is ``2**shift`` words times row values; 0 to 23.
    offsets : array_like of int, shape (tiles, columns), optional
        What is added to each tile's sum before it is converted: a chip's offset errors. None,
        and no array of zeros, where there are none.

    Raises
    ------
    ValueError, TypeError
        If a value is outside its range; the message names it.
    """

    rows: int
    bits: int
    shift: int
    offsets: npt.NDArray[np.int32] | None = None

    def __post_init__(self) -> None:
        rows = check_power_of_two("rows of a tile", self.rows, MIN_TILE_ROWS, MAX_TILE_ROWS)
        object.__setattr__(self, "rows", rows)
        for name, low, high in (("bits", MIN_ADC_BITS, MAX_ADC_BITS), ("shift", 0, MAX_ADC_SHIFT)):
            object.__setattr__(self, name, check_range(name, getattr(self, name), low, high))
        if self.offsets is not None:
            object.__setattr__(self, "offsets", frozen(self.offsets, np.int32))

    def tiles(self, rows: int) -> int:
        """How many tiles a layer of so many rows has."""
        return -(-rows // self.rows)
