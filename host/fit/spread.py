"""Variation in the data: between cycles of a device, and between devices.

Cycle to cycle (C2C) is what cycles of one device differ by at the same pulse number, so no
model is in it. Two readings are told apart by it: if each pulse adds a deviation of its own,
what is left of the earlier ones by ``exp(-1 / A)`` a pulse explains the later ones, and
taking it off leaves less; else the deviation is of the whole write.

Device to device (D2D) is what devices' mean curves differ by, less what cycles leave in
them. Each reading of it is a way in which a curve can differ from the mean one; that which
explains most is taken unless another is asked for.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import stats

from allspin.host.fit.columns import Curve, Measurement
from allspin.host.fit.response import (
    CONFIDENCE,
    DeviceCurves,
    Fit,
    Interval,
    ResponseFit,
    fit_device,
    shape,
)
from allspin.host.fit.runs import LEAST_POINTS
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Array, Polarity

# Cycles that stand apart from the others of their device: of a film that is not yet run in.
#
# A cycle is compared with the median of its device's cycles, point by point. How far most of its
# points are away is compared with how far those of other cycles are, of all devices.

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
LEAST = 0.02
"""Of the range: what is nearer changes no figure."""
MAD = 1.4826
"""Standard deviation of normal values over their median distance from the median."""


def align(curves: Sequence[Curve]) -> list[npt.NDArray[np.intp]]:
    """For each curve, its points' places on a list that all cycles of the device share."""
    if all(np.array_equal(curve.x, curves[0].x) for curve in curves):
        return [np.arange(curve.x.size, dtype=np.intp) for curve in curves]
    places = np.unique(np.concatenate([curve.x for curve in curves]))
    return [np.searchsorted(places, curve.x) for curve in curves]


def less_common(curves: Sequence[Curve]) -> list[Array]:
    """Points of one device's cycles less the median of the cycles that have a point there."""
    where = align(curves)
    table = np.full((len(curves), 1 + max(int(one.max()) for one in where)), np.nan)
    for row, curve, own in zip(table, curves, where, strict=True):
        row[own] = curve.resistance
    there = np.isfinite(table).any(axis=0)
    common = np.zeros(table.shape[1])
    common[there] = np.nanmedian(table[:, there], axis=0)
    return [curve.resistance - common[own] for curve, own in zip(curves, where, strict=True)]


def _limit(distances: Array, span: float) -> float:
    """From which distance a cycle is outlying."""
    usual = float(np.median(distances))
    if not usual:
        return LEAST * span
    logs = np.log(np.maximum(distances, 1e-3 * usual) / usual)
    spread = MAD * float(np.median(np.abs(logs)))
    least, most = (ratio + UNSURE / distances.size for ratio in RATIOS)
    return max(float(np.clip(np.exp(SURE * spread), least, most)) * usual, LEAST * span)


def outlying_cycles(curves: Sequence[Curve]) -> npt.NDArray[np.bool_]:
    """Which of some curves of one polarity, or of neurons, are outlying as a whole.

    Parameters
    ----------
    curves : sequence of Curve
        Of any number of devices and cycles; devices of fewer than four cycles have none.

    Returns
    -------
    ndarray of bool, shape (curves,)
    """
    devices: dict[str, list[int]] = {}
    for place, curve in enumerate(curves):
        devices.setdefault(curve.device, []).append(place)
    distances = np.full(len(curves), np.nan)
    for places in devices.values():
        if len(places) >= FEW:
            rests = less_common([curves[place] for place in places])
            distances[places] = [np.quantile(np.abs(rest), MOST_POINTS) for rest in rests]
    tested = np.isfinite(distances)
    if not tested.any():
        return tested
    spans = [np.subtract(*np.percentile(curve.resistance, [98, 2])) for curve in curves]
    limit = _limit(distances[tested], float(np.median(spans)))
    return tested & (np.nan_to_num(distances) > limit)


# Points that stand apart from their neighbours and from other cycles, and cycles that do.
#
# Single points are spikes of a meter. A point is compared with the running median of its cycle,
# after what cycles of its device have in common (their median) is taken off. Slow deviations, which
# C2C that is drawn on each pulse has, and steps are not spikes. A curve that does the same at one
# pulse in most cycles is no outlier. Cycles that stand apart as a whole
# (`allspin.host.fit.spread`) are set aside first.

Far = npt.NDArray[np.bool_]
"""Which points of a curve are outliers."""

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


DEVICE_CHOICES = ("range", "weight", "span", "nonlinearity")
"""Readings of D2D that are told apart (a mean step is a range by another name)."""
MAX_LAG = 30
"""Pulses over which deviations of a cycle are asked whether they go together."""


@dataclass(frozen=True)
class CycleSpread:
    """Cycle-to-cycle variation of one polarity.

    Attributes
    ----------
    write, pulse : Interval
        Its standard deviation as a fraction of R_max - R_min, read as that of a whole write
        and as that of each pulse.
    occasion : str
        Which of the two describes the data: ``write`` or ``pulse``.
    basis : str
        ``cycles``, or ``points`` about the fit where no device has two cycles.
    scatter : float
        Standard deviation of a point, with the meter's noise, in R_AH's unit.
    """

    write: Interval
    pulse: Interval
    occasion: str
    basis: str
    scatter: float

    def of(self, occasion: str) -> Interval:
        """The figure of an occasion; NeuroSim's is that of a pulse, whatever came of it."""
        return self.write if occasion == "write" else self.pulse


@dataclass(frozen=True)
class DeviceSpread:
    """Device-to-device variation of one polarity.

    Attributes
    ----------
    readings : dict of str to Interval
        The figure by each reading; empty where there is one device only.
    explained : dict of str to float
        Share of the devices' differences that each reading explains.
    best : str
        The reading that explains most.
    """

    readings: dict[str, Interval]
    explained: dict[str, float]
    best: str


def _deviations(device: DeviceCurves, fit_residuals: Array) -> tuple[Array, float]:
    """What each cycle differs from the mean by, and how many of them are free.

    With one cycle it is the fit's residuals.
    """
    counts = device.weights
    if counts.max() > 1:
        shared = counts > 1
        deviations = (device.resistance - device.mean)[:, shared]
        return deviations, float(np.sum(counts[shared] - 1))
    return fit_residuals[None, :], max(fit_residuals.size - 3.0, 1.0)


def together(deviations: list[Array]) -> Array:
    """Squares of deviations' correlations along the pulses, at lags from 1.

    Parameters
    ----------
    deviations : list of ndarray of float64, each (cycles, points)
        What cycles differ from their mean by; NaN where there is no point.
    """
    square = sum(float(np.nansum(part**2)) for part in deviations)
    count = sum(int(np.isfinite(part).sum()) for part in deviations)
    lags = []
    for lag in range(1, MAX_LAG + 1):
        products = [part[:, lag:] * part[:, :-lag] for part in deviations if part.shape[1] > lag]
        pairs = sum(int(np.isfinite(part).sum()) for part in products)
        if not pairs or not square:
            break
        total = sum(float(np.nansum(part)) for part in products)
        # A square of a correlation is never 0 by chance alone: what chance gives comes off.
        lags.append(max((total / pairs * count / square) ** 2 - 1 / pairs, 0.0))
    return np.array(lags)


def chi_interval(value: float, freedom: float) -> Interval:
    """Interval of a standard deviation of normal values."""
    edge = (1 - CONFIDENCE) / 2
    low, high = stats.chi2.ppf([1 - edge, edge], freedom)
    return Interval(value, value * np.sqrt(freedom / low), value * np.sqrt(freedom / high))


def without(total: Interval, noise: Interval | None, factor: float = 1.0) -> Interval:
    """A deviation less that of independent noise, times a factor."""
    if noise is None:
        return total

    def rest(whole: float, part: float) -> float:
        return float(np.sqrt(max(whole**2 - (factor * part) ** 2, 0.0)))

    return Interval(
        rest(total.value, noise.value), rest(total.low, noise.high), rest(total.high, noise.low)
    )


def cycle_spread(fit: ResponseFit, meter: Interval | None = None) -> CycleSpread:
    """Cycle-to-cycle variation of a fitted polarity.

    Parameters
    ----------
    fit : ResponseFit
        The fit.
    meter : Interval, optional
        Deviation of a point by the meter's noise, which is no variation of the film.
    """
    repeated = [device for device in fit.devices if device.weights.max() > 1]
    chosen = [
        (device, own.residuals)
        for device, own in zip(fit.devices, fit.fits, strict=True)
        if not repeated or device in repeated
    ]
    parts = [_deviations(device, residuals) for device, residuals in chosen]
    deviations, freedom = [part for part, _ in parts], sum(free for _, free in parts)
    write = float(np.sqrt(sum(np.nansum(part**2) for part in deviations) / freedom))
    kept = np.exp(-1 / fit.nonlinearity.value)
    steps = [part[:, 1:] - kept * part[:, :-1] for part in deviations]
    # As many are free as before, less what the first point of each cycle took.
    points = sum(int(np.isfinite(part).sum()) for part in deviations)
    step_points = sum(int(np.isfinite(part).sum()) for part in steps)
    step_freedom = max(freedom * step_points / points, 1.0)
    pulse = float(np.sqrt(sum(np.nansum(part**2) for part in steps) / step_freedom))
    # A step has the noise of two points, of which one has shrunk.
    two = float(np.sqrt(1 + kept**2))
    write_freedom = freedom / (1 + 2 * float(together(deviations).sum()))
    of_write = without(chi_interval(write, max(write_freedom, 1.0)), meter)
    of_pulse = without(chi_interval(pulse, step_freedom), meter, two)
    return CycleSpread(
        write=of_write.over(fit.span),
        pulse=of_pulse.over(fit.span),
        # One cycle cannot tell a slow deviation from a curve of another shape.
        occasion="pulse" if repeated and of_pulse.value < of_write.value else "write",
        basis="cycles" if repeated else "points",
        scatter=write,
    )


def _ways(fit: ResponseFit, pulses: Array) -> dict[str, Array]:
    """How a curve changes by one unit of each reading, at some pulses."""
    curve = fit.mean_curve(pulses)
    start = float(fit.mean_curve(0))
    end = float(fit.mean_curve(fit.pulses))
    k = fit.curvature
    return {
        "range": np.full(pulses.shape, fit.span.value),
        "weight": curve - (start + end) / 2,
        "span": curve - start,
        # By ln A: minus k times the derivative by k.
        "nonlinearity": -(end - start) * k * shape(k, pulses / fit.pulses)[1],
    }


def _along(way: Array, difference: Array, weights: Array) -> float:
    """How much of a way is in a difference, by least squares."""
    square = float(weights @ way**2)
    return float(weights @ (way * difference)) / square if square else 0.0


def _error_along(way: Array, device: DeviceCurves, sigma: float) -> float:
    """Variance that cycles leave in `_along` of a device's mean."""
    table = device.resistance
    count = len(table)
    if count > 1 and np.all(np.isfinite(table)):
        ones = np.ones(way.shape)
        parts = np.array([_along(way, cycle - device.mean, ones) for cycle in table])
        return float(parts.var(ddof=1)) / count
    square = float(device.weights @ way**2)
    return sigma**2 / square if square else 0.0


def _error_of_a(fit: ResponseFit, device: DeviceCurves, own: Fit) -> float:
    """Variance that cycles leave in a device's A, over the mean A squared."""
    count = len(device.resistance)
    if count > 1:
        # The jackknife: fits of single cycles would scatter out of proportion.
        bends = [
            fit_device(device.without(one), fit.pulses, float(own.parameters[2])).parameters[2]
            for one in range(count)
        ]
        error = (count - 1) ** 2 / count * float(np.var(bends, ddof=1))
    else:
        error = float(own.covariance[2, 2])
    # A is P_max / k: its relative error is that of k.
    k = float(own.parameters[2])
    a = fit.pulses / k / fit.nonlinearity.value
    return error * (a / k) ** 2


def _relative(fit: ResponseFit, reading: str) -> Interval:
    """Interval of what a reading is a fraction of, over its value."""
    unit = fit.nonlinearity if reading == "nonlinearity" else fit.span
    low, high = sorted((unit.low / unit.value, unit.high / unit.value))
    return Interval(1.0, low, high)


def device_spread(fit: ResponseFit, cycles: CycleSpread) -> DeviceSpread:
    """Device-to-device variation of a fitted polarity.

    Parameters
    ----------
    fit : ResponseFit
        The fit.
    cycles : CycleSpread
        Its cycle-to-cycle variation, which does not count as one between devices.
    """
    count = len(fit.devices)
    if count < 2:
        return DeviceSpread({}, {}, "")
    sigma = cycles.scatter
    start, end = (float(fit.mean_curve(pulses)) for pulses in (0, fit.pulses))
    left: dict[str, float] = dict.fromkeys(DEVICE_CHOICES, 0.0)
    whole = 0.0
    found: dict[str, list[float]] = {name: [] for name in DEVICE_CHOICES}
    noise: dict[str, list[float]] = {name: [] for name in DEVICE_CHOICES}
    for device, own in zip(fit.devices, fit.fits, strict=True):
        difference = device.mean - fit.mean_curve(device.pulses)
        whole += float(device.weights @ difference**2)
        for name, way in _ways(fit, device.pulses).items():
            part = _along(way, difference, device.weights)
            rest = difference - part * way
            error = _error_along(way, device, sigma)
            if name == "nonlinearity":
                # A differs by tens of per cent, where a first order is not enough.
                part = fit.pulses / float(own.parameters[2]) / fit.nonlinearity.value - 1
                bent = shape(float(own.parameters[2]), device.pulses / fit.pulses)[0]
                rest = device.mean - (start + (end - start) * bent)
                error = _error_of_a(fit, device, own)
            left[name] += float(device.weights @ rest**2)
            found[name].append(part)
            noise[name].append(error)
    readings = {}
    for name in DEVICE_CHOICES:
        values, own_noise = np.array(found[name]), float(np.mean(noise[name]))
        total = chi_interval(float(values.std(ddof=1)), count - 1)
        spread = Interval(
            *(float(np.sqrt(max(edge**2 - own_noise, 0.0))) for edge in vars(total).values())
        )
        readings[name] = spread.over(_relative(fit, name))
    explained = {name: 1 - left[name] / whole if whole else 0.0 for name in DEVICE_CHOICES}
    return DeviceSpread(readings, explained, max(explained, key=lambda name: explained[name]))
