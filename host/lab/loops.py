"""Hysteresis loops of a neuron: branches of rising and of falling current."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from allspin.host.lab.curves import LEAST_POINTS, Curve, medians, scatter_of
from allspin.host.lab.tidy import numbered
from allspin.host.lab.turns import reversals
from allspin.sim.errors import UserError

WHOLE = 0.6
"""Share of the longest stretch of currents from which a stretch is a whole branch."""


def _stretches(curve: Curve) -> list[Curve]:
    """Return the parts of a curve in which the current only rises or falls, in measured order.

    The point at which the current turns belongs to both sides.
    """
    extent = float(np.ptp(curve.x))
    if not extent:
        return []
    # A large step sets the current back and is part of no branch.
    jumps = np.flatnonzero(np.abs(np.diff(curve.x)) > extent / 2) + 1
    found = []
    for part in np.split(np.arange(curve.x.size), jumps):
        for start, stop in itertools.pairwise(reversals(curve.x[part], 0.05 * extent)):
            if stop > start:
                found.append(curve.at(part[start : stop + 1]))
    return found


def branches(curve: Curve) -> dict[str, list[Curve]]:
    """Return a curve's branches by name, each as often as it was measured.

    A loop that begins in the middle of a branch is closed there.
    """
    stretches = _stretches(curve)
    extent = max((float(np.ptp(one.x)) for one in stretches), default=0.0)
    long = [one for one in stretches if one.x.size >= LEAST_POINTS]
    return {
        "up": _whole([one for one in long if one.x[-1] > one.x[0]], extent),
        "down": _whole([one for one in long if one.x[-1] <= one.x[0]], extent),
    }


def _whole(stretches: list[Curve], extent: float) -> list[Curve]:
    """Return the stretches of one direction that are whole branches."""
    whole = [one for one in stretches if float(np.ptp(one.x)) >= WHOLE * extent]
    if whole or len(stretches) < 2:
        return whole or stretches
    first = stretches[0]
    last = stretches[-1]
    x = np.concatenate([last.x, first.x])
    resistance = np.concatenate([last.resistance, first.resistance])
    return [replace(first, x=x, resistance=resistance, rows=first.rows[:0])]


def _gap(up: list[Curve], down: list[Curve]) -> float:
    """Return the largest distance of two branches; 0 if it is no more than scatter."""
    parts = [*up, *down]
    if not up or not down:
        return 0.0
    grid = np.linspace(max(one.x.min() for one in parts), min(one.x.max() for one in parts), 50)
    if not grid[-1] > grid[0]:
        return 0.0
    means = []
    for branch in (up, down):
        ordered = [one.at(np.argsort(one.x, kind="stable")) for one in branch]
        means.append(np.mean([np.interp(grid, one.x, one.resistance) for one in ordered], axis=0))
    # Running medians, so that one spike makes no loop.
    gap = float(np.abs(medians(means[0] - means[1])).max())
    spread = float(np.ptp(np.concatenate(means)))
    scatter = scatter_of([part.resistance for part in parts])
    return gap if gap > max(0.05 * spread, 5 * scatter) else 0.0


def choose_branches(path: Path, curves: Sequence[Curve], branch: str | None) -> list[Curve]:
    """Return a neuron's curves: whole if they are no loop, else the requested branch.

    Parameters
    ----------
    path : Path
        The file, for messages.
    curves : sequence of Curve
        A neuron's, as they were measured.
    branch : str or None
        One of `allspin.host.lab.reading.BRANCHES`.

    Raises
    ------
    UserError
        If a loop has two branches and no option chooses one, or lacks the requested one.
    """
    chosen = []
    for curve in curves:
        sides = branches(curve)
        if branch is None:
            gap = _gap(sides["up"], sides["down"])
            if gap:
                raise UserError(
                    f"{path}: {curve.name} runs in a loop whose branches are {gap:.3g} apart; "
                    "choose `branch` up (the current rises) or `branch` down (it falls)"
                )
            chosen.append(curve)
            continue
        if not sides[branch]:
            way = "rises" if branch == "up" else "falls"
            raise UserError(
                f"{path}: {curve.name} has no branch of {branch}: the current never {way}; take "
                "the other `branch`"
            )
        for number, own in enumerate(sides[branch]):
            chosen.append(replace(own, cycle=numbered(curve.cycle, number)))
    return chosen
