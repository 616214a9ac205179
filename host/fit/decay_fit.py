"""Least squares of decays by thermal activation, and how sure it is.

Each curve is ``rest + (start - rest) kept(t)``, kept being
`allspin.sim.device.retention.survival`: its start is its own, the one that fits it best, and the
rest is given. Barriers are free for each group of starts, common shifts of them for each device;
the deviation within a device and, where temperatures differ, the attempt time are common to all.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

from allspin.host.fit.goodness import Goodness, judge
from allspin.host.fit.response import DeviceCurves, Interval, chi_interval, interval
from allspin.host.lab.curves import Curve
from allspin.sim.device.retention import BOLTZMANN, survival
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Array

LEAST_CHANGE = 0.01
"""Of the start that some curve must lose."""
DRAWN = 200
"""Places of a curve at which a picture has the model."""


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
    lines : list of (ndarray, ndarray)
        Times between each curve's first and last, evenly apart by their logarithms, and the fit.
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
    lines: list[tuple[Array, Array]]
    aside: list[tuple[int, int]]


class _Problem:
    """Residuals of all curves, each with its best start.

    The parameters are the barrier of each group, the shifts of all devices but the last, the
    logarithm of the deviation within a device, and that of the attempt time.

    Parameters
    ----------
    curves : sequence of Curve
        The data.
    rest : float
        R_AH that they decay to.
    groups, devices : ndarray of int
        Of each curve.
    attempt : float or None
        The attempt time in seconds; None where it is a parameter.
    spread : bool
        Whether barriers within a device are distributed.

    Attributes
    ----------
    own : list of ndarray of int
        Places of each curve's points among those of all.
    kept : ndarray of bool
        Which points are not set aside.
    first_shift, within : int
        Where the shifts begin, and where the deviation is, among the parameters.
    """

    def __init__(
        self,
        curves: Sequence[Curve],
        rest: float,
        groups: npt.NDArray[np.int64],
        devices: npt.NDArray[np.int64],
        attempt: float | None,
        spread: bool,
    ) -> None:
        self.curves, self.rest, self.attempt, self.spread = curves, rest, attempt, spread
        self.groups, self.devices = groups, devices
        self.first_shift = int(groups.max()) + 1
        self.within = self.first_shift + int(devices.max())
        self.size = self.within + spread + (attempt is None)
        sizes = [curve.x.size for curve in curves]
        self._curve = np.repeat(np.arange(len(curves)), sizes)
        self.own = np.split(np.arange(self._curve.size), np.cumsum(sizes)[:-1])
        self.resistance = np.concatenate([curve.resistance for curve in curves])
        self.kept = np.ones(self._curve.size, bool)
        self._energies = BOLTZMANN * np.array([curve.temperature for curve in curves])
        with np.errstate(divide="ignore"):  # at time 0 nothing is lost
            self._log_times = np.log(np.concatenate([curve.x for curve in curves]))

    def shifts(self, p: Array) -> Array:
        """Each device's shift of its barriers; together they are none."""
        own = p[self.first_shift : self.within]
        return np.append(own, -own.sum())

    def shares(self, p: Array, curve: npt.NDArray[np.int64], log_times: Array) -> Array:
        """What share of R_AH, above the rest, curves have kept at times, one of a curve each."""
        within = float(math.exp(p[self.within])) if self.spread else 0.0
        log_attempt = float(p[-1]) if self.attempt is None else math.log(self.attempt)
        barriers, energies = p[self.groups] + self.shifts(p)[self.devices], self._energies[curve]
        above = barriers[curve] / energies - (log_times - log_attempt)
        shares = np.empty(above.size)
        for energy in np.unique(energies):
            at = energies == energy
            shares[at] = survival(above[at], within / energy)
        return shares

    def evaluate(self, p: Array) -> tuple[Array, Array]:
        """R_AH of each curve at time 0 that fits it best, and the model of all points."""
        shares = self.shares(p, self._curve, self._log_times)
        there = shares * self.kept
        tops = np.bincount(self._curve, there * (self.resistance - self.rest))
        starts = tops / np.maximum(np.bincount(self._curve, there * shares), 1e-300)
        return self.rest + starts, self.rest + starts[self._curve] * shares

    def line(self, p: Array, number: int, start: float) -> tuple[Array, Array]:
        """Times along a curve that are drawn, and the model there."""
        times = np.maximum(self.curves[number].x, np.finfo(float).tiny)
        times = np.geomspace(
            times[self.curves[number].x > 0].min(initial=times.max()), times.max(), DRAWN
        )
        shares = self.shares(p, np.full(DRAWN, number), np.log(times))
        return times, self.rest + (start - self.rest) * shares

    def solve(self, starts: Sequence[Array]) -> tuple[Array, float, Array]:
        """Parameters, the least sum of squares, and the Jacobian there.

        Some steps from each start tell which one is followed to the end.
        """
        low, high = np.full(self.size, -np.inf), np.full(self.size, np.inf)
        # No higher barrier is seen to be turned over, and no narrower or broader distribution told
        # from one barrier or from a flat one (electronvolt).
        low[: self.first_shift], high[: self.first_shift] = 0.0, 20.0
        if self.spread:
            low[self.within], high[self.within] = math.log(1e-4), math.log(5.0)
        if self.attempt is None:
            low[-1], high[-1] = math.log(1e-15), 0.0

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
        return found.x, 2 * float(found.cost), found.jac

    def freedom(self) -> int:
        """Points beyond parameters, and each curve's start."""
        return max(int(self.kept.sum()) - self.size - len(self.curves), 1)

    def starts(self) -> list[Array]:
        """Where searches begin: the barrier is that of the time at which curves are half gone."""
        found = []
        for attempt in (1e-9, 1e-11) if self.attempt is None else (self.attempt,):
            lost = [(curve, np.abs(curve.resistance - self.rest)) for curve in self.curves]
            halves = [one.x[np.argmin(np.abs(2 * y - y[0] - y[-1]))] for one, y in lost]
            energies = [BOLTZMANN * curve.temperature for curve in self.curves]
            barriers = energies * np.log(np.maximum(np.array(halves) / attempt, 1))
            start = [float(np.median(barriers))] * self.first_shift
            start += [0.0] * (self.within - self.first_shift)
            for spread in (0.02, 0.1, 0.4) if self.spread else (1.0,):
                # Behind barriers and shifts: the deviation and the attempt time, if they are free.
                more = [math.log(spread)] * self.spread + [math.log(attempt)] * (not self.attempt)
                found.append(np.array(start + more))
        return found

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
        start = float(np.median(curve.resistance[: min(max(1, curve.x.size // 8), 3)]))
        thirds = np.array([np.median(part) for part in np.array_split(curve.resistance, 3)])
        lost.append(np.abs(thirds - start).max() / max(abs(start - rest), 1e-3 * span))
        starts.append(start)
    if max(lost) < LEAST_CHANGE:
        raise UserError(
            f"no curve loses {LEAST_CHANGE:.0%} of its R_AH, which begins at {max(starts):.3g} and "
            f"is from {ends[0]:.3g} to {ends[1]:.3g} in the device; take an offset out, measure "
            "longer, or at a higher temperature"
        )
    # A gap of a twentieth of the range divides groups of starts.
    order, groups = np.argsort(starts), np.zeros(len(starts), np.int64)
    groups[order[1:]] = np.cumsum(np.diff(np.array(starts)[order]) > span / 20)
    devices = np.unique([curve.device for curve in curves], return_inverse=True)[1]
    temperatures = [curve.temperature for curve in curves]
    free = attempt_time is None and max(temperatures) > 1.01 * min(temperatures)
    known = curves, rest, groups, devices, None if free else attempt_time or 1e-9
    one, several = (_Problem(*known, spread) for spread in (False, True))
    alone, found = one.solve(one.starts()), several.solve(several.starts())
    if not keep_outliers:
        several.set_aside(found[0])
        one.kept = several.kept
        alone, found = one.solve([alone[0]]), several.solve([found[0]])
    # The chance of as much less left over, were there one barrier.
    freedom, less = several.freedom(), max(alone[1] - found[1], 0.0)
    p_value = float(stats.f.sf(freedom * less / max(found[1], 1e-300), 1, freedom))
    return _result(several, *found, p_value) if p_value < 0.01 else _result(one, *alone, p_value)


def _result(
    problem: _Problem, p: Array, square: float, jacobian: Array, p_value: float
) -> DecayFit:
    freedom, count, first = problem.freedom(), int(problem.devices.max()) + 1, problem.first_shift
    variances = np.maximum(np.diag(np.linalg.pinv(jacobian.T @ jacobian)), 0.0) * square / freedom
    between, extra = None, 0.0
    if count > 1:
        spread = float(problem.shifts(p).var(ddof=1))
        own = max(spread - float(np.mean(variances[first : problem.within])), 0.0)
        between, extra = chi_interval(math.sqrt(own), count - 1), math.sqrt(spread / count)
    pairs = list(zip(p.tolist(), np.sqrt(variances).tolist(), strict=True))
    barriers = [
        interval(value, math.hypot(error, extra), count - 1 or freedom)
        for value, error in pairs[:first]
    ]
    logs = [
        interval(value, error, freedom).scaled(lambda log: math.exp(min(max(log, -100.0), 100.0)))
        for value, error in pairs[first:]
    ]
    starts, model = problem.evaluate(p)
    models = [model[own] for own in problem.own]
    kept, goodness = [problem.kept[own] for own in problem.own], []
    for curve, line, there in zip(problem.curves, models, kept, strict=True):
        times, place = np.unique(curve.x[there], return_inverse=True)
        measured, fitted = (
            np.bincount(place, values[there]) / np.bincount(place)
            for values in (curve.resistance, line)
        )
        goodness.append(judge([DeviceCurves(curve.name, times, measured[np.newaxis])], [fitted]))
    attempt = logs[-1] if problem.attempt is None else None
    return DecayFit(
        barriers,
        logs[problem.within - first] if problem.spread else None,
        between,
        attempt,
        attempt.value if attempt else problem.attempt or 0.0,
        (np.bincount(problem.groups, starts) / np.bincount(problem.groups)).tolist(),
        p_value,
        goodness,
        models,
        [problem.line(p, number, start) for number, start in enumerate(starts)],
        [(n, int(at)) for n, there in enumerate(kept) for at in np.flatnonzero(~there)],
    )
