"""CrossSim's lookup tables: the measured distribution of a pulse's change at each conductance.

A header, a line of conductances, a line of cumulative probabilities, and a row of changes for each
of these. Between them changes are interpolated, along the conductance and along the probability.
"""

import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import NormalDist
from typing import Self

import numpy as np
import numpy.typing as npt

from allspin.sim.errors import UserError
from allspin.sim.files import check_file

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
