"""R_AH words of one crossbar of a chip: written, and rounded, in integers only.

The word of a cell is the level of its state plus normal values from `allspin.sim.chip.generator`,
in units of ``2**-13`` standard deviations, each times one standard deviation in that state, in
units of ``2**-8`` words (`WriteTable`)::

    word = level 2^21 + z_d2d d2d[polarity, state] + z_c2c c2c[polarity, state]
    word = word after stuck cells and drift            see `allspin.sim.chip.chip`
    word = (word + 2^20) >> 21, clamped to -(2^(b-1) - 1) .. 2^(b-1) - 1

with an arithmetic shift and words of b bits.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.sim.chip.generator import FRACTION_BITS, Purpose, cell_normals, normals
from allspin.sim.network.levels import full_scale
from allspin.sim.synapse.response import Array, Polarity
from allspin.sim.synapse.synapse import Synapse

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


# Synapses of one crossbar under pulses: where each device is, and how it was drawn.

UNIT = 2.0**-FRACTION_BITS
"""A standard deviation in a normal value of `allspin.sim.chip.generator`."""

D2D = {
    Polarity.POTENTIATION: Purpose.D2D_POTENTIATION,
    Polarity.DEPRESSION: Purpose.D2D_DEPRESSION,
}
"""Purpose of a cell's D2D draw, by polarity."""


def correlated(
    potentiation: npt.NDArray[Any], depression: npt.NDArray[Any], correlation: float
) -> npt.NDArray[Any]:
    """Deviates of depression that go with those of potentiation, of independent ones."""
    return correlation * potentiation + math.sqrt(1 - correlation**2) * depression


def device_deviates(
    synapse: Synapse, seed: int, layer: int, shape: tuple[int, int]
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Each cell's own D2D deviation of either polarity, in standard deviations, as a chip has it.

    Parameters
    ----------
    synapse : Synapse
        Whose correlation between polarities they have.
    seed, layer : int
        Chip and layer.
    shape : tuple of int
        Rows and columns.
    """
    up, down = (cell_normals(seed, layer, purpose, shape) * UNIT for purpose in D2D.values())
    return up, correlated(up, down, synapse.correlation)


class SynapseArray:
    """A crossbar of synapses in real numbers, whose cells are pulsed together and read.

    All draws follow from the chip's seed.

    Parameters
    ----------
    synapse : Synapse
        Synapse of the cells.
    seed : int
        Seed of the chip, 0 to 2**32 - 1.
    layer : int
        Layer of the network, 0 to 14.
    shape : tuple of int
        Rows and columns.

    Attributes
    ----------
    resistance : ndarray of float64, shape (rows, columns)
        Stored R_AH of each device, in the synapse's unit; initially the lowest.
    polarity : Polarity
        Polarity of the last pulse; initially depression, which leads to the lowest R_AH.
    writes : int
        Number of calls of `pulse`: each cell has had as many C2C deviations.
    deviates : tuple of two ndarray of float64
        Each device's own deviation of the two polarities, in standard deviations.
    """

    def __init__(self, synapse: Synapse, seed: int, layer: int, shape: tuple[int, int]) -> None:
        self.synapse, self.seed, self.layer = synapse, seed, layer
        self.resistance = np.full(shape, synapse.low)
        self.polarity, self.writes = Polarity.DEPRESSION, 0
        self.deviates = device_deviates(synapse, seed, layer, shape)

    def saturate(self, polarity: Polarity) -> None:
        """Switch films whole: to where pulses of the *other* polarity start.

        Parameters
        ----------
        polarity : Polarity
            Potentiation leads to the highest R_AH.
        """
        self.resistance[:] = self.synapse.low if polarity else self.synapse.high
        self.polarity = polarity

    def pulse(self, polarity: Polarity, pulses: float = 1.0) -> None:
        """Give pulses; cycle-to-cycle deviation of each call is one draw a cell.

        Parameters
        ----------
        polarity : Polarity
            Of all the pulses.
        pulses : float
            How many (see `Synapse.advance`).

        Raises
        ------
        ValueError
            If it is the 65537th call: the generator has no more draws.
        """
        r, n = self.resistance, np.full(self.resistance.shape, pulses)
        after = self.synapse.advance(polarity, r, n, self.deviates[polarity])
        deviation = self.synapse.cycle_deviation(polarity, r, n)
        if np.any(deviation):
            drawn = cell_normals(self.seed, self.layer, Purpose.WRITE, n.shape, self.writes)
            after += (deviation * UNIT) * drawn
            np.clip(after, self.synapse.low, self.synapse.high, out=after)
        self.resistance[:] = after
        self.polarity = polarity
        self.writes += 1

    def read(self) -> Array:
        """R_AH as it is read, with each device's own deviation, shape (rows, columns)."""
        return self.synapse.read(self.polarity, self.resistance, self.deviates[self.polarity])


# What a write makes of each state, in words: level, and deviations.

MAX_SPREAD = 2**16 - 1
"""Largest deviation of a word that gateware holds, in its units: 256 words."""


@dataclass(frozen=True, eq=False)
class WriteTable:
    """Distribution of R_AH words after a write, for each state.

    Attributes
    ----------
    levels : ndarray of int16, shape (states,)
        Target R_AH word.
    c2c, d2d : ndarray of int32, shape (2, states)
        One standard deviation of the word, by polarity of the last pulse (row 0:
        potentiation) and state, in units of ``2**-8`` words, -65535 to 65535, and more with
        `beyond`.
    beyond : (int, int) or None
        Words of the ends of the range, if a level exceeds the range of a word or a deviation
        exceeds 256 words: most devices of that state are saturated at one end or at both, and the
        others follow a part of a normal distribution. Gateware has no such tables; draws are cut at
        the ends of a word.
    fractions : ndarray of int32, shape (states,), or None
        Fraction of the target below the integer word, in units of ``2**-8`` words. It counts with
        `beyond` and if the host asks for it, since gateware has integer words.
    correlation : float
        Correlation of a cell's D2D deviations of the two polarities; gateware has none.
    """

    levels: npt.NDArray[np.int16]
    c2c: npt.NDArray[np.int32]
    d2d: npt.NDArray[np.int32]
    beyond: tuple[int, int] | None = field(default=None, kw_only=True)
    fractions: npt.NDArray[np.int32] | None = field(default=None, kw_only=True)
    correlation: float = field(default=0.0, kw_only=True)

    @property
    def ends(self) -> tuple[int, int]:
        """Words of the lowest and the highest state."""
        return self.beyond or (int(self.levels[0]), int(self.levels[-1]))


def written_words(
    states: npt.NDArray[np.integer],
    polarity: npt.ArrayLike,
    table: WriteTable,
    seed: int,
    layer: int,
    write: int = 0,
    exact: bool = False,
) -> Integers:
    """Compute the words of a crossbar after a write: level, D2D and C2C of each cell.

    Parameters
    ----------
    states : ndarray of int, shape (rows, columns)
        State of each cell.
    polarity : array_like of int
        `Polarity` of each cell's last pulse, one for all or shape (rows, columns).
    table : WriteTable
        From `allspin.sim.programming.plans.plan_layer`.
    seed, layer : int
        Chip and layer.
    write : int
        Index of each cell's last write, 0 to 65535.
    exact : bool
        True if the table's fractions count even where gateware could make the words without.

    Returns
    -------
    ndarray of int64, shape (rows, columns)
        Words in units of ``2**-21`` words (`WORD_BITS`).
    """
    shape = (states.shape[0], states.shape[1])
    polarities = np.broadcast_to(np.asarray(polarity, np.int64), shape)
    words = table.levels.astype(np.int64).take(states) << WORD_BITS
    if table.fractions is not None and (exact or table.beyond is not None):
        words += table.fractions.astype(np.int64).take(states) << WORD_BITS - SPREAD_BITS
    entry = polarities * len(table.levels) + states
    if np.any(table.d2d):
        spread = table.d2d.astype(np.int64).take(entry)
        for polarity, purpose in D2D.items():
            row, column = np.nonzero(polarities == polarity)
            drawn = normals(seed, layer, purpose, row, column)
            if polarity and table.correlation:
                up = normals(seed, layer, Purpose.D2D_POTENTIATION, row, column)
                drawn = np.rint(correlated(up, drawn, table.correlation)).astype(np.int64)
            words[row, column] += drawn * spread[row, column]
    if np.any(table.c2c):
        spread = table.c2c.astype(np.int64).take(entry)
        words += cell_normals(seed, layer, Purpose.WRITE, shape, write) * spread
    return words


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
