"""R_AH words of one crossbar of a chip: written, held, and rounded, in integers only.

The word of a cell is made of the level of its state and of normal values from
`allspin.sim.chip.generator`, in units of ``2**-13`` standard deviations, each times what one
standard deviation is worth in that state, in units of ``2**-8`` words (`WriteTable`)::

    word = level 2^21 + z_d2d d2d[polarity, state] + z_c2c c2c[polarity, state]
    word = rest + ((word - rest) kept) >> 16           decay: see `allspin.sim.chip.retained`
    word = word - (word loss) >> 16                    loss: drift, in units of 2**-16
    word = word + z_hall hall - z_reference reference
    word = (word + 2^20) >> 21, clamped to -(2^(b-1) - 1) .. 2^(b-1) - 1

with an arithmetic shift and words of b bits. A stuck cell has another word instead
(`allspin.sim.chip.retained`), from which the reference is subtracted if it is a conductance.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from allspin.sim.chip.fixed_point import (
    SHARE_BITS,
    SPREAD_BITS,
    WORD_BITS,
    Integers,
    Words,
    rounded,
    share_units,
)
from allspin.sim.chip.generator import FRACTION_BITS, NUMBER_BITS, Purpose, cell_normals, normals
from allspin.sim.chip.retained import retained, stuck_cells
from allspin.sim.device.device import Imperfections
from allspin.sim.network.formats import full_scale
from allspin.sim.synapse.response import Array, Polarity
from allspin.sim.synapse.synapse import Synapse

# Synapses of one crossbar under pulses: where each device is, and how it was drawn.

UNIT = 2.0**-FRACTION_BITS
"""A standard deviation in a normal value of `allspin.sim.chip.generator`."""

D2D = {
    Polarity.POTENTIATION: Purpose.D2D_POTENTIATION,
    Polarity.DEPRESSION: Purpose.D2D_DEPRESSION,
}
"""What a cell's D2D deviation of a polarity is drawn as."""


class SynapseArray:
    """A crossbar of synapses in real numbers, to be pulsed and read.

    All chance is of the chip's seed: cell by cell the same whatever else is pulsed.

    Parameters
    ----------
    synapse : Synapse
        What the cells are.
    seed : int
        The chip, 0 to 2**32 - 1.
    layer : int
        Layer of the network, 0 to 14.
    shape : tuple of int
        Rows and columns.
    bounded : bool
        Whether cycle-to-cycle deviations end at the range's ends, as a film that is
        saturated has no more to give; else they go beyond.

    Attributes
    ----------
    resistance : ndarray of float64, shape (rows, columns)
        R_AH that each film holds, in the synapse's unit; at first the lowest.
    polarity : ndarray of int8, shape (rows, columns)
        Polarity of each cell's last pulse; at first depression, which led there.
    writes : ndarray of int64, shape (rows, columns)
        Cycle-to-cycle deviations drawn so far: calls of `pulse` that reached the cell.
    deviates : tuple of two ndarray of float64
        Each device's own deviation of either polarity, in standard deviations.
    """

    def __init__(
        self,
        synapse: Synapse,
        seed: int,
        layer: int,
        shape: tuple[int, int],
        bounded: bool = True,
    ) -> None:
        self.synapse, self.seed, self.layer = synapse, seed, layer
        self.bounded = bounded
        self.resistance = np.full(shape, synapse.low)
        self.polarity = np.full(shape, Polarity.DEPRESSION, np.int8)
        self.writes = np.zeros(shape, np.int64)
        self._lines = np.broadcast_arrays(np.arange(shape[0])[:, None], np.arange(shape[1]))
        self.deviates = tuple(
            cell_normals(seed, layer, D2D[polarity], shape) * UNIT for polarity in Polarity
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.resistance.shape
        return rows, columns

    def saturate(self, polarity: Polarity, where: npt.ArrayLike = True) -> None:
        """Switch films whole: to where pulses of the *other* polarity start.

        Parameters
        ----------
        polarity : Polarity
            Potentiation leads to the highest R_AH.
        where : array_like of bool
            Which cells.
        """
        end = self.synapse.low if polarity else self.synapse.high
        np.copyto(self.resistance, end, where=np.asarray(where, bool))
        np.copyto(self.polarity, np.int8(polarity), where=np.asarray(where, bool))

    def pulse(
        self,
        polarity: Polarity,
        pulses: npt.ArrayLike = 1.0,
        where: npt.ArrayLike = True,
    ) -> None:
        """Give pulses; cycle-to-cycle deviation of each call is one draw a cell.

        Parameters
        ----------
        polarity : Polarity
            Of all the pulses.
        pulses : array_like of float
            How many (see `Synapse.advance`); cells with 0 are left alone.
        where : array_like of bool
            Which cells.

        Raises
        ------
        ValueError
            If a cell is written more than 65536 times: the generator has no more draws for it.
        """
        chosen = np.broadcast_to(np.asarray(where, bool) & (np.asarray(pulses) > 0), self.shape)
        # A view of the whole array is cheaper than a list of all its cells.
        place = ... if chosen.all() else np.nonzero(chosen)
        r = self.resistance[place]
        n = np.broadcast_to(pulses, self.shape)[place]
        after = self.synapse.advance(polarity, r, n, self.deviates[polarity][place])
        deviation = self.synapse.cycle_deviation(polarity, r, n)
        if np.any(deviation):
            writes = self.writes[place]
            if writes.max() >= 2**NUMBER_BITS:
                raise ValueError(f"a cell has {2**NUMBER_BITS} writes; take another seed")
            row, column = (line[place] for line in self._lines)
            after += (deviation * UNIT) * normals(
                self.seed, self.layer, Purpose.WRITE, row, column, writes
            )
            if self.bounded:
                np.clip(after, self.synapse.low, self.synapse.high, out=after)
        self.resistance[place] = after
        self.polarity[place] = polarity
        self.writes[place] += 1

    def read(self) -> Array:
        """R_AH as it is read, with each device's own deviation, shape (rows, columns)."""
        return np.where(
            self.polarity == Polarity.DEPRESSION,
            *(
                self.synapse.read(polarity, self.resistance, self.deviates[polarity])
                for polarity in (Polarity.DEPRESSION, Polarity.POTENTIATION)
            ),
        )


# What a write makes of each state, in words: level, and deviations.

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


def state_words(
    states: npt.NDArray[np.integer],
    polarity: npt.ArrayLike,
    table: WriteTable,
    seed: int,
    layer: int,
    write: npt.ArrayLike = 0,
    imperfections: Imperfections = Imperfections(),  # noqa: B008 (it is frozen)
    rah_bits: int = 8,
) -> Words:
    """R_AH words of one crossbar of a chip.

    Parameters
    ----------
    states : ndarray of int, shape (rows, columns)
        State of each cell.
    polarity : array_like of int
        `Polarity` of each cell's last pulse, one for all or shape (rows, columns).
    table : WriteTable
        From `write_table`.
    seed, layer : int
        Chip and layer.
    write : array_like of int
        Which write of each cell it is that stands, 0 to 65535; one for all or each cell's.
    imperfections : Imperfections
        What else is wrong.
    rah_bits : int
        Width of a word.

    Returns
    -------
    ndarray of int8, shape (rows, columns)
        Clamped to ``-(2**(rah_bits - 1) - 1)`` to ``2**(rah_bits - 1) - 1``.
    """
    written = written_words(states, polarity, table, seed, layer, write)
    return rounded_words(held_words(written, table.ends, seed, layer, imperfections), rah_bits)


def written_words(
    states: npt.NDArray[np.integer],
    polarity: npt.ArrayLike,
    table: WriteTable,
    seed: int,
    layer: int,
    write: npt.ArrayLike = 0,
) -> Integers:
    """What writes of one crossbar of a chip leave: level, D2D and C2C of each cell.

    Parameters
    ----------
    states, polarity, table, seed, layer, write
        As of `state_words`.

    Returns
    -------
    ndarray of int64, shape (rows, columns)
        In units of ``2**-21`` words (`WORD_BITS`).
    """
    shape = (states.shape[0], states.shape[1])
    polarities = np.broadcast_to(np.asarray(polarity, np.int64), shape)
    words = table.levels.astype(np.int64).take(states) << WORD_BITS
    if table.fractions is not None:
        words += table.fractions.astype(np.int64).take(states) << WORD_BITS - SPREAD_BITS
    entry = polarities * len(table.levels) + states
    if np.any(table.d2d):
        spread = table.d2d.astype(np.int64).take(entry)
        for polarity, purpose in D2D.items():
            row, column = np.nonzero(polarities == polarity)
            drawn = normals(seed, layer, purpose, row, column)
            words[row, column] += drawn * spread[row, column]
    if np.any(table.c2c):
        spread = table.c2c.astype(np.int64).take(entry)
        words += cell_normals(seed, layer, Purpose.WRITE, shape, write) * spread
    return words


def held_words(
    words: Integers,
    ends: tuple[int, int],
    seed: int,
    layer: int,
    imperfections: Imperfections = Imperfections(),  # noqa: B008 (it is frozen)
    opened: int | None = None,
) -> Integers:
    """What cells hold of what was written: decay, drift, Hall offset, reference, stuck cells.

    Parameters
    ----------
    words : ndarray of int64, shape (rows, columns)
        Written R_AH of each cell in units of ``2**-21`` words (`WORD_BITS`).
    ends : (int, int)
        Words of the lowest and the highest R_AH.
    seed, layer, imperfections
        As of `state_words`.
    opened : int or None
        What an open cell holds, in units of ``2**-21`` words, where cells are conductances:
        `Chip.open_cell`.

    Returns
    -------
    ndarray of int64, shape (rows, columns)
        In the same units, neither rounded nor clamped: each cell less the reference of its row.
    """
    shape = (words.shape[0], words.shape[1])
    wrong = imperfections
    words = words.copy()
    if wrong.retention is not None and wrong.decays:
        words = retained(words, ends, wrong.retention, wrong.age, seed, layer)
    if wrong.drifts:
        loss = np.full(shape, share_units(wrong.drift * wrong.decades), np.int64)
        spread = share_units(wrong.drift_spread * wrong.decades)
        if spread:
            drawn = cell_normals(seed, layer, Purpose.RETENTION, shape)
            loss += rounded(drawn * np.int64(spread), FRACTION_BITS)
        words -= words * np.clip(loss, 0, 2**SHARE_BITS) >> SHARE_BITS
    if wrong.hall_offset:
        spread = round(wrong.hall_offset * (ends[1] - ends[0]) * 2**SPREAD_BITS)
        words += cell_normals(seed, layer, Purpose.HALL_OFFSET, shape) * np.int64(spread)
    errors = reference_errors(seed, layer, shape[0], ends, wrong.reference)
    words -= errors
    stuck = stuck_cells(seed, layer, shape, wrong)
    if stuck is not None:
        held = stuck.held(ends) if opened is None else stuck.held(ends, opened) - errors
        words[stuck.cells] = held[stuck.cells]
    return words


def reference_errors(
    seed: int, layer: int, rows: int, ends: tuple[int, int], reference: float
) -> Integers:
    """By how much the cells of the reference column hold more than they should.

    Parameters
    ----------
    seed, layer : int
        Chip and layer.
    rows : int
        Rows of the layer, each with a reference cell.
    ends : (int, int)
        Words of the ends of the range.
    reference : float
        Standard deviation, as a fraction of the range.

    Returns
    -------
    ndarray of int64, shape (rows, 1)
        In units of ``2**-21`` words.
    """
    if not reference:
        return np.zeros((rows, 1), np.int64)
    spread = round(reference * (ends[1] - ends[0]) * 2**SPREAD_BITS)
    return cell_normals(seed, layer, Purpose.REFERENCE, (rows, 1)) * np.int64(spread)


def rounded_words(held: Integers, rah_bits: int = 8) -> Words:
    """R_AH words of what cells hold: rounded to the nearest, halves up, and clamped.

    Parameters
    ----------
    held : ndarray of int64
        In units of ``2**-21`` words (`WORD_BITS`).
    rah_bits : int
        Width of a word.

    Returns
    -------
    ndarray of int8, the shape of `held`
        From ``-(2**(rah_bits - 1) - 1)`` to ``2**(rah_bits - 1) - 1``.
    """
    top = full_scale(rah_bits)
    return np.clip(rounded(held, WORD_BITS), -top, top).astype(np.int8)
