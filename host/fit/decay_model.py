"""Fitted decays as a table and as a picture."""

import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from rich.table import Table
from scipy import stats

from allspin.host.data.catalogue import open_device
from allspin.host.draw.style import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    R_AH,
    SKY,
    VERMILION,
    add_grid,
    name_text,
    new_figure,
    styled,
)
from allspin.host.fit.columns import ReadOptions
from allspin.host.fit.decay import Decay, Decays, Layout, Problem, read_decays
from allspin.host.fit.goodness import Goodness, judge
from allspin.host.fit.response import CONFIDENCE, DeviceCurves, Interval, interval
from allspin.host.fit.spread import chi_interval
from allspin.sim.device.device import Device
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.device.retention import BOLTZMANN, Retention
from allspin.sim.errors import UserError, refused
from allspin.sim.synapse.response import Array

# Least squares of decays by thermal activation, and how sure it is.
#
# Each curve is ``rest + (start - rest) kept(t)``, kept being
# `allspin.sim.device.retention.survival`: its start is its own, the rest is given. Barriers are
# free for each group of starts, common shifts of them for each device; the deviation within a
# device and, where temperatures differ, the attempt time are common to all.

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


# From files of decays to a device that ages: retention added to one that is known.

OUTSIDE = 0.02
"""Of the range, by which a decay may start beyond the device's."""


@dataclass(frozen=True)
class DecayOptions:
    """How decays are fitted.

    Parameters
    ----------
    attempt_time : float or None
        In seconds, 1e-15 to 1; None to fit it to several temperatures, else 1e-9.
    equilibrium : float
        What R_AH decays to: 0 is the middle of the range, -1 and 1 are its ends.
    keep_outliers : bool
        Whether points far from the fit are kept.
    name : str or None
        Of the device; None for that of the one which the retention is added to.

    Raises
    ------
    ValueError
        If one of them is outside its range.
    """

    attempt_time: float | None = None
    equilibrium: float = 0.0
    keep_outliers: bool = False
    name: str | None = None

    def __post_init__(self) -> None:
        attempt = 1e-9 if self.attempt_time is None else self.attempt_time
        Retention(0.0, attempt, equilibrium=self.equilibrium)


@dataclass(frozen=True, eq=False)
class FittedDecay:
    """What came of decays.

    Attributes
    ----------
    decays : Decays
        The data.
    fit : DecayFit
        Values and intervals.
    base : Device
        What the retention is added to.
    options : DecayOptions
        What was asked for.
    """

    decays: Decays
    fit: DecayFit
    base: Device
    options: DecayOptions

    @property
    def complaints(self) -> list[str]:
        """Curves that the model does not describe, a line each."""
        return [
            f"{curve.name}: {goodness}"
            for curve, goodness in zip(self.decays.curves, self.fit.goodness, strict=True)
            if not goodness.described
        ]

    @property
    def name(self) -> str:
        """The device's."""
        return self.options.name or self.base.name

    def retention(self) -> Retention:
        """The device's, at the lowest temperature that was measured.

        Raises
        ------
        UserError
            If a decay starts outside the device's range.
        """
        synapse, fit = self.base.synapse, self.fit
        places = [(start - synapse.low) / synapse.span for start in fit.starts]
        for place, start in zip(places, fit.starts, strict=True):
            if not -OUTSIDE <= place <= 1 + OUTSIDE:
                raise UserError(
                    f"a decay starts at {start:.4g} {self.decays.unit}, outside the range of "
                    f"{self.base.name}, {synapse.low:.4g} to {synapse.high:.4g} {self.base.unit}"
                )
        several = len(places) > 1
        with refused("the fitted retention cannot be used: "):
            return Retention(
                tuple(one.value for one in fit.barriers) if several else fit.barriers[0].value,
                fit.used_attempt,
                tuple(min(max(place, 0.0), 1.0) for place in places) if several else (),
                within=fit.within.value if fit.within else 0.0,
                between=fit.between.value if fit.between else 0.0,
                equilibrium=self.options.equilibrium,
                temperature=min(curve.temperature for curve in self.decays.curves),
            )

    def device(self) -> Device:
        """The base with this retention, and where it comes from.

        Raises
        ------
        UserError
            If a decay starts outside the device's range.
        """
        wrong = dataclasses.replace(self.base.imperfections, retention=self.retention())
        source = self.base.source | {
            "retention": {
                "method": "least squares",
                "confidence": CONFIDENCE,
                "sha256": self.decays.digests,
                **self.report(),
            }
        }
        return dataclasses.replace(self.base, name=self.name, imperfections=wrong, source=source)

    def report(self) -> dict[str, Any]:
        """Values with their intervals, as plain data; what was not measured is not there."""
        fit = self.fit
        found: dict[str, Any] = {
            "barriers": [
                {"start": start, **_plain(one)}
                for start, one in zip(fit.starts, fit.barriers, strict=True)
            ]
        }
        for name in ("within", "between", "attempt_time"):
            one: Interval | None = getattr(fit, name)
            if one is not None:
                found[name] = _plain(one)
        if fit.attempt_time is None:
            found["attempt_time_assumed"] = fit.used_attempt
        return found | {
            "one_barrier_p_value": fit.p_value,
            "temperatures": sorted({curve.temperature for curve in self.decays.curves}),
            "curves": len(self.decays.curves),
            "outliers": self.outliers(),
        }

    def outliers(self) -> list[str]:
        """Points that were set aside, in words."""
        found = []
        for number, place in self.fit.aside:
            curve = self.decays.curves[number]
            found.append(f"{curve.name}, {curve.time[place]:.4g} s")
        return found

    def to_dict(self, device: Path | None, pictures: Sequence[Path]) -> dict[str, Any]:
        """As ``allspin fit --json`` prints it.

        Parameters
        ----------
        device : Path or None
            The device file, if it was written.
        pictures : sequence of Path
            The pictures.
        """
        return {
            "device": None if device is None else str(device),
            "kind": "decay",
            "described": not self.complaints,
            "pictures": [str(path) for path in pictures],
            **self.report(),
        }


def _plain(one: Interval) -> dict[str, float]:
    return {"value": float(one.value), "low": float(one.low), "high": float(one.high)}


def fit_decay(
    files: Sequence[str | Path],
    device: str | Path | Device,
    options: DecayOptions | None = None,
    reading: ReadOptions | None = None,
    at: str | OperatingPoint | None = None,
    noted: Callable[[str], None] = lambda note: None,
) -> FittedDecay:
    """Fit decays, R_AH against time since it was written, by thermal activation.

    Parameters
    ----------
    files : sequence of str or Path
        CSV files; see ``docs/formats.md``.
    device : str, Path or Device
        What the retention is added to: a device, its file, or the name of one that ships.
    options : DecayOptions, optional
        How the decays are fitted.
    reading : ReadOptions, optional
        How the files are read.
    at : str or OperatingPoint, optional
        Where a file's device is taken, such as ``current=9mA``; its own point.
    noted : callable, optional
        Told what is odd about the files.

    Returns
    -------
    FittedDecay

    Raises
    ------
    UserError
        If a file cannot be read or understood, its unit is not the device's, or nothing decays.
    """
    base, options = open_device(device, at), options or DecayOptions()
    decays = read_decays([Path(file) for file in files], reading)
    for note in decays.notes:
        noted(note)
    if decays.unit not in ("arbitrary", base.unit):
        raise UserError(
            f"the decays are in {decays.unit} and R_AH of {base.name} in {base.unit}; give them in "
            "one unit, or the decays without a unit in that of the device"
        )
    ends = base.synapse.low, base.synapse.high
    found = fit_decays(
        decays.curves, ends, options.equilibrium, options.attempt_time, options.keep_outliers
    )
    return FittedDecay(decays, found, base, options)


COLOURS = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY)
"""Of temperatures, in turn."""


def decay_table(fitted: FittedDecay) -> Table:
    """Values and intervals of a retention that was fitted."""
    fit = fitted.fit
    table = Table(title=f"Retention of {fitted.name}: values and 95 % intervals")
    for heading in ("", "value", "unit"):
        table.add_column(heading, overflow="fold")
    for start, barrier in zip(fit.starts, fit.barriers, strict=True):
        table.add_row(f"barrier from {start:.3g} {fitted.decays.unit}", _shown(barrier), "eV")
    for name, one, unit in (
        ("deviation within a cell", fit.within, "eV"),
        ("deviation between cells", fit.between, "eV"),
        ("attempt time", fit.attempt_time, "s"),
    ):
        if one is not None:
            table.add_row(name, _shown(one), unit)
    if fit.attempt_time is None:
        table.add_row("attempt time, given", f"{fit.used_attempt:.4g}", "s")
    table.add_row("p-value of one barrier", f"{fit.p_value:.2g}", "")
    return table


def _shown(one: Interval) -> str:
    return f"{one.value:.4g}  ({one.low:.4g} to {one.high:.4g})"


def decay_lines(fitted: FittedDecay) -> list[str]:
    """What the fit says in words."""
    law = (
        "One barrier describes the decays: they are exponentials."
        if fitted.fit.within is None
        else "One barrier does not describe the decays; a distribution of barriers is taken."
    )
    lines = [law]
    if fitted.fit.attempt_time is None:
        lines.append(
            "The attempt time was not measured, which needs several temperatures: barriers hold "
            "for it, and for temperatures near those that were measured."
        )
    if fitted.fit.between is None:
        lines.append("One device was measured: the deviation between cells is not known.")
    return lines


@styled
def decay_picture(fitted: FittedDecay) -> Figure:
    """Data, fits and residuals over the logarithm of time."""
    figure = new_figure(7.2, 5.4, f"{name_text(fitted.name)}: decays, fits and residuals")
    upper, lower = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": (2.2, 1)})
    curves, fit = fitted.decays.curves, fitted.fit
    temperatures = sorted({curve.temperature for curve in curves})
    named: set[float] = set()
    for number, (curve, model) in enumerate(zip(curves, fit.models, strict=True)):
        colour = COLOURS[temperatures.index(curve.temperature) % len(COLOURS)]
        later = curve.time > 0
        time, value, line = curve.time[later], curve.resistance[later], model[later]
        label = None if curve.temperature in named else f"{curve.temperature:g} K"
        named.add(curve.temperature)
        upper.plot(time, value, ".", color=colour, markersize=3, alpha=0.5)
        upper.plot(time, line, color=colour, linewidth=1.1, label=label)
        lower.plot(time, value - line, ".", color=colour, markersize=3, alpha=0.7)
        for own, place in fit.aside:
            if own == number and curve.time[place] > 0:
                upper.plot(curve.time[place], curve.resistance[place], "x", color=INK)
    lower.axhline(0, color=INK, linewidth=0.8)
    scatter = [curve.resistance - model for curve, model in zip(curves, fit.models, strict=True)]
    reach = 6 * float(np.median(np.abs(np.concatenate(scatter)))) or 1.0
    lower.set_ylim(-reach, reach)
    upper.set_xscale("log")
    upper.set_ylabel(f"{R_AH} ({fitted.decays.unit})")
    lower.set_ylabel(f"residual ({fitted.decays.unit})")
    lower.set_xlabel("time since it was written (s)")
    upper.legend(fontsize=7)
    for axes in (upper, lower):
        add_grid(axes)
    return figure
