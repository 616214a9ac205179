"""CrossSim's lookup tables: the measured distribution of a pulse's change at each conductance.

A header, a line of conductances, a line of cumulative probabilities, and a row of changes for each
of these. Between them changes are interpolated, along the conductance and along the probability.
"""

import itertools
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import NormalDist
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from allspin.sim.errors import UserError, refused
from allspin.sim.files import check_file, read_text

# What one pulse changes R_AH by: a distribution at each R_AH.

Array = npt.NDArray[np.float64]

STRATA = 128
"""Values that stand for a normal distribution, of equal probability."""
GAUSS = 1 / np.sqrt(3)
"""Where Gauss's two points are on a stretch from -1 to 1."""


PAIRS = 40
"""Pairs of R_AH before and after a pulse that tell the distribution at one place."""
LEAST_PAIRS = 20
"""Pairs from which there is a distribution."""
MOST_PLACES = 60
"""Places at which pairs tell it."""
SAMPLES = 64
"""Values of a distribution that is told by pairs."""


def _slope(x: Array, change: Array, noise: float) -> float:
    """How changes go along with R_AH, without what the meter's noise adds to both."""
    away = x - x.mean()
    square = float(away @ away) / x.size
    if square <= 2 * noise**2:
        return 0.0
    # The noise before a pulse is in the change too, with the other sign.
    return (float(away @ change) / x.size + noise**2) / (square - noise**2)


def _to_ends(
    places: Array, mean: Array, rest: Array, ends: tuple[float, float]
) -> tuple[Array, Array, Array]:
    """Places from end to end: beyond the outermost ones the mean goes on straight."""
    # Saturated films are at the end itself, many of them; of equal places one is kept.
    places, kept = np.unique(np.clip(places, *ends), return_index=True)
    mean, rest = mean[kept], rest[kept]
    slopes = np.diff(mean) / np.diff(places) if places.size > 1 else np.zeros(1)
    if places[0] > ends[0]:
        first = mean[0] - slopes[0] * (places[0] - ends[0])
        places, mean = np.append(ends[0], places), np.append(first, mean)
        rest = np.concatenate([rest[:1], rest])
    if places[-1] < ends[1]:
        last = mean[-1] + slopes[-1] * (ends[1] - places[-1])
        places, mean = np.append(places, ends[1]), np.append(mean, last)
        rest = np.concatenate([rest, rest[-1:]])
    return places, mean, rest


@cache
def normal_values(count: int = STRATA) -> Array:
    """Values of equal probability that stand for the normal distribution.

    Each is the mean over its part of the distribution; they are stretched a little so that their
    variance is 1.

    Parameters
    ----------
    count : int
        How many.

    Returns
    -------
    ndarray of float64, shape (count,)
        Rising, and symmetric about 0.
    """
    normal = NormalDist()
    edges = [normal.inv_cdf(place / count) for place in range(1, count)]
    values = -np.diff(np.array([0.0, *map(normal.pdf, edges), 0.0])) * count
    values = (values - values[::-1]) / 2
    values /= np.sqrt(np.mean(values**2))
    values.setflags(write=False)
    return values


@dataclass(frozen=True, eq=False)
class Changes:
    """The distribution of one pulse's change, at any R_AH between two ends.

    At places of R_AH it is told by values with weights. Between places each value is
    interpolated; the first and the last place are the ends, beyond which no pulse leads.

    Parameters
    ----------
    places : ndarray of float64, shape (places,)
        R_AH, rising; at least two.
    values : ndarray of float64, shape (values, places)
        Changes.
    weights : ndarray of float64, shape (values,)
        Their probabilities, which add up to 1.
    """

    places: Array
    values: Array
    weights: Array

    @classmethod
    def of_shares(cls, places: Array, shares: Array, changes: Array) -> Self:
        """Of changes at cumulative probabilities, between which they are interpolated.

        Parameters
        ----------
        places : ndarray of float64, shape (places,)
            R_AH.
        shares : ndarray of float64, shape (shares,)
            Cumulative probabilities from 0 to 1, never falling. What is below the first or above
            the last has its change.
        changes : ndarray of float64, shape (shares, places)
            Changes.
        """
        widths, upper, lower = np.diff(shares), changes[1:], changes[:-1]
        # Two points of Gauss make mean and deviation of a straight stretch exact.
        middle, half = (upper + lower) / 2, (upper - lower) / 2 * GAUSS
        values = np.concatenate([changes[:1], middle - half, middle + half, changes[-1:]])
        weights = np.concatenate([shares[:1], widths / 2, widths / 2, 1 - shares[-1:]])
        kept = weights > 0
        return cls(places, values[kept], weights[kept])

    @classmethod
    def of_pairs(
        cls, before: Array, after: Array, ends: tuple[float, float], noise: float = 0.0
    ) -> Self:
        """Of pairs of R_AH, before a pulse and after it.

        Neighbouring pairs are taken together, as many at each place. What of their changes depends
        on R_AH is a straight line through them; the rest is the distribution there.

        Parameters
        ----------
        before, after : ndarray of float64, shape (pairs,)
            R_AH; at least `LEAST_PAIRS` pairs.
        ends : (float, float)
            The lowest and the highest R_AH of a film.
        noise : float
            Standard deviation of the meter in each of them, which is none of the film.
        """
        order = np.argsort(before, kind="stable")
        count = int(np.clip(before.size // PAIRS, 1, MOST_PLACES))
        shares = (np.arange(SAMPLES) + 0.5) / SAMPLES
        places, means, rests = [], [], []
        for group in np.array_split(order, count):
            x, change = before[group], after[group] - before[group]
            slope = _slope(x, change, noise)
            rest = change - change.mean() - slope * (x - x.mean())
            variance = float(rest.var(ddof=min(2, rest.size - 1)))
            film = max(variance - noise**2 * (1 + (1 + slope) ** 2), 0.0)
            scale = np.sqrt(film / variance) if variance else 0.0
            values = np.quantile(rest, shares)
            values -= values.mean()
            # Fewer quantiles than pairs lose some of the tails.
            spread = float(values.std())
            scale *= np.sqrt(variance) / spread if spread else 0.0
            places.append(float(x.mean()))
            means.append(float(change.mean()))
            rests.append(values * scale)
        way, mean, table = _to_ends(np.array(places), np.array(means), np.array(rests), ends)
        return cls(way, mean + table.T, np.full(SAMPLES, 1 / SAMPLES))

    @classmethod
    def normal(cls, places: Array, mean: Array, deviation: Array) -> Self:
        """Normal changes.

        Parameters
        ----------
        places, mean, deviation : ndarray of float64, shape (places,)
            R_AH, and mean and standard deviation of the change there.
        """
        values = normal_values()
        weights = np.full(values.size, 1 / values.size)
        return cls(places, mean + np.multiply.outer(values, deviation), weights)

    @property
    def low(self) -> float:
        """The lower end."""
        return float(self.places[0])

    @property
    def high(self) -> float:
        """The upper end."""
        return float(self.places[-1])

    def at(self, resistance: Array) -> Array:
        """Changes at some R_AH, shape (values, R_AH)."""
        step = np.searchsorted(self.places, resistance, side="right") - 1
        step = np.clip(step, 0, self.places.size - 2)
        start, end = self.places[step], self.places[step + 1]
        share = np.clip((resistance - start) / (end - start), 0, 1)
        return self.values[:, step] * (1 - share) + self.values[:, step + 1] * share

    def moments(self) -> tuple[Array, Array]:
        """Mean and standard deviation of the change at each place."""
        mean = self.weights @ self.values
        return mean, np.sqrt(self.weights @ (self.values - mean) ** 2)


EVEN = 4096
"""Places of a table that is made even."""
EVENLY = 1e-6
"""Share of a step by which places that are even may miss."""
MAX_KEPT = 200
"""Places and shares of a distribution that a device file holds at most."""


def _even(places: Array, rows: Array) -> Array:
    """Rows of values at even places: as they are where theirs are even, else interpolated."""
    steps = np.diff(places)
    if np.ptp(steps) <= EVENLY * steps.mean():
        return rows
    even = np.linspace(places[0], places[-1], EVEN + 1)
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
            ends = [0.0, *shares, 1.0]
            changes = np.concatenate([changes[:1], changes, changes[-1:]])
            kept = np.append(np.diff(ends) > 0, True)
            changes = _even(np.array(ends)[kept], changes[kept].T).T
            changes = np.vstack([changes, mean])
        table = _even(places, changes)
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

    @property
    def law(self) -> PulseLaw:
        """The same for drawing."""
        return PulseLaw(self.places, self.changes, self.shares)

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


MAX_MAGNITUDE = 1e30
"""No conductance is larger in any unit, and squares of it are still numbers."""
MAX_BYTES = 1 << 24
"""Bytes of a lookup table."""
MAX_ROW = 10_000
"""Conductances or shares of a lookup table."""
LOOKUP_HEADER = "1st Row = Gbins"
"""What the first line of CrossSim's lookup tables begins with."""


def is_lookup_table(path: Path) -> bool:
    """Whether a file is one of CrossSim's lookup tables, by its first line."""
    try:
        check_file(path, "measurement", sys.maxsize)
        with path.open("rb") as file:
            return file.read(len(LOOKUP_HEADER)) == LOOKUP_HEADER.encode()
    except (UserError, OSError):
        return False  # whoever reads the rest of it says why not


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
