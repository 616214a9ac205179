"""A synapse that is its measurement: R_AH against pulse, mean and spread, without any fit.

Each polarity has a table over the number of pulses from the polarity's start: mean R_AH, standard
deviation over cycles, and standard deviation between devices. Between pulses it is interpolated. A
pulse at any other state changes R_AH as it changes the device on the curve at that R_AH.
"""

import dataclasses
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from allspin.sim.errors import check_number, check_one_of, check_range
from allspin.sim.network.levels import MAX_STATES, MIN_STATES
from allspin.sim.plain_values import TomlTable
from allspin.sim.synapse.pulse_chain import after
from allspin.sim.synapse.pulse_changes import Changes
from allspin.sim.synapse.pulse_law import PulseLaw
from allspin.sim.synapse.response import MIN_SPAN, Array, Polarity
from allspin.sim.synapse.synapse import Synapse
from allspin.sim.synapse.synapse_variation import OCCASIONS, correlation_text
from allspin.sim.synapse.table_response import TableResponse, along, rising
from allspin.sim.synapse.written import Law, Written


@dataclass(frozen=True, eq=False)
class TableSynapse(Synapse):
    """A measured synapse: a table for each polarity.

    Parameters
    ----------
    potentiation, depression : TableResponse
        Response of each polarity from its start.
    states : int
        Number of states, 2 to 128.
    occasion : str
        ``write`` if a table's deviation over cycles is that of R_AH after a write to that place,
        ``pulse`` if it is that of the change by one pulse, ``root`` if it is that of one pulse of
        a write, whose squares add up.
    bounded : bool
        True if R_AH never leaves the range, since a saturated device cannot change further. With
        deviations by ``pulse`` it never leaves the range.
    correlation : float
        Correlation of a device's deviations of the two polarities, -1 to 1.

    Raises
    ------
    ValueError, TypeError
        If a value is outside its range, or potentiation does not rise or depression fall.
    """

    potentiation: TableResponse
    depression: TableResponse
    states: int = 100
    occasion: str = "write"
    bounded: bool = False
    correlation: float = 0.0  # pyright: ignore[reportIncompatibleMethodOverride]

    def __post_init__(self) -> None:
        check_range("states", self.states, MIN_STATES, MAX_STATES)
        check_one_of("the occasion of C2C", self.occasion, OCCASIONS)
        check_number("correlation", self.correlation, -1, 1)
        if not isinstance(self.bounded, bool):
            raise TypeError(f"bounded must be true or false, not {self.bounded!r}")
        ways = []
        for polarity in Polarity:
            table = self.response(polarity).resistance
            sign = -1 if polarity else 1
            way = sign * rising(sign * table)
            if sign * (way[-1] - way[0]) < MIN_SPAN:
                raise ValueError(
                    f"R_AH must {'fall' if polarity else 'rise'} with pulses of "
                    f"{polarity.name.lower()}, but it goes from {table[0]:g} to {table[-1]:g}"
                )
            ways.append(way)
        object.__setattr__(self, "_ways", tuple(ways))

    @classmethod
    def from_table(cls, table: TomlTable) -> Self:
        """Read the synapse from a device file's table."""
        states = table.take("states", 100)
        responses = [table.table(polarity.name.lower(), needed=True) for polarity in Polarity]
        return cls(
            *(each.make(TableResponse) for each in responses),
            states=states,
            occasion=table.take("occasion", "write"),
            bounded=table.take("bounded", False),
            correlation=table.take("correlation", 0.0),
        )

    def record(self) -> dict[str, Any]:
        """See `Synapse.record`."""
        record: dict[str, Any] = {"kind": "table", "states": self.states, "occasion": self.occasion}
        if self.bounded:
            record["bounded"] = True
        if self.correlation:
            record["correlation"] = self.correlation
        for polarity in Polarity:
            response = self.response(polarity)
            table: dict[str, Any] = {
                "resistance": response.resistance.tolist(),
                "cycle": response.cycle.tolist(),
                "device": response.device.tolist(),
            }
            if response.distribution is not None:
                table["distribution"] = response.distribution.record()
            record[polarity.name.lower()] = table
        return record

    def figures(self, polarity: Polarity, unit: str) -> list[tuple[str, str, str]]:
        """See `Synapse.figures`."""
        response = self.response(polarity)
        way = response.resistance
        cycle = math.sqrt(float((response.cycle**2).mean()))
        device = math.sqrt(float((response.device**2).mean()))
        return [
            ("pulses", str(way.size - 1), ""),
            ("R_AH", f"{way[0]:.4g} to {way[-1]:.4g}", unit),
            ("C2C, typical", f"{cycle:.4g}", unit),
            ("D2D, typical", f"{device:.4g}", unit),
        ]

    def varied(self, c2c: float, d2d: float) -> Self:
        """See `Synapse.varied`."""
        potentiation, depression = (
            dataclasses.replace(
                table,
                cycle=np.multiply(table.cycle, c2c),
                device=np.multiply(table.device, d2d),
                distribution=table.distribution and table.distribution.widened(c2c),
            )
            for table in (self.potentiation, self.depression)
        )
        return dataclasses.replace(self, potentiation=potentiation, depression=depression)

    def response(self, polarity: Polarity) -> TableResponse:
        """Return the response of a polarity."""
        return self.depression if polarity else self.potentiation

    def _way(self, polarity: Polarity) -> Array:
        """Return R_AH along the pulses, made monotone."""
        return self.__dict__["_ways"][polarity]

    @property
    def low(self) -> float:
        """See `Synapse.low`."""
        return float(min(self._way(polarity).min() for polarity in Polarity))

    @property
    def high(self) -> float:
        """See `Synapse.high`."""
        return float(max(self._way(polarity).max() for polarity in Polarity))

    def curve(
        self, polarity: Polarity, pulses: npt.ArrayLike, deviate: npt.ArrayLike = 0.0
    ) -> Array:
        """See `Synapse.curve`."""
        spread = along(self.response(polarity).device, pulses)
        return along(self._way(polarity), pulses) + np.asarray(deviate, np.float64) * spread

    def pulses_to(self, polarity: Polarity, resistance: npt.ArrayLike) -> Array:
        """See `Synapse.pulses_to`."""
        way = self._way(polarity)
        sign = -1 if polarity else 1
        # The first pulse of a flat part.
        rise, first = np.unique(sign * way, return_index=True)
        return np.interp(sign * np.asarray(resistance, np.float64), rise, first)

    def advance(
        self,
        polarity: Polarity,
        resistance: npt.ArrayLike,
        pulses: npt.ArrayLike = 1.0,
        deviate: npt.ArrayLike = 0.0,
    ) -> Array:
        """See `Synapse.advance`; D2D acts on the R_AH that is read, not on the stored R_AH."""
        r = np.asarray(resistance, np.float64)
        way = self._way(polarity)
        start = self.pulses_to(polarity, r)
        end = start + np.asarray(pulses, np.float64)
        return r + (along(way, end) - along(way, start)) + 0 * np.asarray(deviate, np.float64)

    def read(
        self, polarity: Polarity, resistance: npt.ArrayLike, deviate: npt.ArrayLike = 0.0
    ) -> Array:
        """See `Synapse.read`."""
        r = np.asarray(resistance, np.float64)
        spread = along(self.response(polarity).device, self.pulses_to(polarity, r))
        return r + spread * np.asarray(deviate, np.float64)

    def cycle_deviation(
        self, polarity: Polarity, resistance: npt.ArrayLike, pulses: npt.ArrayLike = 1.0
    ) -> Array:
        """See `Synapse.cycle_deviation`."""
        r, n = np.broadcast_arrays(
            np.asarray(resistance, np.float64), np.asarray(pulses, np.float64)
        )
        if self.occasion == "pulse":
            return after(self._changes[polarity], r, n)[1]
        table = self.response(polarity).cycle
        start = self.pulses_to(polarity, r)
        end = np.minimum(start + n, table.size - 1)
        if self.occasion == "write":
            return np.where(n > 0, along(table, end), 0.0)
        total = np.concatenate([[0.0], np.cumsum(table[1:] ** 2)])
        return np.sqrt(np.maximum(along(total, end) - along(total, start), 0.0))

    def _by_pulse(self, polarity: Polarity) -> tuple[Array, Array, Array]:
        """Return places of R_AH, and mean and deviation of a pulse's change at each."""
        way = self._way(polarity)
        cycle = self.response(polarity).cycle
        places, first = np.unique(way, return_index=True)
        # A pulse after the last one has a mean change of 0, and the deviation of the last.
        step = np.append(np.diff(way), 0.0)[first]
        return places, step, np.append(cycle[1:], cycle[-1])[first]

    @cached_property
    def _changes(self) -> list[Changes]:
        """Distribution of a pulse's change for each polarity, if C2C is by pulse."""
        return [Changes.normal(*self._by_pulse(polarity)) for polarity in Polarity]

    def draws_each_pulse(self, polarity: Polarity) -> bool:
        """See `Synapse.draws_each_pulse`."""
        return self.occasion == "pulse" or self.response(polarity).distribution is not None

    @cached_property
    def _laws(self) -> list[PulseLaw]:
        """Sampler of a pulse's change for each polarity, if each pulse is drawn."""
        samplers = []
        for polarity in Polarity:
            measured = self.response(polarity).distribution
            places, step, cycle = self._by_pulse(polarity)
            normal = PulseLaw(places, np.array([step, cycle]))
            samplers.append(normal if measured is None else PulseLaw(**vars(measured)))
        return samplers

    def one_train(
        self,
        polarity: Polarity,
        resistance: Array,
        pulses: npt.ArrayLike,
        deviate: npt.ArrayLike,
        rng: np.random.Generator,
    ) -> Array:
        """See `Synapse.one_train`; if each pulse is drawn, the train is one pulse."""
        if not self.draws_each_pulse(polarity):
            return super().one_train(polarity, resistance, pulses, deviate, rng)
        change = self._laws[polarity].drawn(resistance, pulses, rng)
        return np.clip(resistance + change, self.low, self.high)

    @cached_property
    def _trains(self) -> list[tuple[Array, Array]]:
        """Mean and deviation after whole pulses from the start of each polarity."""
        moments = []
        for polarity in Polarity:
            way = self._way(polarity)
            cycle = self.response(polarity).cycle
            pulses = np.arange(way.size)
            if self.occasion == "pulse":
                way, cycle = after(self._changes[polarity], way[0], pulses)
            elif self.occasion == "root":
                cycle = self.cycle_deviation(polarity, way[0], pulses)
            # With C2C by write, the entry before the first pulse is that of saturation.
            moments.append((way, cycle))
        return moments

    def written(
        self,
        polarity: Polarity,
        pulses: npt.ArrayLike,
        ends: tuple[float, float] | None = None,
    ) -> Written:
        """See `Synapse.written`; between whole pulses mean and deviation are interpolated.

        A write without pulses has the deviation of saturation. The stored R_AH of a bounded device
        stays within the range; D2D acts on the R_AH that is read.
        """
        mean, cycle = (along(table, pulses) for table in self._trains[polarity])
        bounded = self.bounded or self.occasion == "pulse"
        return Written(
            Law(mean, cycle, np.zeros_like(mean)),
            (self.low, self.high) if bounded else None,
            device=self.device_deviation(polarity, pulses),
        )

    def pulsed(
        self,
        polarity: Polarity,
        resistance: npt.ArrayLike,
        pulses: npt.ArrayLike,
        deviate: npt.ArrayLike = 0.0,
    ) -> Written:
        """See `Synapse.pulsed`; of deviations by pulse the mean is that of the Markov chain too."""
        if self.occasion == "pulse":
            mean, cycle = after(self._changes[polarity], resistance, pulses)
            return Written(Law(mean, cycle, np.zeros_like(mean)), (self.low, self.high))
        stored = super().pulsed(polarity, resistance, pulses, deviate).stored
        return Written(stored, (self.low, self.high) if self.bounded else None)

    def readings(self) -> list[str]:
        """See `Synapse.readings`."""
        tables = (self.potentiation, self.depression)
        lines = []
        if any(table.cycle.any() or table.distribution is not None for table in tables):
            lines.append(f"synapse C2C as measured, {OCCASIONS[self.occasion]}")
        else:
            lines.append("synapse C2C not known, and so without")
        if any(table.device.any() for table in tables):
            correlation = correlation_text(self.correlation)
            lines.append(f"synapse D2D as measured: an offset of R_AH at each pulse{correlation}")
        else:
            lines.append("synapse D2D not known, and so without")
        return lines
