"""Least squares of decays by thermal activation, and how sure it is.

Each curve is ``rest + (start - rest) kept(t)``, kept being
`allspin.sim.device.retention.survival`: its start is its own, the one that fits it best, and the
rest is given. Barriers are free for each group of starts, common shifts of them for each device;
the deviation within a device and, where temperatures differ, the attempt time are common to all.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize, stats

from allspin.host.fit.decay_files import Decay
from allspin.host.fit.goodness import Goodness, judge
from allspin.host.fit.response import DeviceCurves, Interval, chi_interval, interval
from allspin.sim.device.retention import BOLTZMANN, survival
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Array

USUAL_ATTEMPT = 1e-9
"""Seconds, where one temperature tells nothing of it."""
ATTEMPTS = (1e-9, 1e-11)
"""Where fits start from."""
SPREADS = (0.02, 0.1, 0.4)
"""Likewise, in electronvolt."""
NARROWEST, WIDEST = 1e-4, 5.0
"""Electronvolt: distributions beyond these cannot be told from one barrier and from a flat one."""
HIGHEST = 20.0
"""Electronvolt: no barrier is higher that is seen to be turned over."""
FEW, MANY = 12, 200
"""Evaluations of a search from each start, and of the best one to its end."""
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


class _Problem:
    """Residuals of all curves, each with its best start.

    The parameters are the barrier of each group, the shifts of all devices but the last, the
    logarithm of the deviation within a device, and that of the attempt time.

    Parameters
    ----------
    curves : sequence of Decay
        The data.
    rest : float
        R_AH that they decay to.
    groups, devices : sequence of int
        Of each curve.
    attempt : float or None
        The attempt time in seconds; None where it is a parameter.
    spread : bool
        Whether barriers within a device are distributed.

    Attributes
    ----------
    kept : list of ndarray of bool
        Each curve's points that are not set aside.
    first_shift, within : int
        Where the shifts begin, and where the deviation is, among the parameters.
    """

    def __init__(
        self,
        curves: Sequence[Decay],
        rest: float,
        groups: Sequence[int],
        devices: Sequence[int],
        attempt: float | None,
        spread: bool,
    ) -> None:
        self.curves, self.rest, self.attempt, self.spread = curves, rest, attempt, spread
        self.groups, self.devices = np.array(groups), np.array(devices)
        self.kept = [np.ones(curve.time.size, bool) for curve in curves]
        self.first_shift = max(groups) + 1
        self.device_count = max(devices) + 1
        self.within = self.first_shift + self.device_count - 1
        self.size = self.within + spread + (attempt is None)
        sizes = [curve.time.size for curve in curves]
        self._ends = np.cumsum(sizes)[:-1]
        self._curve = np.repeat(np.arange(len(curves)), sizes)
        self._energies = BOLTZMANN * np.array([curve.temperature for curve in curves])[self._curve]
        with np.errstate(divide="ignore"):  # at time 0 nothing is lost
            self._log_times = np.log(np.concatenate([curve.time for curve in curves]))

    def shifts(self, p: Array) -> Array:
        """Each device's shift of its barriers; together they are none."""
        own = p[self.first_shift : self.within]
        return np.append(own, -own.sum())

    def log_attempt(self, p: Array) -> float:
        """Logarithm of the attempt time in seconds."""
        return float(p[-1]) if self.attempt is None else math.log(self.attempt)

    def evaluate(self, p: Array) -> tuple[list[float], list[Array]]:
        """R_AH of each curve at time 0 that fits it best, and its model, shape (points,)."""
        within = float(math.exp(p[self.within])) if self.spread else 0.0
        barriers = (p[self.groups] + self.shifts(p)[self.devices])[self._curve]
        above = barriers / self._energies - (self._log_times - self.log_attempt(p))
        shares = np.empty(above.size)
        for energy in np.unique(self._energies):
            own = self._energies == energy
            shares[own] = survival(above[own], within / energy)
        starts, models = [], []
        split = np.split(shares, self._ends)
        for curve, there, share in zip(self.curves, self.kept, split, strict=True):
            y = curve.resistance - self.rest
            weight = float(share[there] @ share[there])
            start = float(share[there] @ y[there]) / weight if weight else 0.0
            starts.append(self.rest + start)
            models.append(self.rest + start * share)
        return starts, models

    def residuals(self, p: Array) -> Array:
        """What is left of all points that are not set aside."""
        parts = zip(self.curves, self.evaluate(p)[1], self.kept, strict=True)
        return np.concatenate([(curve.resistance - model)[there] for curve, model, there in parts])

    def solve(self, starts: Sequence[Array]) -> tuple[Array, float, Array]:
        """Parameters, the least sum of squares, and the Jacobian there.

        Some steps from each start tell which one is followed to the end.
        """
        low, high = np.full((2, self.size), np.inf)
        low = -low
        low[: self.first_shift], high[: self.first_shift] = 0.0, HIGHEST
        if self.spread:
            low[self.within], high[self.within] = math.log(NARROWEST), math.log(WIDEST)
        if self.attempt is None:
            low[-1], high[-1] = math.log(1e-15), 0.0

        def search(start: Array, evaluations: int) -> Any:
            begin = np.clip(start, low + 1e-9, high - 1e-9)
            return optimize.least_squares(
                self.residuals, begin, bounds=(low, high), x_scale="jac", max_nfev=evaluations
            )

        begin = starts[0]
        if len(starts) > 1:
            begin = min((search(start, FEW) for start in starts), key=lambda one: one.cost).x
        found = search(begin, MANY)
        return found.x, 2 * float(found.cost), found.jac

    def freedom(self) -> int:
        """Points beyond parameters, and each curve's start."""
        points = sum(int(there.sum()) for there in self.kept)
        return max(points - self.size - len(self.curves), 1)

    def starts(self) -> list[Array]:
        """Where searches begin: the barrier is that of the time at which curves are half gone."""
        found = []
        for attempt in ATTEMPTS if self.attempt is None else (self.attempt,):
            barriers = []
            for curve in self.curves:
                y = np.abs(curve.resistance - self.rest)
                time = np.maximum(curve.time, attempt)
                half = int(np.argmin(np.abs(y - (y[0] + y[-1]) / 2)))
                barriers.append(BOLTZMANN * curve.temperature * math.log(time[half] / attempt))
            for spread in SPREADS if self.spread else (1.0,):
                # Behind barriers and shifts: the deviation and the attempt time, if they are free.
                start = np.array([0.0] * self.within + [math.log(spread), math.log(attempt)])
                start[: self.first_shift] = float(np.median(barriers))
                free = [True] * self.within + [self.spread, self.attempt is None]
                found.append(start[free])
        return found

    def set_aside(self, p: Array) -> None:
        """Leave out points that are far from the fit."""
        pairs = zip(self.curves, self.evaluate(p)[1], strict=True)
        residuals = [curve.resistance - model for curve, model in pairs]
        scatter = 1.4826 * float(np.median(np.abs(np.concatenate(residuals))))
        for there, residual in zip(self.kept, residuals, strict=True):
            far = np.abs(residual) > FAR * scatter
            # A curve that is off as a whole has no outliers, but another law.
            if scatter and np.mean(far) <= 0.05:
                there &= ~far


def group_starts(starts: Sequence[float], span: float) -> list[int]:
    """Which group each start belongs to: a gap of a twentieth of the range divides them."""
    order = np.argsort(starts)
    groups, number = [0] * len(starts), 0
    for before, after in itertools.pairwise(order):
        number += starts[after] - starts[before] > span / 20
        groups[after] = number
    return groups


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
    starts, lost = [], []
    for curve in curves:
        few = max(1, min(3, curve.time.size // 8))
        start = float(np.median(curve.resistance[:few]))
        thirds = [float(np.median(part)) for part in np.array_split(curve.resistance, 3)]
        change = max(abs(third - start) for third in thirds)
        lost.append(change / max(abs(start - rest), 1e-3 * span))
        starts.append(start)
    if max(lost) < LEAST_CHANGE:
        raise UserError(
            f"no curve loses {LEAST_CHANGE:.0%} of its R_AH; measure longer, or at a higher "
            "temperature"
        )
    names = list(dict.fromkeys(curve.device for curve in curves))
    groups, devices = group_starts(starts, span), [names.index(curve.device) for curve in curves]
    temperatures = [curve.temperature for curve in curves]
    free = attempt_time is None and max(temperatures) > 1.01 * min(temperatures)
    given = None if free else attempt_time or USUAL_ATTEMPT
    one, several = (
        _Problem(curves, rest, groups, devices, given, spread) for spread in (False, True)
    )
    alone, found = one.solve(one.starts()), several.solve(several.starts())
    if not keep_outliers:
        several.set_aside(found[0])
        one.kept = several.kept
        alone, found = one.solve([alone[0]]), several.solve([found[0]])
    # The chance of as much less left over, were there one barrier.
    p_value = 1.0 if alone[1] <= 0 else 0.0
    if found[1] > 0:
        freedom = several.freedom()
        ratio = max(alone[1] - found[1], 0.0) / (found[1] / freedom)
        p_value = float(stats.f.sf(ratio, 1, freedom))
    return _result(several, *found, p_value) if p_value < SURE else _result(one, *alone, p_value)


def _result(
    problem: _Problem, p: Array, square: float, jacobian: Array, p_value: float
) -> DecayFit:
    freedom, count, first = problem.freedom(), problem.device_count, problem.first_shift
    covariance = np.linalg.pinv(jacobian.T @ jacobian) * square / freedom
    errors = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    between = None
    extra = 0.0
    if count > 1:
        shifts = problem.shifts(p)
        own = float(np.mean(errors[first : problem.within] ** 2))
        deviation = math.sqrt(max(float(shifts.var(ddof=1)) - own, 0.0))
        between = chi_interval(deviation, count - 1)
        extra = float(shifts.std(ddof=1)) / math.sqrt(count)
    barriers = [
        interval(float(p[group]), math.hypot(float(errors[group]), extra), count - 1 or freedom)
        for group in range(first)
    ]
    logs = [interval(float(p[place]), float(errors[place]), freedom) for place in range(p.size)]
    attempt = _exponential(logs[-1]) if problem.attempt is None else None
    starts, models = problem.evaluate(p)
    goodness = []
    for curve, model, there in zip(problem.curves, models, problem.kept, strict=True):
        times, place = np.unique(curve.time[there], return_inverse=True)
        means = [
            np.bincount(place, values[there]) / np.bincount(place)
            for values in (curve.resistance, model)
        ]
        device = DeviceCurves(curve.name, times, means[0][np.newaxis])
        goodness.append(judge([device], [means[1]]))
    aside = [
        (number, int(place))
        for number, there in enumerate(problem.kept)
        for place in np.flatnonzero(~there)
    ]
    return DecayFit(
        barriers,
        _exponential(logs[problem.within]) if problem.spread else None,
        between,
        attempt,
        problem.attempt or math.exp(problem.log_attempt(p)),
        (np.bincount(problem.groups, starts) / np.bincount(problem.groups)).tolist(),
        p_value,
        goodness,
        models,
        aside,
    )


def _exponential(one: Interval) -> Interval:
    """Of a logarithm's interval."""
    low, high = (math.exp(min(max(edge, -100.0), 100.0)) for edge in (one.low, one.high))
    return Interval(math.exp(one.value), low, high)
