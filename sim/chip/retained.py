"""What a chip's cells hold of what was written, in integers only.

In units of ``2**-21`` words, of what `allspin.sim.chip.words` writes::

    word = rest + ((word - rest) kept) >> 16           decay, by thermal activation
    word = word - (word loss) >> 16                    loss: drift, in units of 2**-16
    word = word + z_hall hall - z_reference reference

with normal values z of `allspin.sim.chip.generator`. A stuck cell has another word instead, from
which the reference is subtracted if it is a conductance.

A barrier is in units of ``2**-10`` k T, counted from the one that the age turns over. Two tables,
computed once, say the rest: the mean barrier at 257 places of the range, and the share that is
kept, in units of ``2**-16``, at 1025 barriers. Between places both are interpolated::

    place   = clamp((word - low) 2^16 / (high - low), 0, 2^16)
    barrier = barriers at place + (z_retention between + 2^12) >> 13
    word    = rest + ((word - rest) kept(barrier)) >> 16

with divisions that round down and arithmetic shifts.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from allspin.sim.chip.generator import FRACTION_BITS, Purpose, cell_normals, draw_bits
from allspin.sim.chip.words import (
    SHARE_BITS,
    SPREAD_BITS,
    WORD_BITS,
    Integers,
    rounded,
    share_units,
    word_units,
)
from allspin.sim.device.device import Device
from allspin.sim.device.retention import REACH, Retention, survival
from allspin.sim.errors import check_range
from allspin.sim.parameters import Shown

BARRIER_BITS = 10
"""Fraction bits of a barrier in units of k T."""
PLACES_BITS = 8
"""The range is in so many bits' worth of parts for the table of barriers."""
KEPT_BITS = 10
"""Likewise for the table of what is kept."""
EXPONENTIAL = 16.0
"""Barriers, in k T, beyond which all is gone, or nothing."""
FARTHEST = 2**40
"""Barriers are clamped to this, in their units."""


@lru_cache(maxsize=32)
def retention_table(retention: Retention, age: float) -> tuple[Integers, int, Integers, int]:
    """Work out what cells keep after an age.

    Parameters
    ----------
    retention : Retention
        Of the device.
    age : float
        In seconds, above 0.

    Returns
    -------
    barriers : ndarray of int64, shape (257,)
        Along the range from the lowest R_AH, in units of ``2**-10`` k T.
    between : int
        One standard deviation between cells, in the same unit.
    kept : ndarray of int64, shape (1025,)
        What is kept at barriers from ``-half`` to ``half``, in units of ``2**-16``.
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
        Of the device.
    age : float
        In seconds, above 0.
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


@dataclass(frozen=True, eq=False)
class ChipCells(Shown):
    """One draw of a device's variation, as far as cells have it: what `Chip` begins with."""

    device: Device
    seed: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "device", Device.named(self.device))
        object.__setattr__(self, "seed", check_range("chip seed", self.seed, 0, 2**32 - 1))

    def open_cell(self, levels: npt.NDArray[np.int16]) -> int | None:
        """What an open cell holds where cells are conductances, in units of ``2**-21`` words.

        Parameters
        ----------
        levels : ndarray of int16, shape (states,)
            The layer's; the outermost stand for the ends of the synapse's range.

        Returns
        -------
        int or None
            What a conductance of 0 is, below the lowest level; None of a Hall bar, whose word is
            then 0.
        """
        synapse, low, high = self.device.synapse, float(levels[0]), float(levels[-1])
        if self.device.open_cell is None:
            return None
        word = low + (self.device.open_cell - synapse.low) * (high - low) / synapse.span
        return int(word_units(np.array(word)))

    def stuck(
        self, number: int, shape: tuple[int, int], ends: tuple[int, int], opened: int | None
    ) -> tuple[npt.NDArray[np.bool_], Integers]:
        """Stuck cells of a layer, and what they hold.

        Parameters
        ----------
        number : int
            The layer.
        shape : tuple of int
            Its rows and columns.
        ends : (int, int)
            Words of the lowest and the highest R_AH. Between them each word has an equal chance.
        opened : int or None
            From `open_cell`.

        Returns
        -------
        ndarray of bool and ndarray of int64, each (rows, columns)
            Which cells; and what each would hold, in units of ``2**-21`` words.
        """
        wrong = self.device.imperfections
        (low, high), rows, columns = ends, np.arange(shape[0])[:, None], np.arange(shape[1])
        bits = draw_bits(self.seed, number, Purpose.STUCK, rows, columns)
        cells = bits < round(wrong.stuck * 2**32)
        match wrong.stuck_at:
            case "open":
                return cells, np.full(shape, opened or 0, np.int64)
            case "low" | "high":
                words = np.full(shape, high if wrong.stuck_at == "high" else low, np.int64)
            case at:
                bits = draw_bits(self.seed, number, Purpose.STUCK_END, rows, columns)
                if at == "between":
                    words = low + (bits.astype(np.int64) * (high - low + 1) >> 32)
                else:
                    words = np.where(bits >= 2**31, high, low).astype(np.int64)
        return cells, words << WORD_BITS

    def held(
        self,
        number: int,
        levels: npt.NDArray[np.int16],
        written: Integers,
        ends: tuple[int, int] | None = None,
        reference: Integers | int = 0,
    ) -> Integers:
        """What cells of a layer hold of what was written: decay, drift, offsets, stuck cells.

        Parameters
        ----------
        number : int
            The layer.
        levels : ndarray of int16, shape (states,)
            Its levels; the outermost stand for the ends of the synapse's range.
        written : ndarray of int64, shape (rows, columns)
            R_AH of each cell in units of ``2**-21`` words.
        ends : (int, int), optional
            Words of the lowest and the highest R_AH that writes aim at; the outermost levels.
        reference : ndarray of int64, shape (rows, 1), optional
            What writing left in the reference cells, as of `reference_errors`.

        Returns
        -------
        ndarray of int64, shape (rows, columns)
            In the same units, neither rounded nor clamped: each cell less the reference of its row.
        """
        low, high = ends = ends or (int(levels[0]), int(levels[-1]))
        wrong, words = self.device.imperfections, written
        shape = words.shape[0], words.shape[1]
        if wrong.retention is not None and wrong.decays:
            normals = cell_normals(self.seed, number, Purpose.RETENTION, shape)
            words = retained(words, ends, wrong.retention, wrong.age, normals)
        if wrong.drifts:
            spread = share_units(wrong.drift_spread * wrong.decades)
            loss = share_units(wrong.drift * wrong.decades) + self._drawn(
                number, Purpose.RETENTION, shape, spread, FRACTION_BITS
            )
            words = words - (words * np.clip(loss, 0, 2**SHARE_BITS) >> SHARE_BITS)
        spread = round(wrong.hall_offset * (high - low) * 2**SPREAD_BITS)
        words = words + self._drawn(number, Purpose.HALL_OFFSET, shape, spread, 0)
        errors = self.reference_errors(number, shape[0], ends, reference)
        words -= errors
        if wrong.stuck:
            opened = self.open_cell(levels)
            there, held = self.stuck(number, shape, ends, opened)
            held = held if opened is None else held - errors
            words[there] = held[there]
        return words

    def reference_errors(
        self, number: int, rows: int, ends: tuple[int, int], written: Integers | int = 0
    ) -> Integers:
        """By how much the reference cell of each row holds more than it should.

        Parameters
        ----------
        number : int
            The layer.
        rows : int
            Its rows.
        ends : (int, int)
            Words of the ends of the range.
        written : ndarray of int64, shape (rows, 1), optional
            What writing left in them, in units of ``2**-21`` words
            (`allspin.sim.programming.reference_column`); nothing in those of a centred column.

        Returns
        -------
        ndarray of int64, shape (rows, 1)
            In units of ``2**-21`` words.
        """
        spread = round(self.device.imperfections.reference * (ends[1] - ends[0]) * 2**SPREAD_BITS)
        return self._drawn(number, Purpose.REFERENCE, (rows, 1), spread, 0) + written

    def _drawn(
        self, number: int, purpose: Purpose, shape: tuple[int, int], spread: int, bits: int
    ) -> Integers:
        """Normal values times a spread, with so many fraction bits dropped."""
        if not spread:
            return np.zeros(shape, np.int64)
        return rounded(cell_normals(self.seed, number, purpose, shape) * np.int64(spread), bits)
