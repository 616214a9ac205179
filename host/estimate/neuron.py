"""Least squares of the neuron's curve: R_AH against current.

The model is `allspin.sim.network.neuron.SotNeuron`: flat below a threshold, then linear, then
flat again where the device is saturated, both knees rounded. Where the data end before saturation,
the fit has no upper knee and full scale is the end of the data. Heating adds a part that grows with
the square of the current, where the data show it; it is no part of the neuron.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats
from scipy.special import expit

from allspin.host.estimate.goodness import Goodness, judge
from allspin.host.estimate.intervals import Interval, chi_interval, estimated, exactly
from allspin.host.estimate.response import DeviceCurves, stack
from allspin.host.estimate.spread import spread_between
from allspin.host.lab.curves import Curve, by_device
from allspin.sim.errors import UserError, refused
from allspin.sim.network.neuron import SotNeuron
from allspin.sim.synapse.response import Array

EQUAL = 0.9
"""Ratio of magnitudes, or of slopes, from which both sides of a curve are about equal."""
FEWEST_POINTS = 6
"""Least number of points of a curve that is fitted."""
FEWEST_FOR_KNEE = 8
"""Least number of points of a device from which an upper knee and heating are tried."""
NAMES = ("base", "threshold", "slope", "softness", "height", "heating")
BASE, THRESHOLD, SLOPE, SOFTNESS, HEIGHT, HEATING = range(len(NAMES))
NO_KNEE = 1e6
"""Height, in ranges, of a curve that shows no upper knee."""
LEAST_HEATING = 0.02
"""Share of the range that heating must add at full current to be told from another shape."""
Free = npt.NDArray[np.bool_]
"""True for each of `NAMES` that is fitted: height and heating only where the data show them."""


@dataclass(frozen=True, eq=False)
class NeuronFit:
    """Fitted neuron.

    Attributes
    ----------
    full_current : float
        The largest current that was measured.
    full_resistance : float
        Change of R_AH from the flat part to full scale.
    values : dict of str to Interval
        ``base`` (R_AH of the flat part), ``threshold`` (current), ``slope`` (R_AH a current),
        ``softness`` (current); ``height`` (R_AH) where the device was saturated, and ``heating``
        (R_AH a squared current) where it was seen.
    use : Interval
        Cycle-to-cycle deviation of R_AH, as a fraction of `full_resistance`.
    gain, threshold_spread : Interval or None
        Device-to-device deviation of the slope, as a fraction of it, and of the threshold, as
        a fraction of `full_current`; None for one device.
    basis : str
        Basis of the intervals: ``devices``, ``cycles`` or ``points``.
    goodness : Goodness
        Agreement of the model with the curves.
    devices : list of DeviceCurves
        The data, currents in place of pulses.
    models : list of ndarray
        The fit at each device's points.
    """

    full_current: float
    full_resistance: float
    values: dict[str, Interval]
    use: Interval
    gain: Interval | None
    threshold_spread: Interval | None
    basis: str
    goodness: Goodness
    devices: list[DeviceCurves]
    models: list[Array]

    @property
    def neuron(self) -> SotNeuron:
        """Neuron in fractions of full scale.

        Raises
        ------
        UserError
            If a value is outside the neuron's range.
        """
        current = self.full_current
        threshold = self.values["threshold"].value / current
        slope = abs(self.values["slope"].value) * current / self.full_resistance
        softness = self.values["softness"].value / current
        with refused("the neuron's curve cannot be used: ", "; choose its part by `currents`"):
            return SotNeuron(
                threshold=max(threshold, 0.0),
                slope=slope,
                softness=max(softness, 0.001),
                saturation=1.0,
            )


def _model(parameters: Array, current: Array) -> tuple[Array, Array]:
    """Return R_AH, and its derivative by each of `NAMES`, shape (points, parameters)."""
    base, threshold, slope, softness, height, heating = parameters
    lower = (current - threshold) / softness
    upper = lower - height / slope / softness
    on = expit(lower)
    off = expit(upper)
    below = np.logaddexp(0.0, lower)
    above = np.logaddexp(0.0, upper)
    ramp = softness * (below - above)
    square = current**2
    resistance = base + slope * ramp + heating * square
    by_softness = below - on * lower - above + off * upper
    derivatives = [
        np.ones(current.shape),
        slope * (off - on),
        ramp - off * height / slope,
        slope * by_softness,
        off,
        square,
    ]
    return resistance, np.stack(derivatives, axis=-1)


def _start(x: Array, y: Array, upper_knee: bool) -> Array:
    """Return start parameters: the best of some pairs of knees, with a straight line between."""
    knees = np.linspace(0.0, 0.95, 20)
    best: tuple[float, float, float] = (np.inf, 0.0, np.inf)
    for threshold in knees:
        ends = knees[knees > threshold] if upper_knee else np.array([np.inf])
        if ends.size:
            squares = _squares_about_ramps(x, y, threshold, ends)
            place = int(np.argmin(squares))
            best = min(best, (float(squares[place]), threshold, ends[place]))
    _, threshold, end = best
    ramp = np.clip(x, threshold, end) - threshold
    table = np.stack([np.ones(x.size), ramp], axis=1)
    (base, slope), *_ = np.linalg.lstsq(table, y, rcond=None)
    slope = max(float(slope), 0.05)
    height = slope * (end - threshold) if upper_knee else NO_KNEE
    return np.array([base, threshold, slope, 0.03, height, 0.0])


def _squares_about_ramps(x: Array, y: Array, threshold: float, ends: Array) -> Array:
    """Return the sums of squares about the best lines between a threshold and each end."""
    ramps = np.clip(x, threshold, ends[:, np.newaxis])
    ramps -= ramps.mean(axis=1, keepdims=True)
    away = y - y.mean()
    squares = np.sum(ramps**2, axis=1)
    slopes = ramps @ away / np.maximum(squares, 1e-300)
    rest = away - slopes[:, np.newaxis] * ramps
    return np.sum(rest**2, axis=1)


def _fit(current: Array, resistance: Array, free: Free, near: Array | None = None) -> Array:
    """Fit one device's curve by least squares, from a searched start or a given one.

    R_AH rises with current here: falling curves are turned before.
    """
    top = float(current.max())
    base = float(resistance.min())
    scale = float(np.ptp(resistance))
    x = current / top
    y = (resistance - base) / scale
    low = np.array([-1.0, -1.0, 0.02, 0.002, 0.02, -0.5])
    high = np.array([1.5, 1.0, 200.0, 0.3, 5.0, 0.5])
    units = np.array([scale, top, scale / top, top, scale, scale / top**2])
    origin = np.array([base, 0.0, 0.0, 0.0, 0.0, 0.0])
    start = _start(x, y, bool(free[HEIGHT])) if near is None else (near - origin) / units

    def whole(parameters: Array) -> Array:
        every = start.copy()
        every[free] = parameters
        return every

    def away(parameters: Array) -> Array:
        return _model(whole(parameters), x)[0] - y

    def slopes(parameters: Array) -> Array:
        return _model(whole(parameters), x)[1][:, free]

    found = optimize.least_squares(
        away,
        np.clip(start, low + 1e-6, high - 1e-6)[free],
        jac=slopes,  # type: ignore[arg-type]
        bounds=(low[free], high[free]),
        x_scale="jac",
    )
    return whole(found.x) * units + origin


def _square(parameters: Array, points: tuple[Array, Array]) -> float:
    """Return the sum of squares that a model leaves of current and R_AH."""
    current, resistance = points
    modelled, _ = _model(parameters, current)
    return float(np.sum((modelled - resistance) ** 2))


def _fit_devices(points: list[tuple[Array, Array]]) -> tuple[list[Array], Free]:
    """Return fits of each device, and the fitted parameters: those that most devices show."""
    free = np.arange(len(NAMES)) < HEIGHT
    found = [_fit(*each, free) for each in points]
    if any(current.size < FEWEST_FOR_KNEE for current, _ in points):
        return found, free
    for parameter in (HEIGHT, HEATING):
        more = free.copy()
        more[parameter] = True
        others = [_fit(*each, more) for each in points]
        votes = 0
        for each, without, with_it in zip(points, found, others, strict=True):
            freedom = each[0].size - int(more.sum())
            votes += _is_shown(parameter, each, without, with_it, freedom)
        if votes > len(points) / 2:
            found = others
            free = more
    return found, free


def _is_shown(
    parameter: int, points: tuple[Array, Array], without: Array, with_it: Array, freedom: int
) -> bool:
    """Return True if a device shows a parameter: it is large enough, and significant by an F test.

    An upper knee has to be within the data, and heating to add some share of the range.
    """
    current, resistance = points
    top = current.max()
    if parameter == HEIGHT:
        knee = with_it[THRESHOLD] + with_it[HEIGHT] / with_it[SLOPE]
        large = knee < top
    else:
        heating = abs(with_it[HEATING]) * top**2
        large = heating > LEAST_HEATING * np.ptp(resistance)
    rest = max(_square(with_it, points) / freedom, 1e-300)
    ratio = (_square(without, points) - rest * freedom) / rest
    return bool(large and stats.f.sf(ratio, 1, freedom) < 0.01)


def _flat(device: DeviceCurves) -> tuple[Array, Array]:
    """Return currents and R_AH of all points of a device."""
    present = np.isfinite(device.resistance)
    currents = np.broadcast_to(device.pulses, device.resistance.shape)
    return currents[present], device.resistance[present]


def _full(parameters: Array, free: Free, current: float) -> tuple[float, Array]:
    """Return R_AH of full scale above the flat part, without heating, and its derivatives."""
    if free[HEIGHT]:
        return float(parameters[HEIGHT]), np.eye(len(NAMES))[HEIGHT]
    cool = parameters.copy()
    cool[HEATING] = 0.0
    value, slopes = _model(cool, np.array([current]))
    derivatives = slopes[0].copy()
    derivatives[[BASE, HEATING]] = 0.0
    return float(value[0] - parameters[BASE]), derivatives


def _points_errors(found: Array, free: Free, points: tuple[Array, Array], current: float) -> Array:
    """Return standard errors of a device's parameters and full scale, from its points' scatter."""
    count = int(free.sum())
    _, derivatives = _model(found, points[0])
    slopes = derivatives[:, free]
    freedom = max(points[0].size - count, 1)
    units = np.maximum(np.abs(slopes).max(axis=0), 1e-100)
    scaled = slopes / units
    covariance = np.linalg.pinv(scaled.T @ scaled) * _square(found, points) / freedom
    _, of_full = _full(found, free, current)
    mix = np.vstack([np.eye(count), of_full[free]]) / units
    variances = np.diag(mix @ covariance @ mix.T)
    return np.sqrt(np.maximum(variances, 0.0))


def _side(curve: Curve) -> float:
    """Return the sign of the currents that are fitted."""
    low = float(-curve.x.min())
    high = float(curve.x.max())
    if min(low, high) < EQUAL * max(low, high):
        return -1.0 if low > high else 1.0
    negative = EQUAL * _steepness(curve, curve.x <= 0)
    return -1.0 if negative > _steepness(curve, curve.x >= 0) else 1.0


def _steepness(curve: Curve, side: npt.NDArray[np.bool_]) -> float:
    """Return the magnitude of the slope of one side of a curve."""
    x = curve.x[side]
    product = float((x - x.mean()) @ curve.resistance[side])
    return abs(product) / max(x.var() * x.size, 1e-300)


def select(curves: Sequence[Curve], currents: tuple[float, float] | None) -> list[Curve]:
    """Select the part of neuron curves that is fitted.

    Parameters
    ----------
    curves : sequence of Curve
        Neuron curves.
    currents : tuple of float or None
        Lowest and highest magnitude of the current; None for all of one sign.

    Returns
    -------
    list of Curve
        With the current's magnitude as x. Of currents of both signs those of the larger
        magnitude are taken; if they are about equal, as in a branch of a loop, those over which
        R_AH changes more, the positive ones if that is equal too.

    Raises
    ------
    UserError
        If too few points are left.
    """
    low, high = currents or (0.0, np.inf)
    chosen = []
    for curve in curves:
        x = _side(curve) * curve.x
        kept = (x >= low) & (x <= high)
        count = np.count_nonzero(kept)
        if count < FEWEST_POINTS:
            raise UserError(
                f"device {curve.device}: {count} points of the neuron's curve are in the range of "
                f"currents; a fit needs {FEWEST_POINTS}: widen `currents` or measure more"
            )
        x = x[kept]
        largest = x.max()
        if largest == 0 or np.ptp(x) < 1e-3 * largest:
            raise UserError(
                f"device {curve.device}: the current does not change; is it the right column? "
                "Pulses need a column that counts them"
            )
        resistance = curve.resistance[kept]
        chosen.append(replace(curve, x=x, resistance=resistance, scatter=None))
    return chosen


def _stack(curves: Sequence[Curve]) -> list[DeviceCurves]:
    """Gather curves by device; curves on different currents keep all of their points."""
    stacked = []
    for name, places in by_device(curves).items():
        own = [curves[place] for place in places]
        x = own[0].x
        if all(np.array_equal(one.x, x) for one in own) and np.unique(x).size == x.size:
            stacked += stack(own)
            continue
        x = np.concatenate([one.x for one in own])
        table = np.full((len(own), x.size), np.nan)
        first = 0
        for row, one in zip(table, own, strict=True):
            row[first : first + one.x.size] = one.resistance
            first += one.x.size
        order = np.argsort(x, kind="stable")
        stacked.append(DeviceCurves(name, x[order], table[:, order]))
    return stacked


def fit_neuron(curves: Sequence[Curve]) -> NeuronFit:
    """Fit neuron curves.

    Parameters
    ----------
    curves : sequence of Curve
        Curves that `select` returns.
    """
    slopes = [float(np.polyfit(curve.x, curve.resistance, 1)[0]) for curve in curves]
    falls = sum(slopes) < 0
    sign = -1.0 if falls else 1.0
    devices = _stack([replace(curve, resistance=sign * curve.resistance) for curve in curves])
    points = [_flat(device) for device in devices]
    found, free = _fit_devices(points)
    count = int(free.sum())
    full_current = max(float(device.pulses.max()) for device in devices)
    errors = []
    for parameters, own in zip(found, points, strict=True):
        errors.append(_points_errors(parameters, free, own, full_current))
    table = np.array([_values(parameters, free, full_current) for parameters in found])

    def refit(cycle: int) -> Array:
        near = _fit(*_flat(devices[0].without(cycle)), free, found[0])
        return _values(near, free, full_current)

    def of_points() -> tuple[Array, float]:
        freedom = points[0][0].size - count
        return errors[0], float(max(freedom, 1))

    cycles = len(devices[0].resistance)
    (*intervals, full), basis = estimated(table, cycles, refit, of_points)
    values = dict(zip(itertools.compress(NAMES, free), intervals, strict=True))
    gain = None
    threshold_spread = None
    if len(devices) > 1:
        variances = np.array(errors) ** 2
        gain = spread_between(table[:, SLOPE], variances[:, SLOPE], values["slope"])
        threshold_spread = spread_between(
            table[:, THRESHOLD], variances[:, THRESHOLD], exactly(full_current)
        )
    if falls:
        for name in values.keys() - {"threshold", "softness"}:
            values[name] = values[name].turned()
    models = [_model(one, device.pulses)[0] for one, device in zip(found, devices, strict=True)]
    return NeuronFit(
        full_current=full_current,
        full_resistance=full.value,
        values=values,
        use=_cycle_deviation(found, points, count).over(full),
        gain=gain,
        threshold_spread=threshold_spread,
        basis=basis,
        goodness=judge(devices, models),
        devices=[replace(device, resistance=sign * device.resistance) for device in devices],
        models=[sign * model for model in models],
    )


def _cycle_deviation(found: list[Array], points: list[tuple[Array, Array]], count: int) -> Interval:
    """Return the deviation of points from the fits of their devices, of `count` parameters each."""
    squares = 0.0
    readings = 0
    for parameters, own in zip(found, points, strict=True):
        squares += _square(parameters, own)
        readings += own[0].size
    freedom = max(readings - len(found) * count, 1)
    deviation = float(np.sqrt(squares / freedom))
    return chi_interval(deviation, freedom)


def _values(parameters: Array, free: Free, full_current: float) -> Array:
    """Return the fitted parameters and R_AH of full scale."""
    return np.append(parameters[free], _full(parameters, free, full_current)[0])
