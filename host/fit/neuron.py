"""Least squares of the neuron's curve: R_AH against current.

The model is `allspin.sim.network.neuron.SotNeuron`: flat below a threshold, then linear, then
flat again where the film is saturated, both knees rounded. Where the data end before it is
saturated, there is no upper knee in the fit and full scale is what was measured.
"""

from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats
from scipy.special import expit

from allspin.host.fit.columns import Curve
from allspin.host.fit.goodness import Goodness, judge
from allspin.host.fit.response import FEW_CYCLES, DeviceCurves, Interval, interval
from allspin.host.fit.spread import chi_interval
from allspin.sim.errors import UserError
from allspin.sim.network.neuron import SotNeuron
from allspin.sim.synapse.response import Array

SHARPEST, SOFTEST = 0.002, 0.3
"""Limits of a knee's softness, as fractions of the largest current."""
STARTS = tuple(np.linspace(0.0, 0.95, 20).tolist())
"""Knees that fits may start from, as fractions of the largest current."""
FIRST_SOFTNESS = 0.03
"""Softness that fits start from, as a fraction of the largest current."""
EQUAL = 0.9
"""Magnitudes and slopes of the two sides from this ratio on are about equal."""
LEAST_POINTS = 8
"""Points from which an upper knee is asked for."""
LEAST_CHANGE = 1e-3
"""Of the current from end to end, as a fraction of the largest, from which a line is fitted."""
SURE = 0.01
"""P-value of an F test below which the upper knee is part of the model."""
NAMES = ("base", "threshold", "slope", "softness", "height")


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
        ``softness`` (current) and, where the film was saturated, ``height`` (R_AH).
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
        try:
            return SotNeuron(
                threshold=max(self.values["threshold"].value / self.full_current, 0.0),
                slope=abs(self.values["slope"].value) * self.full_current / self.full_resistance,
                softness=max(self.values["softness"].value / self.full_current, 0.001),
                saturation=1.0,
            )
        except ValueError as error:
            raise UserError(
                f"the neuron's curve cannot be used: {error}; choose its part by --currents"
            ) from error


def _model(parameters: Array, current: Array) -> tuple[Array, Array]:
    """R_AH, and its derivative by each parameter, shape (points, parameters).

    The parameters are `NAMES`: four, or five with the height of the upper knee.
    """
    base, threshold, slope, softness = parameters[:4]
    lower = (current - threshold) / softness
    on, knee = expit(lower), np.logaddexp(0.0, lower)
    by_softness = knee - on * lower
    by_slope = softness * knee
    by_threshold = on
    columns = []
    if len(parameters) == len(NAMES):
        height = parameters[4]
        upper = (current - threshold - height / slope) / softness
        off, end = expit(upper), np.logaddexp(0.0, upper)
        by_softness = by_softness - end + off * upper
        knee = knee - end
        by_slope = softness * knee - off * height / slope
        by_threshold = on - off
        columns = [off]
    slopes = [np.ones(current.shape), -slope * by_threshold, by_slope, slope * by_softness]
    return base + slope * softness * knee, np.stack([*slopes, *columns], axis=-1)


def _start(x: Array, y: Array, upper_knee: bool) -> list[float]:
    """Parameters to start from: the best of a few knees, between which the line is fitted."""
    best: tuple[float, list[float]] | None = None
    for threshold in STARTS:
        for end in STARTS if upper_knee else (np.inf,):
            if end <= threshold:
                continue
            ramp = np.clip(x, threshold, end) - threshold
            table = np.stack([np.ones(x.size), ramp], axis=1)
            (base, slope), *_ = np.linalg.lstsq(table, y, rcond=None)
            left = float(np.sum((table @ [base, slope] - y) ** 2))
            if best is None or left < best[0]:
                slope = max(float(slope), 0.05)
                best = left, [float(base), threshold, slope, FIRST_SOFTNESS]
                if upper_knee:
                    best[1].append(slope * (end - threshold))
    assert best is not None
    return best[1]


def _fit(current: Array, resistance: Array, upper_knee: bool, near: Array | None = None) -> Array:
    """Least squares of one device's curve, from a start that is looked for or one nearby.

    R_AH rises with current here: curves that fall are turned before.
    """
    top = float(current.max())
    base, scale = float(resistance.min()), float(np.ptp(resistance))
    x, y = current / top, (resistance - base) / scale
    low, high = [-1.0, -1.0, 0.02, SHARPEST], [1.5, 1.0, 200.0, SOFTEST]
    units = [scale, top, scale / top, top]
    if upper_knee:
        low, high, units = [*low, 0.02], [*high, 5.0], [*units, scale]
    if near is None:
        start = np.array(_start(x, y, upper_knee))
    else:
        start = (near - np.array([base, *[0.0] * (len(low) - 1)])) / units
    found = optimize.least_squares(
        lambda parameters: _model(parameters, x)[0] - y,
        np.clip(start, np.add(low, 1e-6), np.subtract(high, 1e-6)),
        jac=lambda parameters: _model(parameters, x)[1],  # type: ignore[arg-type]
        bounds=(low, high),
        x_scale="jac",
    )
    fitted = found.x * units
    fitted[0] += base
    return fitted


def _square(parameters: Array, current: Array, resistance: Array) -> float:
    """Sum of squares that a model leaves."""
    return float(np.sum((_model(parameters, current)[0] - resistance) ** 2))


def _fit_devices(points: list[tuple[Array, Array]]) -> list[Array]:
    """Fits of each device: with an upper knee where most of them show one, by an F test."""
    without = [_fit(current, resistance, False) for current, resistance in points]
    if any(current.size < LEAST_POINTS for current, _ in points):
        return without
    knees = [_fit(current, resistance, True) for current, resistance in points]
    votes = 0
    for (current, resistance), plain, knee in zip(points, without, knees, strict=True):
        freedom = current.size - len(NAMES)
        rest = max(_square(knee, current, resistance) / freedom, 1e-300)
        ratio = (_square(plain, current, resistance) - rest * freedom) / rest
        end = knee[1] + knee[4] / knee[2]
        votes += bool(stats.f.sf(ratio, 1, freedom) < SURE and end < current.max())
    return knees if votes > len(points) / 2 else without


def _flat(device: DeviceCurves) -> tuple[Array, Array]:
    """All points of a device."""
    there = np.isfinite(device.resistance)
    current = np.broadcast_to(device.pulses, device.resistance.shape)
    return current[there], device.resistance[there]


def _with_full(parameters: Array, full_current: float) -> Array:
    """Parameters, and behind them R_AH of full scale over the flat part."""
    if parameters.size == len(NAMES):
        return np.append(parameters, parameters[4])
    top, _ = _model(parameters, np.array([full_current]))
    return np.append(parameters, top - parameters[0])


def _points_errors(found: Array, device: DeviceCurves, full_current: float) -> Array:
    """Standard errors of a device's parameters and full scale, from its points' scatter."""
    current, resistance = _flat(device)
    _, slopes = _model(found, current)
    freedom = max(current.size - found.size, 1)
    units = np.abs(slopes).max(axis=0) + 1e-300
    scaled = slopes / units
    covariance = np.linalg.pinv(scaled.T @ scaled) * _square(found, current, resistance) / freedom
    # Full scale is the height itself, or what the model has at full current over its base.
    if found.size == len(NAMES):
        last = np.eye(found.size)[4]
    else:
        last = _model(found, np.array([full_current]))[1][0] - np.eye(found.size)[0]
    mix = np.vstack([np.eye(found.size), last]) / units
    return np.sqrt(np.maximum(np.diag(mix @ covariance @ mix.T), 0.0))


def _intervals(
    found: list[Array], devices: list[DeviceCurves], full_current: float
) -> tuple[list[Interval], str]:
    """Intervals of each parameter and of full scale, and what they rest on."""
    device, own = devices[0], found[0]
    cycles = len(device.resistance)
    upper_knee = own.size == len(NAMES)
    if len(devices) > 1:
        basis, freedom = "devices", len(devices) - 1
        table = np.array([_with_full(one, full_current) for one in found])
        estimate = table.mean(axis=0)
        error = table.std(axis=0, ddof=1) / np.sqrt(len(table))
    elif cycles >= FEW_CYCLES:
        basis, freedom = "cycles", cycles - 1
        left = np.array(
            [
                _with_full(_fit(*_flat(device.without(one)), upper_knee, own), full_current)
                for one in range(cycles)
            ]
        )
        estimate = cycles * _with_full(own, full_current) - (cycles - 1) * left.mean(axis=0)
        error = np.sqrt((cycles - 1) ** 2 / cycles * left.var(axis=0, ddof=1))
    else:
        basis, freedom = "points", max(_flat(device)[0].size - own.size, 1)
        estimate = _with_full(own, full_current)
        error = _points_errors(own, device, full_current)
    pairs = zip(estimate, error, strict=True)
    return [interval(float(value), float(one), freedom) for value, one in pairs], basis


def _spread(values: Array, errors: Array, unit: Interval) -> Interval | None:
    """Interval of the deviation between devices, over a unit."""
    if values.size < 2:
        return None
    total = chi_interval(float(values.std(ddof=1)), values.size - 1)
    noise = float(np.mean(errors**2))
    edges = (float(np.sqrt(max(edge**2 - noise, 0.0))) for edge in vars(total).values())
    return Interval(*edges).over(unit)


def _slope(x: Array, y: Array) -> float:
    """Magnitude of the slope of the line through some points; 0 where there is no line."""
    away = x - x.mean()
    square = float(away @ away)
    return abs(float(away @ (y - y.mean()))) / square if square else 0.0


def _side(curve: Curve) -> float:
    """Sign of the currents that are fitted."""
    low, high = float(-curve.x.min()), float(curve.x.max())
    if min(low, high) < EQUAL * max(low, high):
        return -1.0 if low > high else 1.0
    below, above = (
        _slope(curve.x[side], curve.resistance[side]) for side in (curve.x <= 0, curve.x >= 0)
    )
    return -1.0 if EQUAL * below > above else 1.0


def select(curves: list[Curve], currents: tuple[float, float] | None) -> list[Curve]:
    """The part of neuron curves that is fitted.

    Parameters
    ----------
    curves : list of Curve
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
    chosen = []
    for curve in curves:
        sign = _side(curve)
        x = sign * curve.x
        kept = x >= 0 if currents is None else (x >= currents[0]) & (x <= currents[1])
        if np.count_nonzero(kept) < 6:
            raise UserError(
                f"device {curve.device}: {np.count_nonzero(kept)} points of the neuron's curve are "
                "in the range of currents; a fit needs 6: widen --currents or measure more"
            )
        if np.ptp(x[kept]) < LEAST_CHANGE * x[kept].max() or not x[kept].max():
            raise UserError(
                f"device {curve.device}: the current does not change; is it the right column?"
            )
        chosen.append(Curve(curve.device, curve.cycle, None, x[kept], curve.resistance[kept]))
    return chosen


def _stack(curves: list[Curve]) -> list[DeviceCurves]:
    """Gather curves by device; each keeps its own points, however close currents are."""
    devices: dict[str, list[Curve]] = {}
    for curve in curves:
        devices.setdefault(curve.device, []).append(curve)
    stacked = []
    for name, own in devices.items():
        same = all(np.array_equal(curve.x, own[0].x) for curve in own)
        if same and np.unique(own[0].x).size == own[0].x.size:
            order = np.argsort(own[0].x)
            table = np.array([curve.resistance[order] for curve in own])
            stacked.append(DeviceCurves(name, own[0].x[order], table))
            continue
        x = np.concatenate([curve.x for curve in own])
        order = np.argsort(x, kind="stable")
        table = np.full((len(own), x.size), np.nan)
        start = 0
        for row, curve in zip(table, own, strict=True):
            row[start : start + curve.x.size] = curve.resistance
            start += curve.x.size
        stacked.append(DeviceCurves(name, x[order], table[:, order]))
    return stacked


def fit_neuron(curves: list[Curve]) -> NeuronFit:
    """Fit neuron curves.

    Parameters
    ----------
    curves : list of Curve
        From `select`.

    Returns
    -------
    NeuronFit
    """
    falls = sum(float(np.polyfit(curve.x, curve.resistance, 1)[0]) for curve in curves) < 0
    sign = -1.0 if falls else 1.0
    turned = [Curve(one.device, one.cycle, None, one.x, sign * one.resistance) for one in curves]
    devices = _stack(turned)
    points = [_flat(device) for device in devices]
    found = _fit_devices(points)
    full_current = max(float(device.pulses.max()) for device in devices)
    intervals, basis = _intervals(found, devices, full_current)
    full = intervals[-1]
    values: dict[str, Interval] = dict(zip(NAMES, intervals[:-1], strict=False))
    models = [_model(own, device.pulses)[0] for own, device in zip(found, devices, strict=True)]
    squares = sum(
        float(np.nansum((device.resistance - model) ** 2))
        for device, model in zip(devices, models, strict=True)
    )
    freedom = sum(y.size for _, y in points) - len(devices) * found[0].size
    use = chi_interval(float(np.sqrt(squares / max(freedom, 1))), max(freedom, 1)).over(full)
    table = np.array(found)
    errors = np.array(
        [
            _points_errors(own, device, full_current)
            for own, device in zip(found, devices, strict=True)
        ]
    )
    goodness = judge(devices, models)
    for name in ("base", "slope", "height"):
        if falls and name in values:
            one = values[name]
            values[name] = Interval(-one.value, -one.high, -one.low)
    shown = [
        DeviceCurves(device.device, device.pulses, sign * device.resistance) for device in devices
    ]
    return NeuronFit(
        full_current=full_current,
        full_resistance=full.value,
        values=values,
        use=use,
        gain=_spread(table[:, 2], errors[:, 2], intervals[2]),
        threshold_spread=_spread(
            table[:, 1], errors[:, 1], Interval(full_current, full_current, full_current)
        ),
        basis=basis,
        goodness=goodness,
        devices=shown,
        models=[sign * model for model in models],
    )
