"""Where R_AH turns along pulses, and where a neuron's current does.

A run of pulses that names no polarity turns once: rising R_AH on the one side, falling on the
other. A neuron's loop has branches: stretches of rising and of falling current.
"""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from allspin.host.fit.curves import Curve, ends
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Array

LEAST_POINTS = 5
"""Points of a curve: three parameters, and something left over to judge by."""
NEARLY = 2.0
"""Places that leave so much more than the best are compared by smooth curves."""
CHANCE = 20.0
"""And those that leave so many variances of a point more."""
LEAST_WAY = 0.25
"""Of the range, what R_AH goes on either side of a turn at least; a plateau goes nothing."""
FAR_BACK = 0.5
"""Of the range, what R_AH goes back at each of several turns."""
SURE_TURN = 6.0
"""The same in standard deviations of a point."""


def reversals(x: Array, least: float) -> list[int]:
    """Places where a current, or R_AH, turns, with both ends: it went back by so much at least."""
    places = [0]
    extreme, direction = 0, 0
    for place in range(1, x.size):
        step = x[place] - x[extreme]
        if direction == 0:
            if abs(step) >= least:
                direction, extreme = (1 if step > 0 else -1), place
        elif step * direction >= 0:
            extreme = place
        elif abs(step) >= least:
            places.append(extreme)
            direction, extreme = -direction, place
    return [*places, x.size - 1]


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
    least = max(FAR_BACK * (high - low), SURE_TURN * _scatter(resistance))
    return reversals(smooth, float(least))[1:-1] if least else []


def _left_by_rises(values: Array) -> Array:
    """What the nearest never-falling sequence leaves of the first points, for each number of them.

    Pools as `allspin.sim.synapse.table_synapse.rising` does, and keeps count of the squares.
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
    places = np.arange(LEAST_POINTS - 1, count - LEAST_POINTS + 1)
    ways = [way, -way]
    lefts = [
        (_left_by_rises(one) + _left_by_rises(one[::-1])[::-1])[places]  # up, and then down
        for one in ways
    ]
    best = int(lefts[1].min() < lefts[0].min())
    left = lefts[best]
    # Along a plateau, and within noise, many places will do.
    most = NEARLY * left.min() + CHANCE * noise**2 + 1e-12
    turn = best_kink(ways[best], places[left <= most], noise)
    first, second = ends(way[: turn + 1]), ends(way[turn:])
    there, back = first[1] - first[0], second[1] - second[0]
    least = max(LEAST_WAY, SURE_TURN * noise)
    return turn if there * back < 0 and min(abs(there), abs(back)) > least else None


# Where a curve that rises and falls has its kink, among places that are nearly as good.
#
# From where pulses change polarity R_AH moves fast, and then ever more slowly: a sum of
# exponentials of one sign. A place too early gives the second side points of a plateau before its
# fast ones, one too late gives the first side fast points at its end. No such sum has either.

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
    while True:
        some = places[np.unique(np.linspace(0, places.size - 1, AT_ONCE).astype(int))]
        # The turning point itself is of both sides.
        lefts = [
            _left(values[low : place + 1], limit) + _left(-values[place:high], limit)
            for place in some
        ]
        best = int(np.argmin(lefts))
        if some.size == places.size:
            return int(some[best])
        start, stop = some[max(best - 1, 0)], some[min(best + 1, some.size - 1)]
        places = places[(places >= start) & (places <= stop)]


# Branches of a neuron's loop.

REVERSAL = 0.05
"""Of the currents' range, by which the current must go back to be a turn."""
JUMP = 0.5
"""Of the range: a step beyond it belongs to no branch, but sets the current back."""
WHOLE = 0.6
"""Of the range, from which a stretch is a branch and no part of one."""
APART = 0.05
"""Of R_AH's range, from which branches differ."""
SURE = 5.0
"""Standard deviations of a point from which they do."""
GRID = 50


def _stretches(curve: Curve) -> list[Curve]:
    """Parts of a curve in which the current only rises or falls, in the order of measurement.

    The point at which the current turns is of both sides.
    """
    x = curve.x
    extent = float(np.ptp(x))
    if not extent:
        return []
    found = []
    jumps = np.flatnonzero(np.abs(np.diff(x)) > JUMP * extent) + 1
    for part in np.split(np.arange(x.size), jumps):
        if part.size >= 2:
            turns = reversals(x[part], REVERSAL * extent)
            parts = (part[start : stop + 1] for start, stop in itertools.pairwise(turns))
            found += [curve.at(one) for one in parts if one.size >= 2]
    return found


def branches(curve: Curve) -> dict[str, list[Curve]]:
    """A curve's branches, each as often as it was measured.

    A loop that begins in the middle of a branch is closed there.
    """
    parts = _stretches(curve)
    extent = max((float(np.ptp(part.x)) for part in parts), default=0.0)
    found = {}
    for name, up in (("up", True), ("down", False)):
        mine = [one for one in parts if bool(one.x[-1] > one.x[0]) is up]
        mine = [one for one in mine if one.x.size >= LEAST_POINTS]
        whole = [one for one in mine if float(np.ptp(one.x)) >= WHOLE * extent]
        if not whole and len(mine) > 1:
            x = np.concatenate([mine[-1].x, mine[0].x])
            resistance = np.concatenate([mine[-1].resistance, mine[0].resistance])
            whole = [replace(mine[0], x=x, resistance=resistance, scatter=None)]
        found[name] = whole or mine[:1]
    return found


def _mean(parts: list[Curve], grid: Array) -> Array:
    ways = []
    for part in parts:
        order = np.argsort(part.x, kind="stable")
        ways.append(np.interp(grid, part.x[order], part.resistance[order]))
    return np.mean(ways, axis=0)


def _gap(up: list[Curve], down: list[Curve]) -> float:
    """How far two branches are apart at most; 0 where no more than scatter says."""
    parts = [*up, *down]
    low, high = max(part.x.min() for part in parts), min(part.x.max() for part in parts)
    if not up or not down or not high > low:
        return 0.0
    grid = np.linspace(low, high, GRID)
    apart = np.abs(_mean(up, grid) - _mean(down, grid))
    # Three in a row, so that one spike makes no loop.
    gap = float(np.max(np.median(np.stack([apart[:-2], apart[1:-1], apart[2:]]), axis=0)))
    steps = np.concatenate([np.diff(part.resistance, n=2) for part in parts])
    scatter = float(1.4826 * np.median(np.abs(steps)) / np.sqrt(6))
    low, high = np.percentile(np.concatenate([part.resistance for part in parts]), [2, 98])
    return gap if gap > max(APART * (high - low), SURE * scatter) else 0.0


def choose_branches(
    path: Path, curves: Sequence[Curve], branch: str | None, scale: str
) -> list[Curve]:
    """The neuron's curves: whole where there is no loop, else the branch that was asked for.

    Parameters
    ----------
    path : Path
        The file, for messages.
    curves : sequence of Curve
        A neuron's, as they were measured.
    branch : str or None
        One of `allspin.host.fit.columns.BRANCHES`.
    scale : str
        Unit of the current, for messages.

    Raises
    ------
    UserError
        If a loop has two branches and none was asked for, or not the one that was.
    """
    chosen = []
    for curve in curves:
        sides = branches(curve)
        if branch is None:
            if all(sides.values()) and (gap := _gap(**sides)):
                raise UserError(_ask_for_branch(path, curve, sides, gap, scale))
            chosen.append(curve)
            continue
        if not sides[branch]:
            raise UserError(
                f"{path}: device {curve.device} has no branch of {branch}: the current never "
                f"{'rises' if branch == 'up' else 'falls'}; take the other --branch"
            )
        for number, own in enumerate(sides[branch]):
            cycle = numbered(curve.cycle, number)
            chosen.append(replace(own, cycle=cycle, scatter=None))
    return chosen


def numbered(cycle: str, number: int) -> str:
    """A cycle's name where it is there several times: as it is, then with 1, 2 and so on."""
    if not number:
        return cycle
    return f"{cycle}/{number}" if cycle else str(number + 1)


def _ask_for_branch(
    path: Path, curve: Curve, sides: dict[str, list[Curve]], gap: float, scale: str
) -> str:
    factor, unit = (1e3, " mA") if scale == "A" else (1.0, "")
    up, down = sides["up"][0].x, sides["down"][0].x
    low, high, top, bottom = (
        f"{float(value) * factor:.3g}{unit}"
        for value in (up.min(), up.max(), down.max(), down.min())
    )
    return (
        f"{path}: {curve.name} runs in a loop whose branches are {gap:.3g} apart: up (the current "
        f"rises from {low} to {high}) and down (it falls from {top} to {bottom}); choose "
        "--branch up or --branch down"
    )
