"""Branches of a neuron's loop: stretches of rising and of falling current."""

import itertools
from dataclasses import dataclass

import numpy as np

from allspin.host.study.fit.reading.curve import Curve
from allspin.host.study.fit.reading.runs import LEAST_POINTS
from allspin.sim.device.synapse.response import Array
from allspin.sim.errors import UserError

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


@dataclass(frozen=True, eq=False)
class Branch:
    """A stretch of a curve along which the current rises, or falls.

    Attributes
    ----------
    up : bool
        Whether it rises.
    curve : Curve
        The stretch; the point at which the current turns is of both sides.
    """

    up: bool
    curve: Curve

    @property
    def covers(self) -> float:
        """Range of its currents."""
        return float(np.ptp(self.curve.x))


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


def branches(curve: Curve) -> list[Branch]:
    """A curve's stretches, in the order in which they were measured."""
    x = curve.x
    extent = float(np.ptp(x))
    if not extent:
        return []
    found = []
    jumps = np.flatnonzero(np.abs(np.diff(x)) > JUMP * extent) + 1
    for part in np.split(np.arange(x.size), jumps):
        if part.size < 2:
            continue
        turns = reversals(x[part], REVERSAL * extent)
        for start, stop in itertools.pairwise(turns):
            stretch = part[start : stop + 1]
            if stretch.size >= 2:
                found.append(Branch(bool(x[stretch[-1]] > x[stretch[0]]), curve.at(stretch)))
    return found


def _whole(parts: list[Branch], up: bool) -> list[Branch]:
    """The branches of a direction; a loop that begins in the middle of one is closed there."""
    extent = max(part.covers for part in parts)
    mine = [part for part in parts if part.up is up and part.curve.x.size >= LEAST_POINTS]
    whole = [part for part in mine if part.covers >= WHOLE * extent]
    if not whole and len(mine) > 1:
        first, last = mine[0].curve, mine[-1].curve
        x = np.concatenate([last.x, first.x])
        resistance = np.concatenate([last.resistance, first.resistance])
        joined = Curve(first.device, first.cycle, None, x, resistance)
        return [Branch(up, joined)]
    return whole or mine[:1]


def _mean(parts: list[Branch], grid: Array) -> Array:
    ways = []
    for part in parts:
        order = np.argsort(part.curve.x, kind="stable")
        ways.append(np.interp(grid, part.curve.x[order], part.curve.resistance[order]))
    return np.mean(ways, axis=0)


def _gap(up: list[Branch], down: list[Branch]) -> float:
    """How far two branches are apart at most; 0 where no more than scatter says."""
    ends = [(part.curve.x.min(), part.curve.x.max()) for part in (*up, *down)]
    low, high = max(end[0] for end in ends), min(end[1] for end in ends)
    if not high > low:
        return 0.0
    grid = np.linspace(low, high, GRID)
    apart = np.abs(_mean(up, grid) - _mean(down, grid))
    # Three in a row, so that one spike makes no loop.
    gap = float(np.max(np.median(np.stack([apart[:-2], apart[1:-1], apart[2:]]), axis=0)))
    values = np.concatenate([part.curve.resistance for part in (*up, *down)])
    steps = np.concatenate([np.diff(part.curve.resistance, n=2) for part in (*up, *down)])
    scatter = float(1.4826 * np.median(np.abs(steps)) / np.sqrt(6))
    low, high = np.percentile(values, [2, 98])
    return gap if gap > max(APART * (high - low), SURE * scatter) else 0.0


def choose(path: object, curves: list[Curve], branch: str | None, scale: str) -> list[Curve]:
    """The neuron's curves: whole where there is no loop, else the branch that was asked for.

    Parameters
    ----------
    path : Path
        The file, for messages.
    curves : list of Curve
        A neuron's, as they were measured.
    branch : str or None
        One of `allspin.host.study.fit.reading.options.BRANCHES`.
    scale : str
        Unit of the current, for messages.

    Raises
    ------
    UserError
        If a loop has two branches and none was asked for, or not the one that was.
    """
    chosen = []
    for curve in curves:
        parts = branches(curve)
        sides = {up: _whole(parts, up) for up in (True, False)} if parts else {}
        loop = all(sides.get(up) for up in (True, False))
        gap = _gap(sides[True], sides[False]) if loop else 0.0
        if branch is None:
            if gap:
                raise UserError(_says(path, curve, sides, gap, scale))
            chosen.append(curve)
            continue
        mine = sides.get(branch == "up", [])
        if not mine:
            raise UserError(
                f"{path}: device {curve.device} has no branch of {branch}: the current never "
                f"{'rises' if branch == 'up' else 'falls'}; take the other --branch"
            )
        for number, part in enumerate(mine):
            label = curve.cycle
            if number:
                label = f"{curve.cycle}/{number}" if curve.cycle else str(number + 1)
            own = part.curve
            chosen.append(Curve(own.device, label, None, own.x, own.resistance))
    return chosen


def _says(
    path: object, curve: Curve, sides: dict[bool, list[Branch]], gap: float, scale: str
) -> str:
    factor, unit = (1e3, "mA") if scale == "A" else (1.0, "")

    def current(value: float) -> str:
        return f"{value * factor:.3g} {unit}".strip()

    up, down = sides[True][0].curve.x, sides[False][0].curve.x
    return (
        f"{path}: {curve.name} runs in a loop whose branches are {gap:.3g} apart: up (the current "
        f"rises from {current(float(up.min()))} to {current(float(up.max()))}) and down (it falls "
        f"from {current(float(down.max()))} to {current(float(down.min()))}); choose --branch up "
        "or --branch down"
    )
