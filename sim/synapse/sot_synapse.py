"""The paper's synapse: a response for each polarity, and Gaussian variation."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from allspin.sim.errors import check_range
from allspin.sim.network.levels import MAX_STATES, MIN_STATES
from allspin.sim.plain_values import TomlTable
from allspin.sim.synapse.nonlinearity import take_nonlinearity
from allspin.sim.synapse.response import Array, Polarity, Response
from allspin.sim.synapse.synapse import Synapse
from allspin.sim.synapse.synapse_variation import CycleVariation, DeviceVariation


@dataclass(frozen=True)
class SotSynapse(Synapse):
    """The paper's synapse: a response for each polarity, and Gaussian variation.

    Parameters
    ----------
    potentiation, depression : Response
        Response of each polarity, of one kind; their ranges may differ.
    states : int
        Number of states, 2 to 128.
    c2c : CycleVariation
        Cycle-to-cycle variation.
    d2d : DeviceVariation
        Device-to-device variation.

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
        """Read the synapse from a device file's table, with responses of a kind."""
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
        table: dict[str, Any] = {"kind": self.potentiation.kind, "states": self.states}
        for polarity in Polarity:
            response = self.response(polarity)
            table[polarity.name.lower()] = {
                key: getattr(response, name) for key, name in response.keys().items()
            }
        # A file without a correlation stays as earlier versions wrote it.
        d2d = dataclasses.asdict(self.d2d)
        if not self.d2d.correlation:
            del d2d["correlation"]
        return table | {"c2c": dataclasses.asdict(self.c2c), "d2d": d2d}

    @property
    def correlation(self) -> float:
        """See `Synapse.correlation`."""
        return self.d2d.correlation

    def varied(self, c2c: float, d2d: float) -> Self:
        """See `Synapse.varied`."""
        return dataclasses.replace(self, c2c=self.c2c.multiplied(c2c), d2d=self.d2d.multiplied(d2d))

    def response(self, polarity: Polarity) -> Response:
        """Return the response of a polarity."""
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
        """Return the R_AH at a distance from the polarity's start."""
        response = self.response(polarity)
        return response.high - distance if polarity else response.low + distance

    def _distance(self, polarity: Polarity, resistance: npt.ArrayLike) -> Array:
        """Return the distance of an R_AH from the polarity's start."""
        response = self.response(polarity)
        r = np.asarray(resistance, np.float64)
        return response.high - r if polarity else r - response.low

    def _own(self, polarity: Polarity, deviate: npt.ArrayLike) -> tuple[Array, Array]:
        """Return each device's own range, and its factor on A."""
        span = self.response(polarity).span * self.d2d.factor("span", polarity, deviate)
        return span, self.d2d.factor("nonlinearity", polarity, deviate)

    def curve(
        self, polarity: Polarity, pulses: npt.ArrayLike, deviate: npt.ArrayLike = 0.0
    ) -> Array:
        """See `Synapse.curve`."""
        response = self.response(polarity)
        span, stretch = self._own(polarity, deviate)
        n = np.minimum(np.asarray(pulses, np.float64), response.pulses)
        stored = self._place(polarity, span * response.moved(n, stretch))
        return self.read(polarity, stored, deviate)

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
        distance = self._distance(polarity, resistance)
        n = np.asarray(pulses, np.float64)
        span, stretch = self._own(polarity, deviate)
        after = self.response(polarity).advanced(distance, n, span, stretch)
        return self._place(polarity, np.maximum(np.minimum(after, span), distance))

    def read(
        self, polarity: Polarity, resistance: npt.ArrayLike, deviate: npt.ArrayLike = 0.0
    ) -> Array:
        """See `Synapse.read`."""
        r = np.asarray(resistance, np.float64)
        z = np.asarray(deviate, np.float64)
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

        With C2C by ``pulse``, the deviations of n pulses add up: equal ones as in
        `Response.summed`, those in proportion to the change to ``sqrt(n)`` times the last. With
        ``root`` the deviation is ``sqrt(n)`` times that of a write, as if later pulses did not
        reduce earlier deviations.
        """
        response = self.response(polarity)
        sigma = self.c2c[polarity]
        r, n = np.broadcast_arrays(
            np.asarray(resistance, np.float64), np.asarray(pulses, np.float64)
        )
        each = self.c2c.occasion == "pulse"
        if self.c2c.occasion == "root":
            sigma = sigma * np.sqrt(n)
        if self.c2c.reading == "increment":
            if each:
                first = np.abs(self.advance(polarity, r, 1.0) - r)
                return sigma * first * response.decay(n) * np.sqrt(n)
            return sigma * np.abs(self.advance(polarity, r, n) - r)
        unit = self.span if self.c2c.reading == "range" else self.span / (self.states - 1)
        if each:
            return sigma * unit * response.summed(n)
        return np.where(n > 0, sigma * unit, 0.0)

    def draws_each_pulse(self, polarity: Polarity) -> bool:
        """See `Synapse.draws_each_pulse`."""
        return self.c2c.occasion == "pulse" and bool(self.c2c[polarity])

    def readings(self) -> list[str]:
        """See `Synapse.readings`."""
        lines = []
        for name, variation in (("C2C", self.c2c), ("D2D", self.d2d)):
            # A figure of 0 may be unknown, so it is not reported as a measurement.
            present = any(variation[polarity] for polarity in Polarity)
            lines.append(f"synapse {variation}" if present else f"synapse without {name}")
        return lines


def paper_model(synapse: Synapse) -> SotSynapse | None:
    """Return the synapse if it follows the paper's model, whose parts other devices may borrow."""
    if isinstance(synapse, SotSynapse) and synapse.potentiation.kind == "sot":
        return synapse
    return None
