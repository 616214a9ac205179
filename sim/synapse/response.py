"""A synapse's response: what pulses of one polarity do to its R_AH, on average.

The paper's is `PulseResponse`. Another law is one class (`Response`) under
`allspin.sim.synapse.table_synapse.register_response`; ``docs/extending.md`` has one.

With P the pulse number, A the nonlinearity in pulses and P_max the pulses between the ends
of the range, the paper's equations (after X. Sun and S. Yu, IEEE JETCAS 9, 570, 2019) are::

    potentiation  R_P(P) = R_min + B (1 - exp(-P / A))
    depression    R_D(P) = R_max - B (1 - exp((P - P_max) / A))
    B = (R_max - R_min) / (1 - exp(-P_max / A))

**The depression formula is the corrected one.** As printed, ``B (1 - exp(-(P - P_max) / A))
+ R_max``, it has lost two signs: at P = 0 it would lie beyond R_min by orders of magnitude.
The form above is that of the work it cites, and meets R_min at P = 0 and R_max at P_max.

Both say the same in steps: a pulse takes the device a fixed share of the way to an
asymptote, B away from where that polarity starts. So it works from any present state::

    d(n) = B - (B - d(0)) exp(-n / A),   d: distance from the polarity's start

A may be infinite (every pulse the same step) or negative (steps that grow along the way, so
that both polarities can run along one curve). Resistances are in ohm, or in any one unit.
"""

import abc
import dataclasses
import math
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from allspin.sim.errors import check_number, check_range

Array = npt.NDArray[np.float64]

MAX_PULSES = 65_535
MAX_RAH = 1e12
"""Far above any device's R_AH in any unit; squares of it are far from overflowing."""
MIN_SPAN = 1e-30
"""Far below any device's range; squares of it are still numbers."""
MAX_EXPONENT = 700.0
"""Exponentials of more overflow."""
LINEAR = 1e-9
"""Below this P_max / A a response is computed as a straight line, which it then is."""
FINE = 1 << 16
"""Places along a law without an inverse at which it is looked at."""
OFF = 1e-6
"""How far a law may miss its ends, as a share of the range."""
KEYS = {"nonlinearity": "A", "pulses": "P_max", "low": "R_min", "high": "R_max"}
"""What device files call these attributes, after the paper."""


class Polarity(IntEnum):
    """What a pulse does to R_AH."""

    POTENTIATION = 0
    """Raises it."""
    DEPRESSION = 1
    """Lowers it."""


class Response(abc.ABC):
    """What pulses of one polarity do, on average, told from where that polarity starts.

    A kind is a frozen dataclass that has `pulses`, `low` and `high` beside parameters of its own,
    and defines `kind` and `moved`; the rest follows from these unless it says otherwise.

    Attributes
    ----------
    kind : str
        What device files call the kind.
    has_nonlinearity : bool
        Whether it has an A, which devices may differ in.
    pulses : int
        P_max, pulses from one end of the range to the other, 1 to 65535.
    low, high : float
        R_min and R_max of this polarity, in ohm (or any one unit).

    Raises
    ------
    ValueError
        If a value is outside its range, or the law does not lead from end to end.
    """

    kind: ClassVar[str]
    has_nonlinearity: ClassVar[bool] = False
    pulses: int
    low: float
    high: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "pulses", check_range("P_max", self.pulses, 1, MAX_PULSES))
        for key, name in self.keys().items():
            if name != "pulses":
                most = MAX_RAH if name in ("low", "high") else math.inf
                object.__setattr__(self, name, check_number(key, getattr(self, name), -most, most))
        if self.high - self.low < MIN_SPAN:
            raise ValueError(f"R_max must be above R_min, not {self.high:g} and {self.low:g}")
        self._check_law()

    def _check_law(self) -> None:
        """Raise unless the law leads from end to end."""
        with np.errstate(all="ignore"):  # a law that fails there is told by what comes of it
            ends = self.moved(np.array([0.0, self.pulses]))
        if not np.allclose(ends, (0, 1), rtol=0, atol=OFF):
            raise ValueError(
                f"a response must have moved by 0 after no pulse and by 1 after {self.pulses}, "
                f"not by {ends[0]:g} and {ends[1]:g}"
            )

    @classmethod
    def keys(cls) -> dict[str, str]:
        """Keys of the kind's table in a device file, and the attributes that they are."""
        fields: Any = cls
        names = [field.name for field in dataclasses.fields(fields)]
        return {KEYS.get(name, name): name for name in names}

    @property
    def span(self) -> float:
        """``R_max - R_min``."""
        return self.high - self.low

    @abc.abstractmethod
    def moved(self, pulses: npt.ArrayLike, stretch: npt.ArrayLike = 1.0) -> Array:
        """Share of the range that pulses from the polarity's start have moved R_AH by.

        Parameters
        ----------
        pulses : array_like of float
            From 0 to P_max.
        stretch : array_like of float
            Each device's factor on A; a law without an A leaves it.

        Returns
        -------
        ndarray of float64, the shape that the arguments broadcast to
            From 0 to 1, never falling along the pulses.
        """

    @cached_property
    def _way(self) -> tuple[Array, Array]:
        """The law as a table: shares moved, each once, and the pulses to them."""
        pulses = np.linspace(0, self.pulses, self.pulses * max(FINE // self.pulses, 1) + 1)
        shares, first = np.unique(np.maximum.accumulate(self.moved(pulses)), return_index=True)
        return shares, pulses[first]

    def pulses_for(self, share: Array) -> Array:
        """Pulses, with fractions, to a share from 0 to 1: `moved` the other way round."""
        return np.interp(share, *self._way)

    def advanced(self, distance: Array, pulses: Array, span: Array, stretch: Array) -> Array:
        """Distance from the polarity's start after pulses from any present one.

        By default the film moves on as a device does that is there on its way from the start.

        Parameters
        ----------
        distance : ndarray of float64
            Present distance of each film from the start.
        pulses : ndarray of float64
            Pulses for each, at least 0.
        span, stretch : ndarray of float64
            Each device's own range, and its factor on A.
        """
        start = self.pulses_for(np.clip(distance / self.span, 0, 1))
        end = np.minimum(start + pulses, self.pulses)
        return distance + span * (self.moved(end, stretch) - self.moved(start, stretch))

    def decay(self, pulses: Array) -> Array:
        """The last of some pulses' steps as a share of the first; from the start by default."""
        n = np.clip(pulses, 1, self.pulses)
        return (self.moved(n) - self.moved(n - 1)) / self.moved(1.0)

    def summed(self, pulses: Array) -> Array:
        """Deviation after pulses of one deviation each, in that deviation.

        By default no pulse takes anything of the deviations before it.
        """
        return np.sqrt(pulses)

    def shortened(self, pulses: int) -> Self:
        """The same law across the same range in other pulses."""
        here: Any = self
        return dataclasses.replace(here, pulses=pulses)

    def potentiated(self, pulse: npt.ArrayLike) -> Array:
        """R_P(P), the paper's first equation, for P from 0 to P_max."""
        return self.low + self.span * self.moved(pulse)

    def depressed(self, pulse: npt.ArrayLike) -> Array:
        """R_D(P), the paper's second equation, corrected; P falls from P_max to 0."""
        return self.high - self.span * self.moved(self.pulses - np.asarray(pulse, np.float64))


def _share_moved(nonlinearity: npt.ArrayLike, pulses: npt.ArrayLike, whole: float) -> Array:
    """``(1 - exp(-pulses / A)) / (1 - exp(-whole / A))``, and its limit for a large A."""
    a, n = np.asarray(nonlinearity, np.float64), np.asarray(pulses, np.float64)
    straight = np.abs(a) * LINEAR > whole
    size = np.where(straight, whole, np.abs(a))
    share = np.where(straight, n / whole, np.expm1(-n / size) / np.expm1(-whole / size))
    # Of a negative A both exponentials may overflow, where their ratio does not.
    grown = np.where(straight | (a > 0), 0.0, (n - whole) / size)
    return share * np.exp(np.minimum(grown, MAX_EXPONENT))


@dataclass(frozen=True)
class PulseResponse(Response):
    """The paper's law: each pulse takes R_AH a fixed share of the way to an asymptote.

    Parameters
    ----------
    nonlinearity : float
        A, in pulses: infinite for equal steps, negative for steps that grow; not so small
        against `pulses` that numbers overflow.
    pulses : int
        P_max, pulses from one end of the range to the other, 1 to 65535.
    low, high : float
        R_min and R_max of this polarity, in ohm (or any one unit).

    Raises
    ------
    ValueError
        If a value is outside its range.
    """

    nonlinearity: float
    pulses: int
    low: float = -1.0
    high: float = 1.0

    kind: ClassVar[str] = "sot"
    has_nonlinearity: ClassVar[bool] = True

    def _check_law(self) -> None:
        a, least = self.nonlinearity, self.pulses / MAX_EXPONENT
        if abs(a) < least:
            raise ValueError(
                f"A must be at least {least:.3g} or at most {-least:.3g} "
                f"with a P_max of {self.pulses}, not {a:g}"
            )

    @property
    def normalisation(self) -> float:
        """B: distance of the asymptote from the start (infinite for equal steps)."""
        if abs(self.nonlinearity) * LINEAR > self.pulses:
            return math.inf
        return self.span / -math.expm1(-self.pulses / self.nonlinearity)

    def moved(self, pulses: npt.ArrayLike, stretch: npt.ArrayLike = 1.0) -> Array:
        """See `Response.moved`."""
        return _share_moved(self.nonlinearity * np.asarray(stretch), pulses, self.pulses)

    def pulses_for(self, share: Array) -> Array:
        """See `Response.pulses_for`."""
        a, whole = self.nonlinearity, self.pulses
        if math.isinf(self.normalisation):
            return share * whole
        with np.errstate(divide="ignore"):  # at the asymptote: infinitely many, cut to P_max
            return np.clip(-a * np.log1p(share * math.expm1(-whole / a)), 0, whole)

    def advanced(self, distance: Array, pulses: Array, span: Array, stretch: Array) -> Array:
        """See `Response.advanced`."""
        if math.isinf(self.normalisation):
            return distance + pulses * (span / self.pulses)
        a = self.nonlinearity * stretch
        if self.nonlinearity < 0:
            grown = distance * np.exp(np.minimum(-pulses / a, MAX_EXPONENT))
            return grown + span * _share_moved(a, pulses, self.pulses)
        asymptote = span / -np.expm1(-self.pulses / a)
        return asymptote - (asymptote - distance) * np.exp(-pulses / a)

    def decay(self, pulses: Array) -> Array:
        """See `Response.decay`; it is the same from wherever the film is."""
        return np.exp((1 - pulses) / self.nonlinearity)

    def summed(self, pulses: Array) -> Array:
        """See `Response.summed`: each pulse shrinks what was before, as any distance.

        With ``q = exp(-1 / A)`` that is ``sqrt((1 - q^2n) / (1 - q^2))``.
        """
        # The share of variance is `_share_moved` itself, with half of A and one pulse a unit.
        return np.sqrt(_share_moved(self.nonlinearity / 2, pulses, 1.0))
