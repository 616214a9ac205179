"""Change of R_AH by one pulse: a distribution at each R_AH."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from allspin.sim.synapse.normal_sample import Array, normal_values

GAUSS = 1 / np.sqrt(3)
"""Position of the two Gauss points on the interval from -1 to 1."""
PAIRS = 40
"""Pairs of R_AH before and after a pulse from which one place's distribution is estimated."""
LEAST_PAIRS = 20
"""Smallest number of pairs for a distribution."""
MOST_PLACES = 60
"""Largest number of places with a distribution."""
SAMPLES = 64
"""Number of values of a distribution estimated from pairs."""


def _slope(x: Array, change: Array, noise: float) -> float:
    """Return the slope of changes against R_AH, corrected for the noise of the meter."""
    away = x - x.mean()
    square = float(away @ away) / x.size
    if square <= 2 * noise**2:
        return 0.0
    # The noise before a pulse is also in the change, with the opposite sign.
    return (float(away @ change) / x.size + noise**2) / (square - noise**2)


def _to_ends(
    places: Array, mean: Array, rest: Array, ends: tuple[float, float]
) -> tuple[Array, Array, Array]:
    """Extend places to both ends of the range, by linear extrapolation of the mean."""
    # Saturated devices are exactly at an end; one of equal places is kept.
    places, kept = np.unique(np.clip(places, *ends), return_index=True)
    mean, rest = mean[kept], rest[kept]
    slopes = np.diff(mean) / np.diff(places) if places.size > 1 else np.zeros(1)
    if places[0] > ends[0]:
        first = mean[0] - slopes[0] * (places[0] - ends[0])
        places = np.append(ends[0], places)
        mean = np.append(first, mean)
        rest = np.concatenate([rest[:1], rest])
    if places[-1] < ends[1]:
        last = mean[-1] + slopes[-1] * (ends[1] - places[-1])
        places = np.append(places, ends[1])
        mean = np.append(mean, last)
        rest = np.concatenate([rest, rest[-1:]])
    return places, mean, rest


@dataclass(frozen=True, eq=False)
class Changes:
    """Distribution of the change of R_AH by one pulse, at any R_AH between two ends.

    At some places, weighted values represent it. Between places each value is interpolated. The
    first and the last place are the ends, beyond which no pulse leads.

    Parameters
    ----------
    places : ndarray of float64, shape (places,)
        R_AH, rising; at least two.
    values : ndarray of float64, shape (values, places)
        Changes.
    weights : ndarray of float64, shape (values,)
        Their probabilities, whose sum is 1.
    """

    places: Array
    values: Array
    weights: Array

    @classmethod
    def of_shares(cls, places: Array, shares: Array, changes: Array) -> Self:
        """Make a distribution from changes at cumulative probabilities, with interpolation.

        Parameters
        ----------
        places : ndarray of float64, shape (places,)
            R_AH.
        shares : ndarray of float64, shape (shares,)
            Cumulative probabilities from 0 to 1, never falling. Below the first and above the last
            the change is constant.
        changes : ndarray of float64, shape (shares, places)
            Changes.
        """
        widths = np.diff(shares)
        # Two Gauss points give the exact mean and deviation of a linear segment.
        middle = (changes[1:] + changes[:-1]) / 2
        half = (changes[1:] - changes[:-1]) / 2 * GAUSS
        values = np.concatenate([changes[:1], middle - half, middle + half, changes[-1:]])
        weights = np.concatenate([shares[:1], widths / 2, widths / 2, 1 - shares[-1:]])
        kept = weights > 0
        return cls(places, values[kept], weights[kept])

    @classmethod
    def of_pairs(
        cls, before: Array, after: Array, ends: tuple[float, float], noise: float = 0.0
    ) -> Self:
        """Estimate a distribution from pairs of R_AH, before and after a pulse.

        Neighbouring pairs form groups of equal size, one for each place. A line through a group
        describes the dependence on R_AH; the residuals are the distribution.

        Parameters
        ----------
        before, after : ndarray of float64, shape (pairs,)
            R_AH; at least `LEAST_PAIRS` pairs.
        ends : (float, float)
            Lowest and highest R_AH of a device.
        noise : float
            Standard deviation of the meter's noise in each R_AH, which the estimate excludes.
        """
        order = np.argsort(before, kind="stable")
        count = int(np.clip(before.size // PAIRS, 1, MOST_PLACES))
        shares = (np.arange(SAMPLES) + 0.5) / SAMPLES
        places = []
        means = []
        rests = []
        for group in np.array_split(order, count):
            x, change = before[group], after[group] - before[group]
            slope = _slope(x, change, noise)
            rest = change - change.mean() - slope * (x - x.mean())
            variance = float(rest.var(ddof=min(2, rest.size - 1)))
            own_variance = max(variance - noise**2 * (1 + (1 + slope) ** 2), 0.0)
            scale = np.sqrt(own_variance / variance) if variance else 0.0
            values = np.quantile(rest, shares)
            values -= values.mean()
            # Quantiles lose a part of the tails, which scaling restores.
            spread = float(values.std())
            scale *= np.sqrt(variance) / spread if spread else 0.0
            places.append(float(x.mean()))
            means.append(float(change.mean()))
            rests.append(values * scale)
        way, mean, table = _to_ends(np.array(places), np.array(means), np.array(rests), ends)
        return cls(way, mean + table.T, np.full(SAMPLES, 1 / SAMPLES))

    @classmethod
    def normal(cls, places: Array, mean: Array, deviation: Array) -> Self:
        """Make a normal distribution of changes.

        Parameters
        ----------
        places, mean, deviation : ndarray of float64, shape (places,)
            R_AH, and mean and standard deviation of the change at each.
        """
        values = normal_values()
        weights = np.full(values.size, 1 / values.size)
        return cls(places, mean + np.multiply.outer(values, deviation), weights)

    @property
    def low(self) -> float:
        """Lower end of R_AH."""
        return float(self.places[0])

    @property
    def high(self) -> float:
        """Upper end of R_AH."""
        return float(self.places[-1])

    def at(self, resistance: Array) -> Array:
        """Return the changes at some R_AH, shape (values, R_AH)."""
        step = np.searchsorted(self.places, resistance, side="right") - 1
        step = np.clip(step, 0, self.places.size - 2)
        start = self.places[step]
        end = self.places[step + 1]
        share = np.clip((resistance - start) / (end - start), 0, 1)
        return self.values[:, step] * (1 - share) + self.values[:, step + 1] * share

    def moments(self) -> tuple[Array, Array]:
        """Return mean and standard deviation of the change at each place."""
        mean = self.weights @ self.values
        return mean, np.sqrt(self.weights @ (self.values - mean) ** 2)
