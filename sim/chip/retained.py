"""Decay of R_AH by thermal activation, in integers only.

A barrier is in units of ``2**-10`` k T, counted from the one that the age turns over. Two tables,
computed once, say the rest: the mean barrier at 257 places of the range, and the share that is
kept, in units of ``2**-16``, at 1025 barriers. Between places both are interpolated::

    place   = clamp((word - low) 2^16 / (high - low), 0, 2^16)
    barrier = barriers at place + (z_retention between + 2^12) >> 13
    word    = rest + ((word - rest) kept(barrier)) >> 16

with divisions that round down and arithmetic shifts.
"""

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from allspin.sim.chip.generator import FRACTION_BITS
from allspin.sim.chip.words import SHARE_BITS, WORD_BITS, Integers, rounded
from allspin.sim.device.retention import REACH, Retention, survival

BARRIER_BITS = 10
"""Fraction bits of a barrier in units of k T."""
PLACES_BITS = 8
"""The range is in so many bits' worth of parts for the table of barriers."""
KEPT_BITS = 10
"""The same for the table of kept shares."""
EXPONENTIAL = 16.0
"""Barriers, in k T, beyond which everything or nothing has decayed."""
FARTHEST = 2**40
"""Barriers are clamped to this, in their units."""


@lru_cache(maxsize=32)
def retention_table(retention: Retention, age: float) -> tuple[Integers, int, Integers, int]:
    """Compute the share of R_AH that cells keep after an age.

    Parameters
    ----------
    retention : Retention
        Retention of the device.
    age : float
        Age in s, above 0.

    Returns
    -------
    barriers : ndarray of int64, shape (257,)
        Barriers along the range from the lowest R_AH, in units of ``2**-10`` k T.
    between : int
        One standard deviation between cells, in the same unit.
    kept : ndarray of int64, shape (1025,)
        Kept share at barriers from ``-half`` to ``half``, in units of ``2**-16``.
    half : int
        Barrier at the table's last place: a power of 2.
    """
    energy = retention.thermal_energy
    spread = retention.within / energy
    reach = EXPONENTIAL + REACH[retention.distribution] * spread
    half = 2 ** math.ceil(math.log2(reach))
    places = np.linspace(0, 1, 2**PLACES_BITS + 1)
    above = retention.barrier_at(places) / energy - retention.passed(age)
    x = np.linspace(-half, half, 2**KEPT_BITS + 1)
    kept = survival(x, spread, retention.distribution)
    unit = 2**BARRIER_BITS
    return (
        np.rint(above * unit).astype(np.int64),
        min(round(retention.between / energy * unit), FARTHEST),
        np.rint(kept * 2**SHARE_BITS).astype(np.int64),
        half * unit,
    )


def _between(table: Integers, place: Integers, bits: int) -> Integers:
    """A table at places with `bits` fraction bits, on straight lines between its entries."""
    entry = np.minimum(place >> bits, len(table) - 2)
    part = place - (entry << bits)
    return table[entry] + ((table[entry + 1] - table[entry]) * part >> bits)


def retained(
    words: Integers,
    ends: tuple[int, int],
    retention: Retention,
    age: float,
    normals: npt.NDArray[np.int32],
) -> Integers:
    """R_AH of a crossbar's cells after their age.

    Parameters
    ----------
    words : ndarray of int64, shape (rows, columns)
        R_AH as it was written, in units of ``2**-21`` words.
    ends : (int, int)
        Words of the lowest and the highest R_AH.
    retention : Retention
        Retention of the device.
    age : float
        Age in s, above 0.
    normals : ndarray of int32, shape (rows, columns)
        By which the cells' barriers differ, in units of ``2**-13`` standard deviations.

    Returns
    -------
    ndarray of int64, shape (rows, columns)
        In the unit of `words`.
    """
    barriers, between, kept, half = retention_table(retention, age)
    low, span = ends[0] << WORD_BITS, (ends[1] - ends[0]) << WORD_BITS
    place = np.clip(((words - low) << SHARE_BITS) // span, 0, 1 << SHARE_BITS)
    barrier = _between(barriers, place, SHARE_BITS - PLACES_BITS)
    barrier += rounded(normals * np.int64(between), FRACTION_BITS)
    bits = (2 * half).bit_length() - 1 - KEPT_BITS
    shares = _between(kept, np.clip(barrier + half, 0, 2 * half), bits)
    middle = (ends[0] + ends[1]) << WORD_BITS >> 1
    rest = middle + round(retention.equilibrium * (span >> 1))
    return rest + ((words - rest) * shares >> SHARE_BITS)
