"""Differences between cycles that are no C2C, and offsets of devices that are no D2D.

Each cycle is compared with the mean one, as a straight line of it
(`allspin.host.estimate.lines.CurveLines`). If starts and ends of the lines follow the order of the
cycles, R_AH drifts, or its swing fades or grows. If starts scatter and ends do not, cycles begin
inside of the range. The differences of the lines are subtracted, and the rest is C2C.

A constant offset of a device is half the sum of both of its saturations, and is no part of R_AH.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import stats

from allspin.host.estimate.lines import CHANCE, CurveLines
from allspin.host.lab.curves import Curve, Measurement
from allspin.host.lab.quantities import few
from allspin.sim.synapse.response import Array, Polarity

LEAST = 0.02
"""Share of the range below which a drift, or a scatter of starts, changes no result."""
OFFSET = 0.05
"""Share of the range up to which an offset may belong to the device."""
WORN = 0.1
"""Share of its swing that a worn device has lost, or that one which is not run in has won."""
WORN_OUT = 0.4
"""Share of the swing that is lost in cycles which are left out."""


def remove_disturbances(measurement: Measurement, offset: bool) -> Measurement:
    """Return a measurement without differences that are no C2C and no D2D, and notes on them.

    Parameters
    ----------
    measurement : Measurement
        Curves without outliers.
    offset : bool
        True to subtract constant offsets.
    """
    neurons, notes = _remove([one for one in measurement.curves if one.polarity is None])
    pulsed, more = _remove([one for one in measurement.curves if one.polarity is not None])
    notes = [*measurement.notes, *notes, *more]
    if pulsed:
        notes += _check_lengths(pulsed)
    if pulsed and offset:
        pulsed, more = _remove_offsets(pulsed)
        notes += more
    return replace(measurement, curves=[*pulsed, *neurons], notes=notes)


def _remove(curves: list[Curve]) -> tuple[list[Curve], list[str]]:
    """Return curves of pulses, or of neurons, without differences that are no C2C, and notes."""
    notes: list[str] = []
    if not curves:
        return curves, notes
    for find in (_drift, _wear, _partial_resets, _whole_differences):
        lines = CurveLines(curves)
        targets, note = find(lines)
        if note:
            notes.append(note)
            curves = _moved(lines, targets)
    return curves, notes


def _moved(lines: CurveLines, targets: Array) -> list[Curve]:
    """Return curves moved from their lines to others; those of NaN are left out."""
    curves = []
    changes = targets - lines.lines
    for curve, mean, change in zip(lines.curves, lines.means, changes, strict=True):
        if np.isfinite(change).all():
            ramp = change[2] * np.linspace(-0.5, 0.5, mean.size)
            moved = curve.resistance + (np.polyval(change[:2], mean) + ramp)
            curves.append(replace(curve, resistance=moved))
    return curves


def _drift(lines: CurveLines) -> tuple[Array, str]:
    """Give all cycles of a device that drifts the middle of its first."""
    targets = lines.lines.copy()
    middle = (lines.start + lines.end) / 2
    slopes, drifts = lines.trends(middle, LEAST * lines.span)
    slope = slopes[lines.device]
    start = middle[lines.first] - slope * lines.order[lines.first]
    moves = drifts[lines.device] != 0
    targets[moves, 1:] += np.stack([start - middle, -slope], axis=1)[moves]
    said = few(
        f"{lines.devices[n]} by {drifts[n]:.3g}, {drifts[n] / lines.span:.0%} of the range"
        for n in np.flatnonzero(drifts)
    )
    return targets, f"R_AH drifts over the run, which is taken off: {said}" if said else ""


def _wear(lines: CurveLines) -> tuple[Array, str]:
    """Give all cycles of a device that wears, or is not run in, the line of the largest swing."""
    targets = lines.lines.copy()
    swing = np.abs(lines.end - lines.start)
    order = np.lexsort([swing, lines.cell])
    best = order[np.searchsorted(lines.cell[order], lines.cell, "right") - 1]
    largest = np.zeros(len(lines.devices))
    np.maximum.at(largest, lines.device, swing)
    said = []
    for number in np.flatnonzero(lines.trends(swing, WORN * largest)[1]):
        own = np.flatnonzero(lines.device == number)
        targets[own] = lines.lines[best[own]]
        targets[own[swing[own] < (1 - WORN_OUT) * swing[best[own]]]] = np.nan
        first = swing[own[0]]
        last = swing[own[-1]]
        way = "fades (endurance)" if last < first else "grows (it is not run in)"
        said.append(f"{lines.devices[number]} {way}, {first:.3g} to {last:.3g}")
    if not said:
        return targets, ""
    return targets, (
        "the swing of R_AH changes over the cycles, which is no C2C: all are taken with the "
        f"largest, and those that have lost {WORN_OUT:.0%} of it are left out: {few(said)}"
    )


def _partial_resets(lines: CurveLines) -> tuple[Array, str]:
    """Give curves whose starts scatter, and whose ends do not, the line from saturation."""
    targets = lines.lines.copy()
    if lines.curves[0].polarity is None:
        return targets, ""
    ends = lines.by_cell(lines.end)
    saturation = _saturations(lines, ends)
    inside: dict[str, float] = {}
    for polarity in Polarity:
        own = np.flatnonzero(lines.falls == polarity)
        if not _starts_scatter(lines, own):
            continue
        for n in own.tolist():
            end = ends[lines.cell[n]]
            slope = (saturation[n] - end) / (lines.means[n][0] - end)
            targets[n] = slope, end * (1 - slope), 0
            device = lines.devices[lines.device[n]]
            inside[device] = max(inside.get(device, 0.0), 1 - lines.lines[n, 0] / slope)
    if not inside:
        return targets, ""
    said = few(f"{device} by up to {share:.0%}" for device, share in inside.items())
    return targets, (
        "curves start inside of the range (partial reset), and are taken as if from saturation: "
        f"{said} of it"
    )


def _saturations(lines: CurveLines, ends: Array) -> Array:
    """Return R_AH of saturation before each curve: where the other polarity ends.

    Without the other polarity it is the farthest start.
    """
    reach = np.zeros(ends.size)
    np.maximum.at(reach, lines.cell, np.abs(lines.start - lines.end))
    other = ends[lines.cell ^ 1]
    farthest = ends[lines.cell] + (2 * lines.falls - 1) * reach[lines.cell]
    return np.where(np.isnan(other), farthest, other)


def _starts_scatter(lines: CurveLines, own: npt.NDArray[np.intp]) -> bool:
    """Return True if the starts of some curves scatter more than their ends, by an F test."""
    freedom = own.size - np.unique(lines.cell[own]).size
    if not freedom:
        return False
    distances = np.array([lines.less_cell(lines.start), lines.less_cell(lines.end)])
    starts, ends = np.sum((distances**2 / lines.lever)[:, own], axis=1)
    if stats.f.sf(starts / max(ends, 1e-300), freedom, freedom) > CHANCE:
        return False
    return bool((distances[0, own] ** 2).sum() >= freedom * (LEAST * lines.span) ** 2)


def _whole_differences(lines: CurveLines) -> tuple[Array, str]:
    """Give all cycles the line of their mean if they differ in height or swing.

    Deviations of single pulses that decay along a cycle are no such difference: their steps are
    less than the residuals about the lines.
    """
    targets = lines.lines.copy()
    count = len(lines.curves)
    pairs = zip(lines.curves, lines.means, strict=True)
    distances = [one.resistance - mean for one, mean in pairs]
    points = sum(map(len, distances))
    square = sum(float(one @ one) for one in distances)
    rest = sum(float(one @ one) for one in lines.residuals)
    explained = square - rest
    free = 1 - np.unique(lines.cell).size / count  # share of the curves beyond their means
    freedom = free * (points - 2 * count)
    correlation = sum(float(one[1:] @ one[:-1]) for one in distances) / max(square, 1e-300)
    steps = (1 - correlation**2) * square * (1 - 2 * count / points)
    # An explained part below a quarter of the rest changes no result.
    if not freedom or steps < rest or explained < rest / 4:
        return targets, ""
    ratio = explained / max(rest, 1e-300) * freedom / max(2 * free * count, 1)
    if stats.f.sf(ratio, 2 * free * count, freedom) > CHANCE:
        return targets, ""
    targets[:] = 1, 0, 0
    return targets, (
        "cycles of a device differ as a whole, by "
        f"{math.sqrt(explained / points / free) / lines.span:.1%} of the range, which is taken "
        "off: each is put to their mean height and swing"
    )


def _check_lengths(curves: Sequence[Curve]) -> list[str]:
    """Return a note if curves of one polarity end at different pulses."""
    for polarity in Polarity:
        lasts = [float(one.x[-1]) for one in curves if one.polarity is polarity]
        if lasts and min(lasts) < 0.9 * max(lasts):
            return ["curves end at different pulses, and P_max is the largest; is it one device?"]
    return []


def _remove_offsets(curves: list[Curve]) -> tuple[list[Curve], list[str]]:
    """Subtract the constant offset of each device, and return a note."""
    lines = CurveLines(curves)
    # Of both polarities, R_AH is highest and lowest at saturation.
    edges = np.array([lines.by_cell(lines.start), lines.by_cell(lines.end)]).reshape(2, -1, 2)
    middles = (np.nanmax(edges, axis=(0, 2)) + np.nanmin(edges, axis=(0, 2))) / 2
    if np.abs(middles).max() <= OFFSET * lines.span:
        return curves, []
    pairs = zip(curves, middles[lines.device], strict=True)
    shifted = [replace(one, resistance=one.resistance - middle) for one, middle in pairs]
    pairs = zip(lines.devices, middles, strict=True)
    said = few(f"{name} {middle:.4g}" for name, middle in pairs)
    note = (
        "R_AH has a constant offset, which is half of both saturations and is taken out: "
        f"{said} (`reading` range keeps it)"
    )
    return shifted, [note]
