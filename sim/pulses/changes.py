"""What one pulse changes R_AH by: a distribution at each R_AH."""

from dataclasses import dataclass
from functools import cache
from statistics import NormalDist
from typing import Self

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

STRATA = 128
"""Values that stand for a normal distribution, of equal probability."""
GAUSS = 1 / np.sqrt(3)
"""Where Gauss's two points are on a stretch from -1 to 1."""


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
    densities = np.array([0.0, *map(normal.pdf, edges), 0.0])
    values = -np.diff(densities) * count
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
