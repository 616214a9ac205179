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
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

from allspin.host.study.fit.decay.reading import Decay
from allspin.host.study.fit.model.goodness import Goodness, judge
from allspin.host.study.fit.model.response import DeviceCurves, Interval, interval
from allspin.host.study.fit.model.spread import chi_interval
from allspin.sim.device.response import Array
from allspin.sim.device.retention import BOLTZMANN, survival
from allspin.sim.errors import UserError

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
"""A distribution is taken where so small a chance would make one."""
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
    chance : float
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
    chance: float
    goodness: list[Goodness]
    models: list[Array]
    aside: list[tuple[int, int]]


@dataclass(frozen=True)
class _Layout:
    """Which parameter is where, and to which curve which belong."""

    groups: tuple[int, ...]
    devices: tuple[int, ...]
    spread: bool
    attempt: float | None

    @property
    def group_count(self) -> int:
        return max(self.groups) + 1

    @property
    def device_count(self) -> int:
        return max(self.devices) + 1

    @property
    def size(self) -> int:
        free = self.group_count + self.device_count - 1
        return free + self.spread + (self.attempt is None)

    def shifts(self, p: Array) -> Array:
        """Each device's shift of its barriers; together they are none."""
        own = p[self.group_count : self.group_count + self.device_count - 1]
        return np.append(own, -own.sum())

    def within(self, p: Array) -> float:
        return float(math.exp(p[self.group_count + self.device_count - 1])) if self.spread else 0.0

    def log_attempt(self, p: Array) -> float:
        return float(p[-1]) if self.attempt is None else math.log(self.attempt)


class _Problem:
    """Residuals of all curves, each with its best start."""

    def __init__(self, curves: Sequence[Decay], rest: float, layout: _Layout) -> None:
        self.curves, self.rest, self.layout = curves, rest, layout
        self.kept = [np.ones(curve.time.size, bool) for curve in curves]
        self._energies = [BOLTZMANN * curve.temperature for curve in curves]
        with np.errstate(divide="ignore"):  # at time 0 nothing is lost
            self._log_times = [np.log(curve.time) for curve in curves]

    def starts(self, p: Array) -> list[float]:
        """R_AH of each curve at time 0 that fits it best."""
        return [self.rest + start for start in self._best_starts(self._shares(p))]

    def models(self, p: Array) -> list[Array]:
        """Each curve's model, shape (points,), for some parameters."""
        shares = self._shares(p)
        return [
            self.rest + start * share
            for start, share in zip(self._best_starts(shares), shares, strict=True)
        ]

    def _best_starts(self, shares: Sequence[Array]) -> list[float]:
        """What each curve starts at, counted from the rest, to be nearest to its points."""
        found = []
        for curve, there, share in zip(self.curves, self.kept, shares, strict=True):
            y = curve.resistance - self.rest
            weight = float(share[there] @ share[there])
            found.append(float(share[there] @ y[there]) / weight if weight else 0.0)
        return found

    def _shares(self, p: Array) -> list[Array]:
        """What each curve keeps; curves of one temperature are computed together."""
        layout = self.layout
        shifts, within, log_attempt = layout.shifts(p), layout.within(p), layout.log_attempt(p)
        above = []
        for log_time, kt, group, device in zip(
            self._log_times, self._energies, layout.groups, layout.devices, strict=True
        ):
            above.append((p[group] + shifts[device]) / kt - (log_time - log_attempt))
        found = list(above)
        for kt in set(self._energies):
            places = [place for place, own in enumerate(self._energies) if own == kt]
            ends = np.cumsum([above[place].size for place in places])[:-1]
            shares = survival(np.concatenate([above[place] for place in places]), within / kt)
            for place, share in zip(places, np.split(shares, ends), strict=True):
                found[place] = share
        return found

    def residuals(self, p: Array) -> Array:
        return np.concatenate(
            [
                (curve.resistance - model)[there]
                for curve, model, there in zip(self.curves, self.models(p), self.kept, strict=True)
            ]
        )

    def _bounds(self) -> tuple[Array, Array]:
        layout = self.layout
        low, high = np.full(layout.size, -np.inf), np.full(layout.size, np.inf)
        low[: layout.group_count], high[: layout.group_count] = 0.0, HIGHEST
        if layout.spread:
            place = layout.group_count + layout.device_count - 1
            low[place], high[place] = math.log(NARROWEST), math.log(WIDEST)
        if layout.attempt is None:
            low[-1], high[-1] = math.log(1e-15), 0.0
        return low, high

    def solve(self, starts: Sequence[Array]) -> tuple[Array, float, Array]:
        """Parameters, the least sum of squares, and the Jacobian there.

        Some steps from each start tell which one is followed to the end.
        """
        low, high = self._bounds()

        def search(start: Array, evaluations: int) -> Any:
            begin = np.clip(start, low + 1e-9, high - 1e-9)
            return optimize.least_squares(
                self.residuals, begin, bounds=(low, high), x_scale="jac", max_nfev=evaluations
            )

        first = [search(start, FEW) for start in starts] if len(starts) > 1 else []
        begin = min(first, key=lambda one: one.cost).x if first else starts[0]
        found = search(begin, MANY)
        return found.x, 2 * float(found.cost), found.jac

    def freedom(self) -> int:
        """Points beyond parameters: those of the layout, and each curve's start."""
        points = sum(int(there.sum()) for there in self.kept)
        return max(points - self.layout.size - len(self.curves), 1)


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
        _Problem(curves, rest, _Layout(groups, devices, spread, given)) for spread in (False, True)
    )
    alone = one.solve(_starts(one))
    found = several.solve(_starts(several))
    if not keep_outliers:
        _set_aside(several, found[0])
        one.kept = several.kept
        alone, found = one.solve([alone[0]]), several.solve([found[0]])
    chance = _chance(one, alone[1], several, found[1])
    return _result(several, *found, chance) if chance < SURE else _result(one, *alone, chance)


def _starts(problem: _Problem) -> list[Array]:
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


def _chance(one: _Problem, single: float, several: _Problem, square: float) -> float:
    """p-value of as much less left over, were there one barrier."""
    freedom = several.freedom()
    if square <= 0:
        return 1.0 if single <= 0 else 0.0
    ratio = max(single - square, 0.0) / (square / freedom)
    return float(stats.f.sf(ratio, 1, freedom))


def _set_aside(problem: _Problem, p: Array) -> None:
    """Leave out points that are far from the fit."""
    pairs = zip(problem.curves, problem.models(p), strict=True)
    residuals = [curve.resistance - model for curve, model in pairs]
    scatter = 1.4826 * float(np.median(np.abs(np.concatenate(residuals))))
    for there, residual in zip(problem.kept, residuals, strict=True):
        far = np.abs(residual) > FAR * scatter
        # A curve that is off as a whole has no outliers, but another law.
        if scatter and np.mean(far) <= 0.05:
            there &= ~far


def _result(problem: _Problem, p: Array, square: float, jacobian: Array, chance: float) -> DecayFit:
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
        chance,
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
