"""Synapses: what every kind answers, and the paper's, whose response and variation are parts.

How pulses move R_AH is `allspin.sim.synapse.response`; how devices and cycles differ is
`allspin.sim.synapse.synapse`.
"""

import abc
import dataclasses
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from allspin.sim.errors import check_range
from allspin.sim.network.levels import MAX_STATES, MIN_STATES
from allspin.sim.parameters import Brief, Parameters, choice, number
from allspin.sim.plain_values import TomlTable
from allspin.sim.synapse.nonlinearity import take_nonlinearity
from allspin.sim.synapse.pulse_changes import normal_values
from allspin.sim.synapse.response import MAX_PULSES, Array, Polarity, Response
from allspin.sim.synapse.written import Law, Written, over_devices

# How synapses vary from cycle to cycle (C2C) and from device to device (D2D).

SMALLEST_FACTOR = 0.05
"""No device's own range or nonlinearity is drawn below this share of the nominal one."""
CYCLE_READINGS = {
    "range": "of the range R_max - R_min",
    "step": "of the mean step, (R_max - R_min) / (states - 1)",
    "increment": "of the change that the pulse or write itself makes",
}
"""What a cycle-to-cycle figure is a fraction of; the paper does not say."""
OCCASIONS = {
    "write": "once a write, however many pulses it takes",
    "pulse": "on each pulse",
    "root": "once a write, times the root of its pulses, as NeuroSim does",
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


@dataclass(frozen=True)
class SynapseVariation(Parameters):
    """A Gaussian variation: a figure for each polarity, and what it is a fraction of.

    Attributes
    ----------
    short : str
        What messages call it.
    potentiation, depression : float
        Standard deviation by polarity, 0 to 1, as a fraction of what the reading says.
    reading : str
        What that is.
    """

    short: ClassVar[str]

    potentiation: float = number(0.0, 0, 1)
    depression: float = number(0.0, 0, 1)
    reading: str = "range"

    def called(self, name: str) -> str:
        """See `Parameters.called`."""
        figure = name in ("potentiation", "depression")
        return f"{self.short} of {name}" if figure else f"the {name} of {self.short}"

    def __str__(self) -> str:
        figures = f"{self.potentiation:.3g} (potentiation), {self.depression:.3g} (depression)"
        return f"{self.short} {figures}"

    def __getitem__(self, polarity: Polarity) -> float:
        """Figure of a polarity."""
        return self.depression if polarity else self.potentiation

    def multiplied(self, factor: float) -> Self:
        """The same with both figures multiplied.

        Raises
        ------
        ValueError
            If one leaves its range.
        """
        return dataclasses.replace(
            self, potentiation=self.potentiation * factor, depression=self.depression * factor
        )


@dataclass(frozen=True)
class CycleVariation(SynapseVariation):
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

    short: ClassVar[str] = "C2C"

    reading: str = choice("range", CYCLE_READINGS)
    occasion: str = choice("write", OCCASIONS)

    def __str__(self) -> str:
        return f"{super().__str__()} {CYCLE_READINGS[self.reading]}, {OCCASIONS[self.occasion]}"


def together(correlation: float) -> str:
    """What readings say of the correlation of a device's own deviations; nothing where it is 0."""
    return f", with a correlation of {correlation:g} between polarities" if correlation else ""


@dataclass(frozen=True)
class DeviceVariation(SynapseVariation):
    """Device-to-device (D2D) variation: Gaussian, drawn once for a device and polarity.

    Parameters
    ----------
    potentiation, depression : float
        Standard deviation by polarity, 0 to 1, as a fraction of what the reading says.
    reading : str
        One of `DEVICE_READINGS`.
    correlation : float
        Of a device's own deviations of both polarities, -1 to 1.

    Raises
    ------
    ValueError
        If a value is outside its range.
    """

    short: ClassVar[str] = "D2D"

    reading: str = choice("range", DEVICE_READINGS)
    correlation: float = number(0.0, -1, 1)

    def __str__(self) -> str:
        return f"{super().__str__()}: {DEVICE_READINGS[self.reading]}{together(self.correlation)}"

    def factor(self, of: str, polarity: Polarity, deviate: npt.ArrayLike) -> Array:
        """Each device's factor on what a reading scales; 1 where this is another reading."""
        z = np.asarray(deviate, np.float64)
        if self.reading != of:
            return np.ones(())
        return np.maximum(1 + self[polarity] * z, SMALLEST_FACTOR)


FAR = 4.0
"""Deviate at which it is seen whether curves are a straight function of it."""
STRAIGHT = 1e-6
"""Share of the range that a straight function may miss."""
AT_ONCE = 4096
"""Writes whose devices are looked at together, so that memory stays small."""


class Synapse(Brief, abc.ABC):
    """What every kind of synapse answers; all vectorised over devices.

    A device's own D2D deviation of a polarity is told in standard deviations, `deviate`: 0 is
    the mean device. What the film holds (`advance`) and what is read of it (`read`) differ
    where D2D is an offset or a factor on R_AH.

    A kind defines `low`, `high`, `curve`, `pulses_to`, `advance`, `read`, `cycle_deviation`,
    `varied`, `record` and `readings`. `allspin.sim.synapse.table_synapse` makes it one that device
    files may name.
    """

    states: int

    @property
    def correlation(self) -> float:
        """Correlation of a device's own deviations of both polarities, -1 to 1."""
        return 0.0

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

    def written(
        self,
        polarity: Polarity,
        pulses: npt.ArrayLike,
        ends: tuple[float, float] | None = None,
    ) -> Written:
        """What writes leave: trains of pulses after saturation at the polarity's start.

        Where devices' curves are no straight function of their deviates, many devices stand for
        all.

        Parameters
        ----------
        polarity : Polarity
            Of all the pulses.
        pulses : array_like of float
            Pulses of each write; none is a write too and deviates over cycles as one pulse does.
        ends : (float, float), optional
            R_AH beyond which whoever reads it sees nothing more, such as the ends of words: what
            comes of curves that differ is told as it is seen there.

        Returns
        -------
        Written
            Of the shape of `pulses`.
        """
        n = np.asarray(pulses, np.float64)
        start = self.high if polarity else self.low
        cycle = self.cycle_deviation(polarity, np.full(n.shape, start), np.maximum(n, 1))
        mean, device = self.curve(polarity, n), self.device_deviation(polarity, n)
        far = np.array([-FAR, FAR]).reshape(2, *[1] * n.ndim)
        bent = np.abs(self.curve(polarity, n, far) - mean - far * device)
        if bent.max(initial=0.0) <= STRAIGHT * self.span:
            return Written(Law(mean, cycle, device))
        if ends is not None:
            return Written(self._over_devices(polarity, n, cycle, ends), ends)
        # No device's curve is beyond that of the farthest one; cycles deviate about it.
        reached = self.curve(polarity, n, normal_values()[[0, -1]].reshape(far.shape))
        bounds = min(self.low, float(reached.min())), max(self.high, float(reached.max()))
        law = self._over_devices(polarity, n, np.zeros(n.shape), bounds)
        return Written(law, bounds, cycle=cycle)

    def pulsed(
        self,
        polarity: Polarity,
        resistance: npt.ArrayLike,
        pulses: npt.ArrayLike,
        deviate: npt.ArrayLike = 0.0,
    ) -> Written:
        """What films hold after trains that start at any present R_AH: `advance`, with its C2C.

        Parameters
        ----------
        polarity, resistance, pulses, deviate
            As of `advance`.

        Returns
        -------
        Written
            Of the shape that the arguments broadcast to. How devices differ is in the mean.
        """
        mean = self.advance(polarity, resistance, pulses, deviate)
        return Written(
            Law(mean, self.cycle_deviation(polarity, resistance, pulses), np.zeros_like(mean))
        )

    def draws_each_pulse(self, polarity: Polarity) -> bool:
        """Whether each pulse of a train has a deviation of its own; else a train has one."""
        return False

    def one_train(
        self,
        polarity: Polarity,
        resistance: Array,
        pulses: npt.ArrayLike,
        deviate: npt.ArrayLike,
        rng: np.random.Generator,
    ) -> Array:
        """What films hold after one train each, C2C drawn once: never beyond the range.

        Parameters and result are those of `walked`. A kind whose pulses have another law than
        `advance` and a normal deviation draws it here.
        """
        after = self.advance(polarity, resistance, pulses, deviate)
        deviation = self.cycle_deviation(polarity, resistance, pulses)
        if not np.any(deviation):
            return after
        after = after + deviation * rng.standard_normal(after.shape, np.float32)
        return np.clip(after, self.low, self.high, out=after)

    def walked(
        self,
        polarity: Polarity,
        resistance: Array,
        pulses: npt.ArrayLike,
        deviate: npt.ArrayLike,
        rng: np.random.Generator,
    ) -> Array:
        """What films hold after trains, with C2C drawn: at every pulse where it is by pulse.

        Parameters
        ----------
        polarity : Polarity
            Of all the pulses.
        resistance : ndarray of float, shape (films,)
            What each film holds at present.
        pulses : array_like of float, shape (films,) or ()
            Pulses for each; a share of a pulse is a shorter one, the last.
        deviate : array_like of float, shape (films,) or ()
            Each device's own deviation of this polarity, in standard deviations.
        rng : numpy.random.Generator
            Draws.

        Returns
        -------
        ndarray of float64, shape (films,)
            Cut at the ends of the range at every draw: a film that is saturated forgets what was
            beyond.
        """
        if not self.draws_each_pulse(polarity):
            return self.one_train(polarity, resistance, pulses, deviate, rng)
        films = np.array(resistance, np.float64)
        left, own = np.broadcast_arrays(pulses, deviate, films)[:2]
        left, going = left.astype(np.float64), np.arange(films.size)
        while (going := going[left[going] > 0]).size:
            share = np.minimum(left[going], 1.0)
            films[going] = self.one_train(polarity, films[going], share, own[going], rng)
            left[going] -= 1
        return films

    def _over_devices(
        self, polarity: Polarity, pulses: Array, cycle: Array, ends: tuple[float, float]
    ) -> Law:
        """The law of many devices that follow curves of their own, a part of the writes at once."""
        deviates, count = normal_values(), max(-(-pulses.size // AT_ONCE), 1)
        writes = (np.array_split(table.ravel(), count) for table in (pulses, cycle))
        parts = [
            over_devices(self.curve(polarity, some, deviates[:, np.newaxis]), own, deviates, ends)
            for some, own in zip(*writes, strict=True)
        ]
        return Law(
            *(np.concatenate(part).reshape(pulses.shape) for part in zip(*parts, strict=True))
        )

    def _whole_way(self, polarity: Polarity) -> float:
        """Pulses, with fractions, from where a polarity starts to where it ends."""
        return float(self.pulses_to(polarity, self.low if polarity else self.high))

    @cached_property
    def trains(self) -> tuple[Written, Written]:
        """What trains of whole pulses from saturation leave, by polarity and number of pulses."""
        up, down = (
            self.written(polarity, np.arange(np.ceil(self._whole_way(polarity)) + 1))
            for polarity in Polarity
        )
        return up, down

    def device_deviation(self, polarity: Polarity, pulses: npt.ArrayLike) -> Array:
        """Change of `curve` for a device one standard deviation up, to first order."""
        small = 1e-4
        up, down = (self.curve(polarity, pulses, deviate) for deviate in (small, -small))
        return (up - down) / (2 * small)

    @property
    def devices_differ(self) -> bool:
        """Whether there is any D2D: where it is not known there is none."""
        return any(
            np.any(self.device_deviation(polarity, np.linspace(0, self._whole_way(polarity), 33)))
            for polarity in Polarity
        )

    def pulses_across(self, polarity: Polarity) -> int:
        """Whole pulses from where a polarity starts to where it ends, 1 to `MAX_PULSES`."""
        return int(min(max(np.ceil(self._whole_way(polarity)), 1), MAX_PULSES))

    def short_curve(self, polarity: Polarity, pulses: int) -> Array:
        """R_AH after 0 to `pulses` pulses of a device that crosses the range in as many.

        Raises
        ------
        ValueError
            If the kind has no law that says what such a device would do.
        """
        raise ValueError("levels by pulses need a device with an A; a table has its own pulses")

    @property
    def paper_model(self) -> "SotSynapse | None":
        """It as a model of the paper's kind, whose parts another device may borrow; else None."""
        return None

    def figures(self, polarity: Polarity, unit: str) -> list[tuple[str, str, str]]:
        """Name, value and unit of what was measured of a polarity; none of a model."""
        return []

    @abc.abstractmethod
    def varied(self, c2c: float, d2d: float) -> Self:
        """The same with its C2C and its D2D multiplied, each by a factor of 0 or more.

        Raises
        ------
        ValueError
            If a deviation leaves its range.
        """

    @abc.abstractmethod
    def record(self) -> dict[str, Any]:
        """As plain values: what a device file has in ``[synapse]``."""

    @abc.abstractmethod
    def readings(self) -> list[str]:
        """What the variations are taken to be of, a line each, for reports."""


@dataclass(frozen=True)
class SotSynapse(Synapse):
    """The paper's synapse: a response for each polarity, and Gaussian variation.

    Parameters
    ----------
    potentiation, depression : Response
        Response of each polarity, of one kind; their ranges may differ.
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

    potentiation: Response
    depression: Response
    states: int = 100
    c2c: CycleVariation = field(default_factory=CycleVariation)
    d2d: DeviceVariation = field(default_factory=DeviceVariation)

    def __post_init__(self) -> None:
        check_range("states", self.states, MIN_STATES, MAX_STATES)
        up, down = self.potentiation, self.depression
        if min(up.high, down.high) <= max(up.low, down.low):
            raise ValueError("the ranges of potentiation and depression must overlap")
        if up.kind != down.kind:
            raise ValueError(
                "the responses of potentiation and depression must be of one kind, not "
                f"{up.kind} and {down.kind}"
            )
        if self.d2d.reading == "nonlinearity" and not up.has_nonlinearity:
            raise ValueError(f"D2D cannot be of A: a response of kind {up.kind} has none")

    @classmethod
    def from_table(cls, table: TomlTable, response: type[Response]) -> Self:
        """The synapse that a device file's table describes, with responses of a kind."""
        states = table.take("states", 100)
        responses = [table.table(polarity.name.lower(), needed=True) for polarity in Polarity]
        if response.has_nonlinearity:
            for each, polarity in zip(responses, Polarity, strict=True):
                take_nonlinearity(each, polarity)
        return cls(
            *(each.make(response, response.keys()) for each in responses),
            states=states,
            c2c=table.table("c2c").make(CycleVariation),
            d2d=table.table("d2d").make(DeviceVariation),
        )

    def record(self) -> dict[str, Any]:
        """See `Synapse.record`."""
        found: dict[str, Any] = {"kind": self.potentiation.kind, "states": self.states}
        for polarity in Polarity:
            response = self.response(polarity)
            found[polarity.name.lower()] = {
                key: getattr(response, name) for key, name in response.keys().items()
            }
        # Files of devices without a correlation are as ever.
        d2d = dataclasses.asdict(self.d2d)
        if not self.d2d.correlation:
            del d2d["correlation"]
        return found | {"c2c": dataclasses.asdict(self.c2c), "d2d": d2d}

    @property
    def correlation(self) -> float:
        """See `Synapse.correlation`."""
        return self.d2d.correlation

    def varied(self, c2c: float, d2d: float) -> Self:
        """See `Synapse.varied`."""
        return dataclasses.replace(self, c2c=self.c2c.multiplied(c2c), d2d=self.d2d.multiplied(d2d))

    def response(self, polarity: Polarity) -> Response:
        """Response of a polarity."""
        return self.depression if polarity else self.potentiation

    @property
    def paper_model(self) -> "SotSynapse | None":
        """See `Synapse.paper_model`."""
        return self if self.potentiation.kind == "sot" else None

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

    def _own(self, polarity: Polarity, deviate: npt.ArrayLike) -> tuple[Array, Array]:
        """Each device's own range, and its factor on A."""
        span = self.response(polarity).span * self.d2d.factor("span", polarity, deviate)
        return span, self.d2d.factor("nonlinearity", polarity, deviate)

    def curve(
        self, polarity: Polarity, pulses: npt.ArrayLike, deviate: npt.ArrayLike = 0.0
    ) -> Array:
        """See `Synapse.curve`."""
        response, (span, stretch) = self.response(polarity), self._own(polarity, deviate)
        n = np.minimum(np.asarray(pulses, np.float64), response.pulses)
        return self.read(
            polarity, self._place(polarity, span * response.moved(n, stretch)), deviate
        )

    def short_curve(self, polarity: Polarity, pulses: int) -> Array:
        """See `Synapse.short_curve`."""
        short = self.response(polarity).shortened(pulses)
        n = np.arange(pulses + 1)
        return short.depressed(n) if polarity else short.potentiated(n)

    def pulses_to(self, polarity: Polarity, resistance: npt.ArrayLike) -> Array:
        """See `Synapse.pulses_to`."""
        response = self.response(polarity)
        share = np.clip(self._distance(polarity, resistance) / response.span, 0, 1)
        return response.pulses_for(share)

    def advance(
        self,
        polarity: Polarity,
        resistance: npt.ArrayLike,
        pulses: npt.ArrayLike = 1.0,
        deviate: npt.ArrayLike = 0.0,
    ) -> Array:
        """See `Synapse.advance`."""
        distance, n = self._distance(polarity, resistance), np.asarray(pulses, np.float64)
        span, stretch = self._own(polarity, deviate)
        after = self.response(polarity).advanced(distance, n, span, stretch)
        return self._place(polarity, np.maximum(np.minimum(after, span), distance))

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

        Drawn on each pulse, the deviations of n pulses add up, equal ones as the response says
        (`Response.summed`), those in proportion to the change to ``sqrt(n)`` times the last. By
        ``root`` they are ``sqrt(n)`` times that of a write, as if no pulse shrank any.
        """
        response, sigma = self.response(polarity), self.c2c[polarity]
        r, n = np.broadcast_arrays(
            np.asarray(resistance, np.float64), np.asarray(pulses, np.float64)
        )
        each = self.c2c.occasion == "pulse"
        if self.c2c.occasion == "root":
            sigma = sigma * np.sqrt(n)
        if self.c2c.reading == "increment":
            moved = np.abs(self.advance(polarity, r, 1.0 if each else n) - r)
            return sigma * moved * response.decay(n) * np.sqrt(n) if each else sigma * moved
        unit = self.span if self.c2c.reading == "range" else self.span / (self.states - 1)
        return sigma * unit * response.summed(n) if each else np.where(n > 0, sigma * unit, 0.0)

    def draws_each_pulse(self, polarity: Polarity) -> bool:
        """See `Synapse.draws_each_pulse`."""
        return self.c2c.occasion == "pulse" and bool(self.c2c[polarity])

    def readings(self) -> list[str]:
        """See `Synapse.readings`."""
        # A figure of 0 may be one that is not known: it is not told as if it were measured.
        return [
            f"synapse {part}" if any(part[one] for one in Polarity) else f"synapse without {name}"
            for name, part in (("C2C", self.c2c), ("D2D", self.d2d))
        ]
