"""Where a run of pulses turns: rising R_AH on the one side, falling on the other."""

import numpy as np
import numpy.typing as npt

from allspin.host.study.fit.reading.branches import reversals
from allspin.host.study.fit.reading.curve import ends
from allspin.host.study.fit.reading.kinks import best_kink
from allspin.host.study.fit.reading.runs import LEAST_POINTS
from allspin.sim.device.synapse.response import Array

NEARLY = 2.0
"""Places that leave so much more than the best are compared by smooth curves."""
CHANCE = 20.0
"""And those that leave so many variances of a point more."""
LEAST_WAY = 0.25
"""Of the range, what R_AH goes on either side of a turn at least; a plateau goes nothing."""
FAR_BACK = 0.5
"""Of the range, what R_AH goes back at each of several turns."""
SURE = 6.0
"""The same in standard deviations of a point."""


def _left_by_rises(values: Array) -> Array:
    """What the nearest never-falling sequence leaves of the first points, for each number of them.

    Pools as `allspin.sim.device.synapse.table.rising` does, and keeps count of the squares.
    """
    sums: list[float] = []
    counts: list[int] = []
    squares: list[float] = []
    left = 0.0
    found = []
    for value in values.tolist():
        total, count, square = value, 1, value * value
        while sums and sums[-1] * count > total * counts[-1]:
            left -= squares[-1] - sums[-1] ** 2 / counts[-1]
            total, count, square = total + sums.pop(), count + counts.pop(), square + squares.pop()
        left += square - total**2 / count
        sums.append(total)
        counts.append(count)
        squares.append(square)
        found.append(max(left, 0.0))
    return np.array(found)


def _scatter(resistance: Array) -> float:
    """Standard deviation of a point, from what neighbours differ by."""
    steps = np.diff(resistance, n=2)
    return float(1.4826 * np.median(np.abs(steps - np.median(steps))) / np.sqrt(6))


def all_turns(resistance: Array) -> list[int]:
    """About where a curve turns by more than half of its range, however often it does.

    Parameters
    ----------
    resistance : ndarray of float64, shape (points,)
        R_AH along the pulses.
    """
    if len(resistance) < 2 * LEAST_POINTS:
        return []
    low, high = np.percentile(resistance, [2, 98])
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(resistance, 2, mode="edge"), 5)
    # Without spikes, and less noisy.
    smooth = np.median(windows, axis=1)
    least = max(FAR_BACK * (high - low), SURE * _scatter(resistance))
    return reversals(smooth, float(least))[1:-1] if least else []


def find_turn(resistance: Array) -> int | None:
    """Where a curve that goes there and back turns, and None for any other.

    Parameters
    ----------
    resistance : ndarray of float64, shape (points,)
        R_AH along the pulses.
    """
    count = len(resistance)
    if count < 2 * LEAST_POINTS:
        return None
    low, high = np.percentile(resistance, [2, 98])
    if not high > low:
        return None
    # Around zero, so that squares of small differences are not lost.
    way = (np.clip(resistance, low - (high - low), high + (high - low)) - low) / (high - low)
    noise = _scatter(way)
    least = max(LEAST_WAY, SURE * noise)
    places = np.arange(LEAST_POINTS - 1, count - LEAST_POINTS + 1)
    best: tuple[float, float, npt.NDArray[np.int64]] | None = None
    for sign in (1.0, -1.0):
        left = (_left_by_rises(sign * way) + _left_by_rises(sign * way[::-1])[::-1])[places]
        if best is not None and left.min() >= best[0]:
            continue
        # Along a plateau, and within noise, many places will do.
        most = NEARLY * left.min() + CHANCE * noise**2 + 1e-12
        best = float(left.min()), sign, places[left <= most]
    assert best is not None
    turn = best_kink(best[1] * way, best[2], noise)
    first, second = ends(way[: turn + 1]), ends(way[turn:])
    there, back = first[1] - first[0], second[1] - second[0]
    return turn if there * back < 0 and min(abs(there), abs(back)) > least else None
