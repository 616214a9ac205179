"""What the cycles of a device do not have in common, and what is no cycle at all.

Curves in which pulses do not switch the film, and devices whose R_AH jumps between two levels at
random, are told by device. Cycles of a device may then differ by what is no C2C: R_AH drifts, its
swing fades or grows, or cycles begin inside of the range. Each cycle is compared with the mean one,
as a straight line of it: where it starts and ends. If these follow the order of the cycles, or if
starts scatter and ends do not, the lines' differences are taken off, and what is left is C2C.

A constant offset of a device is half of both of its saturations, and is no part of R_AH.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats
from scipy.ndimage import uniform_filter1d

from allspin.host.fit.response import fit_device, stack
from allspin.host.lab.curves import DEAD, Curve, Measurement, aligned, by_device, usual_swing
from allspin.host.lab.quantities import few
from allspin.host.lab.turns import medians, scatter_of
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Array, Polarity

CHANCE = 1e-3
"""P-value below which something is there."""
LEAST, OFFSET = 0.02, 0.05
"""Of the range: a drift over the run, or a scatter of starts, that is less changes no figure; an
offset that is less may be of the film."""
WORN, WORN_OUT = 0.1, 0.4
"""Of the swing, that a film loses or wins that wears or is not run in; and that it has lost in
cycles which are left out."""
OFTEN, ALIKE = 0.01, 0.35
"""Of the pulses, the share beyond which jumps are no spikes; and the relative deviation of their
sizes, of jumps between two levels."""
NOISY = 2.5
"""Times the scatter of the median device, beyond which a device's is no C2C of the others."""


# What is no cycle.


def find_unusable(curves: Sequence[Curve]) -> tuple[set[int], list[str]]:
    """Places of curves of films that do not switch or jump at random, and what is said.

    Raises
    ------
    UserError
        If R_AH follows neither pulses nor currents.
    """
    notes, away = list[str](), set[int]()
    for pulsed in (True, False):
        places = [n for n, one in enumerate(curves) if (one.polarity is not None) is pulsed]
        some = [curves[n] for n in places]
        usual = usual_swing(some) if some else 0.0
        if some and usual < 3 * scatter_of([one.resistance for one in some]):
            raise UserError(
                f"R_AH changes by {usual:.3g} along its curves, which is no more than its scatter; "
                "is it the right column?"
            )
        jumps, noises = dict[str, str](), dict[str, Array]()
        away |= {n for n in places if curves[n].swing < DEAD * usual}
        # Without spikes, which tilt lines.
        good = [curves[n] for n in places if n not in away]
        known = _Lines([replace(one, resistance=medians(one.resistance)) for one in good])
        groups, living = by_device(some), by_device(good)
        for device, own in groups.items():
            still, mine = [some[n].cycle for n in own if places[n] in away], living.get(device, [])
            kept = f"in cycle {few(still)}; {len(mine)} of its {len(own)} curves are kept"
            notes += [f"{device} does not switch {kept if mine else 'and is left out'}"] * bool(
                still
            )
        for device, own in living.items():
            alive = [good[n] for n in own]
            jumps |= {device: jump} if (jump := _jumps(alive, LEAST * usual)) else {}
            left = float(np.median(np.abs(np.concatenate([known.left[n] for n in own]))))
            noises[device] = np.array([scatter_of([one.resistance for one in alive]), left])
        typical = np.median([*noises.values()], axis=0) if len(noises) > 2 else np.inf
        ratios = {
            device: float(np.max(noise / np.maximum(typical, 1e-3 * usual)))
            for device, noise in noises.items()
        }
        jumps = {
            device: f"scatters {times:.2g} times as much as the others"
            for device, times in ratios.items()
            if times > NOISY
        } | jumps
        # Where many do, nobody can say what the film does.
        alone = len(jumps) < len(living) / 2
        notes += [
            f"{device} {jump}; {'it is left out' if alone else 'its C2C has it'}"
            for device, jump in jumps.items()
        ]
        away |= {places[n] for device in jumps if alone for n in groups[device]}
    return away, notes


def _line(x: Array, y: Array) -> tuple[float, float]:
    """Slope and intercept of a straight line through points; flat where x is all the same."""
    away = x - x.mean()
    slope = float(away @ y) / max(float(away @ away), 1e-300)
    return slope, float(y.mean() - slope * x.mean())


def _jumps(curves: Sequence[Curve], least: float) -> str:
    """What is said of a device whose R_AH jumps by one size at random; nothing of any other."""
    found, count, twice = list[Array](), 0, 0
    for polarity in Polarity:
        for device in stack([one for one in curves if one.polarity is polarity]):
            rest = fit_device(device, int(device.pulses[-1]) or 1).residuals
            # What neighbours have in common is the curve's own.
            way = device.mean - rest + uniform_filter1d(rest, 7, mode="nearest")
            # And so is what another swing makes of it.
            known = ((row, np.isfinite(row)) for row in device.resistance)
            steps = np.diff(
                [row - np.polyval(_line(way[at], row[at]), way) for row, at in known], axis=1
            )
            # Cycles that have faded scatter less, and so may the end of all.
            sizes = np.abs(steps)
            ways = np.nanmedian(sizes, axis=0), np.nanmedian(sizes, axis=1, keepdims=True)
            usual = uniform_filter1d(ways[0], sizes.shape[1] // 3 + 1, mode="nearest") * ways[1]
            far = sizes > np.maximum(6 * usual / max(np.nanmedian(sizes), 1e-300), least)
            found, count = [*found, steps[far]], count + np.isfinite(steps).sum()
            twice += 2 * np.count_nonzero(far[:, 1:] & far[:, :-1])
    jumps = np.concatenate([np.zeros(0), *found])
    sizes = np.abs(jumps)
    # A spike goes back at once; what jumps goes as often up as down, and by one size.
    rare = sizes.size < max(5, OFTEN * count) or twice > sizes.size / 2
    if rare or sizes.std() > ALIKE * sizes.mean() or abs(np.sign(jumps).mean()) > 0.7:
        return ""
    return (
        f"jumps by {np.median(sizes):.3g} at {sizes.size / count:.0%} of its pulses (telegraph "
        "noise)"
    )


# What is no C2C.


class _Lines:
    """Each curve as a straight line of the mean of its cell, which are a device's of one polarity.

    Attributes
    ----------
    curves : sequence of Curve
        The curves.
    names : list of str
        The devices.
    span : float
        The usual swing.
    device, falls, cell, order, first : ndarray of int, shape (curves,)
        Of each curve which device; whether it is one of depression; which cell, twice the one and
        the other; which place it has among those of its device; and the first curve of its cell.
    means : list of ndarray of float64
        The mean of its cell at the points of each curve.
    lines : ndarray of float64, shape (curves, 3)
        Slope and intercept, and 0: what R_AH changes by along the curve apart from the mean.
    left : list of ndarray of float64
        What is left of each curve about its line.
    start, end : ndarray of float64, shape (curves,)
        R_AH there.
    lever : ndarray of float64, shape (2, curves)
        The variance of either that points leave whose own is 1.
    """

    def __init__(self, curves: Sequence[Curve]) -> None:
        groups, self.curves = by_device(curves), curves
        self.names, self.span = list(groups), usual_swing(curves) if curves else 0.0
        self.device, self.order, self.first = np.zeros((3, len(curves)), np.intp)
        for number, places in enumerate(groups.values()):
            self.device[places], self.order[places] = number, range(len(places))
        self.falls = np.array([int(one.polarity or 0) for one in curves])
        self.cell = 2 * self.device + self.falls
        self.means = [np.zeros(0)] * len(curves)
        edges, self.lever = np.zeros((2, 2, len(curves)))
        for own in (np.flatnonzero(self.cell == cell) for cell in np.unique(self.cell)):
            mine = [curves[n] for n in own.tolist()]
            x, table = aligned([one.x for one in mine], [one.resistance for one in mine])
            mean = np.nanmean(table, axis=0)
            edges[:, own], self.first[own] = mean[[0, -1], np.newaxis], own[0]
            away = (mean[[0, -1], np.newaxis] - mean.mean()) ** 2
            self.lever[:, own] = 1 / mean.size + away / max(mean.size * mean.var(), 1e-300)
            for n, one in zip(own, mine, strict=True):
                self.means[n] = mean[np.searchsorted(x, one.x)]
        pairs = zip(self.means, curves, strict=True)
        self.lines = np.array(
            [[*_line(mean, one.resistance), 0.0] for mean, one in pairs], np.float64
        ).reshape(-1, 3)
        pairs = zip(self.means, curves, self.lines, strict=True)
        self.left = [one.resistance - line[0] * mean - line[1] for mean, one, line in pairs]
        self.start, self.end = self.lines[:, 0] * edges + self.lines[:, 1]

    def by_cell(self, values: npt.NDArray[Any]) -> Array:
        """The mean over each cell; NaN of one that there is not."""
        count = np.bincount(self.cell, minlength=2 * len(self.names))
        return np.bincount(self.cell, values, count.size) / np.where(count, count, np.nan)

    def about(self, values: npt.NDArray[Any]) -> Array:
        """Values less the mean of their cell."""
        return values - self.by_cell(values)[self.cell]

    def trends(self, values: Array, least: npt.ArrayLike) -> tuple[Array, Array]:
        """By how much values of each device change from curve to curve, and by how much in all.

        All is 0 where the change is less than a least one, or may come by chance.
        """
        time, away, count = self.about(self.order), self.about(values), len(self.names)
        length = np.maximum(np.bincount(self.device, time**2), 1e-9)
        slopes = np.bincount(self.device, time * away) / length
        left = max(float(np.sum((away - slopes[self.device] * time) ** 2)), 1e-300)
        freedom = values.size - np.unique(self.cell).size - count
        explained = float(slopes**2 @ length) / count
        sure = freedom > 0 and stats.f.sf(explained * freedom / left, count, freedom) < CHANCE
        moved = slopes * (np.bincount(self.device) - 1)
        return slopes, np.where(sure & (np.abs(moved) > least), moved, 0.0)


def _drift(known: _Lines, aims: Array) -> str:
    """Give all cycles of a device the middle of its first where R_AH drifts; say so."""
    middle = (known.start + known.end) / 2
    slopes, moved = known.trends(middle, LEAST * known.span)
    own = moved[known.device] != 0
    start = middle[known.first] - slopes[known.device] * known.order[known.first]
    aims[own, 1:] += np.stack([start - middle, -slopes[known.device]], axis=1)[own]
    said = few(
        f"{known.names[n]} by {moved[n]:.3g}, {moved[n] / known.span:.0%} of the range"
        for n in np.flatnonzero(moved)
    )
    return f"R_AH drifts over the run, which is taken off: {said}" * bool(said)


def _wear(known: _Lines, aims: Array) -> str:
    """Give all cycles of a device the line of its largest where their swing fades or grows."""
    swing, said = np.abs(known.end - known.start), []
    order = np.lexsort([swing, known.cell])
    best = order[np.searchsorted(known.cell[order], known.cell, "right") - 1]
    largest = np.array([swing[known.device == n].max() for n in range(len(known.names))])
    for number in np.flatnonzero(known.trends(swing, WORN * largest)[1]):
        own = np.flatnonzero(known.device == number)
        aims[own] = known.lines[best[own]]
        aims[own[swing[own] < (1 - WORN_OUT) * swing[best[own]]]] = np.nan
        first, last = swing[own[0]], swing[own[-1]]
        said.append(
            f"{known.names[number]} "
            f"{'fades (endurance)' if last < first else 'grows (it is not run in)'}, "
            f"{first:.3g} to {last:.3g}"
        )
    return (
        "the swing of R_AH changes over the cycles, which is no C2C: all are taken with the "
        f"largest, and those that have lost {WORN_OUT:.0%} of it are left out: {few(said)}"
    ) * bool(said)


def _partial_resets(known: _Lines, aims: Array) -> str:
    """Give curves the line from saturation where they start here and there, and end alike."""
    inside, pulsed = dict[str, float](), known.curves[0].polarity is not None
    squares = np.array([known.about(known.start), known.about(known.end)]) ** 2
    ends = known.by_cell(known.end)
    # Saturation is where the other polarity ends; if there is none, the farthest start.
    reach, signs = np.zeros(ends.size), 2 * known.falls - 1
    np.maximum.at(reach, known.cell, np.abs(known.start - known.end))
    other, far = ends[known.cell ^ 1], ends[known.cell] + signs * reach[known.cell]
    full = np.where(np.isnan(other), far, other)
    for own in (np.flatnonzero(known.falls == polarity) for polarity in Polarity):
        freedom = own.size - np.unique(known.cell[own]).size
        starts, rests = np.sum((squares / known.lever)[:, own], axis=1)
        chance = (
            stats.f.sf(starts / max(rests, 1e-300), freedom, freedom) if freedom and pulsed else 1.0
        )
        if chance > CHANCE or squares[0, own].sum() < freedom * (LEAST * known.span) ** 2:
            continue
        for n in own.tolist():
            end, name = ends[known.cell[n]], known.names[known.device[n]]
            slope = (full[n] - end) / (known.means[n][0] - end)
            aims[n] = slope, end * (1 - slope), 0
            inside[name] = max(inside.get(name, 0.0), 1 - known.lines[n, 0] / slope)
    return (
        "curves start inside of the range (partial reset), and are taken as if from saturation: "
        f"{few(f'{name} by up to {share:.0%}' for name, share in inside.items())} of it"
    ) * bool(inside)


def _whole(known: _Lines, aims: Array) -> str:
    """Give all cycles the line of their mean where they differ as a whole; say so.

    Deviations of single pulses that fade by and by are no such difference: their steps are less
    than what is left about lines.
    """
    away = [one.resistance - mean for one, mean in zip(known.curves, known.means, strict=True)]
    square, rest = (sum(float(one @ one) for one in some) for some in (away, known.left))
    count, size = len(away), sum(map(len, away))
    share, explained = 1 - np.unique(known.cell).size / count, square - rest
    alike = sum(float(own[1:] @ own[:-1]) for own in away) / max(square, 1e-300)
    freedom = share * (size - 2 * count)
    ratio = explained / max(rest, 1e-300) * freedom / max(2 * share * count, 1)
    # Steps that are less; and what is less than half of the rest changes no figure.
    steps = (1 - alike**2) * square * (1 - 2 * count / size)
    if (
        not freedom
        or steps < rest
        or explained < rest / 4
        or stats.f.sf(ratio, 2 * share * count, freedom) > CHANCE
    ):
        return ""
    aims[:] = 1, 0, 0
    return (
        "cycles of a device differ as a whole, by "
        f"{math.sqrt(explained / size / share) / known.span:.1%} of the range, which is taken off: "
        "each is put to their mean height and swing"
    )


def _alike(curves: list[Curve], said: list[str]) -> list[Curve]:
    """Curves of pulses, or of neurons, without what is no C2C."""
    for step in (_drift, _wear, _partial_resets, _whole) if curves else ():
        known = _Lines(curves)
        aims, curves = known.lines.copy(), []
        said += filter(None, [step(known, aims)])
        for one, mean, change in zip(known.curves, known.means, aims - known.lines, strict=True):
            along = np.polyval(change[:2], mean) + change[2] * np.linspace(-0.5, 0.5, mean.size)
            if np.isfinite(change).all():
                curves.append(replace(one, resistance=one.resistance + along))
    return curves


def steadied(measurement: Measurement, offset: bool) -> Measurement:
    """A measurement of pulses without what is no C2C and no D2D, and with what is said of it.

    Parameters
    ----------
    measurement : Measurement
        Without outliers.
    offset : bool
        Whether constant offsets are taken out.
    """
    said = list[str]()
    neurons = _alike([one for one in measurement.curves if one.polarity is None], said)
    steady = _alike([one for one in measurement.curves if one.polarity is not None], said)
    if not steady:
        return replace(measurement, curves=neurons, notes=[*measurement.notes, *said])
    known = _Lines(steady)
    lasts = {(one.polarity, float(one.x[-1])) for one in steady}
    if any(last < 0.9 * most for way, last in lasts for other, most in lasts if way == other):
        said.append("curves end at different pulses, and P_max is the largest; is it one device?")
    # Of both polarities, R_AH is highest and lowest where they saturate.
    edges = np.array([known.by_cell(known.start), known.by_cell(known.end)]).reshape(2, -1, 2)
    middles = (np.nanmax(edges, axis=(0, 2)) + np.nanmin(edges, axis=(0, 2))) / 2
    if offset and np.abs(middles).max() > OFFSET * known.span:
        steady = [
            replace(one, resistance=one.resistance - middle)
            for one, middle in zip(steady, middles[known.device], strict=True)
        ]
        shown = few(f"{name} {at:.4g}" for name, at in zip(known.names, middles, strict=True))
        said.append(
            "R_AH has a constant offset, which is half of both saturations and is taken out: "
            f"{shown} (--d2d-reading range keeps it)"
        )
    return replace(
        measurement,
        curves=[*steady, *neurons],
        notes=[*measurement.notes, *said],
    )
