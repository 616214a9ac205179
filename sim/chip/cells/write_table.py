"""What a write makes of each state, in words: level, and deviations."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from allspin.sim.chip.fixed_point import SPREAD_BITS
from allspin.sim.device.synapse.response import Polarity
from allspin.sim.device.synapse.synapse import Synapse
from allspin.sim.network.levels import full_scale
from allspin.sim.pulses.written import Law

CLOSE = 0.1
"""Words by which a deviation may be wrong for a level to be within the words' range."""
MAX_SPREAD = 2**16 - 1
"""Largest deviation of a word that gateware holds, in its units: 256 words."""


@dataclass(frozen=True, eq=False)
class WriteTable:
    """What a write makes of each state.

    Attributes
    ----------
    levels : ndarray of int16, shape (states,)
        R_AH word that is aimed at.
    c2c, d2d : ndarray of int32, shape (2, states)
        One standard deviation of the word, by polarity of the last pulse (row 0:
        potentiation) and state, in units of ``2**-8`` words, -65535 to 65535, and more with
        `beyond`.
    beyond : (int, int) or None
        Words of the ends of the range, where a level is beyond what words can be or a deviation
        beyond 256 words: most films of that state are saturated, at one end or at both, and the
        rest is a part of a normal distribution. No gateware has such tables, and what is drawn is
        cut where words end.
    fractions : ndarray of int32, shape (states,), or None
        What is aimed at beside the whole word, in units of ``2**-8`` words; only with `beyond`,
        since gateware has whole words.
    """

    levels: npt.NDArray[np.int16]
    c2c: npt.NDArray[np.int32]
    d2d: npt.NDArray[np.int32]
    beyond: tuple[int, int] | None = field(default=None, kw_only=True)
    fractions: npt.NDArray[np.int32] | None = field(default=None, kw_only=True)

    @property
    def ends(self) -> tuple[int, int]:
        """Words of the lowest and the highest state."""
        return self.beyond or (int(self.levels[0]), int(self.levels[-1]))


def write_table(synapse: Synapse, levels: npt.ArrayLike) -> WriteTable:
    """Work out what writes of a synapse are worth in words.

    The outermost levels stand for the ends of the range. A write starts where its polarity
    starts, at the other end of the range, and takes the pulses that lead to the state, but
    at least one.

    Parameters
    ----------
    synapse : Synapse
        The device.
    levels : array_like of int, shape (states,)
        R_AH word of each state, rising.

    Returns
    -------
    WriteTable

    Raises
    ------
    ValueError
        If the levels do not rise from first to last.
    """
    words = np.asarray(levels, np.int16)
    ends = int(words[-1]) - int(words[0])
    if ends <= 0:
        raise ValueError("the last level must be above the first")
    scale = ends / synapse.span
    resistances = synapse.low + (words.astype(np.float64) - words[0]) / scale
    pulses = np.array([synapse.pulses_to(polarity, resistances) for polarity in Polarity])
    laws = drawn_words(synapse, words, pulses)
    return WriteTable(
        words,
        spread_units(np.array([law.cycle for law in laws])),
        spread_units(np.array([law.device for law in laws])),
    )


def drawn_words(
    synapse: Synapse,
    levels: npt.NDArray[np.int16],
    pulses: npt.NDArray[np.float64],
    rah_bits: int = 8,
) -> tuple[Law, Law]:
    """The normal laws, in words, of which what writes leave is drawn.

    Parameters
    ----------
    synapse : Synapse
        The device.
    levels : ndarray of int16, shape (states,)
        The outermost stand for the ends of the range.
    pulses : ndarray of float64, shape (2, states)
        Of each write, by polarity.
    rah_bits : int
        Width of a word: what is drawn is cut where words end.
    """
    top = full_scale(rah_bits)
    scale = (int(levels[-1]) - int(levels[0])) / synapse.span
    ends = [synapse.low + (end - float(levels[0])) / scale for end in (-top, top)]
    found = []
    for polarity in Polarity:
        written = synapse.written(polarity, pulses[polarity], (ends[0], ends[1]))
        law = written.drawn((ends[0], ends[1]), CLOSE / scale)
        found.append(law.scaled(synapse.low, scale, float(levels[0])))
    return found[0], found[1]


def spread_units(words: npt.NDArray[np.float64], most: int = MAX_SPREAD) -> npt.NDArray[np.int32]:
    """Deviations in words as a `WriteTable` has them, limited to what gateware holds or to more."""
    return np.clip(np.rint(words * 2**SPREAD_BITS), -most, most).astype(np.int32)
