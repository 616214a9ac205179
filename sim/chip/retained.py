"""What thermal activation leaves of a chip's R_AH, in integers.

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

from allspin.sim.chip.fixed_point import SHARE_BITS, WORD_BITS, Integers, rounded
from allspin.sim.chip.generator import FRACTION_BITS, Purpose, cell_normals, draw_bits
from allspin.sim.device.device import Imperfections
from allspin.sim.device.retention import REACH, Retention, survival

# Stuck cells of a chip: which they are, and what is read of them whatever is written.


@dataclass(frozen=True, eq=False)
class Stuck:
    """Stuck cells of a crossbar.

    Attributes
    ----------
    cells : ndarray of bool, shape (rows, columns)
        Which cells.
    bits : ndarray of uint32, shape (rows, columns)
        Random bits that say where a cell is stuck.
    at : str
        One of `allspin.sim.device.device.STUCK_ENDS`.
    """

    cells: npt.NDArray[np.bool_]
    bits: npt.NDArray[np.uint32]
    at: str

    def held(self, ends: tuple[int, int], opened: int = 0) -> Integers:
        """What stuck cells hold, shape (rows, columns), in units of ``2**-21`` words.

        Those of the other cells have no meaning.

        Parameters
        ----------
        ends : (int, int)
            Words of the lowest and the highest R_AH. Between them each word has an equal chance.
        opened : int
            What an open cell holds, in units of ``2**-21`` words.
        """
        low, high = ends
        match self.at:
            case "open":
                return np.full(self.bits.shape, opened, np.int64)
            case "between":
                words = low + (self.bits.astype(np.int64) * (high - low + 1) >> 32)
            case "either":
                words = np.where(self.bits >= 2**31, high, low).astype(np.int64)
            case _:
                words = np.full(self.bits.shape, high if self.at == "high" else low, np.int64)
        return words << WORD_BITS


def stuck_cells(
    seed: int, layer: int, shape: tuple[int, int], imperfections: Imperfections
) -> Stuck | None:
    """Stuck cells of a crossbar; None where no cell is stuck by design.

    Parameters
    ----------
    seed, layer : int
        Chip and layer.
    shape : tuple of int
        Rows and columns.
    imperfections : Imperfections
        Share of stuck cells, and where they are stuck.
    """
    if not imperfections.stuck:
        return None
    rows, columns = np.arange(shape[0])[:, None], np.arange(shape[1])
    bits = draw_bits(seed, layer, Purpose.STUCK, rows, columns)
    drawn = imperfections.stuck_at in ("either", "between")
    where = draw_bits(seed, layer, Purpose.STUCK_END, rows, columns) if drawn else bits
    return Stuck(bits < round(imperfections.stuck * 2**32), where, imperfections.stuck_at)


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


@dataclass(frozen=True, eq=False)
class RetentionTable:
    """A device's retention for an age.

    Attributes
    ----------
    barriers : ndarray of int64, shape (257,)
        Along the range from the lowest R_AH, in units of ``2**-10`` k T.
    between : int
        One standard deviation between cells, in the same unit.
    kept : ndarray of int64, shape (1025,)
        What is kept at barriers from ``-half`` to ``half``, in units of ``2**-16``.
    half : int
        Barrier at the table's last place: a power of 2.
    """

    barriers: Integers
    between: int
    kept: Integers
    half: int


@lru_cache(maxsize=32)
def retention_table(retention: Retention, age: float) -> RetentionTable:
    """Work out what cells keep after an age.

    Parameters
    ----------
    retention : Retention
        Of the device.
    age : float
        In seconds, above 0.
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
    return RetentionTable(
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
    words: Integers, ends: tuple[int, int], retention: Retention, age: float, seed: int, layer: int
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
    seed, layer : int
        Chip and layer, of which cells draw their barriers.

    Returns
    -------
    ndarray of int64, shape (rows, columns)
        In the unit of `words`.
    """
    table = retention_table(retention, age)
    low, span = ends[0] << WORD_BITS, (ends[1] - ends[0]) << WORD_BITS
    place = np.clip(((words - low) << SHARE_BITS) // span, 0, 1 << SHARE_BITS)
    barrier = _between(table.barriers, place, SHARE_BITS - PLACES_BITS)
    if table.between:
        shape = (words.shape[0], words.shape[1])
        normals = cell_normals(seed, layer, Purpose.RETENTION, shape)
        barrier = barrier + rounded(normals * np.int64(table.between), FRACTION_BITS)
    bits = (2 * table.half).bit_length() - 1 - KEPT_BITS
    inside = np.clip(barrier + table.half, 0, 2 * table.half)
    kept = _between(table.kept, inside, bits)
    middle = (ends[0] + ends[1]) << WORD_BITS >> 1
    rest = middle + round(retention.equilibrium * (span >> 1))
    return rest + ((words - rest) * kept >> SHARE_BITS)
