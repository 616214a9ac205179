"""Differences between cycles that are no C2C, and offsets of devices that are no D2D.

Each cycle is compared with the mean one, as a straight line of it
(`allspin.host.estimate.lines.CurveLines`). If the middles of the lines follow the order of the
cycles, R_AH drifts, and the drift is subtracted. If their swings do, R_AH fades or grows; if starts
scatter and ends do not, cycles begin inside of the range. Such data are refused, because they do
not tell the curve from saturation.

A constant offset of a device is half the sum of both of its saturations, and is no part of R_AH.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import stats

from allspin.host.estimate.lines import CHANCE, CurveLines
from allspin.host.lab.curves import Curve, Measurement
from allspin.host.lab.quantities import few
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Polarity

LEAST = 0.02
"""Share of the range below which a drift, or a scatter of starts, changes no result."""
OFFSET = 0.05
"""Share of the range up to which an offset may belong to the device."""
WORN = 0.1
"""Share of its swing that a worn device has lost, or that one which is not run in has won."""
CHOOSE = 'choose cycles that are alike, such as `where` "cycle=1..3", or keep all, `keep_outliers`'
"""Advice on cycles that differ."""


def remove_disturbances(measurement: Measurement, offset: bool) -> Measurement:
    """Return a measurement without drift and offsets, and notes on them.

    Parameters
    ----------
    measurement : Measurement
        Curves without outliers.
    offset : bool
        True to subtract constant offsets.

    Raises
    ------
    UserError
        If the swing of R_AH changes over the cycles, or cycles begin inside of the range.
    """
    neurons, notes = _steady([one for one in measurement.curves if one.polarity is None])
    pulsed, more = _steady([one for one in measurement.curves if one.polarity is not None])
    notes = [*measurement.notes, *notes, *more]
    if pulsed:
        notes += _check_lengths(pulsed)
    if pulsed and offset:
        pulsed, more = _remove_offsets(pulsed)
        notes += more
    return replace(measurement, curves=[*pulsed, *neurons], notes=notes)


def _steady(curves: list[Curve]) -> tuple[list[Curve], list[str]]:
    """Return curves of pulses, or of neurons, without drift, and a note on it."""
    notes: list[str] = []
    if not curves:
        return curves, notes
    lines = CurveLines(curves)
    middle = (lines.start + lines.end) / 2
    slopes, drifts = lines.trends(middle, LEAST * lines.span)
    if drifts.any():
        said = few(
            f"{lines.devices[n]} by {drifts[n]:.3g}, {drifts[n] / lines.span:.0%} of the range"
            for n in np.flatnonzero(drifts)
        )
        notes.append(f"R_AH drifts over the run, which is taken off: {said}")
        # All middles of a device become that of its first curve.
        slope = slopes[lines.device]
        levels = lines.less_cell(middle) + slope * lines.by_cell(lines.order)[lines.cell]
        for n in np.flatnonzero(drifts[lines.device]):
            resistance = curves[n].resistance
            ramp = slope[n] * np.linspace(-0.5, 0.5, resistance.size)
            curves[n] = replace(curves[n], resistance=resistance - levels[n] - ramp)
        lines = CurveLines(curves)
    _check_wear(lines)
    _check_starts(lines)
    return curves, notes


def _check_wear(lines: CurveLines) -> None:
    """Raise a `UserError` if the swing of a device fades or grows from cycle to cycle."""
    swing = np.abs(lines.end - lines.start)
    largest = np.zeros(len(lines.devices))
    np.maximum.at(largest, lines.device, swing)
    for number in np.flatnonzero(lines.trends(swing, WORN * largest)[1]):
        own = swing[lines.device == number]
        way = "fades (endurance)" if own[-1] < own[0] else "grows (it is not run in)"
        raise UserError(
            f"the swing of R_AH of {lines.devices[number]} {way}, {own[0]:.3g} to {own[-1]:.3g}, "
            f"which is no C2C; {CHOOSE}"
        )


def _check_starts(lines: CurveLines) -> None:
    """Raise a `UserError` if pulses begin inside of the range in some cycles."""
    if lines.curves[0].polarity is None:
        return
    for polarity in Polarity:
        if _starts_scatter(lines, np.flatnonzero(lines.falls == polarity)):
            raise UserError(
                f"curves of {polarity.name.lower()} start inside of the range (partial reset): "
                "their starts scatter, and their ends do not; measure from saturation, or keep "
                "all with `keep_outliers`"
            )


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
