"""Decays as a least-squares problem: parameters, and what is left of each curve for some of them.

Each curve is ``rest + (start - rest) kept(t)``, kept being
`allspin.sim.device.retention.survival`. Its start is its own: the one that fits it best.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize

from allspin.host.study.fit.decay.reading import Decay
from allspin.sim.device.retention import BOLTZMANN, survival
from allspin.sim.device.synapse.response import Array

NARROWEST, WIDEST = 1e-4, 5.0
"""Electronvolt: distributions beyond these cannot be told from one barrier and from a flat one."""
HIGHEST = 20.0
"""Electronvolt: no barrier is higher that is seen to be turned over."""
FEW, MANY = 12, 200
"""Evaluations of a search from each start, and of the best one to its end."""


@dataclass(frozen=True)
class Layout:
    """Which parameter is where, and to which curve which belong.

    The parameters are the barrier of each group, the shifts of all devices but the last, the
    logarithm of the deviation within a device, and that of the attempt time.

    Attributes
    ----------
    groups, devices : tuple of int
        Of each curve.
    spread : bool
        Whether barriers within a device are distributed.
    attempt : float or None
        The attempt time in seconds; None where it is a parameter.
    """

    groups: tuple[int, ...]
    devices: tuple[int, ...]
    spread: bool
    attempt: float | None

    @property
    def group_count(self) -> int:
        """Groups of starts."""
        return max(self.groups) + 1

    @property
    def device_count(self) -> int:
        """Devices."""
        return max(self.devices) + 1

    @property
    def size(self) -> int:
        """Parameters."""
        free = self.group_count + self.device_count - 1
        return free + self.spread + (self.attempt is None)

    def shifts(self, p: Array) -> Array:
        """Each device's shift of its barriers; together they are none."""
        own = p[self.group_count : self.group_count + self.device_count - 1]
        return np.append(own, -own.sum())

    def within(self, p: Array) -> float:
        """Deviation of barriers within a device, in electronvolt."""
        return float(math.exp(p[self.group_count + self.device_count - 1])) if self.spread else 0.0

    def log_attempt(self, p: Array) -> float:
        """Logarithm of the attempt time in seconds."""
        return float(p[-1]) if self.attempt is None else math.log(self.attempt)


class Problem:
    """Residuals of all curves, each with its best start.

    Parameters
    ----------
    curves : sequence of Decay
        The data.
    rest : float
        R_AH that they decay to.
    layout : Layout
        What is fitted.

    Attributes
    ----------
    kept : list of ndarray of bool
        Each curve's points that are not set aside.
    """

    def __init__(self, curves: Sequence[Decay], rest: float, layout: Layout) -> None:
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
        """What is left of all points that are not set aside."""
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
