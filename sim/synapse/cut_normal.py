"""A normal distribution that is cut at two ends: values beyond an end are at the end.

A saturated device and an R_AH word behave so. All values are shares of the range: the ends are 0
and 1.
"""

import numpy as np

from allspin.sim.synapse.normal_sample import Array

STEPS = 60
"""Largest number of steps of Newton's method; a few suffice if a solution exists."""
NEAR = 1e-12
"""Tolerance of a mean and of a mean square."""
FARTHEST = 100.0
"""Largest distance of the mean beyond an end, in ranges."""
FARTHEST_DEVIATION = 100.0
"""Largest deviation at that distance, in ranges."""
MOST = 0.98
"""Largest deviation, as a share of that of devices at both ends."""
LEAST = 1e-9
"""Deviations below this value count as 0."""


def cut_moments(mean: Array, deviation: Array) -> tuple[Array, Array]:
    """Return mean and standard deviation after the cut.

    Parameters
    ----------
    mean, deviation : ndarray of float64, of one shape
        Moments of the normal distribution, in shares of the range.
    """
    first, second, _ = _integrals(mean, np.maximum(deviation, LEAST))
    first = np.where(deviation < LEAST, np.clip(mean, 0, 1), first)
    variance = np.where(deviation < LEAST, 0.0, second - first**2)
    return first, np.sqrt(np.maximum(variance, 0.0))


def _integrals(mean: Array, deviation: Array) -> tuple[Array, Array, Array]:
    """Return mean and mean square after the cut, and their derivatives (2, 2)."""
    # SciPy takes long to import.
    from scipy.special import ndtr

    low = -mean / deviation
    high = (1 - mean) / deviation
    at_low = np.exp(-(low**2) / 2) / np.sqrt(2 * np.pi)
    at_high = np.exp(-(high**2) / 2) / np.sqrt(2 * np.pi)
    above = ndtr(-high)
    inside = ndtr(high) - ndtr(low)
    # Means of z and of z^2 within the ends.
    z = at_low - at_high
    z_square = inside + low * at_low - high * at_high
    first = above + mean * inside + deviation * z
    second = above + mean**2 * inside + 2 * mean * deviation * z + deviation**2 * z_square
    slopes = np.array(
        [[inside, z], [2 * (mean * inside + deviation * z), 2 * (mean * z + deviation * z_square)]]
    )
    return first, second, slopes


def uncut(mean: Array, deviation: Array, farthest: float = FARTHEST) -> tuple[Array, Array]:
    """Return the normal distribution that has a given mean and deviation after the cut.

    Parameters
    ----------
    mean, deviation : ndarray of float64, of one shape
        Moments after the cut, in shares of the range.
    farthest : float
        Largest distance of the mean beyond an end, in ranges.

    Returns
    -------
    mean, deviation : ndarray of float64, of that shape
        If the mean would lie further away (most devices are saturated and a few are far from it),
        the mean after the cut is kept, and the deviation after the cut is smaller.
    """
    # No normal distribution describes devices that are all at one of the two ends.
    deviation = np.minimum(deviation, MOST * np.sqrt(mean * (1 - mean)))
    m = np.array(mean, np.float64)
    s = np.maximum(deviation, LEAST)
    wanted_mean = np.asarray(mean, np.float64)
    wanted_square = deviation**2 + mean**2
    for _ in range(STEPS):
        first, second, slopes = _integrals(m, s)
        miss_mean = wanted_mean - first
        miss_square = wanted_square - second
        if np.all(np.hypot(miss_mean, miss_square) < NEAR):
            break
        (a, b), (c, d) = slopes
        determinant = a * d - b * c
        safe = np.where(np.abs(determinant) > 1e-300, determinant, np.inf)
        step_m = (d * miss_mean - b * miss_square) / safe
        step_s = (a * miss_square - c * miss_mean) / safe
        # A step at most halves or doubles a deviation.
        part = np.minimum(1.0, s / 2 / np.maximum(np.abs(step_s), np.abs(step_m) / 2 + 1e-300))
        m = np.clip(m + part * step_m, -FARTHEST, 1 + FARTHEST)
        s = s + part * step_s
    m, s = _keep_mean(np.clip(m, -farthest, 1 + farthest), s, wanted_mean, farthest)
    exact = deviation < LEAST
    return np.where(exact, mean, m), np.where(exact, 0.0, s)


def _keep_mean(
    mean: Array, deviation: Array, wanted: Array, farthest: float
) -> tuple[Array, Array]:
    """Adjust the deviations at the farthest means so that the mean after the cut is kept."""
    low = np.zeros_like(deviation)
    high = np.full_like(deviation, FARTHEST_DEVIATION)
    far = (mean <= -farthest) | (mean >= 1 + farthest)
    if not far.any():
        return mean, deviation
    for _ in range(STEPS):
        middle = (low + high) / 2
        first = _integrals(mean, np.maximum(middle, LEAST))[0]
        # Beyond the upper end a larger deviation lowers the mean.
        more = np.where(mean > 0.5, first > wanted, first < wanted)
        low = np.where(more, middle, low)
        high = np.where(more, high, middle)
    return mean, np.where(far, high, deviation)
