"""Hysteresis loops of a neuron: branches of rising and of falling current."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from allspin.host.lab.curves import LEAST_POINTS, Curve, scatter_of
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
    grid = np.linspace(max(one.x.min() for one in parts), min(one.x.max() for one in parts), 50)
    if not grid[-1] > grid[0]:
        return 0.0
    means = []
    for branch in (up, down):
        ordered = [one.at(np.argsort(one.x, kind="stable")) for one in branch]
        means.append(np.mean([np.interp(grid, one.x, one.resistance) for one in ordered], axis=0))
    distance = np.abs(means[0] - means[1])
    # The median of three in a row, so that one spike makes no loop.
    windows = np.lib.stride_tricks.sliding_window_view(distance, 3)
    gap = float(np.median(windows, axis=1).max())
    values = [part.resistance for part in parts]
    spread = float(np.subtract(*np.percentile(np.concatenate(values), [98, 2])))
    return gap if gap > max(0.05 * spread, 5 * scatter_of(values)) else 0.0


def choose_branches(
    path: Path, curves: Sequence[Curve], branch: str | None, unit: str
) -> list[Curve]:
    """Return a neuron's curves: whole if they are no loop, else the requested branch.

    Parameters
    ----------
    path : Path
        The file, for messages.
    curves : sequence of Curve
        A neuron's, as they were measured.
    branch : str or None
        One of `allspin.host.lab.reading.BRANCHES`.
    unit : str
        Unit of the current, for messages.

    Raises
    ------
    UserError
        If a loop has two branches and no option chooses one, or lacks the requested one.
    """
    chosen = []
    for curve in curves:
        sides = branches(curve)
        if branch is None:
            _check_no_loop(path, curve, sides, unit)
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


def _check_no_loop(path: Path, curve: Curve, sides: dict[str, list[Curve]], unit: str) -> None:
    """Raise a `UserError` for a curve with two branches that differ."""
    if not (sides["up"] and sides["down"]):
        return
    gap = _gap(sides["up"], sides["down"])
    if not gap:
        return
    factor = 1e3 if unit == "A" else 1.0
    shown = " mA" if unit == "A" else ""
    up = factor * sides["up"][0].x
    down = factor * sides["down"][0].x
    raise UserError(
        f"{path}: {curve.name} runs in a loop whose branches are {gap:.3g} apart: up (the current "
        f"rises from {up.min():.3g}{shown} to {up.max():.3g}{shown}) and down (it falls from "
        f"{down.max():.3g}{shown} to {down.min():.3g}{shown}); choose `branch` up or `branch` down"
    )
