"""Statistics of accuracies over chips: mean, spread, quantile, and the number of chips needed."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

KNOWN = 0.005
"""Half-width of the 95 % interval at which a mean counts as known: 0.5 percentage points."""
BELOW_UPPER_END = 0.975
"""Probability below the upper end of the 95 % interval."""
MOST_LINES = 8
"""Most means that `doubts` names one by one."""
BESIDE = {"standard_error": "standard error", "quantile_5": "5 % quantile", "worst": "worst"}
"""Titles of the figures that tables have beside mean and deviation, by key of `summary`."""


def chips_needed(deviation: float) -> int:
    """Compute the number of chips at which a mean is known, by Student's interval.

    Parameters
    ----------
    deviation : float
        Standard deviation of the chips' accuracies.
    """
    from scipy.special import ndtri, stdtrit  # start-up time

    count = max(2, math.ceil((ndtri(BELOW_UPPER_END) * deviation / KNOWN) ** 2))
    while stdtrit(count - 1, BELOW_UPPER_END) * deviation > KNOWN * math.sqrt(count):
        count += 1
    return count


def summary(accuracies: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Summarise the accuracies of chips.

    Parameters
    ----------
    accuracies : ndarray of float64, shape (chips,)
        Share of the images that each chip classifies correctly.

    Returns
    -------
    dict
        ``accuracy`` (mean), ``deviation``, ``standard_error`` of the mean, ``quantile_5`` (5 % of
        all chips are below; the median-unbiased estimate, R. J. Hyndman, Y. Fan, Am. Stat. 50,
        361, 1996), ``worst``, ``best`` and ``chips_needed``. For a single chip ``deviation``,
        ``standard_error`` and ``chips_needed`` are None.
    """
    deviation = standard_error = needed = None
    if len(accuracies) > 1:
        deviation = float(accuracies.std(ddof=1))
        standard_error = deviation / math.sqrt(len(accuracies))
        needed = chips_needed(deviation)
    return {
        "accuracy": float(accuracies.mean()),
        "deviation": deviation,
        "standard_error": standard_error,
        "quantile_5": float(np.quantile(accuracies, 0.05, method="median_unbiased")),
        "worst": float(accuracies.min()),
        "best": float(accuracies.max()),
        "chips_needed": needed,
    }


def doubts(named: Iterable[tuple[str, npt.NDArray[np.float64]]]) -> list[str]:
    """Name the means that are not known to 0.5 points, a line each.

    Parameters
    ----------
    named : iterable of (str, ndarray of float64)
        Name and accuracies of each mean.
    """
    lines = []
    for name, accuracies in named:
        needed = summary(accuracies)["chips_needed"]
        if needed is None:
            lines.append(f"{name}: the mean is not known to 0.5 points (95 %); {_takes('several')}")
        elif needed > len(accuracies):
            about = _takes(f"about {needed:,}")
            lines.append(f"{name}: the mean is not known to 0.5 points (95 %); {about}")
    more = len(lines) - MOST_LINES
    if more > 0:
        lines[MOST_LINES:] = [f"... and {more:,} more means are not known to 0.5 points"]
    return lines


def _takes(chips: str) -> str:
    return f"that takes {chips} chips"
