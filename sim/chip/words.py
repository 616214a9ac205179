"""R_AH words of one crossbar of a chip: units and rounding, in integers only.

The word of a cell is the level of its state plus normal values from `allspin.sim.chip.generator`,
in units of ``2**-13`` standard deviations, each times one standard deviation in that state, in
units of ``2**-8`` words (`WriteTable`)::

    word = level 2^21 + z_d2d d2d[polarity, state] + z_c2c c2c[polarity, state]
    word = word after stuck cells and drift            see `allspin.sim.chip.chip`
    word = (word + 2^20) >> 21, clamped to -(2^(b-1) - 1) .. 2^(b-1) - 1

with an arithmetic shift and words of b bits.
"""

import numpy as np
import numpy.typing as npt

from allspin.sim.chip.generator import FRACTION_BITS
from allspin.sim.network.levels import full_scale

SPREAD_BITS = 8
"""Fraction bits of a word's deviation, in `WriteTable`."""
SHARE_BITS = 16
"""Fraction bits of a share: a gain's deviation, or the drift."""
USE_BITS = 6
"""Fraction bits of a current's deviation at a use."""
OFFSET_BITS = FRACTION_BITS + USE_BITS
"""Fraction bits of the noise of a sum before it is rounded."""
WORD_BITS = FRACTION_BITS + SPREAD_BITS
"""Fraction bits of a word before it is rounded."""
BEYOND = 2**20
"""Words beyond which an R_AH is taken for this: sums in ``2**-21`` words stay in 64 bits."""

Words = npt.NDArray[np.int8]
Integers = npt.NDArray[np.int64]


def rounded(value: npt.NDArray[np.integer], bits: int) -> Integers:
    """Drop fraction bits, to the nearest, halves up."""
    return (value.astype(np.int64, copy=False) + (1 << bits >> 1)) >> bits


def word_units(words: npt.NDArray[np.float64]) -> Integers:
    """Convert R_AH in words, of any size and fraction, to units of ``2**-21`` words."""
    return np.rint(np.clip(words, -BEYOND, BEYOND) * 2**WORD_BITS).astype(np.int64)


def share_units(value: float) -> int:
    """Convert a share to units of ``2**-16``."""
    return round(value * 2**SHARE_BITS)


def sum_spread(figure: float, unit: int) -> int:
    """Convert a deviation of a sum, given in `unit` units of it, to units of ``2**-6``."""
    return round(figure * unit * 2**USE_BITS)


def turned(gains: Integers, share: Integers) -> Integers:
    """Add to gains a share of themselves, in units of ``2**-13``."""
    return gains + rounded(gains * share, FRACTION_BITS)


def saturates(held: Integers, rah_bits: int) -> npt.NDArray[np.bool_]:
    """Return True for cells whose value exceeds the range of a word.

    Parameters
    ----------
    held : ndarray of int64
        Values in units of ``2**-21`` words.
    rah_bits : int
        Width of a word.
    """
    half = (2 * full_scale(rah_bits) + 1) << WORD_BITS - 1
    return (held >= half) | (held < -half)


def rounded_words(held: Integers, rah_bits: int = 8) -> Words:
    """Round cells' values to R_AH words: to the nearest, halves up, clamped.

    Parameters
    ----------
    held : ndarray of int64
        Words in units of ``2**-21`` words (`WORD_BITS`).
    rah_bits : int
        Width of a word.

    Returns
    -------
    ndarray of int8, the shape of `held`
        Words from ``-(2**(rah_bits - 1) - 1)`` to ``2**(rah_bits - 1) - 1``.
    """
    top = full_scale(rah_bits)
    return np.clip(rounded(held, WORD_BITS), -top, top).astype(np.int8)
