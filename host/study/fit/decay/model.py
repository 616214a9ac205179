"""Least squares of decays by thermal activation, and how sure it is.

Each curve is ``rest + (start - rest) kept(t)``, kept being
`allspin.sim.device.retention.survival`: its start is its own, the rest is given. Barriers are free
for each group of starts, common shifts of them for each device; the deviation within a device and,
where temperatures differ, the attempt time are common to all.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from allspin.host.study.fit.decay.problem import Layout, Problem
from allspin.host.study.fit.decay.reading import Decay
from allspin.host.study.fit.model.goodness import Goodness, judge
from allspin.host.study.fit.model.response import DeviceCurves, Interval, interval
from allspin.host.study.fit.model.spread import chi_interval
from allspin.sim.device.retention import BOLTZMANN
from allspin.sim.device.synapse.response import Array
from allspin.sim.errors import UserError

USUAL_ATTEMPT = 1e-9
"""Seconds, where one temperature tells nothing of it."""
ATTEMPTS = (1e-9, 1e-11)
"""Where fits start from."""
SPREADS = (0.02, 0.1, 0.4)
"""Likewise, in electronvolt."""
SURE = 0.01
"""P-value of an F test below which barriers are distributed."""
FAR = 5.0
"""Deviations of a point from the fit, from which on it is set aside."""
LEAST_CHANGE = 0.01
"""Of the start that some curve must lose."""


@dataclass(frozen=True, eq=False)
class DecayFit:
    """What came of decays.

    Attributes
    ----------
    barriers : list of Interval
        Mean barrier of each group of starts, in electronvolt.
    within : Interval or None
        Deviation of barriers in a device, in electronvolt; None for one barrier.
    between : Interval or None
        Deviation of barriers between devices, in electronvolt; None for one device.
    attempt_time : Interval or None
        In seconds; None where it was given.
    used_attempt : float
        The attempt time, in seconds.
    starts : list of float
        Mean start of each group, in R_AH's unit.
    p_value : float
        p-value of the distribution against one barrier (F test).
    goodness : list of Goodness
        How well each curve is described.
    models : list of ndarray
        The fit at each curve's points.
    aside : list of (int, int)
        Curve and point of what was set aside.
    """

    barriers: list[Interval]
    within: Interval | None
    between: Interval | None
    attempt_time: Interval | None
    used_attempt: float
    starts: list[float]
    p_value: float
    goodness: list[Goodness]
    models: list[Array]
    aside: list[tuple[int, int]]


def _first_values(curves: Sequence[Decay], rest: float) -> list[float]:
    """Start of each curve, as its first points have it."""
    few = [max(1, min(3, curve.time.size // 8)) for curve in curves]
    return [
        float(np.median(curve.resistance[:count])) for curve, count in zip(curves, few, strict=True)
    ]


def group_starts(starts: Sequence[float], span: float) -> list[int]:
    """Which group each start belongs to: a gap of a twentieth of the range divides them."""
    order = np.argsort(starts)
    groups, number = [0] * len(starts), 0
    for before, after in itertools.pairwise(order):
        number += starts[after] - starts[before] > span / 20
        groups[after] = number
    return groups


def _guess(curves: Sequence[Decay], rest: float, attempt: float) -> float:
    """A barrier to start from: that of the time at which the steepest curve is half gone."""
    found = []
    for curve in curves:
        y = np.abs(curve.resistance - rest)
        time = np.maximum(curve.time, attempt)
        half = int(np.argmin(np.abs(y - (y[0] + y[-1]) / 2)))
        found.append(BOLTZMANN * curve.temperature * math.log(time[half] / attempt))
    return float(np.median(found))


def fit_decays(
    curves: Sequence[Decay],
    ends: tuple[float, float],
    equilibrium: float = 0.0,
    attempt_time: float | None = None,
    keep_outliers: bool = False,
) -> DecayFit:
    """Fit decays.

    Parameters
    ----------
    curves : sequence of Decay
        The data.
    ends : (float, float)
        Lowest and highest R_AH of the device.
    equilibrium : float
        What R_AH decays to: 0 for the middle of the range, -1 and 1 for its ends.
    attempt_time : float, optional
        In seconds; what temperatures tell, or 1e-9 where all are the same.
    keep_outliers : bool
        Whether points far from the fit are kept.

    Raises
    ------
    UserError
        If nothing decays.
    """
    span = ends[1] - ends[0]
    rest = (ends[0] + ends[1]) / 2 + equilibrium * span / 2
    starts = _first_values(curves, rest)
    lost = [
        max(abs(float(np.median(part)) - start) for part in np.array_split(curve.resistance, 3))
        / max(abs(start - rest), 1e-3 * span)
        for curve, start in zip(curves, starts, strict=True)
    ]
    if max(lost) < LEAST_CHANGE:
        raise UserError(
            f"no curve loses {LEAST_CHANGE:.0%} of its R_AH; measure longer, or at a higher "
            "temperature"
        )
    names = list(dict.fromkeys(curve.device for curve in curves))
    groups = tuple(group_starts(starts, span))
    devices = tuple(names.index(curve.device) for curve in curves)
    temperatures = [curve.temperature for curve in curves]
    free = attempt_time is None and max(temperatures) > 1.01 * min(temperatures)
    given = None if free else attempt_time or USUAL_ATTEMPT
    one, several = (
        Problem(curves, rest, Layout(groups, devices, spread, given)) for spread in (False, True)
    )
    alone = one.solve(_starts(one))
    found = several.solve(_starts(several))
    if not keep_outliers:
        _set_aside(several, found[0])
        one.kept = several.kept
        alone, found = one.solve([alone[0]]), several.solve([found[0]])
    p_value = _p_value(one, alone[1], several, found[1])
    return _result(several, *found, p_value) if p_value < SURE else _result(one, *alone, p_value)


def _starts(problem: Problem) -> list[Array]:
    layout = problem.layout
    attempts = ATTEMPTS if layout.attempt is None else (layout.attempt,)
    found = []
    for attempt in attempts:
        barrier = _guess(problem.curves, problem.rest, attempt)
        head = [barrier] * layout.group_count + [0.0] * (layout.device_count - 1)
        tail = [math.log(attempt)] if layout.attempt is None else []
        spreads = SPREADS if layout.spread else (None,)
        found += [
            np.array([*head, *([] if spread is None else [math.log(spread)]), *tail])
            for spread in spreads
        ]
    return found


def _p_value(one: Problem, single: float, several: Problem, square: float) -> float:
    """p-value of as much less left over, were there one barrier."""
    freedom = several.freedom()
    if square <= 0:
        return 1.0 if single <= 0 else 0.0
    ratio = max(single - square, 0.0) / (square / freedom)
    return float(stats.f.sf(ratio, 1, freedom))


def _set_aside(problem: Problem, p: Array) -> None:
    """Leave out points that are far from the fit."""
    pairs = zip(problem.curves, problem.models(p), strict=True)
    residuals = [curve.resistance - model for curve, model in pairs]
    scatter = 1.4826 * float(np.median(np.abs(np.concatenate(residuals))))
    for there, residual in zip(problem.kept, residuals, strict=True):
        far = np.abs(residual) > FAR * scatter
        # A curve that is off as a whole has no outliers, but another law.
        if scatter and np.mean(far) <= 0.05:
            there &= ~far


def _result(problem: Problem, p: Array, square: float, jacobian: Array, p_value: float) -> DecayFit:
    layout, freedom, starts = problem.layout, problem.freedom(), problem.starts(p)
    covariance = np.linalg.pinv(jacobian.T @ jacobian) * square / freedom
    errors = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    shifts, count = layout.shifts(p), layout.device_count
    between = None
    extra = 0.0
    if count > 1:
        own = float(np.mean(errors[layout.group_count : layout.group_count + count - 1] ** 2))
        deviation = math.sqrt(max(float(shifts.var(ddof=1)) - own, 0.0))
        between = chi_interval(deviation, count - 1)
        extra = float(shifts.std(ddof=1)) / math.sqrt(count)
    barriers = [
        interval(float(p[group]), math.hypot(float(errors[group]), extra), count - 1 or freedom)
        for group in range(layout.group_count)
    ]
    within = attempt = None
    if layout.spread:
        place = layout.group_count + count - 1
        within = _exponent(interval(float(p[place]), float(errors[place]), freedom))
    if layout.attempt is None:
        attempt = _exponent(interval(float(p[-1]), float(errors[-1]), freedom))
    models = problem.models(p)
    goodness = [
        judge(
            [DeviceCurves(curve.name, *_unique(curve.time[there], curve.resistance[there]))],
            [_unique(curve.time[there], model[there])[1][0]],
        )
        for curve, model, there in zip(problem.curves, models, problem.kept, strict=True)
    ]
    means = np.bincount(layout.groups, starts) / np.bincount(layout.groups)
    aside = [
        (number, int(place))
        for number, there in enumerate(problem.kept)
        for place in np.flatnonzero(~there)
    ]
    return DecayFit(
        barriers,
        within,
        between,
        attempt,
        math.exp(layout.log_attempt(p)) if layout.attempt is None else layout.attempt,
        means.tolist(),
        p_value,
        goodness,
        models,
        aside,
    )


def _exponent(one: Interval) -> Interval:
    low, high = (math.exp(min(max(edge, -100.0), 100.0)) for edge in (one.low, one.high))
    return Interval(math.exp(one.value), low, high)


def _unique(time: Array, values: Array) -> tuple[Array, npt.NDArray[np.float64]]:
    """Times, each once, and the mean value there, as one cycle."""
    once, place = np.unique(time, return_inverse=True)
    mean = np.bincount(place, values) / np.bincount(place)
    return once, mean[np.newaxis]
