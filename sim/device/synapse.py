"""The SOT synapse: how pulses move its anomalous Hall resistance R_AH, and how it varies.

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
import math
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from allspin.sim.network.levels import MAX_STATES, MIN_STATES, check_range

Array = npt.NDArray[np.float64]

MAX_PULSES = 65_535
LINEAR = 1e-9
"""Below this P_max / A a response is computed as a straight line, which it then is."""
SMALLEST_FACTOR = 0.05
"""No device's own range or nonlinearity is drawn below this share of the nominal one."""


class Polarity(IntEnum):
    """What a pulse does to R_AH."""

    POTENTIATION = 0
    """Raises it."""
    DEPRESSION = 1
    """Lowers it."""


CYCLE_READINGS = {
    "range": "of the range R_max - R_min",
    "step": "of the mean step, (R_max - R_min) / (states - 1)",
    "increment": "of the change that the pulse or write itself makes",
}
"""What a cycle-to-cycle figure is a fraction of; the paper does not say."""
OCCASIONS = {
    "write": "once a write, however many pulses it takes",
    "pulse": "on each pulse",
}
"""When a cycle-to-cycle deviation is drawn."""
DEVICE_READINGS = {
    "range": "an offset of R_AH, of the range R_max - R_min",
    "step": "an offset of R_AH, of the mean step (R_max - R_min) / (states - 1)",
    "weight": "a factor on R_AH, counted from the middle of the range",
    "span": "a factor on the polarity's range, counted from where it starts",
    "nonlinearity": "a factor on the polarity's A",
}
"""What a device-to-device figure is a fraction of; the paper does not say."""


def check_number(name: str, value: object, low: float = -math.inf, high: float = math.inf) -> float:
    """Return `value` as a float, or raise with the legal range.

    Raises
    ------
    ValueError
        If it is no number, NaN, or outside the range (both ends included).
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high:
        return float(value)
    raise ValueError(f"{name} must be a number from {low:g} to {high:g}, not {value!r}")


def check_reading(name: str, reading: object, known: dict[str, str]) -> None:
    """Raise `ValueError` unless a reading is one of the known ones."""
    if reading not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, not {reading!r}")


@dataclass(frozen=True)
class CycleVariation:
    """Cycle-to-cycle (C2C) variation: Gaussian, drawn anew each time.

    Parameters
    ----------
    potentiation, depression : float
        Standard deviation by the polarity of the pulse, 0 to 1, as a fraction of what the
        reading says.
    reading : str
        One of `CYCLE_READINGS`.
    occasion : str
        One of `OCCASIONS`.

    Raises
    ------
    ValueError
        If a value is outside its range.
    """

    potentiation: float = 0.0
    depression: float = 0.0
    reading: str = "range"
    occasion: str = "write"

    def __post_init__(self) -> None:
        for name in ("potentiation", "depression"):
            value = check_number(f"C2C of {name}", getattr(self, name), 0, 1)
            object.__setattr__(self, name, value)
        check_reading("the reading of C2C", self.reading, CYCLE_READINGS)
        check_reading("the occasion of C2C", self.occasion, OCCASIONS)

    def __getitem__(self, polarity: Polarity) -> float:
        """Figure of a polarity."""
        return self.depression if polarity else self.potentiation

    def __str__(self) -> str:
        return (
            f"C2C {self.potentiation:g} (potentiation), {self.depression:g} (depression) "
            f"{CYCLE_READINGS[self.reading]}, {OCCASIONS[self.occasion]}"
        )


@dataclass(frozen=True)
class DeviceVariation:
    """Device-to-device (D2D) variation: Gaussian, drawn once for a device and polarity.

    Parameters
    ----------
    potentiation, depression : float
        Standard deviation by polarity, 0 to 1, as a fraction of what the reading says.
    reading : str
        One of `DEVICE_READINGS`.

    Raises
    ------
    ValueError
        If a value is outside its range.
    """

    potentiation: float = 0.0
    depression: float = 0.0
    reading: str = "range"

    def __post_init__(self) -> None:
        for name in ("potentiation", "depression"):
            value = check_number(f"D2D of {name}", getattr(self, name), 0, 1)
            object.__setattr__(self, name, value)
        check_reading("the reading of D2D", self.reading, DEVICE_READINGS)

    def __getitem__(self, polarity: Polarity) -> float:
        """Figure of a polarity."""
        return self.depression if polarity else self.potentiation

    def __str__(self) -> str:
        return (
            f"D2D {self.potentiation:g} (potentiation), {self.depression:g} (depression): "
            f"{DEVICE_READINGS[self.reading]}"
        )


def _share_moved(nonlinearity: npt.ArrayLike, pulses: npt.ArrayLike, whole: float) -> Array:
    """``(1 - exp(-pulses / A)) / (1 - exp(-whole / A))``, and its limit for a large A."""
    a, n = np.asarray(nonlinearity, np.float64), np.asarray(pulses, np.float64)
    straight = np.abs(a) * LINEAR > whole
    safe = np.where(straight, whole, a)
    return np.where(straight, n / whole, np.expm1(-n / safe) / np.expm1(-whole / safe))


MAX_RAH = 1e12
"""Far above any device's R_AH in any unit; squares of it are far from overflowing."""


@dataclass(frozen=True)
class PulseResponse:
    """What pulses of one polarity do, on average.

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

    def __post_init__(self) -> None:
        pulses = check_range("P_max", self.pulses, 1, MAX_PULSES)
        object.__setattr__(self, "pulses", pulses)
        a = check_number("A", self.nonlinearity)
        if a == 0 or abs(pulses / a) > 700:
            raise ValueError(
                f"A must be at least {pulses / 700:.3g} or at most {-pulses / 700:.3g} "
                f"with a P_max of {pulses}, not {a:g}"
            )
        object.__setattr__(self, "nonlinearity", a)
        for name in ("low", "high"):
            value = check_number(f"R_{'min' if name == 'low' else 'max'}", getattr(self, name))
            if not math.isfinite(value):
                raise ValueError(f"R_min and R_max must be finite, not {value}")
            if abs(value) > MAX_RAH:
                raise ValueError(
                    f"R_min and R_max must be from {-MAX_RAH:g} to {MAX_RAH:g}, not {value:g}"
                )
            object.__setattr__(self, name, value)
        if not self.low < self.high:
            raise ValueError(f"R_max must be above R_min, not {self.high:g} and {self.low:g}")

    @property
    def span(self) -> float:
        """``R_max - R_min``."""
        return self.high - self.low

    @property
    def normalisation(self) -> float:
        """B: distance of the asymptote from the start (infinite for equal steps)."""
        if abs(self.nonlinearity) * LINEAR > self.pulses:
            return math.inf
        return self.span / -math.expm1(-self.pulses / self.nonlinearity)

    def potentiated(self, pulse: npt.ArrayLike) -> Array:
        """R_P(P), the paper's first equation, for P from 0 to P_max."""
        return self.low + self.span * _share_moved(self.nonlinearity, pulse, self.pulses)

    def depressed(self, pulse: npt.ArrayLike) -> Array:
        """R_D(P), the paper's second equation, corrected; P falls from P_max to 0."""
        gone = self.pulses - np.asarray(pulse, np.float64)
        return self.high - self.span * _share_moved(self.nonlinearity, gone, self.pulses)


class Synapse(abc.ABC):
    """What every kind of synapse answers; all vectorised over devices.

    A device's own D2D deviation of a polarity is told in standard deviations, `deviate`: 0 is
    the mean device. What the film holds (`advance`) and what is read of it (`read`) differ
    where D2D is an offset or a factor on R_AH.

    A kind defines `low`, `high`, `curve`, `pulses_to`, `advance`, `read`,
    `cycle_deviation` and `readings`.
    """

    states: int

    @property
    @abc.abstractmethod
    def low(self) -> float:
        """Lowest R_AH of either polarity."""

    @property
    @abc.abstractmethod
    def high(self) -> float:
        """Highest R_AH of either polarity."""

    @property
    def span(self) -> float:
        """The full range of R_AH."""
        return self.high - self.low

    @abc.abstractmethod
    def curve(
        self, polarity: Polarity, pulses: npt.ArrayLike, deviate: npt.ArrayLike = 0.0
    ) -> Array:
        """R_AH read after a number of pulses from the polarity's own start.

        Parameters
        ----------
        polarity : Polarity
            Potentiation starts where R_AH is lowest, depression where it is highest.
        pulses : array_like of float
            Pulses given, at least 0; fractions are pulses of shorter duration.
        deviate : array_like of float
            The device's own deviation of this polarity, in standard deviations.

        Returns
        -------
        ndarray of float64, the shape that the arguments broadcast to
            In the synapse's unit; at the range's end it stays.
        """

    @abc.abstractmethod
    def pulses_to(self, polarity: Polarity, resistance: npt.ArrayLike) -> Array:
        """Inverse of `curve` for the mean device: pulses, with fractions, to an R_AH.

        An R_AH beyond either end counts as that end.
        """

    @abc.abstractmethod
    def advance(
        self,
        polarity: Polarity,
        resistance: npt.ArrayLike,
        pulses: npt.ArrayLike = 1.0,
        deviate: npt.ArrayLike = 0.0,
    ) -> Array:
        """R_AH that the film holds after some pulses from any present one, without C2C.

        Parameters
        ----------
        polarity : Polarity
            Of all the pulses.
        resistance : array_like of float
            What each device's film holds at present.
        pulses : array_like of float
            Pulses for each device, at least 0. A pulse of a share of the nominal duration
            counts as that share (the domain wall moves as long as the current flows: an
            assumption).
        deviate : array_like of float
            Each device's own deviation of this polarity, in standard deviations.

        Returns
        -------
        ndarray of float64, the shape that the arguments broadcast to
            Never beyond the polarity's range, and never back: who starts beyond it stays.
        """

    @abc.abstractmethod
    def read(
        self, polarity: Polarity, resistance: npt.ArrayLike, deviate: npt.ArrayLike = 0.0
    ) -> Array:
        """R_AH that is read where the film holds `resistance` since a pulse of a polarity."""

    @abc.abstractmethod
    def cycle_deviation(
        self, polarity: Polarity, resistance: npt.ArrayLike, pulses: npt.ArrayLike = 1.0
    ) -> Array:
        """Standard deviation of `advance` over cycles; 0 where `pulses` is 0."""

    def device_deviation(self, polarity: Polarity, pulses: npt.ArrayLike) -> Array:
        """Change of `curve` for a device one standard deviation up, to first order."""
        small = 1e-4
        up, down = (self.curve(polarity, pulses, deviate) for deviate in (small, -small))
        return (up - down) / (2 * small)

    @abc.abstractmethod
    def readings(self) -> list[str]:
        """What the variations are taken to be of, a line each, for reports."""


@dataclass(frozen=True)
class SotSynapse(Synapse):
    """The paper's synapse: two exponential responses and Gaussian variation.

    Parameters
    ----------
    potentiation, depression : PulseResponse
        Response of each polarity; their ranges may differ.
    states : int
        States told apart, 2 to 128.
    c2c : CycleVariation
        Cycle to cycle.
    d2d : DeviceVariation
        Device to device.

    Raises
    ------
    ValueError, TypeError
        If a value is outside its range.
    """

    potentiation: PulseResponse
    depression: PulseResponse
    states: int = 100
    c2c: CycleVariation = CycleVariation()
    d2d: DeviceVariation = DeviceVariation()

    def __post_init__(self) -> None:
        check_range("states", self.states, MIN_STATES, MAX_STATES)
        if min(self.potentiation.high, self.depression.high) <= max(
            self.potentiation.low, self.depression.low
        ):
            raise ValueError("the ranges of potentiation and depression must overlap")

    def response(self, polarity: Polarity) -> PulseResponse:
        """Response of a polarity."""
        return self.depression if polarity else self.potentiation

    @property
    def low(self) -> float:
        """See `Synapse.low`."""
        return min(self.potentiation.low, self.depression.low)

    @property
    def high(self) -> float:
        """See `Synapse.high`."""
        return max(self.potentiation.high, self.depression.high)

    def _place(self, polarity: Polarity, distance: Array) -> Array:
        """R_AH at a distance from the polarity's start."""
        response = self.response(polarity)
        return response.high - distance if polarity else response.low + distance

    def _distance(self, polarity: Polarity, resistance: npt.ArrayLike) -> Array:
        """Distance of an R_AH from the polarity's start."""
        response, r = self.response(polarity), np.asarray(resistance, np.float64)
        return response.high - r if polarity else r - response.low

    def _factor(self, reading: str, polarity: Polarity, deviate: npt.ArrayLike) -> Array:
        """A device's factor on what a reading of D2D scales; 1 for another reading."""
        z = np.asarray(deviate, np.float64)
        if self.d2d.reading != reading:
            return np.ones(())
        return np.maximum(1 + self.d2d[polarity] * z, SMALLEST_FACTOR)

    def curve(
        self, polarity: Polarity, pulses: npt.ArrayLike, deviate: npt.ArrayLike = 0.0
    ) -> Array:
        """See `Synapse.curve`."""
        response = self.response(polarity)
        n = np.minimum(np.asarray(pulses, np.float64), response.pulses)
        a = response.nonlinearity * self._factor("nonlinearity", polarity, deviate)
        span = response.span * self._factor("span", polarity, deviate)
        held = self._place(polarity, span * _share_moved(a, n, response.pulses))
        return self.read(polarity, held, deviate)

    def pulses_to(self, polarity: Polarity, resistance: npt.ArrayLike) -> Array:
        """See `Synapse.pulses_to`."""
        response = self.response(polarity)
        share = np.clip(self._distance(polarity, resistance) / response.span, 0, 1)
        a, whole = response.nonlinearity, response.pulses
        if math.isinf(response.normalisation):
            return share * whole
        with np.errstate(divide="ignore"):  # at the asymptote: infinitely many, cut to P_max
            return np.clip(-a * np.log1p(share * math.expm1(-whole / a)), 0, whole)

    def advance(
        self,
        polarity: Polarity,
        resistance: npt.ArrayLike,
        pulses: npt.ArrayLike = 1.0,
        deviate: npt.ArrayLike = 0.0,
    ) -> Array:
        """See `Synapse.advance`."""
        response = self.response(polarity)
        distance, n = self._distance(polarity, resistance), np.asarray(pulses, np.float64)
        span = response.span * self._factor("span", polarity, deviate)
        if math.isinf(response.normalisation):
            after = distance + n * (span / response.pulses)
        else:
            a = response.nonlinearity * self._factor("nonlinearity", polarity, deviate)
            asymptote = span / -np.expm1(-response.pulses / a)
            after = asymptote - (asymptote - distance) * np.exp(-n / a)
        after = np.maximum(np.minimum(after, span), distance)
        return self._place(polarity, after)

    def read(
        self, polarity: Polarity, resistance: npt.ArrayLike, deviate: npt.ArrayLike = 0.0
    ) -> Array:
        """See `Synapse.read`."""
        r, z = np.asarray(resistance, np.float64), np.asarray(deviate, np.float64)
        match self.d2d.reading:
            case "range":
                return r + self.d2d[polarity] * self.span * z
            case "step":
                return r + self.d2d[polarity] * self.span / (self.states - 1) * z
            case "weight":
                middle = (self.low + self.high) / 2
                return middle + (r - middle) * (1 + self.d2d[polarity] * z)
        return r + 0 * z

    def cycle_deviation(
        self, polarity: Polarity, resistance: npt.ArrayLike, pulses: npt.ArrayLike = 1.0
    ) -> Array:
        """See `Synapse.cycle_deviation`.

        Drawn on each pulse, the deviations of n pulses add up, each shrunk by the pulses
        after it as any distance from the asymptote is. With ``q = exp(-1 / A)`` that is
        ``sigma sqrt((1 - q^2n) / (1 - q^2))`` for equal deviations, and ``sqrt(n)`` times
        the last change for those in proportion to the change.
        """
        response, sigma = self.response(polarity), self.c2c[polarity]
        r, n = np.broadcast_arrays(
            np.asarray(resistance, np.float64), np.asarray(pulses, np.float64)
        )
        each = self.c2c.occasion == "pulse"
        if self.c2c.reading == "increment":
            if not each:
                return sigma * np.abs(self.advance(polarity, r, n) - r)
            first = np.abs(self.advance(polarity, r, 1.0) - r)
            return sigma * first * np.exp((1 - n) / response.nonlinearity) * np.sqrt(n)
        unit = self.span if self.c2c.reading == "range" else self.span / (self.states - 1)
        if not each:
            return np.where(n > 0, sigma * unit, 0.0)
        # The share of variance is `_share_moved` itself, with half of A and one pulse a unit.
        return sigma * unit * np.sqrt(_share_moved(response.nonlinearity / 2, n, 1.0))

    def readings(self) -> list[str]:
        """See `Synapse.readings`."""
        return [f"synapse {self.c2c}", f"synapse {self.d2d}"]
