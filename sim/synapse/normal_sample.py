"""A sample of equally probable values in place of a normal distribution."""

from functools import cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

STRATA = 128
"""Default number of values."""


@cache
def normal_values(count: int = STRATA) -> Array:
    """Return equally probable values that represent the normal distribution.

    Each is the mean over its part of the distribution; all are scaled slightly so that their
    variance is 1.

    Parameters
    ----------
    count : int
        Number of values.

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
