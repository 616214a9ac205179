"""Variation in the data: between cycles of a device, and between devices.

Cycle to cycle (C2C) is what cycles of one device differ by at the same pulse number, so no
model is in it. Two readings are told apart by it: if each pulse adds a deviation of its own,
what is left of the earlier ones by ``exp(-1 / A)`` a pulse explains the later ones, and
taking it off leaves less; else the deviation is of the whole write.

Device to device (D2D) is what devices' mean curves differ by, less what cycles leave in
them. Each reading of it is a way in which a curve can differ from the mean one; that which
explains most is taken unless another is asked for.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from allspin.host.study.fit.model.response import (
    CONFIDENCE,
    DeviceCurves,
    Fit,
    Interval,
    ResponseFit,
    fit_device,
    shape,
)
from allspin.sim.device.synapse.response import Array

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
