"""Variation in the data: between cycles of a device, and between devices.

Cycle to cycle (C2C) is what cycles of one device differ by at the same pulse number, so no
model is in it. Two readings are told apart by it: if each pulse adds a deviation of its own,
what is left of the earlier ones by ``exp(-1 / A)`` a pulse explains the later ones, and
taking it off leaves less; else the deviation is of the whole write.

Device to device (D2D) is what devices' mean curves differ by, less what cycles leave in
them. Each reading of it is a way in which a curve can differ from the mean one; that which
explains most is taken unless another is asked for.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from allspin.host.fit.response import (
    DeviceCurves,
    Fit,
    Interval,
    ResponseFit,
    chi_interval,
    fit_device,
    shape,
)
from allspin.sim.synapse.response import Array

DEVICE_CHOICES = ("range", "weight", "span", "nonlinearity")
"""Readings of D2D that are told apart (a mean step is a range by another name)."""
LEAST_DEVICES = 4
"""Devices from which their deviations may go together: three always nearly do."""
NORMAL = 1.96
"""Half the width of an interval of 95 %, in standard errors."""
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


def together(deviations: list[Array]) -> Array:
    """Squares of deviations' correlations along the pulses, at lags from 1.

    Parameters
    ----------
    deviations : list of ndarray of float64, each (cycles, points)
        What cycles differ from their mean by; NaN where there is no point.
    """
    square = sum(float(np.nansum(part**2)) for part in deviations) / max(_count(deviations), 1)
    lags = []
    for lag in range(1, MAX_LAG + 1):
        products = [part[:, lag:] * part[:, :-lag] for part in deviations if part.shape[1] > lag]
        pairs, total = _count(products), sum(float(np.nansum(part)) for part in products)
        if not pairs or not square:
            break
        # A square of a correlation is never 0 by chance alone: what chance gives comes off.
        lags.append(max((total / pairs / square) ** 2 - 1 / pairs, 0.0))
    return np.array(lags)


def _count(parts: list[Array]) -> int:
    return sum(int(np.isfinite(part).sum()) for part in parts)


def _deviation(parts: list[Array], freedom: float) -> float:
    return float(np.sqrt(sum(np.nansum(part**2) for part in parts) / freedom))


def cycle_spread(fit: ResponseFit, meter: Interval | None = None) -> CycleSpread:
    """Cycle-to-cycle variation of a fitted polarity.

    Parameters
    ----------
    fit : ResponseFit
        The fit.
    meter : Interval, optional
        Deviation of a point by the meter's noise, which is no variation of the film.
    """
    pairs = [(device.resistance - device.mean, device.weights) for device in fit.devices]
    parts = [away[:, weights > 1] for away, weights in pairs if (weights > 1).any()]
    freedom = float(sum(np.sum(weights[weights > 1] - 1) for _, weights in pairs))
    repeated = bool(parts)
    if not repeated:
        parts = [own.residuals[None, :] for own in fit.fits]
        freedom = sum(max(own.residuals.size - 3.0, 1.0) for own in fit.fits)
    write = _deviation(parts, freedom)
    kept = np.exp(-1 / fit.nonlinearity.value)
    steps = [part[:, 1:] - kept * part[:, :-1] for part in parts]
    # As many are free as before, less what the first point of each cycle took.
    step_freedom = max(freedom * _count(steps) / _count(parts), 1.0)
    of_pulse = chi_interval(_deviation(steps, step_freedom), step_freedom)
    of_write = chi_interval(write, max(freedom / (1 + 2 * float(together(parts).sum())), 1.0))
    if meter is not None:
        of_write = of_write.less(meter.scaled(lambda noise: noise**2))
        # A step has the noise of two points, of which one has shrunk.
        of_pulse = of_pulse.less(meter.scaled(lambda noise: (1 + kept**2) * noise**2))
    return CycleSpread(
        write=of_write.over(fit.span),
        pulse=of_pulse.over(fit.span),
        # One cycle cannot tell a slow deviation from a curve of another shape.
        occasion="pulse" if repeated and of_pulse.value < of_write.value else "write",
        basis="cycles" if repeated else "points",
        scatter=write,
    )


def spread_between(values: Array, errors: Array, unit: Interval) -> Interval:
    """Deviation of devices' values over a unit, without what their errors' variances make."""
    return (
        chi_interval(float(values.std(ddof=1)), values.size - 1)
        .less(Interval(*[float(np.mean(errors))] * 3))
        .over(unit)
    )


def _along(way: Array, difference: Array, weights: Array) -> float:
    """How much of a way is in a difference, by least squares."""
    square = float(weights @ way**2)
    return float(weights @ (way * difference)) / square if square else 0.0


def _error_along(way: Array, device: DeviceCurves, sigma: float) -> float:
    """Variance that cycles leave in `_along` of a device's mean."""
    table, square = device.resistance, float(device.weights @ way**2)
    count = len(table)
    if count > 1 and np.all(np.isfinite(table)):
        own = [_along(way, cycle - device.mean, np.ones(way.shape)) for cycle in table]
        return float(np.var(own, ddof=1)) / count
    return sigma**2 / square if square else 0.0


def _error_of_k(fit: ResponseFit, device: DeviceCurves, own: Fit) -> float:
    """Variance that cycles leave in a device's k."""
    count, k = len(device.resistance), float(own.parameters[2])
    if count < 2:
        return float(own.covariance[2, 2])
    # The jackknife: fits of single cycles would scatter out of proportion.
    bends = [fit_device(device.without(one), fit.pulses, k).parameters[2] for one in range(count)]
    return (count - 1) ** 2 / count * float(np.var(bends, ddof=1))


def device_parts(fit: ResponseFit, cycles: CycleSpread) -> tuple[dict[str, Array], float]:
    """What each device's curve differs by from the mean one.

    Returns
    -------
    found : dict of str to ndarray of float64, shape (3, devices)
        By reading: how much of it each device has, the variance that cycles leave in that, and the
        square that is left.
    whole : float
        The square of the differences.
    """
    start, end = fit.mean_curve([0, fit.pulses]).tolist()
    found, whole = {name: np.zeros((3, len(fit.devices))) for name in DEVICE_CHOICES}, 0.0
    for place, (device, own) in enumerate(zip(fit.devices, fit.fits, strict=True)):
        mean, curve, weights = device.mean, fit.mean_curve(device.pulses), device.weights
        whole += float(weights @ (mean - curve) ** 2)
        # How a curve changes by one unit of each reading.
        ways = {
            "range": np.full(curve.shape, fit.span.value),
            "weight": curve - (start + end) / 2,
            "span": curve - start,
        }
        for name, way in ways.items():
            part, error = (
                _along(way, mean - curve, weights),
                _error_along(way, device, cycles.scatter),
            )
            found[name][:, place] = part, error, weights @ (mean - curve - part * way) ** 2
        # A is P_max / k: its relative error is that of k. It differs by tens of per cent, where a
        # first order is not enough.
        k = float(own.parameters[2])
        ratio, error = fit.pulses / k / fit.nonlinearity.value, _error_of_k(fit, device, own)
        left = mean - start - (end - start) * shape(k, device.pulses / fit.pulses)[0]
        found["nonlinearity"][:, place] = ratio - 1, error * (ratio / k) ** 2, weights @ left**2
    return found, whole


def deviates_together(
    fits: Sequence[ResponseFit], spreads: Sequence[CycleSpread], reading: str
) -> Interval | None:
    """Correlation of devices' own deviations of both polarities, with Fisher's interval.

    What cycles leave in the devices' values is in no covariance, but in the variances.

    Parameters
    ----------
    fits, spreads : sequence of two ResponseFit and of two CycleSpread
        Of either polarity.
    reading : str
        Of D2D.

    Returns
    -------
    Interval or None
        None where fewer than four devices have both polarities, or do not differ.
    """
    parts: list[dict[str, list[float]]] = []
    for fit, cycles in zip(fits, spreads, strict=True):
        named = (device.device for device in fit.devices)
        values = device_parts(fit, cycles)[0][reading][:2].T.tolist()
        parts.append(dict(zip(named, values, strict=True)))
    both = [name for name in parts[0] if name in parts[1]]
    if len(both) < LEAST_DEVICES:
        return None
    values, errors = np.array([[part[name] for name in both] for part in parts]).transpose(2, 0, 1)
    measured = values.var(axis=1, ddof=1)
    own = measured - errors.mean(axis=1)
    if np.any(own <= 0):
        return None
    middle = np.arctanh(np.clip(np.corrcoef(values)[0, 1], -0.9999, 0.9999))
    edges = np.tanh(middle + np.array([0, -1, 1]) * NORMAL / math.sqrt(len(both) - 3))
    return Interval(*np.clip(edges * math.sqrt(measured.prod() / own.prod()), -1, 1).tolist())


def device_spread(
    fit: ResponseFit, cycles: CycleSpread
) -> tuple[dict[str, Interval], dict[str, float]]:
    """Device-to-device variation of a fitted polarity.

    Parameters
    ----------
    fit : ResponseFit
        The fit.
    cycles : CycleSpread
        Its cycle-to-cycle variation, which does not count as one between devices.

    Returns
    -------
    readings : dict of str to Interval
        The figure by each reading; empty where there is one device only.
    explained : dict of str to float
        Share of the devices' differences that each reading explains.
    """
    if len(fit.devices) < 2:
        return {}, {}
    found, whole = device_parts(fit, cycles)
    readings = {}
    for name, (values, errors, _) in found.items():
        unit = fit.nonlinearity if name == "nonlinearity" else fit.span
        edges = sorted((unit.low / unit.value, unit.high / unit.value))
        readings[name] = spread_between(values, errors, Interval(1.0, *edges))
    return readings, {
        name: 1 - sum(left.tolist()) / whole if whole else 0.0 for name, (*_, left) in found.items()
    }
