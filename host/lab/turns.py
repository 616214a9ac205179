"""Turn of R_AH along a run of pulses that names no polarity.

Such a run turns once: R_AH rises on one side and falls on the other.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.optimize import nnls

from allspin.host.lab.curves import LEAST_POINTS, Curve, medians, scatter_of, trend
from allspin.host.lab.quantities import SHOWN
from allspin.host.lab.tables import CsvFile
from allspin.sim.synapse.response import Array

SURE_TURN = 6.0
"""Standard deviations of a point by which R_AH goes back at a turn at least."""
MOST_PLACES = 200
"""Places at which a turn is tried at a time."""
MOST_POINTS = 400
"""Points beyond these places, on either side, that are compared."""


def reversals(x: Array, least: float) -> list[int]:
    """Return both ends, and the places between at which x turns and goes back by a least amount."""
    places = [0]
    extreme = 0
    direction = 0
    for place in range(1, x.size):
        step = x[place] - x[extreme]
        if abs(step) >= least and step * direction <= 0:
            if direction:
                places.append(extreme)
            extreme = place
            direction = 1 if step > 0 else -1
        elif direction and step * direction >= 0:
            extreme = place
    return [*places, x.size - 1]


def all_turns(resistance: Array, share: float = 0.5) -> list[int]:
    """Return about where a curve turns by more than a share of its range.

    Parameters
    ----------
    resistance : ndarray of float64, shape (points,)
        R_AH along the pulses.
    share : float
        Share of the range.
    """
    if len(resistance) < 2 * LEAST_POINTS:
        return []
    low, high = np.percentile(resistance, [2, 98])
    least = max(share * (high - low), SURE_TURN * scatter_of([resistance]))
    return reversals(medians(resistance), float(least))[1:-1] if least else []


def find_turn(resistance: Array) -> int | None:
    """Return where a curve that goes there and back turns, or None for any other curve.

    Parameters
    ----------
    resistance : ndarray of float64, shape (points,)
        R_AH along the pulses.
    """
    turns = all_turns(resistance, 0.25)
    if len(turns) != 1:
        return None
    (turn,) = turns
    low, high = np.percentile(resistance, [2, 98])
    span = high - low
    # Values near zero keep the squares of small differences.
    way = (resistance - low) / span
    noise = scatter_of([way])
    smooth = medians(way)
    # Any place along a plateau, or within noise, may be the turn.
    far = np.flatnonzero(np.abs(smooth - smooth[turn]) > 0.15 + 6 * noise)
    first = max([LEAST_POINTS - 1, *(far[far < turn] + 1)])
    last = min([way.size - LEAST_POINTS, *(far[far > turn] - 1)])
    if first > last:
        return None
    return _best_turn(-smooth if smooth[turn] < 0.5 else smooth, first, last)


def _best_turn(values: Array, first: int, last: int) -> int:
    """Return the place from `first` to `last` up to which values rise, and from which they fall.

    Many places are tried in steps, on as few points, and then the places between the best ones.
    """
    while True:
        step = 1 + (last - first) // MOST_PLACES
        start = first - step * min(MOST_POINTS, first // step)
        part = values[start : last + 1 + step * MOST_POINTS : step]
        residues = [
            _residue(part[: at + 1]) + _residue(-part[at:])
            for at in range((first - start) // step, (last - start) // step + 1)
        ]
        best = first + step * int(np.argmin(residues))
        if step == 1:
            return best
        first = max(first, best - step)
        last = min(last, best + step)


def _residue(values: Array) -> float:
    """Return the sum of squares about a rising sum of exponentials.

    R_AH moves fast after pulses change polarity, and then ever more slowly. A turn that is assumed
    too early gives the second side points of a plateau before its fast ones, one too late gives the
    first side fast points at its end. No such sum has either.
    """
    n = np.arange(values.size, dtype=float)
    rising = -np.expm1(-n[:, None] / np.geomspace(0.5, 4.0 * values.size, 12))
    # The first value may have either sign.
    columns = np.column_stack([np.ones(n.size), -np.ones(n.size), rising])
    return float(nnls(columns, values, maxiter=1000)[1]) ** 2


def find_turns(runs: Sequence[Curve]) -> list[int | None]:
    """Return where each run turns; runs on the same pulses to the same end share their mean's turn.

    Runs that only rise are not cycles of runs that only fall.
    """
    kinds = [(round(trend(run.measured().resistance)), tuple(run.x)) for run in runs]
    groups: dict[tuple[int, tuple[float, ...]], list[Array]] = {}
    for kind, run in zip(kinds, runs, strict=True):
        groups.setdefault(kind, []).append(run.resistance)
    turns = {}
    for kind, group in groups.items():
        table = np.array(group)
        known = np.flatnonzero(np.isfinite(table).any(axis=0))
        mean = np.interp(np.arange(len(kind[1])), known, np.nanmean(table[:, known], axis=0))
        turns[kind] = find_turn(mean)
    return [turns[kind] for kind in kinds]


def given_turn(file: CsvFile, run: Curve, turn: float) -> int | None:
    """Return where a run turns by a given pulse; None for a run of one polarity."""
    x = run.x
    if x[-1] <= turn:
        return None  # the run is counted from its own start
    place = max(int(np.count_nonzero(x <= turn)) - 1, 0)
    if min(place + 1, x.size - place) < LEAST_POINTS:
        raise file.fail(
            run.line,
            f"{run.name} has pulses {x[0]:g} to {x[-1]:g} and cannot turn at {turn:g}; mend `turn`",
        )
    return place


def cut(file: CsvFile, run: Curve, place: int | None) -> list[Curve]:
    """Cut a run where it turns; each part is counted from its own start.

    Raises
    ------
    UserError
        If the run, or a part, turns again.
    """
    if place is None:
        parts = [run.measured()]
        turns = []
    else:
        every = np.arange(run.x.size)
        second = run.at(every[place:])
        # The turning point counts with the part before.
        second.rows[0] = -1
        if second.scatter is not None:
            second.scatter[:, 0] = 0
        parts = [run.at(every[: place + 1]).measured(), second.measured()]
        turns = [float(run.x[place])]
    for part in parts:
        turns += part.x[all_turns(part.resistance)].tolist()
    parts[1:] = [replace(part, x=part.x - turns[0]) for part in parts[1:]]
    if len(turns) > 1:
        listed = ", ".join(f"{pulse:g}" for pulse in sorted(turns)[:SHOWN])
        more = " and more" if len(turns) > SHOWN else ""
        raise file.fail(
            run.line,
            f"{run.name} goes there and back more than once, with turns near pulse {listed}{more}; "
            "number pulses from 0 again where each cycle begins",
        )
    return parts


def check_length(file: CsvFile, curve: Curve) -> None:
    """Raise a `UserError` for a curve with too few points."""
    count = curve.x.size
    if count < LEAST_POINTS:
        points = "point" if count == 1 else "points"
        raise file.fail(
            curve.line,
            f"{curve.name} has {count} {points}; a curve needs at least {LEAST_POINTS}",
        )
