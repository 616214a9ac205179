"""Variation in the data: from cycle to cycle of a device, and from device to device.

Cycle to cycle (C2C) is the deviation of a device's cycles from their mean at each pulse number, and
needs no model. Two readings of it are compared: if each pulse adds a deviation of its own,
the share ``exp(-1 / A)`` that a pulse leaves of the earlier deviations explains the later ones, and
subtracting it reduces the scatter; else the deviation is that of the whole write.

Device to device (D2D) is the deviation of devices' mean curves, less the part that cycles leave in
them. Each reading of it is a way in which a curve can differ from the mean one; the reading that
explains most is taken unless an option names another.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from allspin.host.estimate.intervals import Interval, chi_interval, exactly
from allspin.host.estimate.response import DeviceCurves, Fit, ResponseFit, fit_device, shape
from allspin.sim.synapse.response import Array

DEVICE_CHOICES = ("range", "weight", "span", "nonlinearity")
"""Readings of D2D that are compared (a mean step is a range by another name)."""
LEAST_DEVICES = 4
"""Least number of devices for a correlation: the deviations of three nearly always correlate."""
NORMAL = 1.96
"""Half the width of an interval of 95 %, in standard errors."""
MAX_LAG = 30
"""Largest distance in pulses at which deviations of a cycle are correlated."""


@dataclass(frozen=True)
class CycleSpread:
    """Cycle-to-cycle variation of one polarity.

    Attributes
    ----------
    write, pulse : Interval
        Its standard deviation as a fraction of R_max - R_min, read as that of a whole write
        and as that of each pulse.
    occasion : str
        The reading that describes the data: ``write`` or ``pulse``.
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
        """Return the value of an occasion; NeuroSim's ``root`` takes that of a pulse."""
        return self.write if occasion == "write" else self.pulse


@dataclass(frozen=True)
class DeviceSpread:
    """Device-to-device variation of one polarity.

    Attributes
    ----------
    readings : dict of str to Interval
        Standard deviation by each reading; empty for a single device.
    explained : dict of str to float
        Share of the devices' differences that each reading explains.
    """

    readings: dict[str, Interval]
    explained: dict[str, float]


def squared_correlations(deviations: list[Array]) -> Array:
    """Return squares of deviations' correlations along the pulses, at lags from 1.

    Parameters
    ----------
    deviations : list of ndarray of float64, each (cycles, points)
        Deviations of cycles from their mean; NaN where a cycle has no point.
    """
    square = sum(float(np.nansum(part**2)) for part in deviations) / max(_count(deviations), 1)
    lags = []
    for lag in range(1, MAX_LAG + 1):
        products = [part[:, lag:] * part[:, :-lag] for part in deviations if part.shape[1] > lag]
        pairs = _count(products)
        total = sum(float(np.nansum(part)) for part in products)
        if not pairs or not square:
            break
        # The square of a correlation is above 0 by chance: subtract its expectation.
        lags.append(max((total / pairs / square) ** 2 - 1 / pairs, 0.0))
    return np.array(lags)


def _count(parts: list[Array]) -> int:
    return sum(int(np.isfinite(part).sum()) for part in parts)


def _deviation(parts: list[Array], freedom: float) -> float:
    return float(np.sqrt(sum(np.nansum(part**2) for part in parts) / freedom))


def cycle_spread(fit: ResponseFit, meter: Interval | None = None) -> CycleSpread:
    """Estimate the cycle-to-cycle variation of a fitted polarity.

    Parameters
    ----------
    fit : ResponseFit
        The fit.
    meter : Interval, optional
        Deviation of a point by the meter's noise, which is no part of C2C.
    """
    parts = []
    freedom = 0.0
    for device in fit.devices:
        weights = device.weights
        again = weights > 1
        if again.any():
            parts.append((device.resistance - device.mean)[:, again])
            freedom += float(np.sum(weights[again] - 1))
    repeated = bool(parts)
    if not repeated:
        parts = [own.residuals[None, :] for own in fit.fits]
        freedom = sum(max(own.residuals.size - 3.0, 1.0) for own in fit.fits)
    write = _deviation(parts, freedom)
    kept = np.exp(-1 / fit.nonlinearity.value)
    steps = [part[:, 1:] - kept * part[:, :-1] for part in parts]
    # The first point of each cycle has no step.
    step_freedom = max(freedom * _count(steps) / _count(parts), 1.0)
    of_pulse = chi_interval(_deviation(steps, step_freedom), step_freedom)
    dependence = 1 + 2 * float(squared_correlations(parts).sum())
    of_write = chi_interval(write, max(freedom / dependence, 1.0))
    if meter is not None:
        of_write = of_write.less(meter.scaled(lambda noise: noise**2))
        # A step has the noise of two points, of which one has shrunk.
        of_pulse = of_pulse.less(meter.scaled(lambda noise: (1 + kept**2) * noise**2))
    return CycleSpread(
        write=of_write.over(fit.span),
        pulse=of_pulse.over(fit.span),
        # In a single cycle, a slow deviation looks like a curve of another shape.
        occasion="pulse" if repeated and of_pulse.value < of_write.value else "write",
        basis="cycles" if repeated else "points",
        scatter=write,
    )


def spread_between(values: Array, variances: Array, unit: Interval) -> Interval:
    """Return the deviation of devices' values over a unit, less that of their errors.

    Parameters
    ----------
    values, variances : ndarray of float64, shape (devices,)
        Values, and the variances of their errors.
    unit : Interval
        Unit of the deviation.
    """
    whole = chi_interval(float(values.std(ddof=1)), values.size - 1)
    return whole.less(exactly(float(np.mean(variances)))).over(unit)


@dataclass(frozen=True, eq=False)
class DeviceDeviations:
    """Deviations of devices' curves from the mean one, by one reading.

    Attributes
    ----------
    values : ndarray of float64, shape (devices,)
        Amount of the reading in each device.
    variances : ndarray of float64, shape (devices,)
        Variance that cycles leave in it.
    residues : ndarray of float64, shape (devices,)
        Sum of squares that the reading leaves.
    """

    values: Array
    variances: Array
    residues: Array


def _along(way: Array, difference: Array, weights: Array) -> float:
    """Return the amount of a way in a difference, by least squares."""
    square = float(weights @ way**2)
    return float(weights @ (way * difference)) / square if square else 0.0


def _variance_along(way: Array, device: DeviceCurves, sigma: float) -> float:
    """Return the variance that cycles leave in `_along` of a device's mean."""
    table = device.resistance
    count = len(table)
    if count > 1 and np.all(np.isfinite(table)):
        own = [_along(way, cycle - device.mean, np.ones(way.shape)) for cycle in table]
        return float(np.var(own, ddof=1)) / count
    square = float(device.weights @ way**2)
    return sigma**2 / square if square else 0.0


def _variance_of_k(fit: ResponseFit, device: DeviceCurves, own: Fit) -> float:
    """Return the variance that cycles leave in a device's k."""
    count = len(device.resistance)
    if count < 2:
        return float(own.covariance[2, 2])
    # The jackknife, because fits of single cycles scatter out of proportion.
    k = float(own.parameters[2])
    bends = [fit_device(device.without(one), fit.pulses, k).parameters[2] for one in range(count)]
    return (count - 1) ** 2 / count * float(np.var(bends, ddof=1))


def device_deviations(fit: ResponseFit, cycles: CycleSpread, reading: str) -> DeviceDeviations:
    """Return the deviation of each device's curve from the mean one, by one reading."""
    found = np.zeros((3, len(fit.devices)))
    for place, (device, own) in enumerate(zip(fit.devices, fit.fits, strict=True)):
        if reading == "nonlinearity":
            found[:, place] = _nonlinearity_deviation(fit, device, own)
            continue
        curve = fit.mean_curve(device.pulses)
        difference = device.mean - curve
        way = _way(fit, reading, curve)
        value = _along(way, difference, device.weights)
        variance = _variance_along(way, device, cycles.scatter)
        found[:, place] = value, variance, device.weights @ (difference - value * way) ** 2
    return DeviceDeviations(*found)


def _way(fit: ResponseFit, reading: str, curve: Array) -> Array:
    """Return the change of a curve by one unit of a reading."""
    if reading == "range":
        return np.full(curve.shape, fit.span.value)
    start, end = fit.mean_curve([0, fit.pulses]).tolist()
    return curve - ((start + end) / 2 if reading == "weight" else start)


def _nonlinearity_deviation(
    fit: ResponseFit, device: DeviceCurves, own: Fit
) -> tuple[float, float, float]:
    """Return the relative deviation of a device's A, its variance, and the squares left.

    A is P_max / k, so its relative error is that of k. A varies by tens of per cent, where a first
    order is not enough.
    """
    start, end = fit.mean_curve([0, fit.pulses]).tolist()
    k = float(own.parameters[2])
    ratio = fit.pulses / k / fit.nonlinearity.value
    variance = _variance_of_k(fit, device, own) * (ratio / k) ** 2
    left = device.mean - start - (end - start) * shape(k, device.pulses / fit.pulses)[0]
    return ratio - 1, variance, float(device.weights @ left**2)


def device_spread(fit: ResponseFit, cycles: CycleSpread) -> DeviceSpread:
    """Estimate the device-to-device variation of a fitted polarity.

    Parameters
    ----------
    fit : ResponseFit
        The fit.
    cycles : CycleSpread
        Its cycle-to-cycle variation, which is no part of D2D.
    """
    if len(fit.devices) < 2:
        return DeviceSpread({}, {})
    whole = 0.0
    for device in fit.devices:
        difference = device.mean - fit.mean_curve(device.pulses)
        whole += float(device.weights @ difference**2)
    readings = {}
    explained = {}
    for reading in DEVICE_CHOICES:
        found = device_deviations(fit, cycles, reading)
        unit = fit.nonlinearity if reading == "nonlinearity" else fit.span
        edges = sorted((unit.low / unit.value, unit.high / unit.value))
        readings[reading] = spread_between(found.values, found.variances, Interval(1.0, *edges))
        left = sum(found.residues.tolist())
        explained[reading] = 1 - left / whole if whole else 0.0
    return DeviceSpread(readings, explained)


def correlation(
    fits: Sequence[ResponseFit], spreads: Sequence[CycleSpread], reading: str
) -> Interval | None:
    """Return the correlation of devices' deviations of both polarities, with Fisher's interval.

    The errors that cycles leave in the devices' values add to the variances, not to the covariance.

    Parameters
    ----------
    fits, spreads : sequence of two ResponseFit and of two CycleSpread
        Those of both polarities.
    reading : str
        Reading of D2D.

    Returns
    -------
    Interval or None
        None where fewer than four devices have both polarities, or do not differ.
    """
    found = []
    for fit, cycles in zip(fits, spreads, strict=True):
        deviations = device_deviations(fit, cycles, reading)
        names = (device.device for device in fit.devices)
        pairs = zip(deviations.values.tolist(), deviations.variances.tolist(), strict=True)
        found.append(dict(zip(names, pairs, strict=True)))
    first, second = found
    both = [name for name in first if name in second]
    if len(both) < LEAST_DEVICES:
        return None
    table = np.array([[first[name] for name in both], [second[name] for name in both]])
    values = table[:, :, 0]
    measured = values.var(axis=1, ddof=1)
    own = measured - table[:, :, 1].mean(axis=1)
    if np.any(own <= 0):
        return None
    middle = np.arctanh(np.clip(np.corrcoef(values)[0, 1], -0.9999, 0.9999))
    edges = np.tanh(middle + np.array([0, -1, 1]) * NORMAL / math.sqrt(len(both) - 3))
    return Interval(*np.clip(edges * math.sqrt(measured.prod() / own.prod()), -1, 1).tolist())
