"""Cycles that stand apart from the others of their device, and points from their neighbours.

A cycle of a film that is not yet run in is another than the rest. Each is compared with the median
of its device's cycles, point by point: how far most of its points are away, against how far those
of other cycles are, of all devices. Such cycles are set aside first.

Single points are spikes of a meter. A point is compared with the running median of its cycle,
after what cycles of its device have in common (their median) is taken off. Slow deviations, which
C2C that is drawn on each pulse has, and steps are not spikes. A curve that does the same at one
pulse in most cycles is no outlier.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from allspin.host.fit.curves import Curve, Measurement, aligned, by_device
from allspin.host.fit.turns import LEAST_POINTS
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Array, Polarity

Far = npt.NDArray[np.bool_]
"""Which points of a curve, or which curves, are outliers."""

LEAST = 0.02
"""Of the range: what is nearer changes no figure."""
SHOWN = 4
"""Outliers that a message has."""


@dataclass(frozen=True)
class Outlier:
    """A point, or a whole cycle, that was set aside.

    Attributes
    ----------
    curve : Curve
        The cycle.
    x, resistance : float or None
        The point; None for the whole cycle.
    """

    curve: Curve
    x: float | None = None
    resistance: float | None = None

    def __str__(self) -> str:
        polarity = self.curve.polarity
        name = "" if polarity is None else f" {polarity.name.lower()}"
        cycle = f" cycle {self.curve.cycle}" if self.curve.cycle else ""
        place = ", the whole cycle"
        if self.x is not None:
            place = f" current {self.x:.4g}" if polarity is None else f" pulse {self.x:g}"
        return f"{self.curve.device}{cycle}{name}{place}"

    def to_dict(self) -> dict[str, str | float | None]:
        """As plain values."""
        polarity = self.curve.polarity
        return {
            "device": self.curve.device,
            "cycle": self.curve.cycle,
            "polarity": None if polarity is None else polarity.name.lower(),
            "at": self.x,
            "resistance": self.resistance,
        }


def less_common(curves: Sequence[Curve]) -> list[Array]:
    """Points of one device's cycles less the median of the cycles that have a point there."""
    rows = [curve.resistance for curve in curves]
    if all(np.array_equal(curve.x, curves[0].x) for curve in curves):
        common = np.median(rows, axis=0)
        return [row - common for row in rows]
    x, table = aligned([curve.x for curve in curves], rows)
    common = np.nanmedian(table, axis=0)
    return [curve.resistance - common[np.searchsorted(x, curve.x)] for curve in curves]


def _usual_range(curves: Sequence[Curve]) -> float:
    """The range of R_AH that most curves have."""
    ranges = [np.subtract(*np.percentile(curve.resistance, [98, 2])) for curve in curves]
    return float(np.median(ranges))


# Whole cycles.

FEW = 4
"""Cycles from which one of them can be told to be another than the rest."""
MOST_POINTS = 0.75
"""Share of a cycle's points that are nearer than the cycle is away; spikes are few."""
SURE = 5.0
"""Deviations of the logarithm of that distance from which a cycle is outlying."""
RATIOS = (3.0, 6.0)
"""Times the usual distance from which it is, whatever that deviation: at least, and at most."""
UNSURE = 15.0
"""Added to both, over the number of cycles: of few the usual distance is not well known."""
MAD = 1.4826
"""Standard deviation of normal values over their median distance from the median."""


def _limit(distances: Array, span: float) -> float:
    """From which distance a cycle is outlying."""
    usual = float(np.median(distances))
    if not usual:
        return LEAST * span
    logs = np.log(np.maximum(distances, 1e-3 * usual) / usual)
    spread = MAD * float(np.median(np.abs(logs)))
    least, most = (ratio + UNSURE / distances.size for ratio in RATIOS)
    return max(float(np.clip(np.exp(SURE * spread), least, most)) * usual, LEAST * span)


def outlying_cycles(curves: Sequence[Curve]) -> Far:
    """Which of some curves of one polarity, or of neurons, are outlying as a whole.

    Parameters
    ----------
    curves : sequence of Curve
        Of any number of devices and cycles; devices of fewer than four cycles have none.

    Returns
    -------
    ndarray of bool, shape (curves,)
    """
    distances = np.full(len(curves), np.nan)
    for places in by_device(curves).values():
        if len(places) >= FEW:
            rests = less_common([curves[place] for place in places])
            distances[places] = [np.quantile(np.abs(rest), MOST_POINTS) for rest in rests]
    tested = np.isfinite(distances)
    if not tested.any():
        return tested
    limit = _limit(distances[tested], _usual_range(curves))
    return tested & (np.nan_to_num(distances) > limit)


# Single points.

HALF = 3
"""Neighbours on either side: two spikes side by side are still told."""
FAR = 4.5
"""Times the usual distance from which a point is an outlier: of normal ones hardly any is."""
USUAL = 0.9
"""Share of points that are nearer than the usual distance: many are no way from a median."""
PARTS = 10
"""Parts of a curve whose scatter may differ."""
ENOUGH = 50
"""Points from which a part's scatter is taken by itself."""
FEW_CYCLES = 3
"""Cycles whose median one spike does not move."""


def _running_median(values: Array, shrink: bool) -> Array:
    """Median of neighbours; at the ends of fewer: as many on either side, or whatever there is."""
    padded = np.pad(values, HALF, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * HALF + 1)
    medians = np.nanmedian(windows, axis=1)
    if shrink:
        for end in range(min(HALF, values.size)):
            medians[end] = np.median(values[: 2 * end + 1])
            medians[-1 - end] = np.median(values[values.size - 2 * end - 1 :])
    return medians


def _spiked_ends(curve: Curve, limit: Array) -> list[int]:
    """Ends that lie beyond their next points, against the way of the curve: 0, -1, or both.

    The running median cannot tell an end from a fast first pulse. A monotone curve, though, never
    begins beyond its next points.
    """
    if curve.resistance.size <= LEAST_POINTS:
        return []
    found = []
    for end, inwards in ((0, 1), (-1, -1)):
        v = curve.resistance[::inwards]
        # A neuron's curve may fall at one end and rise at the other.
        rises = v[3] - v[1] if curve.polarity is None else inwards * (1 - 2 * curve.polarity)
        if (v[0] - np.median(v[1:4])) * np.sign(rises) > limit[end]:
            found.append(end)
    return found


def _far(curve: Curve, rest: Array, limit: Array, few: bool) -> Far:
    """Which points of a curve are outliers by themselves."""
    ends = _spiked_ends(curve, limit) if few else []
    if ends:
        # On a slope such an end makes the points beside it seem far.
        rest = rest.copy()
        for end in ends:
            rest[end] = rest[1 if end == 0 else -2]
    far = np.abs(rest - _running_median(rest, few)) > limit
    if far.any() and not far.all():
        # On a slope a spike draws the median with it, and points beside it seem far: only those
        # are that are far from the line between the neighbours that are not.
        places = np.arange(rest.size)
        line = np.interp(places, places[~far], rest[~far])
        far &= np.abs(rest - line) > limit
    far[ends] = True
    return far


def _scales(curves: Sequence[Curve], distances: Sequence[Array]) -> list[Array]:
    """The usual distance at each point: that of its part of the curve."""
    every = np.concatenate(distances)
    whole = float(np.quantile(np.abs(every), USUAL))
    top = max(float(np.abs(curve.x).max()) for curve in curves) or 1.0
    parts = [np.minimum((np.abs(curve.x) / top * PARTS).astype(int), PARTS - 1) for curve in curves]
    which = np.concatenate(parts)
    scales = np.full(PARTS, whole)
    for part in range(PARTS):
        own = np.abs(every[which == part])
        if own.size >= ENOUGH:
            scales[part] = max(float(np.quantile(own, USUAL)), whole / 2)
    return [scales[own] for own in parts]


def find_outliers(curves: Sequence[Curve]) -> list[Far]:
    """Which points of some curves of one polarity, or of neurons, are outliers.

    Parameters
    ----------
    curves : sequence of Curve
        Of any number of devices and cycles.

    Returns
    -------
    list of ndarray of bool
        For each curve.
    """
    if not curves:
        return []
    rests = [curve.resistance for curve in curves]
    few = [True] * len(curves)
    for places in by_device(curves).values():
        if len(places) >= FEW_CYCLES:
            own = less_common([curves[place] for place in places])
            for place, rest in zip(places, own, strict=True):
                rests[place], few[place] = rest, False
    distances = [
        rest - _running_median(rest, shrink) for rest, shrink in zip(rests, few, strict=True)
    ]
    least = LEAST * _usual_range(curves)
    limits = [np.maximum(FAR * scale, least) for scale in _scales(curves, distances)]
    far = list(map(_far, curves, rests, limits, few))
    if len(curves) < FEW_CYCLES:
        return far
    # What most curves do at one place is no outlier.
    x, which = np.unique(np.concatenate([curve.x for curve in curves]), return_inverse=True)
    counts = np.bincount(which, minlength=x.size)
    shares = np.bincount(which, np.concatenate(far), x.size) / counts
    common = x[(shares > 0.5) & (counts >= FEW_CYCLES)]
    return [own & ~np.isin(curve.x, common) for own, curve in zip(far, curves, strict=True)]


# Both, of a measurement.

MOST = 0.05
"""Share of points beyond which they are no outliers but a distribution with wide tails."""
MOST_CYCLES = 1 / 3
"""Share of cycles beyond which nobody can say which are the good ones."""


def set_aside(measurement: Measurement) -> tuple[Measurement, list[Outlier]]:
    """A measurement without its outliers, and these: whole cycles first, then points.

    Raises
    ------
    UserError
        If so many points or cycles stand apart that they are no outliers.
    """
    cycles: list[Outlier] = []
    outliers: list[Outlier] = []
    kept: list[tuple[int, Curve]] = []
    for polarity in (*Polarity, None):
        every = [one for one in enumerate(measurement.curves) if one[1].polarity is polarity]
        far_cycles = outlying_cycles([curve for _, curve in every])
        good = [one for one, out in zip(every, far_cycles, strict=True) if not out]
        bad = [curve for (_, curve), out in zip(every, far_cycles, strict=True) if out]
        found = list(map(Outlier, bad))
        if len(found) > MOST_CYCLES * len(every):
            raise UserError(
                f"{len(found)} of {len(every)} cycles stand apart from the others of their "
                f"device, too many for outliers, {found[0]}, among them; choose those that are "
                'good, such as --where "cycle=3..10", or keep all with --keep-outliers'
            )
        cycles += found
        far_points = find_outliers([curve for _, curve in good])
        for (place, curve), far in zip(good, far_points, strict=True):
            if not far.any() or curve.x.size - far.sum() < LEAST_POINTS:
                kept.append((place, curve))
                continue
            kept.append((place, curve.at(np.flatnonzero(~far))))
            outliers += [
                Outlier(curve, float(x), float(resistance))
                for x, resistance in zip(curve.x[far], curve.resistance[far], strict=True)
            ]
    points = len(outliers) + sum(curve.x.size for _, curve in kept)
    if len(outliers) > MOST * points:
        raise UserError(
            f"{len(outliers):,} of {points:,} points stand apart from their neighbours, too many "
            f"for outliers, {outliers[0]} among them; keep them with --keep-outliers, or choose "
            "the rows that are good"
        )
    notes = list(measurement.notes)
    if cycles:
        notes.append(
            f"{len(cycles):,} of {len(measurement.curves):,} cycles are set aside, which stand "
            f"apart from the others of their device: {_shown(cycles)} (--keep-outliers keeps them)"
        )
    if outliers:
        notes.append(
            f"{len(outliers):,} of {points:,} points are set aside as outliers: {_shown(outliers)} "
            "(--keep-outliers keeps them)"
        )
    curves = [curve for _, curve in sorted(kept, key=lambda one: one[0])]
    return replace(measurement, curves=curves, notes=notes), cycles + outliers


def _shown(outliers: Sequence[Outlier]) -> str:
    """The first of them, and how many more there are."""
    more = f" and {len(outliers) - SHOWN:,} more" if len(outliers) > SHOWN else ""
    return "; ".join(map(str, outliers[:SHOWN])) + more
