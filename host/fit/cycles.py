"""What the cycles of a device do not have in common, and what is no cycle at all.

Curves in which pulses do not switch the film, and devices whose R_AH jumps between two levels at
random, are told by device. Cycles of a device may then differ by what is no C2C: R_AH drifts, its
swing fades or grows, or cycles begin inside of the range. Each cycle is compared with the mean one,
as a straight line of it: where it starts and ends. If these follow the order of the cycles, or if
starts scatter and ends do not, the lines' differences are taken off, and what is left is C2C.

A constant offset of a device is half of both of its saturations, and is no part of R_AH.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import stats

from allspin.host.fit.curves import DEAD, Curve, Measurement, aligned, by_device, usual_swing
from allspin.host.fit.quantities import few
from allspin.host.fit.response import fit_device, stack
from allspin.host.fit.turns import scatter_of
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Array, Polarity

Places = npt.NDArray[np.intp]

CHANCE = 1e-3
"""P-value below which something is there."""
DRIFT, INSIDE, OFFSET = 0.02, 0.03, 0.05
"""Of the range: a drift over the run, a scatter of starts, and an offset that is less changes no
figure, or may be of the film."""
WORN, WORN_OUT = 0.1, 0.4
"""Of the swing, that a film loses or wins that wears or is not run in; and that it has lost in
cycles which are left out."""
OFTEN, ALIKE = 0.01, 0.35
"""Of the pulses, the share beyond which jumps are no spikes; and the relative deviation of their
sizes, of jumps between two levels."""


# What is no cycle.


def find_unusable(curves: Sequence[Curve]) -> tuple[set[int], list[str]]:
    """Places of pulse curves of films that do not switch or jump at random, and what is said.

    Raises
    ------
    UserError
        If R_AH does not follow pulses at all.
    """
    pulsed = [one for one in curves if one.polarity is not None]
    usual = usual_swing(pulsed) if pulsed else 0.0
    if pulsed and usual < 3 * scatter_of([one.resistance for one in pulsed]):
        raise UserError(
            f"R_AH changes by {usual:.3g} from the first pulse to the last, which is no more than "
            "its scatter; is it the right column?"
        )
    away: set[int] = set()
    notes, jumps = [], {}
    groups = by_device(curves)
    for device, places in groups.items():
        every = [n for n in places if curves[n].polarity is not None]
        dead = [n for n in every if curves[n].swing < DEAD * usual]
        alive = [curves[n] for n in every if n not in dead]
        away.update(dead)
        if dead:
            kept = f" in cycle {few(curves[n].cycle for n in dead)}, and these are"
            kept = f"{kept} left out; {few(one.cycle for one in alive)} are kept"
            notes.append(f"{device} does not switch{kept if alive else ' and is left out'}")
        if words := _jumps(alive, DRIFT * usual):
            jumps[device] = words
    # Where many do, nobody can say what the film does.
    alone = len(jumps) < len(groups) / 2
    for device, words in jumps.items():
        away.update(groups[device] if alone else ())
        notes.append(f"{device} {words}; {'it is left out' if alone else 'its C2C has them'}")
    return away, notes


def _jumps(curves: Sequence[Curve], least: float) -> str:
    """What is said of a device whose R_AH jumps by one size at random; nothing of any other."""
    steps = [np.zeros(0)]
    for polarity in Polarity:
        for device in stack([one for one in curves if one.polarity is polarity]):
            rest = np.pad(fit_device(device, int(device.pulses[-1]) or 1).residuals, 3, mode="edge")
            # What neighbours have in common is the curve's own.
            way = device.mean - rest[3:-3] + np.convolve(rest, np.full(7, 1 / 7), "valid")
            steps += list(np.diff(device.resistance - way, axis=1))
    sizes = np.abs(np.concatenate(steps))
    sizes = sizes[np.isfinite(sizes)]
    far = sizes[sizes > max(4 * 1.4826 * float(np.median(sizes)), least)] if sizes.size else sizes
    if far.size <= OFTEN * sizes.size or far.std() > ALIKE * far.mean():
        return ""
    return f"jumps by {np.median(far):.3g} at {far.size / sizes.size:.0%} of its pulses (telegraph noise)"


# What is no C2C.


class _Lines:
    """Each curve as a straight line of the mean of its cell, which are a device's of one polarity.

    Attributes
    ----------
    names : list of str
        The devices.
    span : float
        The usual swing.
    device, cell, order : ndarray of int, shape (curves,)
        Of each curve which device, which cell, and which place among those of its device.
    mates : ndarray of bool, shape (curves, curves)
        Which curves are of the cell of which.
    means : list of ndarray of float64
        The mean of its cell at the points of each curve.
    lines : ndarray of float64, shape (curves, 3)
        Slope and intercept, and 0: what R_AH changes by along the curve apart from the mean.
    start, end : ndarray of float64, shape (curves,)
        R_AH there.
    lever : ndarray of float64, shape (2, curves)
        The variance of either that points leave whose own is 1.
    """

    def __init__(self, curves: Sequence[Curve]) -> None:
        groups = by_device(curves)
        self.names, self.span = list(groups), usual_swing(curves)
        self.device, self.order = np.zeros((2, len(curves)), np.intp)
        for number, places in enumerate(groups.values()):
            self.device[places], self.order[places] = number, range(len(places))
        falls = [int(one.polarity or 0) for one in curves]
        self.cell = np.unique(2 * self.device + falls, return_inverse=True)[1]
        self.mates = self.cell[:, np.newaxis] == self.cell
        self.means, edges = [], []
        for one, mates in zip(curves, self.mates, strict=True):
            own = [curves[n] for n in np.flatnonzero(mates)]
            x, table = aligned([each.x for each in own], [each.resistance for each in own])
            mean = np.nanmean(table, axis=0)
            self.means.append(mean[np.searchsorted(x, one.x)])
            edges.append(mean[[0, -1]])
        pairs = zip(self.means, curves, strict=True)
        self.lines = np.array([[*np.polyfit(mean, one.resistance, 1), 0] for mean, one in pairs])
        self.start, self.end = (self.lines[:, :1] * edges + self.lines[:, 1:2]).T
        self.lever = np.array(
            [
                1 / mean.size + (ends - mean.mean()) ** 2 / max(mean.size * mean.var(), 1e-300)
                for mean, ends in zip(self.means, edges, strict=True)
            ]
        ).T

    def mean(self, values: Array) -> Array:
        """The mean over each curve's cell."""
        return (np.bincount(self.cell, values) / np.bincount(self.cell))[self.cell]

    def trends(self, values: Array, least: Array) -> tuple[Array, Array]:
        """By how much values of each device change from curve to curve, and by how much in all.

        All is 0 where the change is less than a least one, or may come by chance.
        """
        time, away = self.order - self.mean(self.order), values - self.mean(values)
        length = np.maximum(np.bincount(self.device, time**2), 1e-9)
        slopes = np.bincount(self.device, time * away) / length
        left = float(np.sum((away - slopes[self.device] * time) ** 2))
        count = len(self.names)
        freedom = values.size - int(self.cell.max()) - 1 - count
        ratio = float(slopes**2 @ length) / count / max(left / max(freedom, 1), 1e-300)
        sure = freedom > 0 and stats.f.sf(ratio, count, freedom) < CHANCE
        moved = slopes * (np.bincount(self.device) - 1)
        return slopes, np.where(sure & (np.abs(moved) > least), moved, 0.0)


def _drift(known: _Lines, aims: Array) -> str:
    """Give all cycles of a device the line of its first where R_AH drifts; say so."""
    middle, said = (known.start + known.end) / 2, []
    slopes, moved = known.trends(middle, np.array(DRIFT * known.span))
    for number in np.flatnonzero(moved):
        own = known.device == number
        aims[own] = known.lines[np.argmax(known.mates, axis=1)][own]
        aims[own, 2] = -slopes[number]
        share = moved[number] / known.span
        said.append(f"{known.names[number]} by {moved[number]:.3g}, {share:.0%} of the range")
    return f"R_AH drifts over the run, which is taken off: {few(said)}" * bool(said)


def _wear(known: _Lines, aims: Array) -> str:
    """Give all cycles of a device the line of its largest where their swing fades or grows."""
    swing, said = np.abs(known.end - known.start), []
    largest = np.array([swing[known.device == number].max() for number in range(len(known.names))])
    _, moved = known.trends(swing, WORN * largest)
    best = np.argmax(known.mates * swing, axis=1)
    for number in np.flatnonzero(moved):
        own = np.flatnonzero(known.device == number)
        aims[own] = known.lines[best[own]]
        aims[own[swing[own] < (1 - WORN_OUT) * swing[best[own]]]] = np.nan
        words = "fades (endurance)" if moved[number] < 0 else "grows (it is not run in)"
        edges = f"{swing[own[0]]:.3g} to {swing[own[-1]]:.3g}"
        said.append(f"{known.names[number]} {words}, {edges}")
    return (
        "the swing of R_AH changes over the cycles, which is no C2C: all are taken with the largest, "
        f"and those that have lost {WORN_OUT:.0%} of it are left out: {few(said)}"
    ) * bool(said)


def _partial_resets(known: _Lines, aims: Array, falls: Array) -> str:
    """Give curves the line from saturation where they start here and there, and end alike."""
    inside: dict[str, float] = {}
    spreads = [known.start - known.mean(known.start), known.end - known.mean(known.end)]
    for own in (np.flatnonzero(falls == polarity) for polarity in Polarity):
        freedom = own.size - len(set(known.cell[own].tolist()))
        squares = np.array(spreads)[:, own] ** 2
        starts, ends = np.sum(squares / known.lever[:, own], axis=1)
        sure = freedom and stats.f.sf(starts / max(ends, 1e-300), freedom, freedom) < CHANCE
        wide = squares[0].sum() > freedom * (INSIDE * known.span) ** 2
        for n in own if sure and wide else ():
            # From where the other polarity ends; from the farthest start if there is none.
            end, others = (
                known.mean(known.end)[n],
                (known.device == known.device[n]) & ~known.mates[n],
            )
            far = known.start[np.argmax(np.abs(known.start - end) * known.mates[n])]
            full = known.end[others].mean() if others.any() else far
            slope = (full - end) / (known.means[n][0] - end)
            aims[n] = slope, end * (1 - slope), 0
            name = known.names[known.device[n]]
            inside[name] = max(inside.get(name, 0.0), 1 - known.lines[n, 0] / slope)
    shown = few(f"{name} by up to {share:.0%}" for name, share in inside.items())
    return (
        "curves start inside of the range (partial reset), and are taken as if from saturation: "
        f"{shown} of it"
    ) * bool(inside)


def steadied(measurement: Measurement, offset: bool) -> Measurement:
    """A measurement of pulses without what is no C2C and no D2D, and with what is said of it.

    Parameters
    ----------
    measurement : Measurement
        Without outliers.
    offset : bool
        Whether constant offsets are taken out.
    """
    curves = [one for one in measurement.curves if one.polarity is not None]
    if not curves:
        return measurement
    known = _Lines(curves)
    aims = known.lines.copy()
    falls = np.array([one.polarity for one in curves])
    said = [_drift(known, aims), _wear(known, aims), _partial_resets(known, aims, falls)]
    steady = []
    for one, mean, change in zip(curves, known.means, aims - known.lines, strict=True):
        along = np.polyval(change[:2], mean) + change[2] * np.linspace(-0.5, 0.5, mean.size)
        if np.isfinite(change).all():
            steady.append(replace(one, resistance=one.resistance + along))
    known = _Lines(steady)
    # Of both polarities, R_AH is highest and lowest where they saturate.
    edges = np.array([known.mean(known.start), known.mean(known.end)])
    middles = {}
    for number, name in enumerate(known.names):
        own = edges[:, known.device == number]
        middles[name] = float(own.max() + own.min()) / 2
    if offset and max(map(abs, middles.values())) > OFFSET * known.span:
        steady = [replace(one, resistance=one.resistance - middles[one.device]) for one in steady]
        shown = few(f"{name} {middle:.4g}" for name, middle in middles.items())
        said.append(
            "R_AH has a constant offset, which is half of both saturations and is taken out: "
            f"{shown} (--d2d-reading range keeps it)"
        )
    rest = [one for one in measurement.curves if one.polarity is None]
    notes = [*measurement.notes, *filter(None, said)]
    return replace(measurement, curves=[*steady, *rest], notes=notes)
