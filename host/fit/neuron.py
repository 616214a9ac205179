"""Least squares of the neuron's curve: R_AH against current.

The model is `allspin.sim.network.neuron.SotNeuron`: flat below a threshold, then linear, then
flat again where the film is saturated, both knees rounded. Where the data end before it is
saturated, there is no upper knee in the fit and full scale is what was measured. Heating adds what
grows with the square of the current, where the data show it; it is no part of the neuron.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats
from scipy.special import expit

from allspin.host.fit.goodness import Goodness, judge
from allspin.host.fit.response import DeviceCurves, Interval, chi_interval, estimated, stack
from allspin.host.fit.spread import spread_between
from allspin.host.lab.curves import Curve, by_device
from allspin.sim.errors import UserError, refused
from allspin.sim.network.neuron import SotNeuron
from allspin.sim.synapse.response import Array

EQUAL = 0.9
"""Magnitudes and slopes of the two sides from this ratio on are about equal."""
FEWEST_POINTS = 6
"""Points of a curve that is fitted."""
NAMES = ("base", "threshold", "slope", "softness", "height", "heating")
NO_KNEE = 1e6
"""Height, in ranges, of a curve that shows no upper knee."""
LEAST_HEATING = 0.02
"""Of the range, that heating adds at full current at least, to be told from another shape."""
Free = npt.NDArray[np.bool_]
"""Which of `NAMES` are fitted: the last two where the data show them."""


@dataclass(frozen=True, eq=False)
class NeuronFit:
    """A neuron as fitted.

    Attributes
    ----------
    full_current : float
        The largest current that was measured.
    full_resistance : float
        Change of R_AH from the flat part to full scale.
    values : dict of str to Interval
        ``base`` (R_AH of the flat part), ``threshold`` (current), ``slope`` (R_AH a current),
        ``softness`` (current); ``height`` (R_AH) where the film was saturated, and ``heating``
        (R_AH a squared current) where it was seen.
    use : Interval
        Cycle-to-cycle deviation of R_AH, as a fraction of `full_resistance`.
    gain, threshold_spread : Interval or None
        Device-to-device deviation of the slope, as a fraction of it, and of the threshold, as
        a fraction of `full_current`; None for one device.
    basis : str
        What the intervals rest on: ``devices``, ``cycles`` or ``points``.
    goodness : Goodness
        How well the model describes the curves.
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
        """The neuron in fractions of full scale.

        Raises
        ------
        UserError
            If it does not fit the neuron's ranges.
        """
        with refused("the neuron's curve cannot be used: ", "; choose its part by --currents"):
            return SotNeuron(
                threshold=max(self.values["threshold"].value / self.full_current, 0.0),
                slope=abs(self.values["slope"].value) * self.full_current / self.full_resistance,
                softness=max(self.values["softness"].value / self.full_current, 0.001),
                saturation=1.0,
            )


def _model(parameters: Array, current: Array) -> tuple[Array, Array]:
    """R_AH, and its derivative by each of `NAMES`, shape (points, parameters)."""
    base, threshold, slope, softness, height, heating = parameters
    lower = (current - threshold) / softness
    upper = lower - height / slope / softness
    on, off = expit(lower), expit(upper)
    below, above = np.logaddexp(0.0, lower), np.logaddexp(0.0, upper)
    ramp = softness * (below - above)
    by_softness = below - on * lower - above + off * upper
    by_slope = ramp - off * height / slope
    slopes = slope * (off - on), by_slope, slope * by_softness, off, current**2
    return (
        base + slope * ramp + heating * current**2,
        np.stack([np.ones(current.shape), *slopes], axis=-1),
    )


def _start(x: Array, y: Array, upper_knee: bool) -> Array:
    """Parameters to start from: the best of a few knees, between which the line is fitted."""
    found, starts = [], np.linspace(0.0, 0.95, 20).tolist()
    ends = itertools.product(starts, starts if upper_knee else [np.inf])
    for threshold, end in ((start, end) for start, end in ends if end > start):
        table = np.stack([np.ones(x.size), np.clip(x, threshold, end) - threshold], axis=1)
        (base, slope), *_ = np.linalg.lstsq(table, y, rcond=None)
        left = float(np.sum((table @ [base, slope] - y) ** 2))
        slope = max(float(slope), 0.05)
        height = slope * (end - threshold) if upper_knee else NO_KNEE
        found.append((left, [float(base), threshold, slope, 0.03, height, 0.0]))
    return np.array(min(found, key=lambda one: one[0])[1])


def _fit(current: Array, resistance: Array, free: Free, near: Array | None = None) -> Array:
    """Least squares of one device's curve, from a start that is looked for or one nearby.

    R_AH rises with current here: curves that fall are turned before.
    """
    top = float(current.max())
    base, scale = float(resistance.min()), float(np.ptp(resistance))
    x, y = current / top, (resistance - base) / scale
    low = np.array([-1.0, -1.0, 0.02, 0.002, 0.02, -0.5])
    high = np.array([1.5, 1.0, 200.0, 0.3, 5.0, 0.5])
    units = np.array([scale, top, scale / top, top, scale, scale / top**2])
    origin = np.array([base, 0.0, 0.0, 0.0, 0.0, 0.0])
    start = _start(x, y, bool(free[4])) if near is None else (near - origin) / units

    def whole(parameters: Array) -> Array:
        every = start.copy()
        every[free] = parameters
        return every

    found = optimize.least_squares(
        lambda parameters: _model(whole(parameters), x)[0] - y,
        np.clip(start, low + 1e-6, high - 1e-6)[free],
        jac=lambda parameters: _model(whole(parameters), x)[1][:, free],  # type: ignore[arg-type]
        bounds=(low[free], high[free]),
        x_scale="jac",
    )
    return whole(found.x) * units + origin


def _square(parameters: Array, current: Array, resistance: Array) -> float:
    """Sum of squares that a model leaves."""
    return float(np.sum((_model(parameters, current)[0] - resistance) ** 2))


def _fit_devices(points: list[tuple[Array, Array]]) -> tuple[list[Array], Free]:
    """Fits of each device, and what was fitted: what most of them show by an F test.

    An upper knee has to be within the data, and heating to add some share of the range.
    """
    free = np.arange(len(NAMES)) < 4
    found = [_fit(*each, free) for each in points]
    if any(current.size < 8 for current, _ in points):
        return found, free
    for name in (4, 5):
        more = free | (np.arange(len(NAMES)) == name)
        others = [_fit(*each, more) for each in points]
        votes = 0
        for each, plain, other in zip(points, found, others, strict=True):
            freedom, top = each[0].size - int(more.sum()), each[0].max()
            rest = max(_square(other, *each) / freedom, 1e-300)
            ratio = (_square(plain, *each) - rest * freedom) / rest
            knee = other[1] + other[4] / other[2] < top
            heats = abs(other[5]) * top**2 > LEAST_HEATING * np.ptp(each[1])
            votes += bool(stats.f.sf(ratio, 1, freedom) < 0.01 and (knee, heats)[name - 4])
        if votes > len(points) / 2:
            found, free = others, more
    return found, free


def _flat(device: DeviceCurves) -> tuple[Array, Array]:
    """All points of a device."""
    there = np.isfinite(device.resistance)
    return np.broadcast_to(device.pulses, device.resistance.shape)[there], device.resistance[there]


def _full(parameters: Array, free: Free, current: float) -> tuple[float, Array]:
    """R_AH of full scale over the flat part, without heating, and its derivatives."""
    cool = np.where(np.array(NAMES) == "heating", 0.0, parameters)
    value, slopes = _model(cool, np.array([current]))
    if free[4]:
        return float(parameters[4]), np.eye(len(NAMES))[4]
    return float(value[0] - parameters[0]), slopes[0] * (np.arange(len(NAMES)) % 5 > 0)


def _points_errors(found: Array, free: Free, points: tuple[Array, Array], current: float) -> Array:
    """Standard errors of a device's parameters and full scale, from its points' scatter."""
    slopes = _model(found, points[0])[1][:, free]
    freedom = max(points[0].size - int(free.sum()), 1)
    units = np.maximum(np.abs(slopes).max(axis=0), 1e-100)
    scaled = slopes / units
    covariance = np.linalg.pinv(scaled.T @ scaled) * _square(found, *points) / freedom
    mix = np.vstack([np.eye(int(free.sum())), _full(found, free, current)[1][free]]) / units
    return np.sqrt(np.maximum(np.diag(mix @ covariance @ mix.T), 0.0))


def _side(curve: Curve) -> float:
    """Sign of the currents that are fitted."""
    low, high = float(-curve.x.min()), float(curve.x.max())
    if min(low, high) < EQUAL * max(low, high):
        return -1.0 if low > high else 1.0
    sides = [(curve.x[side], curve.resistance[side]) for side in (curve.x <= 0, curve.x >= 0)]
    slopes = [abs(float((x - x.mean()) @ y)) / max(x.var() * x.size, 1e-300) for x, y in sides]
    return -1.0 if EQUAL * slopes[0] > slopes[1] else 1.0


def select(curves: Sequence[Curve], currents: tuple[float, float] | None) -> list[Curve]:
    """The part of neuron curves that is fitted.

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
                f"currents; a fit needs {FEWEST_POINTS}: widen --currents or measure more"
            )
        if np.ptp(x[kept]) < 1e-3 * x[kept].max() or not x[kept].max():
            raise UserError(
                f"device {curve.device}: the current does not change; is it the right column? "
                "Pulses need a column that counts them"
            )
        chosen.append(replace(curve, x=x[kept], resistance=curve.resistance[kept], scatter=None))
    return chosen


def _stack(curves: Sequence[Curve]) -> list[DeviceCurves]:
    """Gather curves by device; each keeps its own points, however close currents are."""
    stacked = []
    for name, places in by_device(curves).items():
        own = [curves[place] for place in places]
        if (
            all(np.array_equal(curve.x, own[0].x) for curve in own)
            and np.unique(own[0].x).size == own[0].x.size
        ):
            stacked += stack(own)
            continue
        x, y = (
            np.concatenate(one) for one in zip(*((c.x, c.resistance) for c in own), strict=True)
        )
        rows = np.repeat(np.arange(len(own)), [curve.x.size for curve in own])
        table = np.where(rows == np.arange(len(own))[:, np.newaxis], y, np.nan)
        order = np.argsort(x, kind="stable")
        stacked.append(DeviceCurves(name, x[order], table[:, order]))
    return stacked


def fit_neuron(curves: Sequence[Curve]) -> NeuronFit:
    """Fit neuron curves.

    Parameters
    ----------
    curves : sequence of Curve
        From `select`.

    Returns
    -------
    NeuronFit
    """
    falls = sum(float(np.polyfit(curve.x, curve.resistance, 1)[0]) for curve in curves) < 0
    sign = -1.0 if falls else 1.0
    devices = _stack([replace(one, resistance=sign * one.resistance) for one in curves])
    points = [_flat(device) for device in devices]
    found, free = _fit_devices(points)
    full_current = max(float(device.pulses.max()) for device in devices)

    def row(parameters: Array) -> Array:
        return np.append(parameters[free], _full(parameters, free, full_current)[0])

    def refit(cycle: int) -> Array:
        return row(_fit(*_flat(devices[0].without(cycle)), free, found[0]))

    table = np.array(list(map(row, found)))
    errors = np.array(
        [
            _points_errors(one, free, own, full_current)
            for one, own in zip(found, points, strict=True)
        ]
    )
    count = int(free.sum())
    (*intervals, full), basis = estimated(
        table,
        len(devices[0].resistance),
        refit,
        lambda: (errors[0], float(max(points[0][0].size - count, 1))),
    )
    values = dict(zip(itertools.compress(NAMES, free), intervals, strict=True))
    models = [_model(one, device.pulses)[0] for one, device in zip(found, devices, strict=True)]
    squares = sum(_square(one, *own) for one, own in zip(found, points, strict=True))
    freedom = max(sum(y.size for _, y in points) - len(devices) * count, 1)
    gain = threshold_spread = None
    if len(devices) > 1:
        gain = spread_between(table[:, 2], errors[:, 2] ** 2, values["slope"])
        threshold_spread = spread_between(
            table[:, 1], errors[:, 1] ** 2, Interval(*[full_current] * 3)
        )
    for name in values.keys() - {"threshold", "softness"} if falls else ():
        values[name] = values[name].turned()
    return NeuronFit(
        full_current=full_current,
        full_resistance=full.value,
        values=values,
        use=chi_interval(float(np.sqrt(squares / freedom)), freedom).over(full),
        gain=gain,
        threshold_spread=threshold_spread,
        basis=basis,
        goodness=judge(devices, models),
        devices=[replace(device, resistance=sign * device.resistance) for device in devices],
        models=[sign * model for model in models],
    )
