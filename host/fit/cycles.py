"""What the cycles of a device do not have in common, and what is no cycle at all.

Films that do not switch, and devices whose R_AH jumps between two levels, are told by device. What
slow changes of R_AH add to each cycle is taken off before cycles are compared, since it is no C2C:
drift, a swing that fades or grows, and cycles that begin inside of the range. A constant offset of a
device is half of what both of its saturations have in common, and is no part of R_AH.

Each is told by the ends of curves: their middle, their swing, and where they start. It has to be
more than `LEAST` of the range, and to come by chance less often than once in 1,000 times.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import stats

from allspin.host.fit.columns import few
from allspin.host.fit.curves import (
    DEAD,
    Curve,
    Measurement,
    aligned,
    by_device,
    ends,
    usual_swing,
)
from allspin.host.fit.turns import scatter_of
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Array, Polarity

LEAST = 0.02
"""Of the range: what is less changes no figure."""
CHANCE = 1e-3
"""P-value below which something is there."""
WORN = 0.1
"""Of the swing, that is lost or won over the cycles of a film that wears, or is not run in."""
LITTLE = 0.6
"""Of the largest swing, below which cycles of a film that wears are left out."""
OFFSET = 0.05
"""Of the range, beyond which an offset is one of the measurement."""
TWO_LEVELS, RARE = 0.75, 0.04
"""Share of the variance between two levels, which it has not of normal values, and the least share
of points on the second level: fewer are spikes."""


def find_dead(curves: Sequence[Curve]) -> tuple[list[int], list[str]]:
    """Places of pulse curves in which the film does not switch, and what is said of each device.

    Raises
    ------
    UserError
        If R_AH does not follow pulses at all.
    """
    pulsed = [one for one in curves if one.polarity is not None]
    if not pulsed:
        return [], []
    usual = usual_swing(pulsed)
    if usual < 3 * scatter_of([one.resistance for one in pulsed]):
        raise UserError(
            f"R_AH changes by {usual:.3g} from the first pulse to the last, which is no more than "
            "its scatter; is it the right column?"
        )
    dead = [
        n for n, one in enumerate(curves) if one.polarity is not None and one.swing < DEAD * usual
    ]
    notes = []
    for device, places in by_device(curves).items():
        own = [f"{curves[n].cycle}" for n in places if n in dead]
        alive = [curves[n].cycle for n in places if n not in dead]
        if own and alive:
            notes.append(
                f"{device} does not switch in {len(own)} of {len(places)} curves, cycle "
                f"{few(own)}, which are left out; {few(alive)} are kept"
            )
        elif own:
            notes.append(f"{device} does not switch and is left out")
    return dead, notes


def find_restless(curves: Sequence[Curve], rests: Sequence[Array]) -> dict[str, str]:
    """Devices whose R_AH jumps between two levels at random, and what is said of each.

    Parameters
    ----------
    curves : sequence of Curve
        Pulse curves.
    rests : sequence of ndarray of float64
        What each differs by from the median of its device's cycles.
    """
    found = {}
    for device, places in by_device(curves).items():
        away = np.concatenate([_detrended(curves[n].resistance, rests[n]) for n in places])
        sizes = np.sort(np.abs(away))
        count = np.arange(1, sizes.size)
        low = np.cumsum(sizes)[:-1] / count
        high = (sizes.sum() - np.cumsum(sizes)[:-1]) / (sizes.size - count)
        between = count * (sizes.size - count) * (high - low) ** 2 / sizes.size**2
        best = int(np.argmax(between))
        share = 1 - (best + 1) / sizes.size
        if between[best] > TWO_LEVELS * sizes.var() and RARE < share:
            found[device] = (
                f"{device} jumps by {high[best]:.3g} at {share:.0%} of its points (telegraph noise)"
            )
    return found


def _detrended(resistance: Array, rest: Array) -> Array:
    """Deviations of a cycle without what a shift and another swing make of it."""
    return rest - np.polyval(np.polyfit(resistance - rest, rest, 1), resistance - rest)


class Ends:
    """Where curves start and end, in the order in which they came.

    Parameters
    ----------
    curves : sequence of Curve
        Pulse curves.

    Attributes
    ----------
    names : list of str
        The devices.
    device, cell : ndarray of int, shape (curves,)
        Which device each is of, and which device and polarity.
    order : ndarray of float64, shape (curves,)
        Its place among those of its device.
    start, end : ndarray of float64, shape (curves,)
        R_AH there.
    span : float
        The usual swing.
    """

    def __init__(self, curves: Sequence[Curve]) -> None:
        groups = by_device(curves)
        self.names = list(groups)
        self.device, self.order = np.zeros((2, len(curves)), int)
        for number, places in enumerate(groups.values()):
            self.device[places], self.order[places] = number, range(len(places))
        falls = np.array([int(one.polarity or 0) for one in curves])
        self.cell = np.unique(2 * self.device + falls, return_inverse=True)[1]
        self.start, self.end = np.array([ends(one.resistance) for one in curves]).T
        self.span = usual_swing(curves)

    def mean(self, values: Array) -> Array:
        """The mean over each curve's cell."""
        return (np.bincount(self.cell, values) / np.bincount(self.cell))[self.cell]

    def trends(self, values: Array) -> tuple[Array, float]:
        """By how much values of each device change over its curves, and the chance of it."""
        time = self.order - self.mean(self.order)
        away = values - self.mean(values)
        length = np.maximum(np.bincount(self.device, time**2), 1e-9)
        slopes = np.bincount(self.device, time * away) / length
        rest = away - slopes[self.device] * time
        count = len(self.names)
        freedom = values.size - int(self.cell.max()) - 1 - count
        explained, left = float(slopes**2 @ length) / count, float(rest @ rest)
        chance = stats.f.sf(explained * freedom / left, count, freedom) if left > 0 else 0.0
        return slopes * (np.bincount(self.device) - 1), float(chance if freedom > 0 else 1)


Changed = tuple[list[Curve], list[str]]
"""Curves without something, and what is said of it."""


def _without_drift(curves: list[Curve]) -> Changed:
    """Curves without a slow shift of R_AH: a parabola over the order of a device's curves."""
    known = Ends(curves)
    middle = (known.start + known.end) / 2
    changes, chance = known.trends(middle)
    found = {}
    for number, name in enumerate(known.names):
        if chance > CHANCE or abs(changes[number]) < LEAST * known.span:
            continue
        own = np.flatnonzero(known.device == number)
        powers = [known.order.astype(float) ** power for power in (2, 1)]
        table = np.stack([(power - known.mean(power))[own] for power in powers], axis=1)
        bend, slope = np.linalg.lstsq(table, (middle - known.mean(middle))[own], rcond=None)[0]
        first = np.polyval([bend, slope, 0], -0.5)
        for place in own.tolist():
            time = known.order[place] + np.linspace(-0.5, 0.5, curves[place].x.size)
            drift = np.polyval([bend, slope, 0], time) - first
            curves[place] = replace(curves[place], resistance=curves[place].resistance - drift)
        found[name] = f"{name} by {changes[number]:.3g}, {changes[number] / known.span:.0%}"
    notes = [f"R_AH drifts over the run, which is taken off: {few(found.values())} of the range"]
    return curves, notes if found else []


def _means(curves: Sequence[Curve], cell: npt.NDArray[np.intp]) -> list[Array]:
    """For each curve the mean of its cell at its points."""
    found: list[Array] = [np.zeros(0)] * len(curves)
    for number in range(int(cell.max()) + 1):
        own = np.flatnonzero(cell == number).tolist()
        x, table = aligned([curves[n].x for n in own], [curves[n].resistance for n in own])
        mean = np.nanmean(table, axis=0)
        for place in own:
            found[place] = mean[np.searchsorted(x, curves[place].x)]
    return found


def _without_wear(curves: list[Curve]) -> Changed:
    """Curves of the largest swing of each device, where it fades or grows from cycle to cycle."""
    known = Ends(curves)
    swing = np.abs(known.end - known.start)
    changes, chance = known.trends(swing)
    found, changed = {}, dict(enumerate(curves))
    for number, name in enumerate(known.names):
        own = np.flatnonzero(known.device == number).tolist()
        if chance > CHANCE or abs(changes[number]) < WORN * swing[own].max():
            continue
        means = _means(curves, known.cell)
        lines = {n: np.polyfit(means[n], curves[n].resistance, 1) for n in own}
        for place in own:
            best = max(own, key=lambda n: (known.cell[n] == known.cell[place]) * lines[n][0])
            more = np.polyval(lines[best] - lines[place], means[place])
            changed[place] = replace(curves[place], resistance=curves[place].resistance + more)
            # Of a film that hardly switches any more, nothing tells the C2C.
            if lines[place][0] < LITTLE * lines[best][0]:
                del changed[place]
        word = "fades (endurance)" if changes[number] < 0 else "grows (it is not run in)"
        found[name] = f"of {name} it {word} from {swing[own[0]]:.3g} to {swing[own[-1]]:.3g}"
    notes = [
        "the swing of R_AH changes over the cycles, which is no C2C: all are taken with the largest "
        f"one, and those of less than {LITTLE:.0%} of it are left out: {few(found.values())}"
    ]
    return list(changed.values()), notes if found else []


def _without_partial_resets(curves: list[Curve]) -> Changed:
    """Curves from saturation, where they begin inside of the range and yet end alike."""
    known = Ends(curves)
    inside, whole = {}, list(curves)
    means = _means(curves, known.cell)
    for polarity in Polarity:
        own = [n for n, one in enumerate(curves) if one.polarity is polarity]
        freedom = len(own) - len(set(known.cell[own].tolist()))
        starts, ends_ = (
            float(np.sum((values - known.mean(values))[own] ** 2)) / max(freedom, 1)
            for values in (known.start, known.end)
        )
        # A median of five points has a third of a point's variance.
        near = [(curves[n].resistance - means[n])[:12] for n in own]
        noise = ends_ + (scatter_of(near) ** 2 / 3 if own else 0.0)
        if freedom < 1 or starts < (LEAST * known.span) ** 2:
            continue
        if noise and stats.f.sf(starts / noise, freedom, freedom) > CHANCE:
            continue
        for n in own:
            there = np.flatnonzero(known.device == known.device[n])
            other = there[known.cell[there] != known.cell[n]]
            end = known.mean(known.end)[n]
            full = known.end[other].mean() if other.size else known.start[there].max()
            gain = _gain(curves[n].resistance - end, means[n] - end)
            more = (full - end) / (means[n][0] - end) - gain
            inside[curves[n].device] = max(inside.get(curves[n].device, 0.0), more / (gain + more))
            whole[n] = replace(curves[n], resistance=curves[n].resistance + more * (means[n] - end))
    notes = [
        "curves start inside of the range (partial reset), and are taken as if from saturation: "
        f"of {few(f'{name} by up to {share:.0%}' for name, share in inside.items())}"
    ]
    return whole, notes if inside else []


def _gain(one: Array, other: Array) -> float:
    """How many times the other the one is."""
    return float(one @ other) / max(float(other @ other), 1e-300)


def _without_offset(curves: list[Curve]) -> Changed:
    """Curves about half of both saturations of their device."""
    known = Ends(curves)
    found = {}
    for number, name in enumerate(known.names):
        own = np.flatnonzero(known.device == number)
        several = len(set(known.cell[own].tolist())) > 1
        there = known.end if several else (known.start + known.end) / 2
        found[name] = float(np.mean(list({known.cell[n]: known.mean(there)[n] for n in own}.values())))
    largest = max(map(abs, found.values()))
    if largest < OFFSET * known.span:
        return curves, []
    shown = [f"{name} {offset:.4g}" for name, offset in found.items()]
    return [replace(one, resistance=one.resistance - found[one.device]) for one in curves], [
        f"R_AH has a constant offset, which is half of both saturations and is taken out: "
        f"{few(shown)} (--d2d-reading range keeps it)"
    ]


def steadied(measurement: Measurement, offset: bool) -> Measurement:
    """A measurement of pulses without what is no C2C and no D2D, and with what is said of it.

    Parameters
    ----------
    measurement : Measurement
        Without outliers.
    offset : bool
        Whether constant offsets are taken out.
    """
    pulsed = [one for one in measurement.curves if one.polarity is not None]
    rest = [one for one in measurement.curves if one.polarity is None]
    if not pulsed:
        return measurement
    steps: list[Callable[[list[Curve]], Changed]]
    steps = [_without_drift, _without_wear, _without_partial_resets]
    notes = list(measurement.notes)
    for step in [*steps, _without_offset][: len(steps) + offset]:
        pulsed, said = step(pulsed)
        notes += said
    return replace(measurement, curves=pulsed + rest, notes=notes)
