"""The law of single pulses: drawn, measured, and read of a lookup table as CrossSim writes it."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.sim.errors import UserError, refused
from allspin.sim.files import read_text
from allspin.sim.synapse.pulse_changes import Array, Changes

MAX_MAGNITUDE = 1e30
"""No conductance is larger in any unit, and squares of it are still numbers."""
MAX_BYTES = 1 << 24
"""Bytes of a lookup table."""
MAX_ROW = 10_000
"""Conductances or shares of a lookup table."""
EVEN = 4096
"""Places of a table that is made even."""
EVENLY = 1e-6
"""Share of a step by which places that are even may miss."""
MAX_KEPT = 200
"""Places and shares of a distribution that a device file holds at most."""


def _even(places: Array, rows: Array, ends: tuple[float, float]) -> Array:
    """Rows of values at even places from end to end: interpolated unless theirs are so already."""
    steps = np.diff(places)
    if np.ptp(steps) <= EVENLY * steps.mean() and (places[0], places[-1]) == ends:
        return rows
    even = np.linspace(*ends, EVEN + 1)
    return np.array([np.interp(even, places, row) for row in rows])


class PulseLaw:
    """The law of one pulse's change at each R_AH, made for drawing many.

    Parameters
    ----------
    places : ndarray of float64, shape (places,)
        R_AH, rising. Between them the law is interpolated, beyond them it stays.
    changes : ndarray of float64, shape (shares, places) or (2, places)
        Changes at cumulative probabilities; without `shares` mean and standard deviation of normal
        ones.
    shares : ndarray of float64, shape (shares,), optional
        The probabilities, between which changes are interpolated.
    """

    def __init__(self, places: Array, changes: Array, shares: Array | None = None) -> None:
        self._low, self._normal = places[0], shares is None
        if shares is not None:
            mean = Changes.of_shares(places, shares, changes).moments()[0]
            changes = np.vstack([_even(shares, changes.T, (0.0, 1.0)).T, mean])
        table = _even(places, changes, (places[0], places[-1]))
        self._table, self._size = table.astype(np.float32).ravel(), table.shape[1]
        self._rows = table.shape[0]
        self._scale = (self._size - 1) / (places[-1] - places[0])

    def drawn(self, resistance: Array, share: npt.ArrayLike, rng: np.random.Generator) -> Array:
        """Changes by one pulse each.

        Parameters
        ----------
        resistance : ndarray of float, shape (films,)
            R_AH before the pulse.
        share : array_like of float
            Widths, as shares of the nominal one: the mean goes with them, the deviation with their
            root.
        rng : numpy.random.Generator
            Draws.

        Returns
        -------
        ndarray of float, shape (films,)
        """
        place = np.clip((resistance - self._low) * self._scale, 0, self._size - 1)
        column = np.minimum(place.astype(np.intp), self._size - 2)
        along = (place - column).astype(np.float32)

        def row(first: npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
            left = self._table.take(first)
            return left + (self._table.take(first + 1) - left) * along

        share = np.asarray(share)
        if self._normal:
            deviation = row(column + self._size) * rng.standard_normal(column.shape, np.float32)
            return row(column) * share + deviation * np.sqrt(share)
        chance = rng.random(column.shape, np.float32) * np.float32(self._rows - 2)
        number = np.minimum(chance.astype(np.intp), self._rows - 3)
        first = number * self._size + column
        low = row(first)
        change = low + (row(first + self._size) - low) * (chance - number)
        if np.all(share == 1):
            return change
        mean = row(column + (self._rows - 1) * self._size)
        return mean * share + (change - mean) * np.sqrt(share)


@dataclass(frozen=True, eq=False)
class Distribution:
    """The measured distribution of a pulse's change: what a lookup table has.

    Parameters
    ----------
    places : array_like of float, shape (places,)
        R_AH, rising.
    shares : array_like of float, shape (shares,)
        Cumulative probabilities from 0 to 1, never falling.
    changes : array_like of float, shape (shares, places)
        Change of R_AH at each.

    Raises
    ------
    ValueError
        If they do not fit one another.
    """

    places: Array
    shares: Array
    changes: Any

    def __post_init__(self) -> None:
        given = {name: np.array(value, np.float64) for name, value in vars(self).items()}
        places, shares, changes = given.values()
        sizes = [axis.size if axis.ndim == 1 else 0 for axis in (shares, places)]
        fits = min(sizes) >= 2 and changes.shape == tuple(sizes)
        fits = fits and all(np.all(np.abs(each) <= MAX_MAGNITUDE) for each in given.values())
        falls = fits and (np.any(np.diff(places) <= 0) or np.any(np.diff(shares) < 0))
        if not fits or falls or shares[0] < 0 or shares[-1] > 1:
            raise ValueError(
                "conductances must rise, and cumulative shares from 0 to 1; "
                f"{sizes[0]} shares and {sizes[1]} conductances need as many rows and columns of "
                f"changes, not {len(changes)} rows"
            )
        for name, value in given.items():
            object.__setattr__(self, name, value)

    @property
    def moments(self) -> Changes:
        """The same for moments of many pulses."""
        return Changes.of_shares(self.places, self.shares, self.changes)

    def widened(self, factor: float) -> "Distribution":
        """The same with changes that deviate from their means by a factor more."""
        mean = self.moments.moments()[0]
        return Distribution(self.places, self.shares, mean + (self.changes - mean) * factor)

    def with_others(self, others: Sequence["Distribution"]) -> "Distribution":
        """The mean of devices: that of their changes at each place and share of this one."""
        whole = [self.changes]
        for other in others:
            rows = np.array([np.interp(self.places, other.places, row) for row in other.changes])
            at = [np.interp(self.shares, other.shares, column) for column in rows.T]
            whole.append(np.array(at).T)
        return Distribution(self.places, self.shares, np.mean(whole, axis=0))

    def record(self) -> dict[str, Any]:
        """As plain values, at `MAX_KEPT` places and shares at most, to six digits."""
        kept = [
            np.unique(np.rint(np.linspace(0, axis.size - 1, min(axis.size, MAX_KEPT))).astype(int))
            for axis in (self.shares, self.places)
        ]
        values = self.places[kept[1]], self.shares[kept[0]], self.changes[np.ix_(*kept)]
        return {
            name: [[float(f"{one:.6g}") for one in row] for row in value]
            if value.ndim > 1
            else value.tolist()
            for name, value in zip(vars(self), values, strict=True)
        }


def _numbers(path: Path, number: int, line: str) -> Array:
    """A row of a lookup table."""
    try:
        row = np.array([float(word) for word in line.split(",")])
    except ValueError:
        row = np.array([np.nan])
    if not np.all(np.abs(row) <= MAX_MAGNITUDE):
        raise UserError(
            f"{path}: line {number} is not a row of numbers up to {MAX_MAGNITUDE:g} with commas; "
            "give a lookup table as CrossSim writes it (conductances, shares, then changes)"
        )
    return row


def read_lookup_table(path: Path) -> Distribution:
    """What a pulse does, of one of CrossSim's lookup tables; in siemens.

    Raises
    ------
    UserError
        If the file is missing or no such table.
    """
    text = read_text(path, "lookup table", MAX_BYTES)
    lines = ((number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip())
    rows = [_numbers(path, *each) for each in itertools.islice(lines, 1, 3)]
    if len(rows) < 2 or not all(2 <= row.size <= MAX_ROW for row in rows):
        raise UserError(
            f"{path} is not one of CrossSim's lookup tables: it needs a row of conductances and "
            f"one of cumulative shares, of 2 to {MAX_ROW:,} numbers each"
        )
    conductance, share = rows
    changes = [_numbers(path, *each) for each in itertools.islice(lines, share.size + 1)]
    with refused(f"{path} is damaged: "):
        even = len({row.size for row in changes}) == 1
        return Distribution(conductance, share, changes if even else np.empty((len(changes), 0)))
