"""Least squares of decays by thermal activation.

Each curve is ``rest + (start - rest) kept(t)``, kept being
`allspin.sim.device.retention.survival`. Each curve has a start of its own, which follows from the
other parameters; the rest is given. Barriers are free for each group of starts, and common shifts
of them for each device; the deviation within a device and, where temperatures differ, the attempt
time are common to all.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

from allspin.host.estimate.goodness import Goodness, judge
from allspin.host.estimate.intervals import Interval, chi_interval, interval
from allspin.host.estimate.response import DeviceCurves
from allspin.host.lab.curves import Curve
from allspin.sim.device.retention import BOLTZMANN, survival
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Array

ATTEMPT_TIME = 1e-9
"""Assumed attempt time in seconds where a single temperature does not tell it."""
LEAST_CHANGE = 0.01
"""Share of its start that some curve must lose."""
GROUP = 1 / 20
"""Share of the range that divides groups of starts."""
DRAWN = 200
"""Number of points of a curve's model in a picture."""
HIGHEST_BARRIER = 20.0
"""Electronvolt; no higher barrier is seen to be crossed."""
WIDTHS = (math.log(1e-4), math.log(5.0))
"""Logarithms of the narrowest and broadest deviation, in electronvolt, that can be told from one
barrier and from a flat distribution."""
SHORTEST_ATTEMPT = math.log(1e-15)
"""Logarithm of the shortest attempt time in seconds."""


@dataclass(frozen=True, eq=False)
class DecayFit:
    """Fit of decays.

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
        Agreement of the model with each curve.
    models : list of ndarray
        The fit at each curve's points.
    lines : list of (ndarray, ndarray)
        Times between each curve's first and last, on a logarithmic grid, and the fit.
    aside : list of (int, int)
        Curve and point of outliers that are set aside.
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
    lines: list[tuple[Array, Array]]
    aside: list[tuple[int, int]]


@dataclass(frozen=True, eq=False)
class _Data:
    """Decays with the properties that are given.

    Attributes
    ----------
    curves : sequence of Curve
        The data.
    rest : float
        R_AH that they decay to.
    groups, devices : ndarray of int
        Group of starts, and device, of each curve.
    attempt : float or None
        The attempt time in seconds; None where it is a parameter.
    """

    curves: Sequence[Curve]
    rest: float
    groups: npt.NDArray[np.int64]
    devices: npt.NDArray[np.int64]
    attempt: float | None


@dataclass(frozen=True, eq=False)
class _Solution:
    """Parameters, the least sum of squares, and the Jacobian there."""

    parameters: Array
    square: float
    jacobian: Array


class _Problem:
    """Residuals of all curves, each with its best start.

    The parameters are the barrier of each group, the shifts of all devices but the last, the
    logarithm of the deviation within a device, and that of the attempt time.

    Parameters
    ----------
    data : _Data
        The decays.
    spread : bool
        True if barriers within a device are distributed.

    Attributes
    ----------
    own : list of ndarray of int
        Places of each curve's points among those of all.
    kept : ndarray of bool
        True for points that are not set aside.
    first_shift, within : int
        Places of the first shift and of the deviation among the parameters.
    """

    def __init__(self, data: _Data, spread: bool) -> None:
        self.data = data
        self.spread = spread
        self.first_shift = int(data.groups.max()) + 1
        self.within = self.first_shift + int(data.devices.max())
        self.size = self.within + spread + (data.attempt is None)
        sizes = [curve.x.size for curve in data.curves]
        self._curve = np.repeat(np.arange(len(sizes)), sizes)
        self.own = np.split(np.arange(self._curve.size), np.cumsum(sizes)[:-1])
        self.resistance = np.concatenate([curve.resistance for curve in data.curves])
        self.kept = np.ones(self._curve.size, bool)
        self._energies = BOLTZMANN * np.array([curve.temperature for curve in data.curves])
        with np.errstate(divide="ignore"):  # at time 0 nothing is lost
            self._log_times = np.log(np.concatenate([curve.x for curve in data.curves]))

    def shifts(self, p: Array) -> Array:
        """Return each device's shift of its barriers; their sum is 0."""
        own = p[self.first_shift : self.within]
        return np.append(own, -own.sum())

    def shares(self, p: Array, curve: npt.NDArray[np.int64], log_times: Array) -> Array:
        """Return the share of R_AH above the rest that is kept, at one time of a curve each."""
        data = self.data
        within = float(math.exp(p[self.within])) if self.spread else 0.0
        log_attempt = float(p[-1]) if data.attempt is None else math.log(data.attempt)
        barriers = p[data.groups] + self.shifts(p)[data.devices]
        energies = self._energies[curve]
        above = barriers[curve] / energies - (log_times - log_attempt)
        shares = np.empty(above.size)
        for energy in np.unique(energies):
            at = energies == energy
            shares[at] = survival(above[at], within / energy)
        return shares

    def evaluate(self, p: Array) -> tuple[Array, Array]:
        """Return R_AH of each curve at time 0 that fits best, and the model of all points."""
        rest = self.data.rest
        shares = self.shares(p, self._curve, self._log_times)
        used = shares * self.kept
        tops = np.bincount(self._curve, used * (self.resistance - rest))
        starts = tops / np.maximum(np.bincount(self._curve, used * shares), 1e-300)
        return rest + starts, rest + starts[self._curve] * shares

    def line(self, p: Array, number: int, start: float) -> tuple[Array, Array]:
        """Return times along a curve for a picture, and the model there."""
        x = self.data.curves[number].x
        times = np.maximum(x, np.finfo(float).tiny)
        times = np.geomspace(times[x > 0].min(initial=times.max()), times.max(), DRAWN)
        shares = self.shares(p, np.full(DRAWN, number), np.log(times))
        return times, self.data.rest + (start - self.data.rest) * shares

    def solve(self, starts: Sequence[Array]) -> _Solution:
        """Return the best solution; some steps from each start choose the one to follow."""
        low = np.full(self.size, -np.inf)
        high = np.full(self.size, np.inf)
        low[: self.first_shift] = 0.0
        high[: self.first_shift] = HIGHEST_BARRIER
        if self.spread:
            low[self.within], high[self.within] = WIDTHS
        if self.data.attempt is None:
            low[-1] = SHORTEST_ATTEMPT
            high[-1] = 0.0

        def search(start: Array, evaluations: int) -> Any:
            return optimize.least_squares(
                lambda p: (self.resistance - self.evaluate(p)[1])[self.kept],
                np.clip(start, low + 1e-9, high - 1e-9),
                bounds=(low, high),
                x_scale="jac",
                max_nfev=evaluations,
            )

        begin = starts[0]
        if len(starts) > 1:
            begin = min((search(start, 12) for start in starts), key=lambda one: one.cost).x
        found = search(begin, 200)
        return _Solution(found.x, 2 * float(found.cost), found.jac)

    def freedom(self) -> int:
        """Return the number of points beyond parameters, and each curve's start."""
        return max(int(self.kept.sum()) - self.size - len(self.data.curves), 1)

    def starts(self) -> list[Array]:
        """Return start parameters, with the barrier by which curves are half gone."""
        attempts = (1e-9, 1e-11) if self.data.attempt is None else (self.data.attempt,)
        found = []
        for attempt in attempts:
            barriers = np.full(self.first_shift, self._half_barrier(attempt))
            shifts = np.zeros(self.within - self.first_shift)
            last = [math.log(attempt)] if self.data.attempt is None else []
            if not self.spread:
                found.append(np.array([*barriers, *shifts, *last]))
                continue
            for width in (0.02, 0.1, 0.4):
                found.append(np.array([*barriers, *shifts, math.log(width), *last]))
        return found

    def _half_barrier(self, attempt: float) -> float:
        """Return the median over curves of the barrier by which a curve is half gone."""
        halves = []
        for curve in self.data.curves:
            lost = np.abs(curve.resistance - self.data.rest)
            halves.append(curve.x[np.argmin(np.abs(2 * lost - lost[0] - lost[-1]))])
        barriers = self._energies * np.log(np.maximum(np.array(halves) / attempt, 1))
        return float(np.median(barriers))

    def set_aside(self, p: Array) -> None:
        """Leave out points that are far from the fit."""
        away = np.abs(self.resistance - self.evaluate(p)[1])
        scatter = 1.4826 * float(np.median(away))
        far = (away > 5 * scatter) & (scatter > 0)
        # A curve that is off as a whole has no outliers, but another law.
        few = np.bincount(self._curve, far) <= 0.05 * np.bincount(self._curve)
        self.kept &= ~(far & few[self._curve])


def fit_decays(
    curves: Sequence[Curve],
    ends: tuple[float, float],
    equilibrium: float = 0.0,
    attempt_time: float | None = None,
    keep_outliers: bool = False,
) -> DecayFit:
    """Fit decays.

    Parameters
    ----------
    curves : sequence of Curve
        The data.
    ends : (float, float)
        Lowest and highest R_AH of the device.
    equilibrium : float
        R_AH in equilibrium: 0 for the middle of the range, -1 and 1 for its ends.
    attempt_time : float, optional
        In seconds; fitted to several temperatures, or `ATTEMPT_TIME` at a single one.
    keep_outliers : bool
        True to keep points far from the fit.

    Raises
    ------
    UserError
        If no curve decays.
    """
    data = _prepare(curves, ends, equilibrium, attempt_time)
    one = _Problem(data, spread=False)
    several = _Problem(data, spread=True)
    alone = one.solve(one.starts())
    spread = several.solve(several.starts())
    if not keep_outliers:
        several.set_aside(spread.parameters)
        one.kept = several.kept
        alone = one.solve([alone.parameters])
        spread = several.solve([spread.parameters])
    # Probability of as large a reduction of squares if the barrier were single.
    freedom = several.freedom()
    less = max(alone.square - spread.square, 0.0)
    p_value = float(stats.f.sf(freedom * less / max(spread.square, 1e-300), 1, freedom))
    if p_value < 0.01:
        return _result(several, spread, p_value)
    return _result(one, alone, p_value)


def _prepare(
    curves: Sequence[Curve],
    ends: tuple[float, float],
    equilibrium: float,
    attempt_time: float | None,
) -> _Data:
    """Group curves by their starts and devices, or raise a `UserError` if none decays."""
    low, high = ends
    span = high - low
    rest = (low + high) / 2 + equilibrium * span / 2
    starts = []
    losses = []
    for curve in curves:
        start = float(np.median(curve.resistance[: min(max(1, curve.x.size // 8), 3)]))
        thirds = np.array([np.median(part) for part in np.array_split(curve.resistance, 3)])
        losses.append(np.abs(thirds - start).max() / max(abs(start - rest), 1e-3 * span))
        starts.append(start)
    if max(losses) < LEAST_CHANGE:
        raise UserError(
            f"no curve loses {LEAST_CHANGE:.0%} of its R_AH, which begins at {max(starts):.3g} and "
            f"is from {low:.3g} to {high:.3g} in the device; take an offset out, measure "
            "longer, or at a higher temperature"
        )
    order = np.argsort(starts)
    groups = np.zeros(len(starts), np.int64)
    groups[order[1:]] = np.cumsum(np.diff(np.array(starts)[order]) > span * GROUP)
    devices = np.unique([curve.device for curve in curves], return_inverse=True)[1]
    temperatures = [curve.temperature for curve in curves]
    attempt = attempt_time or ATTEMPT_TIME
    if attempt_time is None and max(temperatures) > 1.01 * min(temperatures):
        attempt = None
    return _Data(curves, rest, groups, devices, attempt)


def _result(problem: _Problem, solution: _Solution, p_value: float) -> DecayFit:
    """Return values, intervals and goodness of a solution."""
    p = solution.parameters
    freedom = problem.freedom()
    curvature = solution.jacobian.T @ solution.jacobian
    variances = np.maximum(np.diag(np.linalg.pinv(curvature)), 0.0) * solution.square / freedom
    errors = np.sqrt(variances)
    devices = int(problem.data.devices.max()) + 1
    first = problem.first_shift
    between = None
    extra = 0.0
    if devices > 1:
        spread = float(problem.shifts(p).var(ddof=1))
        own = max(spread - float(np.mean(variances[first : problem.within])), 0.0)
        between = chi_interval(math.sqrt(own), devices - 1)
        extra = math.sqrt(spread / devices)
    barriers = []
    for value, error in zip(p[:first].tolist(), errors[:first].tolist(), strict=True):
        barriers.append(interval(value, math.hypot(error, extra), devices - 1 or freedom))
    within = None
    if problem.spread:
        within = _of_logarithm(p[problem.within], errors[problem.within], freedom)
    attempt = None
    if problem.data.attempt is None:
        attempt = _of_logarithm(p[-1], errors[-1], freedom)
    starts, model = problem.evaluate(p)
    groups = problem.data.groups
    kept = [problem.kept[own] for own in problem.own]
    models = [model[own] for own in problem.own]
    return DecayFit(
        barriers,
        within,
        between,
        attempt,
        attempt.value if attempt else problem.data.attempt or 0.0,
        (np.bincount(groups, starts) / np.bincount(groups)).tolist(),
        p_value,
        list(map(_goodness, problem.data.curves, models, kept)),
        models,
        [problem.line(p, number, start) for number, start in enumerate(starts)],
        [(n, int(at)) for n, own in enumerate(kept) for at in np.flatnonzero(~own)],
    )


def _of_logarithm(value: float, error: float, freedom: int) -> Interval:
    """Return the interval of a parameter whose logarithm is fitted."""
    logarithm = interval(float(value), float(error), freedom)
    return logarithm.scaled(lambda log: math.exp(min(max(log, -100.0), 100.0)))


def _goodness(curve: Curve, model: Array, kept: npt.NDArray[np.bool_]) -> Goodness:
    """Return the agreement of a model with a curve; readings at one time are averaged."""
    times, place = np.unique(curve.x[kept], return_inverse=True)
    count = np.bincount(place)
    measured = np.bincount(place, curve.resistance[kept]) / count
    fitted = np.bincount(place, model[kept]) / count
    return judge([DeviceCurves(curve.name, times, measured[np.newaxis])], [fitted])
