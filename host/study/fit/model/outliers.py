"""Points that stand apart from their neighbours and from other cycles, and cycles that do.

Single points are spikes of a meter. A point is compared with the running median of its cycle,
after what cycles of its device have in common (their median) is taken off. Slow deviations, which
C2C that is drawn on each pulse has, and steps are not spikes. A curve that does the same at one
pulse in most cycles is no outlier. Cycles that stand apart as a whole
(`allspin.host.study.fit.model.cycles`) are set aside first.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from allspin.host.study.fit.model.cycles import less_common, outlying_cycles
from allspin.host.study.fit.reading.curve import Curve, Measurement
from allspin.host.study.fit.reading.runs import LEAST_POINTS
from allspin.sim.device.synapse.response import Array, Polarity
from allspin.sim.errors import UserError

Far = npt.NDArray[np.bool_]
"""Which points of a curve are outliers."""

HALF = 3
"""Neighbours on either side: two spikes side by side are still told."""
FAR = 4.5
"""Times the usual distance from which a point is an outlier: of normal ones hardly any is."""
LEAST = 0.02
"""Of the range: what is nearer changes no figure."""
USUAL = 0.9
"""Share of points that are nearer than the usual distance: many are no way from a median."""
PARTS = 10
"""Parts of a curve whose scatter may differ."""
ENOUGH = 50
"""Points from which a part's scatter is taken by itself."""
FEW_CYCLES = 3
"""Cycles whose median one spike does not move."""
MOST = 0.05
"""Share of points beyond which they are no outliers but a distribution with wide tails."""
MOST_CYCLES = 1 / 3
"""Share of cycles beyond which nobody can say which are the good ones."""
SHOWN = 4


@dataclass(frozen=True)
class Outlier:
    """A point, or a whole cycle, that was set aside.

    Attributes
    ----------
    device, cycle, polarity
        Of which curve.
    x, resistance : float or None
        The point; None for a whole cycle.
    curve : Curve or None
        The whole cycle.
    """

    device: str
    cycle: str
    polarity: Polarity | None
    x: float | None
    resistance: float | None
    curve: Curve | None = None

    def __str__(self) -> str:
        cycle = f" cycle {self.cycle}" if self.cycle else ""
        if self.x is None:
            part = "" if self.polarity is None else f" {self.polarity.name.lower()}"
            return f"{self.device}{cycle}{part}, the whole cycle"
        at = f"current {self.x:.4g}"
        if self.polarity is not None:
            at = f"{self.polarity.name.lower()} pulse {self.x:g}"
        return f"{self.device}{cycle} {at}"

    def to_dict(self) -> dict[str, str | float | None]:
        """As plain values."""
        name = None if self.polarity is None else self.polarity.name.lower()
        return {
            "device": self.device,
            "cycle": self.cycle,
            "polarity": name,
            "at": self.x,
            "resistance": self.resistance,
        }


def _running_median(values: Array, shrink: bool) -> Array:
    """Median of neighbours; at the ends of fewer: as many on either side, or whatever there is."""
    window = 2 * HALF + 1
    padded = np.pad(values, HALF, constant_values=np.nan)
    medians = np.nanmedian(np.lib.stride_tricks.sliding_window_view(padded, window), axis=1)
    if shrink:
        for end in range(min(HALF, values.size)):
            medians[end] = np.median(values[: 2 * end + 1])
            medians[-1 - end] = np.median(values[values.size - 2 * end - 1 :])
    return medians


def _rests(curves: Sequence[Curve]) -> list[Array]:
    """Points of one device's cycles less what the cycles have in common."""
    if len(curves) < FEW_CYCLES:
        return [curve.resistance for curve in curves]
    return less_common(curves)


def _still_far(rest: Array, far: Far, limit: Array) -> Far:
    """Those of some points that are far from the line between the neighbours that are not.

    On a slope a spike draws the median with it, and points beside it seem far.
    """
    places = np.arange(rest.size)
    if not far.any() or far.all():
        return far
    line = np.interp(places, places[~far], rest[~far])
    return far & (np.abs(rest - line) > limit)


def _spiked_ends(curve: Curve, limit: Array) -> list[int]:
    """Ends that lie beyond their next points, against the way of the curve: 0, -1, or both.

    The running median cannot tell an end from a fast first pulse. A monotone curve, though, never
    begins beyond its next points.
    """
    values = curve.resistance
    if values.size <= LEAST_POINTS:
        return []
    found = []
    for end, inwards in ((0, 1), (-1, -1)):
        v = values[::inwards]
        # A neuron's curve may fall at one end and rise at the other.
        rises = v[3] - v[1] if curve.polarity is None else inwards * (1 - 2 * curve.polarity)
        if (v[0] - np.median(v[1:4])) * np.sign(rises) > limit[end]:
            found.append(end)
    return found


def _far(curve: Curve, rest: Array, distance: Array, limit: Array, few: bool) -> Far:
    """Which points of a curve are outliers by themselves."""
    ends = _spiked_ends(curve, limit) if few else []
    if ends:
        # On a slope such an end makes the points beside it seem far.
        rest = rest.copy()
        for end in ends:
            rest[end] = rest[1 if end == 0 else -2]
        distance = rest - _running_median(rest, few)
    far = _still_far(rest, np.abs(distance) > limit, limit)
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


def _by_device(curves: Sequence[Curve]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for place, curve in enumerate(curves):
        found.setdefault(curve.device, []).append(place)
    return found


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
    rests: list[Array] = [np.zeros(0)] * len(curves)
    distances = list(rests)
    for places in _by_device(curves).values():
        own = _rests([curves[place] for place in places])
        for place, rest in zip(places, own, strict=True):
            rests[place] = rest
            distances[place] = rest - _running_median(rest, len(places) < FEW_CYCLES)
    ranges = [np.subtract(*np.percentile(curve.resistance, [98, 2])) for curve in curves]
    least = LEAST * float(np.median(ranges))
    limits = [np.maximum(FAR * scale, least) for scale in _scales(curves, distances)]
    counts = Counter(curve.device for curve in curves)
    few = [counts[curve.device] < FEW_CYCLES for curve in curves]
    far = list(map(_far, curves, rests, distances, limits, few))
    return _not_in_common(curves, far)


def _not_in_common(curves: Sequence[Curve], far: list[Far]) -> list[Far]:
    """Without points at which most curves do the same."""
    if len(curves) < FEW_CYCLES:
        return far
    x = np.concatenate([curve.x for curve in curves])
    places, which = np.unique(x, return_inverse=True)
    counts = np.bincount(which, minlength=places.size)
    shares = np.bincount(which, np.concatenate(far), places.size) / counts
    common = {float(place) for place in places[(shares > 0.5) & (counts >= FEW_CYCLES)]}
    return [own & ~np.isin(curve.x, list(common)) for own, curve in zip(far, curves, strict=True)]


def set_aside(measurement: Measurement) -> tuple[Measurement, list[Outlier]]:
    """A measurement without its outliers, and these: whole cycles first, then points.

    Raises
    ------
    UserError
        If so many points or cycles stand apart that they are no outliers.
    """
    measurement, cycles = _without_cycles(measurement)
    outliers: list[Outlier] = []
    kept: dict[int, Curve] = {}
    for places in _by_polarity(measurement):
        curves = [measurement.curves[place] for place in places]
        for place, curve, far in zip(places, curves, find_outliers(curves), strict=True):
            if not far.any() or curve.x.size - far.sum() < LEAST_POINTS:
                continue
            kept[place] = curve.at(np.flatnonzero(~far))
            outliers += [
                Outlier(curve.device, curve.cycle, curve.polarity, float(x), float(resistance))
                for x, resistance in zip(curve.x[far], curve.resistance[far], strict=True)
            ]
    points = sum(curve.x.size for curve in measurement.curves)
    if len(outliers) > MOST * points:
        raise UserError(
            f"{len(outliers):,} of {points:,} points stand apart from their neighbours, too many "
            f"for outliers, {outliers[0]} among them; keep them with --keep-outliers, or choose "
            "the rows that are good"
        )
    if not outliers:
        return measurement, cycles
    note = (
        f"{len(outliers):,} of {points:,} points are set aside as outliers: {_shown(outliers)} "
        "(--keep-outliers keeps them)"
    )
    curves = [kept.get(place, curve) for place, curve in enumerate(measurement.curves)]
    measurement = replace(measurement, curves=curves, notes=[*measurement.notes, note])
    return measurement, cycles + outliers


def _shown(outliers: Sequence[Outlier]) -> str:
    """The first of them, and how many more there are."""
    more = f" and {len(outliers) - SHOWN:,} more" if len(outliers) > SHOWN else ""
    return "; ".join(map(str, outliers[:SHOWN])) + more


def _by_polarity(measurement: Measurement) -> list[list[int]]:
    """Places of the curves of each polarity, and of neurons; those that there are."""
    found = [
        [place for place, one in enumerate(measurement.curves) if one.polarity is polarity]
        for polarity in (*Polarity, None)
    ]
    return [places for places in found if places]


def _without_cycles(measurement: Measurement) -> tuple[Measurement, list[Outlier]]:
    """A measurement without the cycles that are outlying as a whole, and these."""
    outliers: list[Outlier] = []
    left_out: set[int] = set()
    for places in _by_polarity(measurement):
        curves = [measurement.curves[place] for place in places]
        far = outlying_cycles(curves)
        found = [
            Outlier(curve.device, curve.cycle, curve.polarity, None, None, curve)
            for curve, own in zip(curves, far, strict=True)
            if own
        ]
        if len(found) > MOST_CYCLES * len(curves):
            raise UserError(
                f"{len(found)} of {len(curves)} cycles stand apart from the others of their "
                f"device, too many for outliers, {found[0]}, among them; choose those that are "
                'good, such as --where "cycle=3..10", or keep all with --keep-outliers'
            )
        outliers += found
        left_out |= {place for place, own in zip(places, far, strict=True) if own}
    if not outliers:
        return measurement, []
    note = (
        f"{len(outliers):,} of {len(measurement.curves):,} cycles are set aside, which stand apart "
        f"from the others of their device: {_shown(outliers)} (--keep-outliers keeps them)"
    )
    curves = [one for place, one in enumerate(measurement.curves) if place not in left_out]
    return replace(measurement, curves=curves, notes=[*measurement.notes, note]), outliers
