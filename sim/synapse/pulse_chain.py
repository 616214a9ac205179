"""Many pulses: the Markov chain of R_AH on a grid.

A pulse takes a film from one node of the grid to places between nodes. Each place is given to
the three nearest nodes in shares that keep its mean and its mean square, so a grid adds nothing
to a deviation but by how much the law bends between its nodes. (Shared among two nodes, a place
would add to the variance up to a quarter of their distance squared at each pulse: with 60 nodes
and 1 % of noise a pulse, half of a deviation.) The grid is refined until mean and deviation
after every number of pulses stay.

The chain is taken backwards: what is kept for each node is mean and mean square of where a film
that starts there is after some pulses.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.sim.synapse.pulse_changes import Array, Changes

FIRST_STEPS = 64
"""Steps of the first grid."""
MAX_STEPS = 2048
"""Steps of the last grid."""
ENTRIES = 16_000_000
"""Entries of a grid's chain, before those of one node are joined, that are made at most."""
AT_ONCE = 500_000
"""Of these, how many are held at once."""
WORK = 1_000_000_000
"""Products that all pulses on a grid may take."""
SURE = 0.005
"""Share of a deviation that another refinement may still change."""
LEAST = 1e-4
"""Share of the range that a refinement may still change."""


class Chain:
    """The chain of one law on one grid.

    Parameters
    ----------
    changes : Changes
        What one pulse does.
    steps : int
        Steps of the grid from end to end.
    """

    def __init__(self, changes: Changes, steps: int) -> None:
        from scipy.sparse import csr_array

        self.low, self.span = changes.low, changes.high - changes.low
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
        """Products that a pulse takes."""
        return int(self._matrix.nnz)

    def _shared(self, share: Array) -> tuple[npt.NDArray[np.intp], Array]:
        """The three nearest nodes of places, as shares of the range, and what each gets."""
        place = share * self.steps
        nearest = np.clip(np.rint(place), 1, self.steps - 1)
        away = place - nearest
        parts = away * (away - 1) / 2, 1 - away**2, away * (away + 1) / 2
        nodes = nearest.astype(np.intp) + np.arange(-1, 2).reshape(3, *[1] * share.ndim)
        return nodes, np.stack(parts)

    def pulses(self) -> Iterator[tuple[Array, Array]]:
        """Mean and variance, in ranges, after 0, 1, 2 ... pulses from each node."""
        share = np.arange(self.steps + 1) / self.steps
        both = np.stack([share, share**2], axis=1)
        while True:
            mean = both[:, 0]
            yield mean, np.maximum(both[:, 1] - mean**2, 0.0)
            both = self._matrix @ both

    def at(self, table: Array, resistance: Array) -> Array:
        """Values between the nodes, of a table that has one for each node."""
        nodes, parts = self._shared(np.clip((resistance - self.low) / self.span, 0, 1))
        return np.sum(table[nodes] * parts, axis=0)


def until_still(changes: Changes, start: float, most: int, least: float) -> int:
    """Pulses until the mean hardly moves any more.

    Parameters
    ----------
    changes : Changes
        What one pulse does.
    start : float
        R_AH before the first: one of the ends.
    most : int
        Pulses that are tried.
    least : float
        Share of the range by which a pulse must move the mean, or it does not count; nor does one
        that moves it back.
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
    """Mean and standard deviation of R_AH after some pulses.

    The grid is refined until that changes next to nothing, as long as it is not too dear.

    Parameters
    ----------
    changes : Changes
        What one pulse does.
    resistance : array_like of float
        R_AH before the first pulse.
    pulses : array_like of float
        How many. Between whole ones mean and variance are interpolated.

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
    """Mean and deviation on one grid, in ranges."""
    whole = np.floor(pulses).astype(np.int64)
    order = np.argsort(whole, kind="stable")
    last = int(whole.max(initial=0))
    edges = np.searchsorted(whole[order], np.arange(last + 3))
    mean, variance = np.zeros((2, resistance.size))
    for number, (means, variances) in enumerate(chain.pulses()):
        # Films that have had all their whole pulses, and those that had them a pulse ago.
        for first, share in ((number, 1.0), (number - 1, 0.0)):
            films = order[edges[first] : edges[first + 1]] if first >= 0 else order[:0]
            if not films.size:
                continue
            part = np.abs(share - (pulses[films] - whole[films]))
            own, square = (
                chain.at(table, resistance[films]) for table in (means, variances + means**2)
            )
            mean[films] += part * own
            variance[films] += part * (square - own**2)
        if number > last:
            break
    return mean, np.sqrt(np.maximum(variance, 0.0))
