"""Sampling of single pulses: the change of R_AH at each R_AH."""

import numpy as np
import numpy.typing as npt

from allspin.sim.synapse.normal_sample import Array
from allspin.sim.synapse.pulse_changes import Changes

EVEN = 4096
"""Number of intervals of a table that is resampled at even places."""
EVENLY = 1e-6
"""Tolerance of even places, as a share of a step."""


def _even(places: Array, rows: Array, ends: tuple[float, float]) -> Array:
    """Interpolate rows of values at evenly spaced places, unless they are so already."""
    steps = np.diff(places)
    if np.ptp(steps) <= EVENLY * steps.mean() and (places[0], places[-1]) == ends:
        return rows
    even = np.linspace(*ends, EVEN + 1)
    return np.array([np.interp(even, places, row) for row in rows])


class PulseLaw:
    """Sampler of the change of R_AH by one pulse, for many devices at once.

    Parameters
    ----------
    places : ndarray of float64, shape (places,)
        R_AH, rising. The distribution is interpolated between places and constant beyond them.
    changes : ndarray of float64, shape (shares, places) or (2, places)
        Changes at cumulative probabilities; without `shares`, mean and standard deviation of normal
        changes.
    shares : ndarray of float64, shape (shares,), optional
        Cumulative probabilities, between which changes are interpolated.
    """

    def __init__(self, places: Array, changes: Array, shares: Array | None = None) -> None:
        self._low = places[0]
        self._normal = shares is None
        if shares is not None:
            mean = Changes.of_shares(places, shares, changes).moments()[0]
            changes = np.vstack([_even(shares, changes.T, (0.0, 1.0)).T, mean])
        table = _even(places, changes, (places[0], places[-1]))
        self._table = table.astype(np.float32).ravel()
        self._rows, self._size = table.shape
        self._scale = (self._size - 1) / (places[-1] - places[0])

    def drawn(self, resistance: Array, share: npt.ArrayLike, rng: np.random.Generator) -> Array:
        """Draw the changes of R_AH by one pulse each.

        Parameters
        ----------
        resistance : ndarray of float, shape (devices,)
            R_AH before the pulse.
        share : array_like of float
            Widths as shares of the nominal width. The mean is proportional to the width, the
            deviation to its square root.
        rng : numpy.random.Generator
            Source of the draws.

        Returns
        -------
        ndarray of float, shape (devices,)
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
