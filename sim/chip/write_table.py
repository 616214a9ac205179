"""Distribution of the R_AH words that a write leaves, and draws from it."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from allspin.sim.chip.device_deviates import D2D, correlated
from allspin.sim.chip.generator import Purpose, cell_normals, normals
from allspin.sim.chip.words import SPREAD_BITS, WORD_BITS, Integers

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
