"""Least squares of the pulse response, and how sure it is.

A curve of n pulses out of P_max is ``start + (end - start) s(n / P_max)`` with
``s(x) = (1 - exp(-k x)) / (1 - exp(-k))``, ``k = P_max / A``: the paper's equations of both
polarities, each from its own start.

Every device is fitted by itself. What is then said of the device (its mean, for several) and
the interval about it come from what repeats: from devices where there are two or more, else
from cycles (the jackknife) where there are three or more, else from the points.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

from allspin.host.fit.columns import Curve
from allspin.sim.errors import UserError
from allspin.sim.synapse.pulse_chain import after
from allspin.sim.synapse.pulse_changes import LEAST_PAIRS, Changes
from allspin.sim.synapse.response import Array, Polarity
from allspin.sim.synapse.table_synapse import TableResponse, mean_device

CONFIDENCE = 0.95
"""Share of intervals that hold the true value."""
SERIES = 1e-3
"""Below this curvature the shape is computed by its series."""
CURVATURES = (-20.0, -5.0, -1.0, 0.1, 1.0, 3.0, 6.0, 12.0, 25.0)
"""Where fits start from."""
STEEPEST = 60.0
"""No curvature beyond this is told from a step."""
STRAIGHT = 0.5
"""Below this curvature A itself is not averaged over devices: it may be anything."""
FEW_CYCLES = 3
"""Cycles from which the jackknife is taken."""


@dataclass(frozen=True)
class Interval:
    """A value, and the limits between which it is with `CONFIDENCE`."""

    value: float
    low: float
    high: float

    def over(self, unit: "Interval") -> "Interval":
        """The ratio of a value that is not negative to an independent, positive one.

        Both sides' errors add up as squares of logarithms.
        """
        if not unit.low > 0:
            return Interval(self.value / unit.value, 0.0, math.inf)
        narrow, wide = math.log(unit.high / unit.value), math.log(unit.value / unit.low)
        # From a value of 0 there is no logarithm: the unit's error then stands alone.
        middle = self.value or self.high
        low, high = 0.0, 0.0
        if self.low > 0:
            low = middle * math.exp(-math.hypot(math.log(middle / self.low), narrow))
        if self.high > 0:
            high = middle * math.exp(math.hypot(math.log(self.high / middle), wide))
        return Interval(self.value / unit.value, low / unit.value, high / unit.value)


def interval(estimate: float, error: float, freedom: float) -> Interval:
    """Student's interval of an estimate with a standard error."""
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom)) * error
    return Interval(estimate, estimate - half, estimate + half)


@dataclass(frozen=True, eq=False)
class DeviceCurves:
    """All cycles of one device and polarity on one list of pulse numbers.

    Attributes
    ----------
    device : str
        Which device.
    pulses : ndarray of float64, shape (points,)
        Pulses given.
    resistance : ndarray of float64, shape (cycles, points)
        R_AH; NaN where a cycle has no point.
    """

    device: str
    pulses: Array
    resistance: Array

    @property
    def mean(self) -> Array:
        """Mean over cycles, shape (points,)."""
        return np.nanmean(self.resistance, axis=0)

    @property
    def weights(self) -> Array:
        """Number of cycles at each point."""
        return np.count_nonzero(np.isfinite(self.resistance), axis=0).astype(np.float64)

    def without(self, cycle: int) -> "DeviceCurves":
        """The device without one of its cycles."""
        rest = np.delete(self.resistance, cycle, axis=0)
        kept = np.isfinite(rest).any(axis=0)
        return DeviceCurves(self.device, self.pulses[kept], rest[:, kept])


def stack(curves: list[Curve]) -> list[DeviceCurves]:
    """Gather curves by device, in the order in which they came."""
    devices: dict[str, list[Curve]] = {}
    for curve in curves:
        devices.setdefault(curve.device, []).append(curve)
    stacked = []
    for device, own in devices.items():
        pulses = np.unique(np.concatenate([curve.x for curve in own]))
        table = np.full((len(own), pulses.size), np.nan)
        for row, curve in zip(table, own, strict=True):
            row[np.searchsorted(pulses, curve.x)] = curve.resistance
        stacked.append(DeviceCurves(device, pulses, table))
    return stacked


def shape(k: float, x: npt.ArrayLike) -> tuple[Array, Array]:
    """``s(x)`` and its derivative by k."""
    x = np.asarray(x, np.float64)
    if abs(k) < SERIES:
        first = x * (1 - x) / 2
        second = first * (1 - 2 * x) / 6
        return x + k * first + k**2 * second, first + 2 * k * second
    # On its way a search may try a k of which nothing is left but infinities: it turns back.
    with np.errstate(over="ignore", invalid="ignore"):
        whole, part = -np.expm1(-k), -np.expm1(-k * x)
        slope = (x * np.exp(-k * x) * whole - part * np.exp(-k)) / whole**2
        return part / whole, slope


@dataclass(frozen=True, eq=False)
class Fit:
    """One curve's fit.

    Attributes
    ----------
    parameters : ndarray of float64, shape (3,)
        Start and end of R_AH, and k.
    covariance : ndarray of float64, shape (3, 3)
        As independent residuals have it.
    residuals : ndarray of float64, shape (points,)
        Curve less model.
    """

    parameters: Array
    covariance: Array
    residuals: Array

    def at(self, share: npt.ArrayLike) -> Array:
        """The model at shares of P_max."""
        start, end, k = self.parameters
        return start + (end - start) * shape(float(k), share)[0]


def fit_curve(share: Array, resistance: Array, weights: Array, near: float | None = None) -> Fit:
    """Fit one curve by weighted least squares.

    Parameters
    ----------
    share : ndarray of float64, shape (points,)
        Pulses over P_max.
    resistance, weights : ndarray of float64, shape (points,)
        R_AH, and by how many cycles each point is measured.
    near : float, optional
        A k near which the best one is; by default it is looked for.
    """
    root = np.sqrt(weights)

    def basis(k: float) -> Array:
        s = shape(k, share)[0]
        return np.stack([1 - s, s], axis=1)

    def model(parameters: Array) -> Array:
        start, end, k = parameters
        return root * (start + (end - start) * shape(float(k), share)[0] - resistance)

    def slopes(parameters: Array) -> Array:
        start, end, k = parameters
        s, by_k = shape(float(k), share)
        return root[:, None] * np.stack([1 - s, s, (end - start) * by_k], axis=1)

    best: tuple[float, Array] | None = None
    for k in CURVATURES if near is None else (near,):
        ends, *_ = np.linalg.lstsq(root[:, None] * basis(k), root * resistance, rcond=None)
        left = float(np.sum((root * (basis(k) @ ends - resistance)) ** 2))
        if best is None or left < best[0]:
            best = left, np.array([*ends, k])
    assert best is not None
    scale = max(float(np.ptp(resistance)), 1e-300)
    steps = np.array([scale, scale, 1.0])
    found = optimize.least_squares(
        model,
        best[1],
        jac=slopes,  # type: ignore[arg-type]
        method="lm",
        x_scale=steps,
    )
    if not abs(found.x[2]) <= STEEPEST:
        limits = np.array([np.inf, np.inf, STEEPEST])
        found = optimize.least_squares(
            model,
            best[1],
            jac=slopes,  # type: ignore[arg-type]
            bounds=(-limits, limits),
            x_scale=steps,
        )
    jacobian = slopes(found.x)
    freedom = max(share.size - 3, 1)
    covariance = np.linalg.pinv(jacobian.T @ jacobian) * float(2 * found.cost) / freedom
    start, end, k = found.x
    residuals = resistance - (start + (end - start) * shape(float(k), share)[0])
    return Fit(found.x, covariance, residuals)


@dataclass(frozen=True, eq=False)
class ResponseFit:
    """What pulses of one polarity do, as fitted.

    Attributes
    ----------
    polarity : Polarity
        Which.
    pulses : int
        P_max: the largest pulse number that was measured.
    nonlinearity, low, high, span : Interval
        A in pulses, R_min, R_max, and R_max - R_min. A's interval reaches to infinity where
        a straight line is not excluded.
    basis : str
        What the intervals rest on: ``devices``, ``cycles`` or ``points``.
    devices : list of DeviceCurves
        The data.
    fits : list of Fit
        Of each device.
    """

    polarity: Polarity
    pulses: int
    nonlinearity: Interval
    low: Interval
    high: Interval
    span: Interval
    basis: str
    devices: list[DeviceCurves]
    fits: list[Fit]

    @property
    def curvature(self) -> float:
        """Curvature k of the mean device."""
        return self.pulses / self.nonlinearity.value

    def mean_curve(self, pulses: npt.ArrayLike) -> Array:
        """The mean device's model."""
        start, end = self.low.value, self.high.value
        if self.polarity:
            start, end = end, start
        share = np.asarray(pulses, np.float64) / self.pulses
        return start + (end - start) * shape(self.curvature, share)[0]


def fit_device(device: DeviceCurves, pulses: int, near: float | None = None) -> Fit:
    """Fit the mean of a device's cycles; see `fit_curve`."""
    return fit_curve(device.pulses / pulses, device.mean, device.weights, near)


def _inverse(k: Interval, pulses: int) -> Interval:
    """A of a curvature's interval."""
    a = pulses / k.value if k.value else np.inf
    if k.low <= 0 <= k.high:
        # A straight line is within reach, and both bends with it.
        return (
            Interval(a, pulses / k.high, np.inf) if a > 0 else Interval(a, -np.inf, pulses / k.low)
        )
    return Interval(a, *sorted((pulses / k.low, pulses / k.high)))


Estimate = tuple[Interval, Interval, Interval, Interval]
"""Start, end, end less start, and A."""


def _estimate(found: Array, error: Array, freedom: float, pulses: int) -> Estimate:
    """Intervals of start, end, their difference and k, with A in place of k."""
    start, end, change, k = (
        interval(float(value), float(half), freedom)
        for value, half in zip(found, error, strict=True)
    )
    return start, end, change, _inverse(k, pulses)


def _all_four(parameters: Array) -> Array:
    """Start, end, their difference and k, along the last axis."""
    start, end, k = np.moveaxis(parameters, -1, 0)
    return np.stack([start, end, end - start, k], axis=-1)


def _from_devices(fits: list[Fit], pulses: int) -> Estimate:
    """The mean device, from its devices."""
    found = _all_four(np.array([fit.parameters for fit in fits]))
    count = len(found)
    error = found.std(axis=0, ddof=1) / np.sqrt(count)
    estimate = _estimate(found.mean(axis=0), error, count - 1, pulses)
    bends = found[:, -1]
    if np.all(bends > STRAIGHT) or np.all(bends < -STRAIGHT):
        a = pulses / bends
        error_of_a = float(a.std(ddof=1) / np.sqrt(count))
        return *estimate[:3], interval(float(a.mean()), error_of_a, count - 1)
    return estimate


def _from_cycles(device: DeviceCurves, fit: Fit, pulses: int) -> Estimate:
    """One device, by the jackknife over its cycles."""
    cycles = len(device.resistance)
    left = _all_four(
        np.array(
            [
                fit_device(device.without(one), pulses, float(fit.parameters[2])).parameters
                for one in range(cycles)
            ]
        )
    )
    found = cycles * _all_four(fit.parameters) - (cycles - 1) * left.mean(axis=0)
    error = np.sqrt((cycles - 1) ** 2 / cycles * left.var(axis=0, ddof=1))
    return _estimate(found, error, cycles - 1, pulses)


def _from_points(fit: Fit, pulses: int) -> Estimate:
    """One device, from how its points scatter.

    Neighbours that go together tell less than as many points would: the error is larger by
    ``sqrt((1 + r) / (1 - r))``, r being the correlation of neighbours.
    """
    residuals = fit.residuals
    square = float(residuals @ residuals)
    together = float(residuals[1:] @ residuals[:-1]) / square if square else 0.0
    together = min(max(together, 0.0), 0.95)
    mix = np.array([[1, 0, 0], [0, 1, 0], [-1, 1, 0], [0, 0, 1]], np.float64)
    variance = np.maximum(np.diag(mix @ fit.covariance @ mix.T), 0.0)
    error = np.sqrt(variance * (1 + together) / (1 - together))
    return _estimate(_all_four(fit.parameters), error, max(residuals.size - 3, 1), pulses)


def fit_response(curves: list[Curve], polarity: Polarity) -> ResponseFit:
    """Fit all curves of one polarity.

    Parameters
    ----------
    curves : list of Curve
        Curves of that polarity, at least one.
    polarity : Polarity
        Which.

    Returns
    -------
    ResponseFit
    """
    devices = stack(curves)
    pulses = max(1, round(max(float(device.pulses[-1]) for device in devices)))
    fits = [fit_device(device, pulses) for device in devices]
    if len(devices) > 1:
        basis = "devices"
        start, end, change, a = _from_devices(fits, pulses)
    elif len(devices[0].resistance) >= FEW_CYCLES:
        basis = "cycles"
        start, end, change, a = _from_cycles(devices[0], fits[0], pulses)
    else:
        basis = "points"
        start, end, change, a = _from_points(fits[0], pulses)
    low, high = (end, start) if polarity else (start, end)
    span = Interval(-change.value, -change.high, -change.low) if polarity else change
    return ResponseFit(polarity, pulses, a, low, high, span, basis, devices, fits)


# Trains by pairs: what each pulse did to R_AH from where it was, and what many of them lead to.
#
# Cycles that were measured tell the deviation after each number of pulses themselves. Where there
# are few cycles, or they do not begin where a write does, the changes by single pulses tell more.


def _pairs(device: DeviceCurves) -> tuple[Array, Array]:
    """R_AH before and after each single pulse, of all cycles."""
    next_to = np.diff(device.pulses) == 1
    before, behind = device.resistance[:, :-1][:, next_to], device.resistance[:, 1:][:, next_to]
    there = np.isfinite(before) & np.isfinite(behind)
    return before[there], behind[there]


def pair_response(
    devices: Sequence[DeviceCurves], pulses: int, meter: float, ends: tuple[float, float]
) -> TableResponse:
    """The table of one polarity that the changes by single pulses lead to.

    Parameters
    ----------
    devices : sequence of DeviceCurves
        The data.
    pulses : int
        The table's last pulse.
    meter : float
        Deviation of a point by the meter's noise.
    ends : (float, float)
        The lowest and the highest R_AH of a film.

    Raises
    ------
    UserError
        If a device has too few pairs.
    """
    found = []
    for device in devices:
        before, behind = _pairs(device)
        if before.size < LEAST_PAIRS:
            raise UserError(
                f"device {device.device} has {before.size} pairs of R_AH before and after a pulse, "
                f"and --c2c-occasion pulse of a table needs {LEAST_PAIRS}; take write"
            )
        changes = Changes.of_pairs(before, behind, ends, meter)
        start = float(np.clip(device.mean[0], *ends))
        way, spread = after(changes, start, np.arange(pulses + 1))
        found.append(TableResponse(way, spread, np.zeros(way.size)))
    return mean_device(found)
