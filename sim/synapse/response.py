"""The mean response of a synapse's R_AH to pulses of one polarity: the paper's device equations.

The paper's law is `PulseResponse`. Another law is one class (`Response`) under
`allspin.sim.synapse.synapse_kinds.register_response`; ``docs/extending.md`` has an example.

With P the pulse number, A the nonlinearity in pulses and P_max the pulses between the ends
of the range, the paper's equations (after X. Sun and S. Yu, IEEE JETCAS 9, 570, 2019) are::

    potentiation  R_P(P) = R_min + B (1 - exp(-P / A))
    depression    R_D(P) = R_max - B (1 - exp((P - P_max) / A))
    B = (R_max - R_min) / (1 - exp(-P_max / A))

**The depression formula is the corrected one.** As printed, ``B (1 - exp(-(P - P_max) / A))
+ R_max``, it has lost two signs: at P = 0 it would lie beyond R_min by orders of magnitude.
The form above is that of the cited work, and gives R_min at P = 0 and R_max at P_max.

In steps, both formulas are the same: a pulse moves the device a fixed share of the distance to an
asymptote, which lies B away from the polarity's start. This holds from any present state::

    d(n) = B - (B - d(0)) exp(-n / A),   d: distance from the polarity's start

A may be infinite (equal steps) or negative (steps that grow along the curve, so that both
polarities can follow one curve). Resistances are in ohm, or in any one unit.
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
"""Largest magnitude of R_AH in any unit; its square does not overflow."""
MIN_SPAN = 1e-30
"""Smallest range of R_AH; its square does not underflow."""
MAX_EXPONENT = 700.0
"""Largest argument of an exponential that does not overflow."""
LINEAR = 1e-9
"""P_max / A below which a response is a straight line to double precision."""
FINE = 1 << 16
"""Number of samples of a law without an analytical inverse."""
OFF = 1e-6
"""Tolerance at the ends of a law, as a share of the range."""
KEYS = {"nonlinearity": "A", "pulses": "P_max", "low": "R_min", "high": "R_max"}
"""Names of these attributes in device files, after the paper."""


class Polarity(IntEnum):
    """Direction in which a pulse changes R_AH."""

    POTENTIATION = 0
    """The pulse raises R_AH."""
    DEPRESSION = 1
    """The pulse lowers R_AH."""


class Response(abc.ABC):
    """Base class of the mean responses to pulses of one polarity, from the polarity's start.

    A kind is a frozen dataclass that has `pulses`, `low` and `high` besides its own parameters, and
    defines `kind` and `moved`; everything else follows from these unless the kind overrides it.

    Attributes
    ----------
    kind : str
        Name of the kind in device files.
    has_nonlinearity : bool
        True if the law has an A, in which devices may differ.
    pulses : int
        P_max, pulses from one end of the range to the other, 1 to 65535.
    low, high : float
        R_min and R_max of this polarity, in ohm (or any one unit).

    Raises
    ------
    ValueError
        If a value is outside its range, or the law does not connect the ends of the range.
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
        """Raise unless the law connects the ends of the range."""
        with np.errstate(all="ignore"):  # a law that fails there is refused below
            ends = self.moved(np.array([0.0, self.pulses]))
        if not np.allclose(ends, (0, 1), rtol=0, atol=OFF):
            raise ValueError(
                f"a response must have moved by 0 after no pulse and by 1 after {self.pulses}, "
                f"not by {ends[0]:g} and {ends[1]:g}"
            )

    @classmethod
    def keys(cls) -> dict[str, str]:
        """Return the attribute of each key of the kind's table in a device file."""
        fields: Any = cls
        names = [field.name for field in dataclasses.fields(fields)]
        return {KEYS.get(name, name): name for name in names}

    @property
    def span(self) -> float:
        """``R_max - R_min``."""
        return self.high - self.low

    @abc.abstractmethod
    def moved(self, pulses: npt.ArrayLike, stretch: npt.ArrayLike = 1.0) -> Array:
        """Compute the share of the range by which pulses from the start have moved R_AH.

        Parameters
        ----------
        pulses : array_like of float
            Number of pulses, 0 to P_max.
        stretch : array_like of float
            Each device's factor on A; a law without an A ignores it.

        Returns
        -------
        ndarray of float64, the shape that the arguments broadcast to
            Share from 0 to 1; it never falls along the pulses.
        """

    @cached_property
    def _way(self) -> tuple[Array, Array]:
        """Table of the law: distinct shares, and the pulses to each."""
        pulses = np.linspace(0, self.pulses, self.pulses * max(FINE // self.pulses, 1) + 1)
        shares, first = np.unique(np.maximum.accumulate(self.moved(pulses)), return_index=True)
        return shares, pulses[first]

    def pulses_for(self, share: Array) -> Array:
        """Return the pulses, with fractions, to a share from 0 to 1: the inverse of `moved`."""
        return np.interp(share, *self._way)

    def advanced(self, distance: Array, pulses: Array, span: Array, stretch: Array) -> Array:
        """Compute the distance from the polarity's start after pulses from any present distance.

        By default a device continues as on its way from the start.

        Parameters
        ----------
        distance : ndarray of float64
            Present distance of each device from the start.
        pulses : ndarray of float64
            Pulses of each device, at least 0.
        span, stretch : ndarray of float64
            Each device's own range, and its factor on A.
        """
        start = self.pulses_for(np.clip(distance / self.span, 0, 1))
        end = np.minimum(start + pulses, self.pulses)
        return distance + span * (self.moved(end, stretch) - self.moved(start, stretch))

    def decay(self, pulses: Array) -> Array:
        """Return the last step of a train as a share of its first; by default from the start."""
        n = np.clip(pulses, 1, self.pulses)
        return (self.moved(n) - self.moved(n - 1)) / self.moved(1.0)

    def summed(self, pulses: Array) -> Array:
        """Return the deviation after pulses with a deviation of 1 each.

        By default a pulse does not reduce earlier deviations.
        """
        return np.sqrt(pulses)

    def shortened(self, pulses: int) -> Self:
        """Return the same law over the same range with another P_max."""
        here: Any = self
        return dataclasses.replace(here, pulses=pulses)

    def potentiated(self, pulse: npt.ArrayLike) -> Array:
        """Compute R_P(P), the paper's first equation, for P from 0 to P_max."""
        return self.low + self.span * self.moved(pulse)

    def depressed(self, pulse: npt.ArrayLike) -> Array:
        """Compute R_D(P), the paper's second equation, corrected; P falls from P_max to 0."""
        return self.high - self.span * self.moved(self.pulses - np.asarray(pulse, np.float64))


def _share_moved(nonlinearity: npt.ArrayLike, pulses: npt.ArrayLike, whole: float) -> Array:
    """Return ``(1 - exp(-pulses / A)) / (1 - exp(-whole / A))``, or its limit for a large A."""
    a = np.asarray(nonlinearity, np.float64)
    n = np.asarray(pulses, np.float64)
    straight = np.abs(a) * LINEAR > whole
    size = np.where(straight, whole, np.abs(a))
    share = np.where(straight, n / whole, np.expm1(-n / size) / np.expm1(-whole / size))
    # With a negative A both exponentials may overflow, but not their ratio.
    grown = np.where(straight | (a > 0), 0.0, (n - whole) / size)
    return share * np.exp(np.minimum(grown, MAX_EXPONENT))


@dataclass(frozen=True)
class PulseResponse(Response):
    """The paper's law: each pulse moves R_AH a fixed share of the distance to an asymptote.

    Parameters
    ----------
    nonlinearity : float
        A, in pulses: infinite for equal steps, negative for growing steps; its magnitude is at
        least ``pulses / 700``, so that exponentials do not overflow.
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
        a = self.nonlinearity
        least = self.pulses / MAX_EXPONENT
        if abs(a) < least:
            raise ValueError(
                f"A must be at least {least:.3g} or at most {-least:.3g} "
                f"with a P_max of {self.pulses}, not {a:g}"
            )

    @property
    def normalisation(self) -> float:
        """B, the distance of the asymptote from the start; infinite for equal steps."""
        if abs(self.nonlinearity) * LINEAR > self.pulses:
            return math.inf
        return self.span / -math.expm1(-self.pulses / self.nonlinearity)

    def moved(self, pulses: npt.ArrayLike, stretch: npt.ArrayLike = 1.0) -> Array:
        """See `Response.moved`."""
        return _share_moved(self.nonlinearity * np.asarray(stretch), pulses, self.pulses)

    def pulses_for(self, share: Array) -> Array:
        """See `Response.pulses_for`."""
        a = self.nonlinearity
        whole = self.pulses
        if math.isinf(self.normalisation):
            return share * whole
        with np.errstate(divide="ignore"):  # infinite at the asymptote, limited to P_max
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
        """See `Response.decay`; it does not depend on the present R_AH."""
        return np.exp((1 - pulses) / self.nonlinearity)

    def summed(self, pulses: Array) -> Array:
        """See `Response.summed`; each pulse reduces earlier deviations, as it does distances.

        With ``q = exp(-1 / A)`` the result is ``sqrt((1 - q^2n) / (1 - q^2))``.
        """
        # The variance is `_share_moved` with half of A, where one pulse is the unit.
        return np.sqrt(_share_moved(self.nonlinearity / 2, pulses, 1.0))
