"""Values with intervals of 95 %, from devices, from cycles, or from points."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from allspin.sim.synapse.response import Array

CONFIDENCE = 0.95
"""Share of intervals that hold the true value."""
FEW_CYCLES = 3
"""Least number of cycles for the jackknife."""


@dataclass(frozen=True)
class Interval:
    """Value, and the limits between which it is with `CONFIDENCE`."""

    value: float
    low: float
    high: float

    def over(self, unit: "Interval") -> "Interval":
        """Return the ratio of a value that is not negative to an independent, positive one.

        The errors of both add up as squares of logarithms.
        """
        if not unit.low > 0:
            return Interval(self.value / unit.value, 0.0, math.inf)
        # A value of 0 has no logarithm; the error of the unit then stands alone.
        middle = self.value or self.high
        low = _edge(self.low, middle, -1, math.log(unit.high / unit.value))
        high = _edge(self.high, middle, 1, math.log(unit.value / unit.low))
        return Interval(self.value / unit.value, low / unit.value, high / unit.value)

    def less(self, noise: "Interval") -> "Interval":
        """Return a deviation without that of independent noise, whose variance is given."""
        return Interval(
            math.sqrt(max(self.value**2 - noise.value, 0.0)),
            math.sqrt(max(self.low**2 - noise.high, 0.0)),
            math.sqrt(max(self.high**2 - noise.low, 0.0)),
        )

    def scaled(self, change: Callable[[float], float]) -> "Interval":
        """Return value and limits under an increasing function."""
        return Interval(change(self.value), change(self.low), change(self.high))

    def turned(self) -> "Interval":
        """Return the interval of the negative value."""
        return Interval(-self.value, -self.high, -self.low)

    def plain(self) -> dict[str, float]:
        """Return the interval as a device file has it."""
        return {"value": float(self.value), "low": float(self.low), "high": float(self.high)}


def exactly(value: float) -> Interval:
    """Return the interval of a value without an error."""
    return Interval(value, value, value)


def _edge(edge: float, middle: float, way: int, more: float) -> float:
    """Return a limit at which a further relative error, a logarithm, is added."""
    if edge <= 0:
        return 0.0
    return middle * math.exp(way * math.hypot(math.log(edge / middle), more))


def interval(estimate: float, error: float, freedom: float) -> Interval:
    """Return Student's interval of an estimate with a standard error."""
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom)) * error
    return Interval(estimate, estimate - half, estimate + half)


def chi_interval(value: float, freedom: float) -> Interval:
    """Return the interval of a standard deviation of normal values."""
    low, high = stats.chi2.ppf([(1 + CONFIDENCE) / 2, (1 - CONFIDENCE) / 2], freedom)
    return Interval(value, value * np.sqrt(freedom / low), value * np.sqrt(freedom / high))


def estimated(
    found: Array,
    cycles: int,
    refit: Callable[[int], Array],
    by_points: Callable[[], tuple[Array, float]],
) -> tuple[list[Interval], str]:
    """Return intervals of some parameters, and their basis: ``devices``, ``cycles`` or ``points``.

    The basis is devices where there are two or more, else cycles (the jackknife) where there are
    three or more, else the points.

    Parameters
    ----------
    found : ndarray of float64, shape (devices, parameters)
        Parameters of each device's fit.
    cycles : int
        Cycles of the single device.
    refit : callable
        Returns parameters of the single device without one of its cycles.
    by_points : callable
        Returns standard errors of the single device's parameters by its points, and their freedom.
    """
    count = len(found)
    if count > 1:
        basis = "devices"
        values = found.mean(axis=0)
        errors = found.std(axis=0, ddof=1) / np.sqrt(count)
        freedom = float(count - 1)
    elif cycles >= FEW_CYCLES:
        basis = "cycles"
        left = np.array([refit(cycle) for cycle in range(cycles)])
        values = cycles * found[0] - (cycles - 1) * left.mean(axis=0)
        errors = np.sqrt((cycles - 1) ** 2 / cycles * left.var(axis=0, ddof=1))
        freedom = float(cycles - 1)
    else:
        basis = "points"
        values = found[0]
        errors, freedom = by_points()
    pairs = zip(values.tolist(), errors.tolist(), strict=True)
    return [interval(value, error, freedom) for value, error in pairs], basis
