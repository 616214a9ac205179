"""The measured distribution of a pulse's change, as device files store it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from allspin.sim.synapse.normal_sample import Array
from allspin.sim.synapse.pulse_changes import Changes

MAX_MAGNITUDE = 1e30
"""Largest magnitude of a conductance in any unit; its square is still finite."""
MAX_KEPT = 200
"""Largest number of places and of shares that a device file stores."""


@dataclass(frozen=True, eq=False)
class Distribution:
    """Measured distribution of the change of R_AH by one pulse, as in a lookup table.

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
        If the shapes are inconsistent or a value is outside its range.
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
        """Distribution from which moments after many pulses are computed."""
        return Changes.of_shares(self.places, self.shares, self.changes)

    def widened(self, factor: float) -> "Distribution":
        """Return the distribution with deviations from the mean multiplied by a factor."""
        mean = self.moments.moments()[0]
        return Distribution(self.places, self.shares, mean + (self.changes - mean) * factor)

    def with_others(self, others: Sequence["Distribution"]) -> "Distribution":
        """Return the mean of devices' changes at the places and shares of this distribution."""
        whole = [self.changes]
        for other in others:
            rows = np.array([np.interp(self.places, other.places, row) for row in other.changes])
            at = [np.interp(self.shares, other.shares, column) for column in rows.T]
            whole.append(np.array(at).T)
        return Distribution(self.places, self.shares, np.mean(whole, axis=0))

    def record(self) -> dict[str, Any]:
        """Return plain values for a file: at most `MAX_KEPT` places and shares, six digits."""
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
