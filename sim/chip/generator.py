"""Generator of every random draw of a chip; its definition never changes.

A draw has an address: chip seed, layer, purpose, row, column and number. Its 32 random bits
are one block of Speck32/64 (`allspin.sim.chip.speck`), so any draw can be made alone, in any
order, in NumPy and in gateware alike::

    key   = number * 2**48 + layer * 2**40 + purpose * 2**32 + seed
    block = row * 2**16 + column

A normal value is made of the 32 bits by a table of the inverse distribution with linear
interpolation, in integers only. ``docs/generator.md`` has test vectors and the table's
digest: a change here would change every chip that was ever published.
"""

import math
from enum import IntEnum
from functools import cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from allspin.sim.chip.speck import CHUNK, encrypt
from allspin.sim.errors import check_range
from allspin.sim.network.network import MAX_LAYERS, MAX_LINES

SEED_BITS = 32
NUMBER_BITS = 16
USE_BITS = 32
FRACTION_BITS = 13
"""Fraction bits of a normal value: it is in units of 2**-13 standard deviations."""
GROUPS = 16
SEGMENTS = 32
"""Segments of each of the table's groups."""
STEP_BITS = 10
"""Bits that tell the place within a segment."""
FALL_BITS = 13
"""Width of the largest fall along a segment."""
LAST_GROUP_END = 2**16
"""Tail shares below this one, in units of ``2**-32``, are the last group."""
FLOAT_BIAS = 127
"""A float's exponent is the logarithm of its value and this."""
SHARE_BITS = 31
"""Bits of the share of a tail."""


class Purpose(IntEnum):
    """Purpose of a draw. The numbers never change; new purposes are added at the end."""

    D2D_POTENTIATION = 0
    """D2D deviation of a cell in potentiation."""
    D2D_DEPRESSION = 1
    """D2D deviation of a cell in depression."""
    WRITE = 2
    """C2C deviation of a cell's write; number = index of the write."""
    NEURON_GAIN = 3
    """Draw of a column."""
    NEURON_THRESHOLD = 4
    """Draw of a column."""
    NEURON_USE = 5
    """C2C deviation of a neuron, for a column and an image."""
    STUCK = 6
    """Uniform draw of a cell: whether it is stuck."""
    STUCK_END = 7
    """Uniform draw of a cell: the end at which it is stuck."""
    READ = 8
    """Read noise of a column's sum, for a column and an image."""
    AMPLIFIER_GAIN = 9
    """Draw of a column."""
    AMPLIFIER_OFFSET = 10
    """Draw of a column."""
    CONVERTER_GAIN = 11
    """Draw of a column."""
    CONVERTER_OFFSET = 12
    """Draw of a column."""
    HALL_OFFSET = 13
    """Draw of a cell."""
    RETENTION = 14
    """Draw of a cell."""
    VERIFY = 15
    """Read noise of a cell during programming; number = index of the read."""
    REFERENCE = 16
    """Reference cell of a row. Column 0 is the deviation in the device file, 1 the C2C of a written
    cell, 2 and 3 its D2D in potentiation and depression."""
    ADC_OFFSET = 17
    """Draw of a tile's column; the tile is the row."""
    ADC_GAIN = 18
    """Draw of a tile's column; the tile is the row."""
    ADC_NOISE = 19
    """Noise of a conversion, for a tile's column and an image."""


def _checked(name: str, value: npt.ArrayLike, top: int) -> npt.NDArray[np.integer]:
    array = np.asarray(value)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must be of integers, not {array.dtype}")
    if array.size and not 0 <= int(array.min()) <= int(array.max()) <= top:
        raise ValueError(f"{name} must be from 0 to {top}")
    return array


def _key(seed: int, layer: int, purpose: Purpose, number: int) -> int:
    """Check the parts of a key, and join them."""
    seed = check_range("chip seed", seed, 0, 2**SEED_BITS - 1)
    layer = check_range("layer", layer, 0, MAX_LAYERS - 1)
    number = check_range("number of the draw", number, 0, 2**NUMBER_BITS - 1)
    return number << 48 | layer << 40 | int(purpose) << 32 | seed


def draw_bits(
    seed: int,
    layer: int,
    purpose: Purpose,
    row: npt.ArrayLike,
    column: npt.ArrayLike,
    number: int = 0,
) -> npt.NDArray[np.uint32]:
    """Return the 32 random bits of each draw.

    Parameters
    ----------
    seed : int
        The chip, 0 to 2**32 - 1.
    layer : int
        Layer of the network, 0 to 14.
    purpose : Purpose
        Purpose of the draws.
    row, column : array_like of int
        The cells, 0 to 65535; they broadcast. A draw of a column has row 0.
    number : int
        Number of the draw among a cell's draws for this purpose, 0 to 65535.

    Returns
    -------
    ndarray of uint32, the shape that `row` and `column` broadcast to

    Raises
    ------
    ValueError, TypeError
        If an argument is outside its range or no integer.
    """
    lines = _checked("row", row, MAX_LINES), _checked("column", column, MAX_LINES)
    return encrypt(_key(seed, layer, purpose, number), *lines)


def _tail(share: float) -> float:
    """Return the value that a share of all normal values exceeds."""
    return -NormalDist().inv_cdf(share)


@cache
def normal_table() -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint16]]:
    """Compute the inverse distribution: magnitude at each segment's outer end, and fall along it.

    Group g below 15 is the octave of upper tail shares from ``2**-(g + 2)`` to
    ``2**-(g + 1)``, group 15 everything below ``2**-16``; each has 32 segments of equal
    share, the smallest share first. The very first segment's outer end would be infinite:
    it is put where the segment's mean is that of the normal distribution.

    Returns
    -------
    magnitudes, falls : ndarray of uint16, shape (512,)
        In units of ``2**-13`` standard deviations.
    """
    ends = []
    for group in range(GROUPS):
        low = 2.0 ** -(group + 2) if group < GROUPS - 1 else 0.0
        width = (2.0 ** -(group + 1) - low) / SEGMENTS
        shares = [low + width * segment for segment in range(SEGMENTS + 1)]
        values = [_tail(share) if share else math.inf for share in shares]
        if not low:
            # The mean of the values beyond x is the density at x over the share beyond x.
            mean = NormalDist().pdf(values[1]) / shares[1]
            values[0] = 2 * mean - values[1]
        ends.append([math.floor(value * 2**FRACTION_BITS + 0.5) for value in values])
    magnitudes = np.array([row[:-1] for row in ends], np.int64).ravel()
    falls = magnitudes - np.array([row[1:] for row in ends], np.int64).ravel()
    tables = magnitudes.astype(np.uint16), falls.astype(np.uint16)
    for table in tables:
        table.setflags(write=False)
    return tables


@cache
def largest_normal() -> int:
    """Return the largest normal value, in units of ``2**-13`` standard deviations."""
    magnitudes, _ = normal_table()
    return int(magnitudes.max())


@cache
def _packed_table() -> npt.NDArray[np.int32]:
    """Pack `normal_table`: magnitude and fall in one word, indexed by the bits of a share's float.

    The float's exponent and the 5 bits that follow it are group and segment of the share: the
    octave from ``2**30`` has group 0. Shares of the last group are of many octaves, which are
    empty here.
    """
    magnitudes, falls = (table.astype(np.int32) for table in normal_table())
    words = (magnitudes << FALL_BITS | falls).reshape(GROUPS, SEGMENTS)
    table = np.zeros((FLOAT_BIAS + SHARE_BITS, SEGMENTS), np.int32)
    table[-1:-GROUPS:-1] = words[:-1]
    return table.ravel()


def _last_magnitudes(shares: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Magnitudes of shares below `LAST_GROUP_END`, as `normal_values` says."""
    magnitudes, falls = (table[-SEGMENTS:].astype(np.int32) for table in normal_table())
    segments, places = shares >> STEP_BITS + 1, shares >> 1 & 2**STEP_BITS - 1
    drops = falls[segments] * (2 * places + 1) + 2**STEP_BITS >> STEP_BITS + 1
    return magnitudes[segments] - drops


def normal_values(bits: npt.NDArray[np.uint32]) -> npt.NDArray[np.int32]:
    """Normal values of random bits, in integers only.

    The top bit is the sign. The other 31, m, are the share of the upper tail: with
    ``g = min(leading zeros of m, 15)`` and ``n = m << min(g, 14)``, bits 25 to 29 of n are
    the segment s and bits 15 to 24 the place f in it. The magnitude is
    ``M[32 g + s] - ((F[32 g + s] * (2 f + 1) + 2**10) >> 11)``.

    Parameters
    ----------
    bits : ndarray of uint32
        From `draw_bits`.

    Returns
    -------
    ndarray of int32, the shape of `bits`
        In units of ``2**-13`` standard deviations (`FRACTION_BITS`); up to 5.3 standard
        deviations either way.
    """
    table = _packed_table()
    values = np.empty(bits.shape, np.int32)
    flat, source = values.reshape(-1), bits.reshape(-1).view(np.int32)
    for start in range(0, flat.size, CHUNK):
        chunk, part = source[start : start + CHUNK], flat[start : start + CHUNK]
        share = chunk & np.int32(2**SHARE_BITS - 1)
        last = np.flatnonzero(share < LAST_GROUP_END)  # three of 100,000
        shares_of_last = share[last]
        # Clear the bit 16 below the leading one, and none above it, so that rounding to a
        # float's 24 bits cannot carry into those that are used.
        np.right_shift(share, 16, out=part)
        np.invert(part, out=part)
        share &= part
        floating = share.astype(np.float32).view(np.int32)
        np.right_shift(floating, 18, out=part)
        magnitude = table.take(part)
        floating >>= 7
        floating &= 2**STEP_BITS - 1 << 1
        floating |= 1  # twice the place, and one
        fall = np.bitwise_and(magnitude, 2**FALL_BITS - 1, out=part)
        fall *= floating
        fall += 2**STEP_BITS
        fall >>= STEP_BITS + 1
        magnitude >>= FALL_BITS
        magnitude -= fall
        magnitude[last] = _last_magnitudes(shares_of_last)
        sign = np.right_shift(chunk, 31, out=share)  # -1 for a negative value, else 0
        magnitude ^= sign
        np.subtract(magnitude, sign, out=part)
    return values


def normals(
    seed: int,
    layer: int,
    purpose: Purpose,
    row: npt.ArrayLike,
    column: npt.ArrayLike,
    number: int = 0,
) -> npt.NDArray[np.int32]:
    """Normal values by address: `normal_values` of `draw_bits`, with its parameters."""
    return normal_values(draw_bits(seed, layer, purpose, row, column, number))


def cell_normals(
    seed: int,
    layer: int,
    purpose: Purpose,
    shape: tuple[int, int],
    number: int = 0,
) -> npt.NDArray[np.int32]:
    """One normal value for each cell of a crossbar.

    Parameters
    ----------
    seed, layer, purpose
        As of `draw_bits`.
    shape : tuple of int
        Rows and columns.
    number : int
        Which of a cell's draws.

    Returns
    -------
    ndarray of int32, shape `shape`
        In units of ``2**-13`` standard deviations.
    """
    rows, columns = np.arange(shape[0])[:, None], np.arange(shape[1])
    return normals(seed, layer, purpose, rows, columns, number)


def column_normals(seed: int, layer: int, purpose: Purpose, columns: int) -> npt.NDArray[np.int32]:
    """One normal value for each column of a layer, shape (columns,)."""
    return normals(seed, layer, purpose, 0, np.arange(columns))


def use_normals(
    seed: int,
    layer: int,
    purpose: Purpose,
    first: int,
    images: int,
    columns: int,
    first_column: int = 0,
    places: npt.NDArray[np.integer] | None = None,
) -> npt.NDArray[np.int32]:
    """One normal value for each image and column: noise of each use.

    An image's number stands where a cell has its row and its draw's number: the lower 16
    bits are the row, the upper 16 the number.

    Parameters
    ----------
    seed, layer, purpose
        As of `draw_bits`.
    first : int
        Number of the first image; images are numbered to 2**32 - 1.
    images : int
        How many images, 0 or more.
    columns : int
        How many columns.
    first_column : int
        The first of them.
    places : ndarray of int, shape (draws,), optional
        Which values are wanted, as flat indices of an array (images, columns); all.

    Returns
    -------
    ndarray of int32, shape (images, columns) or (draws,)
        In units of ``2**-13`` standard deviations.

    Raises
    ------
    ValueError
        If an image's number does not fit 32 bits, or a column's 16.
    """
    first = check_range("number of the first image", first, 0, 2**USE_BITS)
    check_range("number of the last image", first + images - 1, first - 1, 2**USE_BITS - 1)
    first_column = check_range("first column", first_column, 0, MAX_LINES)
    check_range("last column", first_column + columns - 1, first_column - 1, MAX_LINES)
    if not images:
        return np.empty((0, columns) if places is None else 0, np.int32)
    if places is None:
        image, column = np.arange(images)[:, None], np.arange(columns)
    else:
        # Half as wide is twice as fast.
        flat = places.astype(np.uint32 if images * columns < 2**32 else np.int64)
        image = flat // columns
        column = flat - image * columns
    number, row = divmod(first, 2**NUMBER_BITS)
    if row + images <= 2**NUMBER_BITS:
        key = _key(seed, layer, purpose, number)
        return normal_values(encrypt(key, row + image, first_column + column))
    lines = np.broadcast_arrays(first + image.astype(np.int64), first_column + column)
    values = np.empty(lines[0].shape, np.int32)
    for number in np.unique(lines[0] >> NUMBER_BITS).tolist():
        here = lines[0] >> NUMBER_BITS == number
        row, column = lines[0][here] & 2**NUMBER_BITS - 1, lines[1][here]
        values[here] = normals(seed, layer, purpose, row, column, number)
    return values
