"""Least squares of the pulse response, and how sure it is.

A curve of n pulses out of P_max is ``start + (end - start) s(n / P_max)`` with
``s(x) = (1 - exp(-k x)) / (1 - exp(-k))``, ``k = P_max / A``: the paper's equations of both
polarities, each from its own start.

Every device is fitted by itself. What is then said of the device (its mean, for several) and
the interval about it come from what repeats: from devices where there are two or more, else
from cycles (the jackknife) where there are three or more, else from the points.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

from allspin.host.lab.curves import Curve, aligned, by_device
from allspin.sim.parameters import Brief
from allspin.sim.synapse.response import Array, Polarity

CONFIDENCE = 0.95
"""Share of intervals that hold the true value."""
CURVATURES = (-20.0, -5.0, -1.0, 0.1, 1.0, 3.0, 6.0, 12.0, 25.0)
"""Where fits start from."""
STEEPEST = 60.0
"""No curvature beyond this is told from a step."""
STRAIGHT = 0.5
"""Below this curvature A itself is not averaged over devices: it may be anything."""
FEW_CYCLES = 3
"""Cycles from which the jackknife is taken."""


# Values with intervals.


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
        middle, edges = self.value or self.high, ((self.low, -1, narrow), (self.high, 1, wide))
        low, high = (
            middle * math.exp(way * math.hypot(math.log(edge / middle), more)) if edge > 0 else 0.0
            for edge, way, more in edges
        )
        return Interval(self.value / unit.value, low / unit.value, high / unit.value)

    def less(self, noise: "Interval") -> "Interval":
        """A deviation without that of independent noise, whose variance is given."""
        pairs = (self.value, noise.value), (self.low, noise.high), (self.high, noise.low)
        return Interval(*(math.sqrt(max(one**2 - less, 0.0)) for one, less in pairs))

    def scaled(self, change: Callable[[float], float]) -> "Interval":
        """Value and limits, each changed alike."""
        return Interval(change(self.value), change(self.low), change(self.high))

    def turned(self) -> "Interval":
        """That of the other sign."""
        return Interval(-self.value, -self.high, -self.low)

    def plain(self) -> dict[str, float]:
        """As a device file has it."""
        return {"value": float(self.value), "low": float(self.low), "high": float(self.high)}


def interval(estimate: float, error: float, freedom: float) -> Interval:
    """Student's interval of an estimate with a standard error."""
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom)) * error
    return Interval(estimate, estimate - half, estimate + half)


def chi_interval(value: float, freedom: float) -> Interval:
    """Interval of a standard deviation of normal values."""
    low, high = stats.chi2.ppf([(1 + CONFIDENCE) / 2, (1 - CONFIDENCE) / 2], freedom)
    return Interval(value, value * np.sqrt(freedom / low), value * np.sqrt(freedom / high))


def estimated(
    found: Array,
    cycles: int,
    refit: Callable[[int], Array],
    by_points: Callable[[], tuple[Array, float]],
) -> tuple[list[Interval], str]:
    """Intervals of some parameters, and what they rest on: ``devices``, ``cycles`` or ``points``.

    Parameters
    ----------
    found : ndarray of float64, shape (devices, parameters)
        As each device's fit has them.
    cycles : int
        Of the one device.
    refit : callable
        Parameters of the one device without one of its cycles.
    by_points : callable
        Standard errors of the one device's parameters by its points, and their freedom.
    """
    count, basis = len(found), "devices" if len(found) > 1 else "cycles"
    if count > 1:
        values, freedom = found.mean(axis=0), float(count - 1)
        errors = found.std(axis=0, ddof=1) / np.sqrt(count)
    elif cycles >= FEW_CYCLES:
        left, freedom = np.array([refit(cycle) for cycle in range(cycles)]), float(cycles - 1)
        values = cycles * found[0] - (cycles - 1) * left.mean(axis=0)
        errors = np.sqrt((cycles - 1) ** 2 / cycles * left.var(axis=0, ddof=1))
    else:
        basis, values, (errors, freedom) = "points", found[0], by_points()
    return [
        interval(value, error, freedom)
        for value, error in zip(values.tolist(), errors.tolist(), strict=True)
    ], basis


# Curves of one device together.


@dataclass(frozen=True, eq=False)
class DeviceCurves(Brief):
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


def stack(curves: Sequence[Curve]) -> list[DeviceCurves]:
    """Gather curves by device, in the order in which they came."""
    groups = {
        device: ([curves[place].x for place in own], [curves[place].resistance for place in own])
        for device, own in by_device(curves).items()
    }
    return [DeviceCurves(device, *aligned(*lists)) for device, lists in groups.items()]


# The fit.


def shape(k: float, x: npt.ArrayLike) -> tuple[Array, Array]:
    """``s(x)`` and its derivative by k."""
    x = np.asarray(x, np.float64)
    if abs(k) < 1e-3:
        first, second = x * (1 - x) / 2, x * (1 - x) * (1 - 2 * x) / 12
        return x + k * first + k**2 * second, first + 2 * k * second
    # On its way a search may try a k of which nothing is left but infinities: it turns back.
    with np.errstate(over="ignore", invalid="ignore"):
        whole, part = -np.expm1(-k), -np.expm1(-k * x)
        return part / whole, (x * np.exp(-k * x) * whole - part * np.exp(-k)) / whole**2


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


def model(parameters: Array, share: npt.ArrayLike) -> Array:
    """R_AH by start, end and k, at shares of P_max."""
    start, end, k = parameters
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

    def left(parameters: Array) -> Array:
        return root * (model(parameters, share) - resistance)

    def slopes(parameters: Array) -> Array:
        start, end, k = parameters
        s, by_k = shape(float(k), share)
        return root[:, None] * np.stack([1 - s, s, (end - start) * by_k], axis=1)

    starts: list[tuple[float, Array]] = []
    for k in CURVATURES if near is None else (near,):
        s = shape(k, share)[0]
        basis = root[:, None] * np.stack([1 - s, s], axis=1)
        ends, *_ = np.linalg.lstsq(basis, root * resistance, rcond=None)
        square = float(np.sum((basis @ ends - root * resistance) ** 2))
        starts.append((square, np.array([*ends, k])))
    start = min(starts, key=lambda one: one[0])[1]
    scale = max(float(np.ptp(resistance)), 1e-300)
    common = {"jac": slopes, "x_scale": np.array([scale, scale, 1.0])}
    found = optimize.least_squares(left, start, method="lm", **common)
    if not abs(found.x[2]) <= STEEPEST:
        limits = np.array([np.inf, np.inf, STEEPEST])
        found = optimize.least_squares(left, start, bounds=(-limits, limits), **common)
    jacobian, freedom = slopes(found.x), max(share.size - 3, 1)
    covariance = np.linalg.pinv(jacobian.T @ jacobian) * float(2 * found.cost) / freedom
    return Fit(found.x, covariance, resistance - model(found.x, share))


def fit_device(device: DeviceCurves, pulses: int, near: float | None = None) -> Fit:
    """Fit the mean of a device's cycles; see `fit_curve`."""
    return fit_curve(device.pulses / pulses, device.mean, device.weights, near)


@dataclass(frozen=True, eq=False)
class ResponseFit(Brief):
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
    def models(self) -> list[Array]:
        """Each device's model at its points."""
        return [
            model(fit.parameters, device.pulses / self.pulses)
            for device, fit in zip(self.devices, self.fits, strict=True)
        ]

    def mean_curve(self, pulses: npt.ArrayLike) -> Array:
        """The mean device's model."""
        ends = (self.low.value, self.high.value)[:: -1 if self.polarity else 1]
        parameters = np.array([*ends, self.pulses / self.nonlinearity.value])
        return model(parameters, np.asarray(pulses, np.float64) / self.pulses)


def _inverse(k: Interval, pulses: int) -> Interval:
    """A of a curvature's interval."""
    a = pulses / k.value if k.value else np.inf
    if not k.low <= 0 <= k.high:
        return Interval(a, *sorted((pulses / k.low, pulses / k.high)))
    # A straight line is within reach, and both bends with it.
    return Interval(a, *((pulses / k.high, np.inf) if a > 0 else (-np.inf, pulses / k.low)))


FOUR = np.array([[1, 0, 0], [0, 1, 0], [-1, 1, 0], [0, 0, 1]], np.float64)
"""Makes start, end, their difference and k of a fit's parameters."""


def _point_errors(fit: Fit) -> tuple[Array, float]:
    """Standard errors of `FOUR` by how points scatter, and their freedom.

    Neighbours that go together tell less than as many points would: the error is larger by
    ``sqrt((1 + r) / (1 - r))``, r being the correlation of neighbours.
    """
    residuals = fit.residuals
    products = float(residuals[1:] @ residuals[:-1])
    together = min(max(products / max(float(residuals @ residuals), 1e-300), 0.0), 0.95)
    variance = np.maximum(np.diag(FOUR @ fit.covariance @ FOUR.T), 0.0)
    return np.sqrt(variance * (1 + together) / (1 - together)), max(residuals.size - 3.0, 1.0)


def fit_response(curves: Sequence[Curve], polarity: Polarity) -> ResponseFit:
    """Fit all curves of one polarity.

    Parameters
    ----------
    curves : sequence of Curve
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
    own, near = fits[0], float(fits[0].parameters[2])

    def refit(cycle: int) -> Array:
        return FOUR @ fit_device(devices[0].without(cycle), pulses, near).parameters

    (start, end, change, k), basis = estimated(
        np.array([FOUR @ fit.parameters for fit in fits]),
        len(devices[0].resistance),
        refit,
        lambda: _point_errors(own),
    )
    a = _inverse(k, pulses)
    bends = np.array([fit.parameters[2] for fit in fits])
    if len(fits) > 1 and (np.all(bends > STRAIGHT) or np.all(bends < -STRAIGHT)):
        each = pulses / bends
        a = interval(float(each.mean()), float(stats.sem(each)), each.size - 1)
    low, high = (end, start) if polarity else (start, end)
    return ResponseFit(
        *(polarity, pulses, a, low, high, change.turned() if polarity else change),
        *(basis, devices, fits),
    )
