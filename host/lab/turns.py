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
from scipy.ndimage import median_filter
from scipy.optimize import nnls

from allspin.host.lab.curves import Curve, trend
from allspin.host.lab.quantities import SHOWN
from allspin.host.lab.tables import CsvFile
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Array

LEAST_POINTS = 5
"""Points of a curve: three parameters, and something left over to judge by."""
SURE_TURN = 6.0
"""Standard deviations of a point, by which R_AH goes back at a turn at least."""


def reversals(x: Array, least: float) -> list[int]:
    """Places where a current, or R_AH, turns, with both ends: it went back by so much at least."""
    places, extreme, direction = [0], 0, 0
    for place in range(1, x.size):
        step = x[place] - x[extreme]
        if abs(step) >= least and step * direction <= 0:
            if direction:
                places.append(extreme)
            extreme, direction = place, 1 if step > 0 else -1
        elif direction and step * direction >= 0:
            extreme = place
    return [*places, x.size - 1]


def scatter_of(values: Sequence[Array]) -> float:
    """Standard deviation of a point, from what neighbours differ by."""
    steps = np.concatenate([np.diff(one, n=2) for one in values])
    return float(1.4826 * np.median(np.abs(steps - np.median(steps))) / np.sqrt(6))


def medians(values: Array) -> Array:
    """Running medians of five, which have no spikes and less noise."""
    return median_filter(values, 5, mode="nearest")


def all_turns(resistance: Array, share: float = 0.5) -> list[int]:
    """About where a curve turns by more than a share of its range, however often it does.

    Parameters
    ----------
    resistance : ndarray of float64, shape (points,)
        R_AH along the pulses.
    share : float
        Of the range.
    """
    if len(resistance) < 2 * LEAST_POINTS:
        return []
    low, high = np.percentile(resistance, [2, 98])
    least = max(share * (high - low), SURE_TURN * scatter_of([resistance]))
    return reversals(medians(resistance), float(least))[1:-1] if least else []


def find_turn(resistance: Array) -> int | None:
    """Where a curve that goes there and back turns, and None for any other.

    Parameters
    ----------
    resistance : ndarray of float64, shape (points,)
        R_AH along the pulses.
    """
    turns = all_turns(resistance, 0.25)
    if len(turns) != 1:
        return None
    low, high = np.percentile(resistance, [2, 98])
    # Around zero, so that squares of small differences are not lost.
    way = (np.clip(resistance, low - (high - low), high + (high - low)) - low) / (high - low)
    noise, smooth = scatter_of([way]), medians(way)
    # Along a plateau, and within noise, many places will do.
    far = np.flatnonzero(np.abs(smooth - smooth[turns[0]]) > 0.15 + 6 * noise)
    first = max([LEAST_POINTS - 1, *(far[far < turns[0]] + 1)])
    last = min([way.size - LEAST_POINTS, *(far[far > turns[0]] - 1)])
    return (
        _best_kink(-way if smooth[turns[0]] < 0.5 else way, np.arange(first, last + 1), noise)
        if first <= last
        else None
    )


def _best_kink(values: Array, places: npt.NDArray[np.int64], noise: float) -> int:
    """The place from which values fall that have risen to there, of some that are nearly as good.

    From where pulses change polarity R_AH moves fast, and then ever more slowly: a sum of
    exponentials of one sign. A place too early gives the second side points of a plateau before
    its fast ones, one too late gives the first side fast points at its end. No such sum has either.

    Parameters
    ----------
    values : ndarray of float64, shape (points,)
        Over their range.
    places : ndarray of int64
        Those in question, in order.
    noise : float
        Standard deviation of a point.
    """
    # As many points on either side are compared for all places.
    low, high = max(int(places[0]) - 200, 0), int(places[-1]) + 201
    limit = max(6 * noise, 0.01)
    while True:
        # A few places first, then those between the best ones.
        some = places[np.unique(np.linspace(0, places.size - 1, 24).astype(int))]
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


def _left(values: Array, limit: float) -> float:
    """What a rising sum of exponentials leaves of some points; a far one counts as the limit."""
    n = np.arange(values.size, dtype=float)
    rising = -np.expm1(-n[:, None] / np.geomspace(0.5, 4.0 * values.size, 12))
    # The first value may have either sign.
    columns = np.column_stack([np.ones(n.size), -np.ones(n.size), rising])
    rest = values - columns @ nnls(columns, values, maxiter=1000)[0]
    good = np.abs(rest) <= limit
    if not good.all() and good.sum() > columns.shape[1]:
        # Without spikes, which draw the curve with them.
        rest = values - columns @ nnls(columns[good], values[good], maxiter=1000)[0]
    return float(np.sum(np.minimum(np.abs(rest), limit) ** 2))


def find_turns(runs: Sequence[Curve]) -> list[int | None]:
    """Where each run turns; runs on the same pulses, to the same end, turn where their mean does.

    Runs that only rise are no cycles of such that only fall.
    """
    kinds = [(round(trend(run.measured().resistance)), tuple(run.x)) for run in runs]
    alike: dict[tuple[int, tuple[float, ...]], list[Array]] = {}
    for kind, run in zip(kinds, runs, strict=True):
        alike.setdefault(kind, []).append(run.resistance)
    found = {}
    for kind, table in ((kind, np.array(several)) for kind, several in alike.items()):
        known = np.flatnonzero(np.isfinite(table).any(axis=0))
        mean = np.interp(np.arange(len(kind[1])), known, np.nanmean(table[:, known], axis=0))
        found[kind] = find_turn(mean)
    return [found[kind] for kind in kinds]


def check_length(file: CsvFile, curve: Curve) -> None:
    """Refuse a curve that has too few points."""
    if (count := curve.x.size) < LEAST_POINTS:
        raise file.fail(
            curve.line,
            f"{curve.name} has {count} point{'s' * (count != 1)}; a curve needs at least "
            f"{LEAST_POINTS}",
        )


def given_turn(file: CsvFile, run: Curve, turn: float) -> int | None:
    """Where a run turns by the pulse that was given; None for one of one polarity."""
    x, place = run.x, max(int(np.count_nonzero(run.x <= turn)) - 1, 0)
    if x[-1] <= turn:
        return None  # it is counted from its own start
    if min(place + 1, x.size - place) < LEAST_POINTS:
        raise file.fail(
            run.line,
            f"{run.name} has pulses {x[0]:g} to {x[-1]:g} and cannot turn at {turn:g}; mend --turn",
        )
    return place


def cut(file: CsvFile, run: Curve, place: int | None) -> list[Curve]:
    """A run, cut where it turns; each part is counted from its own start."""
    every, parts, turns = np.arange(run.x.size), [run.measured()], []
    if place is not None:
        second = run.at(every[place:])
        # The point at which a run turns is counted with the part before.
        second.rows[0] = -1
        if second.scatter is not None:
            second.scatter[:, 0] = 0
        parts, turns = [run.at(every[: place + 1]), second], [float(run.x[place])]
        parts = [part.measured() for part in parts]
    turns += [float(pulse) for part in parts for pulse in part.x[all_turns(part.resistance)]]
    parts[1:] = [replace(part, x=part.x - turns[0]) for part in parts[1:]]
    turns.sort()
    if len(turns) > 1:
        raise file.fail(
            run.line,
            f"{run.name} goes there and back more than once, with turns near pulse "
            f"{', '.join(f'{pulse:g}' for pulse in turns[:SHOWN])}"
            f"{' and more' * (len(turns) > SHOWN)}; number pulses from 0 again where each "
            "cycle begins",
        )
    return parts


# Branches of a neuron's loop.


def _stretches(curve: Curve) -> list[Curve]:
    """Parts of a curve in which the current only rises or falls, in the order of measurement.

    The point at which the current turns is of both sides.
    """
    x, extent = curve.x, float(np.ptp(curve.x))
    found = []
    # A large step belongs to no branch, but sets the current back.
    jumps = np.flatnonzero(np.abs(np.diff(x)) > extent / 2) + 1
    for part in np.split(np.arange(x.size), jumps) if extent else ():
        turns = itertools.pairwise(reversals(x[part], 0.05 * extent))
        found += [curve.at(part[start : stop + 1]) for start, stop in turns if stop > start]
    return found


def branches(curve: Curve) -> dict[str, list[Curve]]:
    """A curve's branches, each as often as it was measured.

    A loop that begins in the middle of a branch is closed there.
    """
    parts = _stretches(curve)
    extent = max((float(np.ptp(part.x)) for part in parts), default=0.0)
    found = {}
    for name, up in (("up", True), ("down", False)):
        long = [one for one in parts if one.x.size >= LEAST_POINTS]
        mine = [one for one in long if bool(one.x[-1] > one.x[0]) is up]
        # A shorter stretch is a part of a branch.
        whole = [one for one in mine if float(np.ptp(one.x)) >= 0.6 * extent]
        if not whole and len(mine) > 1:
            x = np.concatenate([mine[-1].x, mine[0].x])
            resistance = np.concatenate([mine[-1].resistance, mine[0].resistance])
            whole = [replace(mine[0], x=x, resistance=resistance, rows=mine[0].rows[:0])]
        found[name] = whole or mine[:1]
    return found


def _gap(up: list[Curve], down: list[Curve]) -> float:
    """How far two branches are apart at most; 0 where no more than scatter says."""
    parts = [*up, *down]
    grid = np.linspace(max(one.x.min() for one in parts), min(one.x.max() for one in parts), 50)
    if not grid[-1] > grid[0]:
        return 0.0
    ways = [[one.at(np.argsort(one.x, kind="stable")) for one in some] for some in (up, down)]
    lines = [[np.interp(grid, way.x, way.resistance) for way in some] for some in ways]
    apart = np.abs(np.mean(lines[0], axis=0) - np.mean(lines[1], axis=0))
    # Three in a row, so that one spike makes no loop.
    gap = float(np.median(np.lib.stride_tricks.sliding_window_view(apart, 3), axis=1).max())
    values = [part.resistance for part in parts]
    spread = float(np.subtract(*np.percentile(np.concatenate(values), [98, 2])))
    return gap if gap > max(0.05 * spread, 5 * scatter_of(values)) else 0.0


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
        One of `allspin.host.lab.columns.BRANCHES`.
    scale : str
        Unit of the current, for messages.

    Raises
    ------
    UserError
        If a loop has two branches and none was asked for, or not the one that was.
    """
    chosen = []
    factor, unit = (1e3, " mA") if scale == "A" else (1.0, "")
    for curve in curves:
        sides = branches(curve)
        if branch is not None and not sides[branch]:
            raise UserError(
                f"{path}: {curve.name} has no branch of {branch}: the current never "
                f"{'rises' if branch == 'up' else 'falls'}; take the other --branch"
            )
        if branch is None and all(sides.values()) and (gap := _gap(**sides)):
            up, down = (factor * sides[name][0].x for name in ("up", "down"))
            raise UserError(
                f"{path}: {curve.name} runs in a loop whose branches are {gap:.3g} apart: up (the "
                f"current rises from {up.min():.3g}{unit} to {up.max():.3g}{unit}) and down (it "
                f"falls from {down.max():.3g}{unit} to {down.min():.3g}{unit}); choose --branch "
                "up or --branch down"
            )
        chosen += [
            replace(own, cycle=numbered(curve.cycle, n))
            for n, own in enumerate([curve] if branch is None else sides[branch])
        ]
    return chosen


def numbered(cycle: str, number: int) -> str:
    """A cycle's name where it is there several times: as it is, then with 1, 2 and so on."""
    return cycle + f"/{number}" * bool(number) if cycle or not number else str(number + 1)
