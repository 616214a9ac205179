"""Fixed point of a chip's draws: the fraction bits of each figure, and how they are dropped."""

import numpy as np
import numpy.typing as npt

from allspin.sim.chip.generator import FRACTION_BITS

SPREAD_BITS = 8
"""Fraction bits of a word's deviation, in `WriteTable`."""
SHARE_BITS = 16
"""Fraction bits of a share: of a gain's deviation, or of what drifts."""
USE_BITS = 6
"""Fraction bits of a current's deviation at a use."""
OFFSET_BITS = FRACTION_BITS + USE_BITS
"""Fraction bits of what is added to a sum, before it is rounded."""
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
    """R_AH in words, of any size and fraction, in units of ``2**-21`` words."""
    return np.rint(np.clip(words, -BEYOND, BEYOND) * 2**WORD_BITS).astype(np.int64)


def share_units(value: float) -> int:
    """A share in units of ``2**-16``."""
    return round(value * 2**SHARE_BITS)


def sum_spread(figure: float, unit: int) -> int:
    """A deviation of a sum, given in some units of it, in units of ``2**-6``."""
    return round(figure * unit * 2**USE_BITS)


def turned(gains: Integers, share: Integers) -> Integers:
    """Gains with a share of themselves, in units of ``2**-13``, added."""
    return gains + rounded(gains * share, FRACTION_BITS)
