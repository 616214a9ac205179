"""R_AH words of one crossbar of a chip: written, held, and rounded, in integers only.

The word of a cell is made of the level of its state and of normal values from
`allspin.sim.chip.generator`, in units of ``2**-13`` standard deviations, each times what one
standard deviation is worth in that state, in units of ``2**-8`` words (`WriteTable`)::

    word = level 2^21 + z_d2d d2d[polarity, state] + z_c2c c2c[polarity, state]
    word = rest + ((word - rest) kept) >> 16           decay: see `allspin.sim.chip.cells.retained`
    word = word - (word loss) >> 16                    loss: drift, in units of 2**-16
    word = word + z_hall hall - z_reference reference
    word = (word + 2^20) >> 21, clamped to -(2^(b-1) - 1) .. 2^(b-1) - 1

with an arithmetic shift and words of b bits. A stuck cell has another word instead
(`allspin.sim.chip.cells.stuck`), from which the reference is subtracted if it is a conductance.
"""

import numpy as np
import numpy.typing as npt

from allspin.sim.chip.cells.array import D2D
from allspin.sim.chip.cells.retained import retained, retention_table
from allspin.sim.chip.cells.stuck import stuck_cells
from allspin.sim.chip.cells.write_table import WriteTable
from allspin.sim.chip.fixed_point import (
    SHARE_BITS,
    SPREAD_BITS,
    WORD_BITS,
    Integers,
    Words,
    rounded,
    share_units,
)
from allspin.sim.chip.generator import FRACTION_BITS, Purpose, cell_normals, normals
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.device.synapse.response import Polarity
from allspin.sim.network.levels import full_scale


def d2d_normals(seed: int, layer: int, polarity: npt.NDArray[np.integer]) -> npt.NDArray[np.int32]:
    """Each cell's device-to-device deviation, by the polarity of its last pulse.

    Parameters
    ----------
    seed, layer : int
        Chip and layer.
    polarity : ndarray of int, shape (rows, columns)
        `Polarity` of each cell's last pulse.

    Returns
    -------
    ndarray of int32, the shape of `polarity`
        In units of ``2**-13`` standard deviations.
    """
    found = np.empty(polarity.shape, np.int32)
    for one in Polarity:
        places = np.flatnonzero(polarity == one)
        row = places // polarity.shape[1]
        column = places - row * polarity.shape[1]
        found.reshape(-1)[places] = normals(seed, layer, D2D[one], row, column)
    return found


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
    return rounded_words(held_words(written, table, seed, layer, imperfections), rah_bits)


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
        words += d2d_normals(seed, layer, polarities) * spread
    if np.any(table.c2c):
        spread = table.c2c.astype(np.int64).take(entry)
        words += cell_normals(seed, layer, Purpose.WRITE, shape, write) * spread
    return words


def held_words(
    words: Integers,
    table: WriteTable,
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
    table, seed, layer, imperfections
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
    lowest, highest = table.ends
    if wrong.retention is not None and wrong.decays:
        words = retained(
            words,
            (lowest, highest),
            WORD_BITS,
            retention_table(wrong.retention, wrong.age),
            wrong.retention.equilibrium,
            (seed, layer),
        )
    if wrong.drifts:
        loss = np.full(shape, share_units(wrong.drift * wrong.decades), np.int64)
        spread = share_units(wrong.drift_spread * wrong.decades)
        if spread:
            drawn = cell_normals(seed, layer, Purpose.RETENTION, shape)
            loss += rounded(drawn * np.int64(spread), FRACTION_BITS)
        words -= words * np.clip(loss, 0, 2**SHARE_BITS) >> SHARE_BITS
    if wrong.hall_offset:
        spread = round(wrong.hall_offset * (highest - lowest) * 2**SPREAD_BITS)
        words += cell_normals(seed, layer, Purpose.HALL_OFFSET, shape) * np.int64(spread)
    errors = reference_errors(seed, layer, shape[0], table.ends, wrong.reference)
    words -= errors
    stuck = stuck_cells(seed, layer, shape, wrong)
    if stuck is not None:
        held = stuck.held((lowest, highest))
        if opened is not None:
            held = stuck.held((lowest, highest), opened) - errors
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
