"""Least squares of the pulse response.

A curve of n pulses out of P_max is ``start + (end - start) s(n / P_max)`` with
``s(x) = (1 - exp(-k x)) / (1 - exp(-k))``, ``k = P_max / A``: the paper's equations of both
polarities, each from its own start.

Every device is fitted by itself. The values of the device, and their intervals, are those of
`allspin.host.estimate.intervals.estimated`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

from allspin.host.estimate.intervals import Interval, estimated, interval
from allspin.host.lab.curves import Curve, align, by_device
from allspin.sim.parameters import Brief
from allspin.sim.synapse.response import Array, Polarity

CURVATURES = (-20.0, -5.0, -1.0, 0.1, 1.0, 3.0, 6.0, 12.0, 25.0)
"""Curvatures k at which fits start."""
STEEPEST = 60.0
"""Curvature beyond which a curve cannot be told from a step."""
STRAIGHT = 0.5
"""Curvature below which A, which may be anything, is not averaged over devices."""


@dataclass(frozen=True, eq=False)
class DeviceCurves(Brief):
    """All cycles of one device and polarity on one list of pulse numbers.

    Attributes
    ----------
    device : str
        Name of the device.
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
        """Return the device without one of its cycles."""
        rest = np.delete(self.resistance, cycle, axis=0)
        kept = np.isfinite(rest).any(axis=0)
        return DeviceCurves(self.device, self.pulses[kept], rest[:, kept])


def stack(curves: Sequence[Curve]) -> list[DeviceCurves]:
    """Gather curves by device; devices keep their order."""
    return [
        DeviceCurves(device, *align([curves[place] for place in places]))
        for device, places in by_device(curves).items()
    ]


def shape(k: float, x: npt.ArrayLike) -> tuple[Array, Array]:
    """Return ``s(x)`` and its derivative by k."""
    x = np.asarray(x, np.float64)
    if abs(k) < 1e-3:
        first = x * (1 - x) / 2
        second = x * (1 - x) * (1 - 2 * x) / 12
        return x + k * first + k**2 * second, first + 2 * k * second
    # A search may try a k that overflows, and turns back.
    with np.errstate(over="ignore", invalid="ignore"):
        whole = -np.expm1(-k)
        part = -np.expm1(-k * x)
        return part / whole, (x * np.exp(-k * x) * whole - part * np.exp(-k)) / whole**2


@dataclass(frozen=True, eq=False)
class Fit:
    """Fit of one curve.

    Attributes
    ----------
    parameters : ndarray of float64, shape (3,)
        Start and end of R_AH, and k.
    covariance : ndarray of float64, shape (3, 3)
        Covariance of the parameters if residuals are independent.
    residuals : ndarray of float64, shape (points,)
        Curve less model.
    """

    parameters: Array
    covariance: Array
    residuals: Array


def model(parameters: Array, share: npt.ArrayLike) -> Array:
    """Return R_AH by start, end and k, at shares of P_max."""
    start, end, k = parameters
    return start + (end - start) * shape(float(k), share)[0]


def fit_curve(share: Array, resistance: Array, weights: Array, near: float | None = None) -> Fit:
    """Fit one curve by weighted least squares.

    Parameters
    ----------
    share : ndarray of float64, shape (points,)
        Pulses over P_max.
    resistance, weights : ndarray of float64, shape (points,)
        R_AH, and the number of cycles at each point.
    near : float, optional
        Start of the search for k; by default `CURVATURES`.
    """
    root = np.sqrt(weights)

    def left(parameters: Array) -> Array:
        return root * (model(parameters, share) - resistance)

    def slopes(parameters: Array) -> Array:
        start, end, k = parameters
        s, by_k = shape(float(k), share)
        return root[:, None] * np.stack([1 - s, s, (end - start) * by_k], axis=1)

    starts = [_start(k, share, resistance, root) for k in (CURVATURES if near is None else (near,))]
    start = min(starts, key=lambda one: one[0])[1]
    scale = max(float(np.ptp(resistance)), 1e-300)
    common: dict[str, Any] = {"jac": slopes, "x_scale": np.array([scale, scale, 1.0])}
    found = optimize.least_squares(left, start, method="lm", **common)
    if not abs(found.x[2]) <= STEEPEST:
        limits = np.array([np.inf, np.inf, STEEPEST])
        found = optimize.least_squares(left, start, bounds=(-limits, limits), **common)
    jacobian = slopes(found.x)
    freedom = max(share.size - 3, 1)
    covariance = np.linalg.pinv(jacobian.T @ jacobian) * float(2 * found.cost) / freedom
    return Fit(found.x, covariance, resistance - model(found.x, share))


def _start(k: float, share: Array, resistance: Array, root: Array) -> tuple[float, Array]:
    """Return the sum of squares and the parameters of the best curve of a given k."""
    s = shape(k, share)[0]
    basis = root[:, None] * np.stack([1 - s, s], axis=1)
    edges, *_ = np.linalg.lstsq(basis, root * resistance, rcond=None)
    square = float(np.sum((basis @ edges - root * resistance) ** 2))
    return square, np.array([*edges, k])


def fit_device(device: DeviceCurves, pulses: int, near: float | None = None) -> Fit:
    """Fit the mean of a device's cycles; see `fit_curve`."""
    return fit_curve(device.pulses / pulses, device.mean, device.weights, near)


@dataclass(frozen=True, eq=False)
class ResponseFit(Brief):
    """Fitted response to pulses of one polarity.

    Attributes
    ----------
    polarity : Polarity
        The polarity.
    pulses : int
        P_max: the largest pulse number that was measured.
    nonlinearity, low, high, span : Interval
        A in pulses, R_min, R_max, and R_max - R_min. A's interval reaches to infinity where
        a straight line is not excluded.
    basis : str
        Basis of the intervals: ``devices``, ``cycles`` or ``points``.
    devices : list of DeviceCurves
        The data.
    fits : list of Fit
        Fit of each device.
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
    def models(self) -> list[Array]:
        """Model of each device at its points."""
        pairs = zip(self.devices, self.fits, strict=True)
        return [model(fit.parameters, device.pulses / self.pulses) for device, fit in pairs]

    def mean_curve(self, pulses: npt.ArrayLike) -> Array:
        """Return the model of the mean device."""
        start = self.low.value
        end = self.high.value
        if self.polarity is Polarity.DEPRESSION:
            start, end = end, start
        parameters = np.array([start, end, self.pulses / self.nonlinearity.value])
        return model(parameters, np.asarray(pulses, np.float64) / self.pulses)


def _inverse(k: Interval, pulses: int) -> Interval:
    """Return A of a curvature's interval."""
    a = pulses / k.value if k.value else np.inf
    if not k.low <= 0 <= k.high:
        return Interval(a, *sorted((pulses / k.low, pulses / k.high)))
    # A straight line is within the interval, and beyond it the opposite bend.
    if a > 0:
        return Interval(a, pulses / k.high, np.inf)
    return Interval(a, -np.inf, pulses / k.low)


FOUR = np.array([[1, 0, 0], [0, 1, 0], [-1, 1, 0], [0, 0, 1]], np.float64)
"""Matrix from a fit's parameters to start, end, their difference and k."""


def _point_errors(fit: Fit) -> tuple[Array, float]:
    """Return standard errors of `FOUR` by the scatter of points, and their freedom.

    Correlated neighbours tell less than as many independent points: the error is larger by
    ``sqrt((1 + r) / (1 - r))``, r being the correlation of neighbours.
    """
    residuals = fit.residuals
    products = float(residuals[1:] @ residuals[:-1])
    r = min(max(products / max(float(residuals @ residuals), 1e-300), 0.0), 0.95)
    variance = np.maximum(np.diag(FOUR @ fit.covariance @ FOUR.T), 0.0)
    return np.sqrt(variance * (1 + r) / (1 - r)), max(residuals.size - 3.0, 1.0)


def fit_response(curves: Sequence[Curve], polarity: Polarity) -> ResponseFit:
    """Fit all curves of one polarity.

    Parameters
    ----------
    curves : sequence of Curve
        Curves of that polarity, at least one.
    polarity : Polarity
        The polarity.
    """
    devices = stack(curves)
    pulses = max(1, round(max(float(device.pulses[-1]) for device in devices)))
    fits = [fit_device(device, pulses) for device in devices]

    def refit(cycle: int) -> Array:
        near = float(fits[0].parameters[2])
        return FOUR @ fit_device(devices[0].without(cycle), pulses, near).parameters

    (start, end, change, k), basis = estimated(
        np.array([FOUR @ fit.parameters for fit in fits]),
        len(devices[0].resistance),
        refit,
        lambda: _point_errors(fits[0]),
    )
    low, high = start, end
    if polarity is Polarity.DEPRESSION:
        low, high = end, start
        change = change.turned()
    nonlinearity = _nonlinearity(k, fits, pulses)
    return ResponseFit(polarity, pulses, nonlinearity, low, high, change, basis, devices, fits)


def _nonlinearity(k: Interval, fits: list[Fit], pulses: int) -> Interval:
    """Return A: the mean over devices if all bend one way, else that of the mean curvature."""
    bends = np.array([fit.parameters[2] for fit in fits])
    if len(fits) > 1 and (np.all(bends > STRAIGHT) or np.all(bends < -STRAIGHT)):
        each = pulses / bends
        return interval(float(each.mean()), float(stats.sem(each)), each.size - 1)
    return _inverse(k, pulses)
