"""Many pulses: the Markov chain of R_AH on a grid.

A pulse moves a device from a node of the grid to places between nodes. Each place is divided among
the three nearest nodes in shares that preserve its mean and its mean square, so the grid adds to a
deviation only through the curvature of the law between nodes. (Divided among two nodes, each pulse
would add up to a quarter of their squared distance to the variance: with 60 nodes and 1 % of noise
a pulse, half of a deviation.) The grid is refined until mean and deviation after every number of
pulses converge.

The chain is evaluated backwards: each node has mean and mean square of the R_AH after some pulses
of a device that starts there.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.sim.synapse.normal_sample import Array
from allspin.sim.synapse.pulse_changes import Changes

FIRST_STEPS = 64
"""Number of steps of the first grid."""
MAX_STEPS = 2048
"""Number of steps of the last grid."""
ENTRIES = 16_000_000
"""Largest number of entries of a chain's matrix before entries of one node are merged."""
AT_ONCE = 500_000
"""Number of entries in memory at once."""
WORK = 1_000_000_000
"""Largest number of products for all pulses on a grid."""
SURE = 0.005
"""Relative change of a deviation at which refinement ends."""
LEAST = 1e-4
"""Change, as a share of the range, at which refinement ends."""


class Chain:
    """Markov chain of one distribution of changes on one grid.

    Parameters
    ----------
    changes : Changes
        Distribution of a pulse's change.
    steps : int
        Number of steps of the grid from end to end.
    """

    def __init__(self, changes: Changes, steps: int) -> None:
        # SciPy takes long to import.
        from scipy.sparse import csr_array

        self.low = changes.low
        self.span = changes.high - changes.low
        self.steps = steps
        share = np.arange(steps + 1) / steps
        ends = np.clip(share + changes.at(self.low + share * self.span) / self.span, 0, 1)
        some = max(AT_ONCE // ends.shape[1], 1)
        self._matrix: Any = 0  # from each node (row) to each node (column)
        for first in range(0, len(ends), some):
            nodes, parts = self._shared(ends[first : first + some])
            parts *= changes.weights[first : first + some, np.newaxis]
            rows = np.broadcast_to(np.arange(steps + 1), nodes.shape)
            where = (rows.ravel(), nodes.ravel())
            shape = (steps + 1, steps + 1)
            self._matrix = self._matrix + csr_array((parts.ravel(), where), shape=shape)

    @property
    def products(self) -> int:
        """Number of products for one pulse."""
        return int(self._matrix.nnz)

    def _shared(self, share: Array) -> tuple[npt.NDArray[np.intp], Array]:
        """Return the three nearest nodes of places (shares of the range) and their shares."""
        place = share * self.steps
        nearest = np.clip(np.rint(place), 1, self.steps - 1)
        away = place - nearest
        parts = away * (away - 1) / 2, 1 - away**2, away * (away + 1) / 2
        nodes = nearest.astype(np.intp) + np.arange(-1, 2).reshape(3, *[1] * share.ndim)
        return nodes, np.stack(parts)

    def pulses(self) -> Iterator[tuple[Array, Array]]:
        """Yield mean and variance, in ranges, after 0, 1, 2 ... pulses from each node."""
        share = np.arange(self.steps + 1) / self.steps
        both = np.stack([share, share**2], axis=1)
        while True:
            mean = both[:, 0]
            yield mean, np.maximum(both[:, 1] - mean**2, 0.0)
            both = self._matrix @ both

    def at(self, table: Array, resistance: Array) -> Array:
        """Interpolate a table that has one value for each node."""
        nodes, parts = self._shared(np.clip((resistance - self.low) / self.span, 0, 1))
        return np.sum(table[nodes] * parts, axis=0)


def until_still(changes: Changes, start: float, most: int, least: float) -> int:
    """Return the number of pulses until the mean stops moving.

    Parameters
    ----------
    changes : Changes
        Distribution of a pulse's change.
    start : float
        R_AH before the first pulse: one of the ends.
    most : int
        Largest number of pulses.
    least : float
        Smallest change of the mean by a pulse, as a share of the range. A pulse that moves the
        mean less, or back, ends the count.
    """
    chain = Chain(changes, FIRST_STEPS)
    node = -1 if start == changes.high else 0
    means: list[float] = []
    for number, (mean, _) in enumerate(chain.pulses()):
        means.append(float(mean[node]))
        if number:
            moved = means[-1] - means[-2]
            if abs(moved) < least or moved * (means[1] - means[0]) < 0:
                return number - 1
        if number == most:
            break
    return most


def after(
    changes: Changes, resistance: npt.ArrayLike, pulses: npt.ArrayLike
) -> tuple[Array, Array]:
    """Compute mean and standard deviation of R_AH after pulses.

    The grid is refined until the result converges or the work limit is reached.

    Parameters
    ----------
    changes : Changes
        Distribution of a pulse's change.
    resistance : array_like of float
        R_AH before the first pulse.
    pulses : array_like of float
        Number of pulses. Between integers mean and variance are interpolated.

    Returns
    -------
    mean, deviation : ndarray of float64, the shape that the arguments broadcast to
    """
    r, n = np.broadcast_arrays(np.asarray(resistance, np.float64), np.asarray(pulses, np.float64))
    steps = FIRST_STEPS
    mean, deviation = _after(Chain(changes, steps), r.ravel(), n.ravel())
    while 2 * steps <= MAX_STEPS and 3 * (2 * steps + 1) * changes.weights.size <= ENTRIES:
        steps *= 2
        chain = Chain(changes, steps)
        if chain.products * n.max(initial=0) > WORK:
            break
        coarse = mean, deviation
        mean, deviation = _after(chain, r.ravel(), n.ravel())
        wider = np.abs(deviation - coarse[1]) <= np.maximum(SURE * deviation, LEAST)
        if np.all(np.abs(mean - coarse[0]) <= LEAST) and np.all(wider):
            break
    span = changes.high - changes.low
    return (changes.low + mean * span).reshape(r.shape), (deviation * span).reshape(r.shape)


def _after(chain: Chain, resistance: Array, pulses: Array) -> tuple[Array, Array]:
    """Compute mean and deviation on one grid, in ranges."""
    whole = np.floor(pulses).astype(np.int64)
    order = np.argsort(whole, kind="stable")
    last = int(whole.max(initial=0))
    edges = np.searchsorted(whole[order], np.arange(last + 3))
    mean, variance = np.zeros((2, resistance.size))
    for number, (means, variances) in enumerate(chain.pulses()):
        # Devices whose whole pulses end here, and those whose ended one pulse earlier.
        for first, share in ((number, 1.0), (number - 1, 0.0)):
            devices = order[edges[first] : edges[first + 1]] if first >= 0 else order[:0]
            if not devices.size:
                continue
            part = np.abs(share - (pulses[devices] - whole[devices]))
            own = chain.at(means, resistance[devices])
            square = chain.at(variances + means**2, resistance[devices])
            mean[devices] += part * own
            variance[devices] += part * (square - own**2)
        if number > last:
            break
    return mean, np.sqrt(np.maximum(variance, 0.0))
