"""Change of R_AH by one pulse: a distribution at each R_AH."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from allspin.sim.synapse.normal_sample import Array, normal_values

GAUSS = 1 / np.sqrt(3)
"""Position of the two Gauss points on the interval from -1 to 1."""


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
