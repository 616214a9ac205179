"""A normal distribution that is cut at two ends: what lies beyond an end is at the end.

So does a film that is saturated, and so does an R_AH word. Everything is in shares of the
range: the ends are 0 and 1.
"""

import numpy as np

from allspin.sim.pulses.changes import Array

STEPS = 60
"""Steps of Newton's method, of which a few are enough where there is a solution."""
NEAR = 1e-12
"""Miss of a mean, or of a mean square, that is none."""
FARTHEST = 100.0
"""How far beyond the ends a mean is looked for, in ranges: in words of 8 bits it has 16."""
FARTHEST_DEVIATION = 100.0
"""Largest deviation of a mean that far, in ranges."""
MOST = 0.98
"""Share of the largest deviation, that of films at both ends, which is taken at most."""
LEAST = 1e-9
"""Deviations below this are none."""


def cut_moments(mean: Array, deviation: Array) -> tuple[Array, Array]:
    """Mean and standard deviation after the cut.

    Parameters
    ----------
    mean, deviation : ndarray of float64, of one shape
        Of the normal distribution, in shares of the range.
    """
    first, second, _ = _integrals(mean, np.maximum(deviation, LEAST))
    first = np.where(deviation < LEAST, np.clip(mean, 0, 1), first)
    variance = np.where(deviation < LEAST, 0.0, second - first**2)
    return first, np.sqrt(np.maximum(variance, 0.0))


def _integrals(mean: Array, deviation: Array) -> tuple[Array, Array, Array]:
    """Mean and mean square after the cut, and their derivatives by mean and deviation (2, 2)."""
    from scipy.special import ndtr

    low, high = -mean / deviation, (1 - mean) / deviation
    at_low, at_high = (np.exp(-(end**2) / 2) / np.sqrt(2 * np.pi) for end in (low, high))
    above = ndtr(-high)
    inside = ndtr(high) - ndtr(low)
    # Means of z and of z^2 over what is inside.
    z = at_low - at_high
    z_square = inside + low * at_low - high * at_high
    first = above + mean * inside + deviation * z
    second = above + mean**2 * inside + 2 * mean * deviation * z + deviation**2 * z_square
    slopes = np.array(
        [[inside, z], [2 * (mean * inside + deviation * z), 2 * (mean * z + deviation * z_square)]]
    )
    return first, second, slopes


def uncut(mean: Array, deviation: Array, farthest: float = FARTHEST) -> tuple[Array, Array]:
    """The normal distribution that has a mean and a standard deviation after the cut.

    Parameters
    ----------
    mean, deviation : ndarray of float64, of one shape
        After the cut, in shares of the range.
    farthest : float
        How far beyond an end the mean may be, in ranges.

    Returns
    -------
    mean, deviation : ndarray of float64, of that shape
        Where the mean would have to be further away, for films most of which are saturated and few
        far from it, that after the cut is kept, and the deviation is less.
    """
    # Of films at both ends and none between no normal distribution is the law.
    deviation = np.minimum(deviation, MOST * np.sqrt(mean * (1 - mean)))
    m, s = np.array(mean, np.float64), np.maximum(deviation, LEAST)
    wanted = np.asarray(mean, np.float64), deviation**2 + mean**2
    for _ in range(STEPS):
        first, second, slopes = _integrals(m, s)
        miss = wanted[0] - first, wanted[1] - second
        if np.all(np.hypot(*miss) < NEAR):
            break
        (a, b), (c, d) = slopes
        scale = a * d - b * c
        safe = np.where(np.abs(scale) > 1e-300, scale, np.inf)
        step_m, step_s = (d * miss[0] - b * miss[1]) / safe, (a * miss[1] - c * miss[0]) / safe
        # A step never more than halves or doubles a deviation.
        part = np.minimum(1.0, s / 2 / np.maximum(np.abs(step_s), np.abs(step_m) / 2 + 1e-300))
        m = np.clip(m + part * step_m, -FARTHEST, 1 + FARTHEST)
        s = s + part * step_s
    m, s = _mean_kept(np.clip(m, -farthest, 1 + farthest), s, wanted[0], farthest)
    still = deviation < LEAST
    return np.where(still, mean, m), np.where(still, 0.0, s)


def _mean_kept(
    mean: Array, deviation: Array, wanted: Array, farthest: float
) -> tuple[Array, Array]:
    """Deviations which, at the farthest means, leave the mean that is wanted after the cut."""
    low, high = np.zeros_like(deviation), np.full_like(deviation, FARTHEST_DEVIATION)
    far = (mean <= -farthest) | (mean >= 1 + farthest)
    if not far.any():
        return mean, deviation
    for _ in range(STEPS):
        middle = (low + high) / 2
        first = _integrals(mean, np.maximum(middle, LEAST))[0]
        # Beyond the upper end a larger deviation takes the mean down.
        more = np.where(mean > 0.5, first > wanted, first < wanted)
        low, high = np.where(more, middle, low), np.where(more, high, middle)
    return mean, np.where(far, high, deviation)
