"""A synapse that is its measurement: R_AH against pulse, mean and spread, without any fit.

For each polarity there is a table of pulses given from the polarity's start: mean R_AH, its
standard deviation over cycles and that between devices. Between pulses it is interpolated.
From any other state a pulse moves R_AH as it moves the device on the curve that is there.

CrossSim's lookup tables of trainable devices (``dG_increasing.txt``, ``dG_decreasing.txt``)
are made into such tables: mean and deviation after each number of pulses from the start, as the
whole distribution of a pulse's change at each conductance leads to them.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
import numpy.typing as npt

from allspin.sim.errors import (
    UnknownKind,
    UserError,
    check_number,
    check_one_of,
    check_range,
    refused,
)
from allspin.sim.network.levels import MAX_STATES, MIN_STATES
from allspin.sim.parameters import Brief
from allspin.sim.plain_values import TomlTable
from allspin.sim.synapse.pulse_chain import after, until_still
from allspin.sim.synapse.pulse_changes import Changes
from allspin.sim.synapse.pulse_law import Distribution, PulseLaw, read_lookup_table
from allspin.sim.synapse.response import (
    MAX_RAH,
    MIN_SPAN,
    Array,
    Polarity,
    PulseResponse,
    Response,
)
from allspin.sim.synapse.synapse import OCCASIONS, SotSynapse, Synapse, together
from allspin.sim.synapse.written import Law, Written

MAX_TABLE = 20_000
"""Pulses of a table: a device file of two such polarities can be read again."""


def along(table: Array, pulses: npt.ArrayLike) -> Array:
    """Values of a table by number of pulses; beyond its last one they stay."""
    return np.interp(np.asarray(pulses, np.float64), np.arange(table.size), table)


def rising(values: npt.ArrayLike) -> Array:
    """The nearest never-falling sequence in the sense of least squares.

    Neighbours that fall are pooled into their mean (isotonic regression: R. E. Barlow et al.,
    Statistical Inference under Order Restrictions, 1972).
    """
    from scipy.optimize import isotonic_regression

    return isotonic_regression(np.asarray(values, np.float64)).x


@dataclass(frozen=True, eq=False)
class TableResponse(Brief):
    """What pulses of one polarity did.

    Parameters
    ----------
    resistance : array_like of float, shape (pulses + 1,)
        Mean R_AH before the first pulse and after each: at least two values that, on the
        whole, rise or fall.
    cycle, device : array_like of float, shape (pulses + 1,)
        Standard deviation there over cycles, and between devices; not negative.
    distribution : Distribution or mapping, optional
        Of one pulse's change at each R_AH, where that was measured: it is what single pulses
        are drawn from, while the tables tell of trains from the start.

    Raises
    ------
    ValueError
        If the tables do not fit one another, or a value is not legal.
    """

    resistance: Array
    cycle: Array
    device: Array
    distribution: Distribution | None = None

    def __post_init__(self) -> None:
        if isinstance(self.distribution, dict):
            object.__setattr__(self, "distribution", Distribution(**self.distribution))
        for name in ("resistance", "cycle", "device"):
            given = np.array(getattr(self, name))
            wrong = given.ndim != 1 or not 2 <= given.size <= MAX_TABLE + 1
            wrong = wrong or given.dtype.kind not in "iuf"
            if wrong or not np.all(np.abs(given.astype(np.float64)) <= MAX_RAH):
                raise ValueError(
                    f"{name} must be a list of 2 to {MAX_TABLE + 1} numbers up to {MAX_RAH:g}"
                )
            if name != "resistance" and np.any(given < 0):
                raise ValueError(f"the deviations of {name} must not be negative")
            table = given.astype(np.float64)
            table.setflags(write=False)
            object.__setattr__(self, name, table)
        if not self.resistance.size == self.cycle.size == self.device.size:
            raise ValueError("resistance, cycle and device must have as many values each")


@dataclass(frozen=True, eq=False)
class TableSynapse(Synapse):
    """A measured synapse.

    Parameters
    ----------
    potentiation, depression : TableResponse
        Response of each polarity, from where it started.
    states : int
        States told apart, 2 to 128.
    occasion : str
        Whether a table's deviation over cycles is that of R_AH after a ``write`` which led
        there, that of the change by one ``pulse``, or that of a pulse in a write of which the
        squares add up (``root``).
    bounded : bool
        Whether R_AH never leaves the range, however it deviates: a film that is saturated has no
        more to give. That of deviations by ``pulse`` never does.
    correlation : float
        Of a device's own deviations of both polarities, -1 to 1.

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
            table, sign = self.response(polarity).resistance, -1 if polarity else 1
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
        """The synapse that a device file's table describes."""
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
        found: dict[str, Any] = {"kind": "table", "states": self.states, "occasion": self.occasion}
        found |= {"bounded": True} if self.bounded else {}
        found |= {"correlation": self.correlation} if self.correlation else {}
        for polarity in Polarity:
            tables = vars(self.response(polarity)).items()
            found[polarity.name.lower()] = {
                key: table.record() if isinstance(table, Distribution) else table.tolist()
                for key, table in tables
                if table is not None
            }
        return found

    def figures(self, polarity: Polarity, unit: str) -> list[tuple[str, str, str]]:
        """See `Synapse.figures`."""
        response = self.response(polarity)
        way = response.resistance
        cycle, device = (
            math.sqrt(float((deviations**2).mean()))
            for deviations in (response.cycle, response.device)
        )
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
        """Response of a polarity."""
        return self.depression if polarity else self.potentiation

    def _way(self, polarity: Polarity) -> Array:
        """R_AH along the pulses, made monotone."""
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
        way, sign = self._way(polarity), -1 if polarity else 1
        # The first pulse of a stretch on which nothing moves.
        rise, first = np.unique(sign * way, return_index=True)
        return np.interp(sign * np.asarray(resistance, np.float64), rise, first)

    def advance(
        self,
        polarity: Polarity,
        resistance: npt.ArrayLike,
        pulses: npt.ArrayLike = 1.0,
        deviate: npt.ArrayLike = 0.0,
    ) -> Array:
        """See `Synapse.advance`; devices differ in what is read, not in how they move."""
        r, way = np.asarray(resistance, np.float64), self._way(polarity)
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
        """Places of R_AH, and mean and deviation of what a pulse changes there."""
        way, cycle = self._way(polarity), self.response(polarity).cycle
        places, first = np.unique(way, return_index=True)
        # The pulse after the last one moves nothing, and deviates as the last.
        step = np.append(np.diff(way), 0.0)[first]
        return places, step, np.append(cycle[1:], cycle[-1])[first]

    @cached_property
    def _changes(self) -> list[Changes]:
        """What a pulse of each polarity does at any R_AH, where it has a deviation of its own."""
        return [Changes.normal(*self._by_pulse(polarity)) for polarity in Polarity]

    def draws_each_pulse(self, polarity: Polarity) -> bool:
        """See `Synapse.draws_each_pulse`."""
        return self.occasion == "pulse" or self.response(polarity).distribution is not None

    @cached_property
    def _laws(self) -> list[PulseLaw]:
        """What a pulse of each polarity is drawn from, where each is drawn."""
        found = []
        for polarity in Polarity:
            measured = self.response(polarity).distribution
            places, step, cycle = self._by_pulse(polarity)
            normal = PulseLaw(places, np.array([step, cycle]))
            found.append(normal if measured is None else PulseLaw(**vars(measured)))
        return found

    def one_train(
        self,
        polarity: Polarity,
        resistance: Array,
        pulses: npt.ArrayLike,
        deviate: npt.ArrayLike,
        rng: np.random.Generator,
    ) -> Array:
        """See `Synapse.one_train`; where each pulse is drawn this is one, by its measured law."""
        if not self.draws_each_pulse(polarity):
            return super().one_train(polarity, resistance, pulses, deviate, rng)
        change = self._laws[polarity].drawn(resistance, pulses, rng)
        return np.clip(resistance + change, self.low, self.high)

    @cached_property
    def _trains(self) -> list[tuple[Array, Array]]:
        """Mean and deviation after whole pulses from the start of each polarity."""
        found = []
        for polarity in Polarity:
            way, cycle = self._way(polarity), self.response(polarity).cycle
            pulses = np.arange(way.size)
            if self.occasion == "pulse":
                way, cycle = after(self._changes[polarity], way[0], pulses)
            elif self.occasion == "root":
                cycle = self.cycle_deviation(polarity, way[0], pulses)
            # Else what saturating leaves is measured too: before the first pulse.
            found.append((way, cycle))
        return found

    def written(
        self,
        polarity: Polarity,
        pulses: npt.ArrayLike,
        ends: tuple[float, float] | None = None,
    ) -> Written:
        """See `Synapse.written`; between whole pulses mean and deviation are interpolated.

        Writes of no pulses deviate as saturation does. Bounded films end at the range's ends;
        devices differ in what is read.
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
        film = super().pulsed(polarity, resistance, pulses, deviate).film
        return Written(film, (self.low, self.high) if self.bounded else None)

    def readings(self) -> list[str]:
        """See `Synapse.readings`."""
        tables = self.potentiation, self.depression
        told = (
            ("C2C", OCCASIONS[self.occasion], [table.cycle for table in tables]),
            (
                "D2D",
                f"an offset of R_AH at each pulse{together(self.correlation)}",
                [table.device for table in tables],
            ),
        )
        between = {"C2C": ", ", "D2D": ": "}
        return [
            f"synapse {name} as measured{between[name]}{how}"
            if any(deviations.any() for deviations in both)
            else f"synapse {name} not known, and so without"
            for name, how, both in told
        ]


# Kinds of synapses that a device file may name; a kind more is one class.

SYNAPSES: dict[str, Callable[[TomlTable], Synapse]] = {}
"""What makes a synapse of its table in a device file, by the kind that is named there."""

Kind = TypeVar("Kind", bound=type[Response])


def register_synapse(kind: str, make: Callable[[TomlTable], Synapse]) -> None:
    """Make a kind of synapse known to device files.

    Parameters
    ----------
    kind : str
        What a file calls it.
    make : callable
        Takes the rest of ``[synapse]``, key by key, and returns the synapse.

    Raises
    ------
    ValueError
        If there is such a kind already.
    """
    if SYNAPSES.setdefault(kind, make) is not make:
        raise ValueError(f"there is a kind of synapse {kind} already")


def register_response(law: Kind) -> Kind:
    """Make the paper's synapse with another response known to device files; a decorator.

    Parameters
    ----------
    law : type of Response
        The class, a frozen dataclass. Files have its parameters by their names, and `pulses`,
        `low` and `high` as P_max, R_min and R_max.

    Raises
    ------
    ValueError
        If there is such a kind already.
    """
    register_synapse(law.kind, partial(SotSynapse.from_table, response=law))
    return law


def synapse_from_table(table: TomlTable) -> Synapse:
    """The synapse that ``[synapse]`` of a device file describes.

    Raises
    ------
    UnknownKind
        If there is no such kind.
    ValueError
        If a key is missing, strange or out of its range.
    """
    kind = table.take("kind")
    if not isinstance(kind, str) or kind not in SYNAPSES:
        raise UnknownKind.named("[synapse] kind", SYNAPSES, kind)
    return SYNAPSES[kind](table)


register_response(PulseResponse)
register_synapse("table", TableSynapse.from_table)


LEAST_PULSES = 4
"""Pulses along a lookup table's range from which it is one of a synapse with states."""
STILL = 1 / MAX_TABLE
"""Share of the range by which a pulse at least moves the mean, or a table ends."""


def load_lookup_table(path: Path) -> tuple[Polarity, TableResponse]:
    """One of CrossSim's lookup tables: what it is of, and its response in siemens.

    The response is that of trains from the polarity's start: mean and deviation after each pulse,
    by the whole distribution of the changes (`allspin.sim.synapse.pulse_chain`).

    Raises
    ------
    UserError
        If the file is missing or no such table.
    """
    measured = read_lookup_table(path)
    changes = measured.moments
    mean, _ = changes.moments()
    polarity = Polarity.POTENTIATION if mean.mean() > 0 else Polarity.DEPRESSION
    start = changes.high if polarity else changes.low
    pulses = until_still(changes, start, MAX_TABLE, STILL)
    if pulses < LEAST_PULSES:
        raise UserError(
            f"{path}: {pulses} pulses lead from {start:g} as far as the mean change goes; a "
            f"synapse needs at least {LEAST_PULSES}"
        )
    way, spread = after(changes, start, np.arange(pulses + 1))
    with refused(f"{path}: "):
        return polarity, TableResponse(way, spread, np.zeros(way.size), measured)


def mean_device(responses: Sequence[TableResponse]) -> TableResponse:
    """The mean device of some, and their deviation from it.

    One that is at its end before another stays there.

    Parameters
    ----------
    responses : sequence of TableResponse
        Of one polarity, one of each device.
    """
    size = max(response.resistance.size for response in responses)

    def long(tables: Sequence[Array]) -> Array:
        return np.array([np.pad(table, (0, size - table.size), mode="edge") for table in tables])

    ways = long([response.resistance for response in responses])
    cycles = long([response.cycle for response in responses])
    spread = ways.std(axis=0, ddof=1) if len(ways) > 1 else np.zeros(size)
    laws = [each.distribution for each in responses if each.distribution is not None]
    law = laws[0].with_others(laws[1:]) if laws else None
    return TableResponse(ways.mean(axis=0), np.sqrt(np.mean(cycles**2, axis=0)), spread, law)


def load_lookup_tables(paths: Sequence[Path], states: int = 100) -> TableSynapse:
    """Make a synapse of CrossSim's lookup tables, a rising and a falling one for each device.

    Parameters
    ----------
    paths : sequence of Path
        The tables of rising and of falling conductance, in any order.
    states : int
        States told apart, 2 to 128.

    Returns
    -------
    TableSynapse
        In the tables' unit (siemens); the mean device, with D2D where there are several.

    Raises
    ------
    UserError
        If a file is missing or no such table, or they do not go together.
    """
    found = [load_lookup_table(path) for path in paths]
    up, down = ([each for polarity, each in found if polarity == one] for one in Polarity)
    named = ", ".join(map(str, paths))
    if not up or len(up) != len(down):
        raise UserError(
            f"{named}: there are {len(up)} of potentiation and {len(down)} of depression; give a "
            "rising and a falling table of each device"
        )
    with refused(f"{named}: "):
        return TableSynapse(mean_device(up), mean_device(down), states, bounded=True)
