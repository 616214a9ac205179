"""Where a curve that rises and falls has its kink, among places that are nearly as good.

From where pulses change polarity R_AH moves fast, and then ever more slowly: a sum of exponentials
of one sign. A place too early gives the second side points of a plateau before its fast ones, one
too late gives the first side fast points at its end. No such sum has either.
"""

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from allspin.sim.device.synapse.response import Array

REACH = 200
"""Points on either side of all places by which they are compared."""
AT_ONCE = 24
"""Places that are compared, before those between the best ones are."""
OUTLYING = 6.0
"""Standard deviations from which a point counts no more than that."""
LEAST = 0.01
"""Of the range, the same."""


def _left(values: Array, limit: float) -> float:
    """What a rising sum of exponentials leaves of some points."""
    n = np.arange(values.size, dtype=float)
    scales = np.geomspace(0.5, 4.0 * values.size, 12)
    rising = -np.expm1(-n[:, None] / scales)
    # The first value may have either sign.
    columns = np.column_stack([np.ones(n.size), -np.ones(n.size), rising])
    rest = values - columns @ nnls(columns, values, maxiter=1000)[0]
    good = np.abs(rest) <= limit
    if not good.all() and good.sum() > columns.shape[1]:
        # Without spikes, which draw the curve with them.
        rest = values - columns @ nnls(columns[good], values[good], maxiter=1000)[0]
    return float(np.sum(np.minimum(np.abs(rest), limit) ** 2))


def best_kink(values: Array, places: npt.NDArray[np.int64], noise: float) -> int:
    """The place from which values fall that have risen to there.

    Parameters
    ----------
    values : ndarray of float64, shape (points,)
        Over their range.
    places : ndarray of int64
        Those in question, in order.
    noise : float
        Standard deviation of a point.
    """
    low, high = max(int(places[0]) - REACH, 0), int(places[-1]) + REACH + 1
    limit = max(OUTLYING * noise, LEAST)

    def left(place: int) -> float:
        # The turning point itself is of both sides.
        before, after = values[low : place + 1], values[place:high]
        return _left(before, limit) + _left(-after, limit)

    while True:
        some = places[np.unique(np.linspace(0, places.size - 1, AT_ONCE).astype(int))]
        best = int(np.argmin([left(int(place)) for place in some]))
        if some.size == places.size:
            return int(some[best])
        start, stop = some[max(best - 1, 0)], some[min(best + 1, some.size - 1)]
        places = places[(places >= start) & (places <= stop)]
