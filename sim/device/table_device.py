"""A synapse that is its measurement: R_AH against pulse, mean and spread, without any fit.

For each polarity there is a table of pulses given from the polarity's start: mean R_AH, its
standard deviation over cycles and that between devices. Between pulses it is interpolated.
From any other state a pulse moves R_AH as it moves the device on the curve that is there.

CrossSim's lookup tables of trainable devices (``dG_increasing.txt``, ``dG_decreasing.txt``)
are read too. They hold the distribution of a pulse's change at each conductance; the curve
is what the mean change leads to from one end to the other, and the spread is that of each
pulse. Their skew is not kept.
"""

import dataclasses
import itertools
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from allspin.sim.device.checks import check_reading
from allspin.sim.device.synapse import Synapse
from allspin.sim.device.synapse_response import Array, Polarity
from allspin.sim.device.synapse_variation import OCCASIONS
from allspin.sim.errors import UserError
from allspin.sim.files.table import Table
from allspin.sim.files.user_file import open_file, read_text
from allspin.sim.network.levels import MAX_STATES, MIN_STATES, check_range

MAX_TABLE = 20_000
"""Pulses of a table: a device file of two such polarities can be read again."""


def rising(values: npt.ArrayLike) -> Array:
    """The nearest never-falling sequence in the sense of least squares.

    Neighbours that fall are pooled into their mean (isotonic regression: R. E. Barlow et al.,
    Statistical Inference under Order Restrictions, 1972).
    """
    means: list[float] = []
    counts: list[int] = []
    for value in np.asarray(values, np.float64).tolist():
        means.append(value)
        counts.append(1)
        while len(means) > 1 and means[-2] > means[-1]:
            last, count = means.pop(), counts.pop()
            total = counts[-1] + count
            means[-1] = (means[-1] * counts[-1] + last * count) / total
            counts[-1] = total
    return np.repeat(means, counts)


@dataclass(frozen=True, eq=False)
class TableResponse:
    """What pulses of one polarity did.

    Parameters
    ----------
    resistance : array_like of float, shape (pulses + 1,)
        Mean R_AH before the first pulse and after each: at least two values that, on the
        whole, rise or fall.
    cycle, device : array_like of float, shape (pulses + 1,)
        Standard deviation there over cycles, and between devices; not negative.

    Raises
    ------
    ValueError
        If the tables do not fit one another, or a value is not legal.
    """

    resistance: Array
    cycle: Array
    device: Array

    def __post_init__(self) -> None:
        for name in ("resistance", "cycle", "device"):
            table = np.array(getattr(self, name), np.float64)
            if table.ndim != 1 or not 2 <= table.size <= MAX_TABLE + 1:
                raise ValueError(
                    f"a table of {name} must have from 2 to {MAX_TABLE + 1} values, "
                    f"not shape {table.shape}"
                )
            if not np.all(np.isfinite(table)):
                raise ValueError(f"a table of {name} must be of finite numbers")
            if name != "resistance" and np.any(table < 0):
                raise ValueError(f"the deviations of {name} must not be negative")
            table.setflags(write=False)
            object.__setattr__(self, name, table)
        if not self.resistance.size == self.cycle.size == self.device.size:
            raise ValueError("resistance, cycle and device must have as many values each")

    @classmethod
    def from_table(cls, table: Table) -> Self:
        """The response that a device file's table describes."""
        for key in ("resistance", "cycle", "device"):
            values = table.content.get(key)
            numbers = isinstance(values, list) and all(
                isinstance(value, (int, float)) and not isinstance(value, bool) for value in values
            )
            if not numbers:
                raise ValueError(f"[{table.name}] {key} must be a list of numbers")
            table.content[key] = np.array(values, np.float64)
        return table.make(cls)


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
        there, or that of the change by one ``pulse``.

    Raises
    ------
    ValueError, TypeError
        If a value is outside its range, or potentiation does not rise or depression fall.
    """

    potentiation: TableResponse
    depression: TableResponse
    states: int = 100
    occasion: str = "write"

    def __post_init__(self) -> None:
        check_range("states", self.states, MIN_STATES, MAX_STATES)
        check_reading("the occasion of C2C", self.occasion, OCCASIONS)
        ways = []
        for polarity, name in ((Polarity.POTENTIATION, "rise"), (Polarity.DEPRESSION, "fall")):
            table = self.response(polarity).resistance
            way = rising(-table if polarity else table)
            if way[-1] <= way[0]:
                raise ValueError(
                    f"R_AH must {name} with pulses of {polarity.name.lower()}, but it goes "
                    f"from {table[0]:g} to {table[-1]:g}"
                )
            ways.append(-way if polarity else way)
        object.__setattr__(self, "_ways", tuple(ways))

    @classmethod
    def from_table(cls, table: Table) -> Self:
        """The synapse that a device file's table describes."""
        states = table.take("states", 100)
        responses = [table.table(polarity.name.lower(), needed=True) for polarity in Polarity]
        return cls(
            *(TableResponse.from_table(each) for each in responses),
            states=states,
            occasion=table.take("occasion", "write"),
        )

    def record(self) -> dict[str, Any]:
        """See `Synapse.record`."""
        found: dict[str, Any] = {
            "kind": "table",
            "states": self.states,
            "occasion": self.occasion,
        }
        for polarity in Polarity:
            tables = vars(self.response(polarity))
            found[polarity.name.lower()] = {key: table.tolist() for key, table in tables.items()}
        return found

    def figures(self, polarity: Polarity, unit: str) -> list[tuple[str, str, str]]:
        """See `Synapse.figures`."""
        response = self.response(polarity)
        way = response.resistance
        typical = [
            (f"{name}, typical", f"{math.sqrt(float((deviations**2).mean())):.4g}", unit)
            for name, deviations in (("C2C", response.cycle), ("D2D", response.device))
        ]
        return [
            ("pulses", str(way.size - 1), ""),
            ("R_AH", f"{way[0]:.4g} to {way[-1]:.4g}", unit),
            *typical,
        ]

    def varied(self, c2c: float, d2d: float) -> Self:
        """See `Synapse.varied`."""
        potentiation, depression = (
            dataclasses.replace(
                table, cycle=np.multiply(table.cycle, c2c), device=np.multiply(table.device, d2d)
            )
            for table in (self.potentiation, self.depression)
        )
        return dataclasses.replace(self, potentiation=potentiation, depression=depression)

    def response(self, polarity: Polarity) -> TableResponse:
        """Response of a polarity."""
        return self.depression if polarity else self.potentiation

    def _way(self, polarity: Polarity) -> Array:
        """R_AH along the pulses, made monotone."""
        ways: tuple[Array, Array] = self.__dict__["_ways"]
        return ways[polarity]

    @property
    def low(self) -> float:
        """See `Synapse.low`."""
        return float(min(self._way(polarity).min() for polarity in Polarity))

    @property
    def high(self) -> float:
        """See `Synapse.high`."""
        return float(max(self._way(polarity).max() for polarity in Polarity))

    def _mean(self, polarity: Polarity, pulses: npt.ArrayLike) -> Array:
        way = self._way(polarity)
        return np.interp(np.asarray(pulses, np.float64), np.arange(way.size), way)

    def curve(
        self, polarity: Polarity, pulses: npt.ArrayLike, deviate: npt.ArrayLike = 0.0
    ) -> Array:
        """See `Synapse.curve`."""
        n, z = np.asarray(pulses, np.float64), np.asarray(deviate, np.float64)
        table = self.response(polarity).device
        return self._mean(polarity, n) + z * np.interp(n, np.arange(table.size), table)

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
        r = np.asarray(resistance, np.float64)
        start = self.pulses_to(polarity, r)
        end = start + np.asarray(pulses, np.float64)
        moved = self._mean(polarity, end) - self._mean(polarity, start)
        return r + moved + 0 * np.asarray(deviate, np.float64)

    def read(
        self, polarity: Polarity, resistance: npt.ArrayLike, deviate: npt.ArrayLike = 0.0
    ) -> Array:
        """See `Synapse.read`."""
        r = np.asarray(resistance, np.float64)
        table = self.response(polarity).device
        spread = np.interp(self.pulses_to(polarity, r), np.arange(table.size), table)
        return r + spread * np.asarray(deviate, np.float64)

    def cycle_deviation(
        self, polarity: Polarity, resistance: npt.ArrayLike, pulses: npt.ArrayLike = 1.0
    ) -> Array:
        """See `Synapse.cycle_deviation`.

        Deviations of single pulses add up, each stretched or shrunk on the way as the steps
        of the curve are: ``step(n) sqrt(sum (deviation(k) / step(k))^2)``.
        """
        r, n = np.broadcast_arrays(
            np.asarray(resistance, np.float64), np.asarray(pulses, np.float64)
        )
        table = self.response(polarity).cycle
        places = np.arange(table.size)
        start = self.pulses_to(polarity, r)
        end = np.minimum(start + n, places[-1])
        if self.occasion == "write":
            return np.where(n > 0, np.interp(end, places, table), 0.0)
        steps = np.abs(np.diff(self._way(polarity)))
        # Where nothing moves a deviation stays as it is; a floor keeps the quotients finite.
        steps = np.maximum(steps, 1e-3 * steps.mean())
        total = np.concatenate([[0.0], np.cumsum((table[1:] / steps) ** 2)])
        step = np.interp(end - 1, places[:-1], steps)
        summed = np.interp(end, places, total) - np.interp(start, places, total)
        return step * np.sqrt(np.maximum(summed, 0.0))

    def readings(self) -> list[str]:
        """See `Synapse.readings`."""
        tables = [self.response(polarity) for polarity in Polarity]
        cycles = any(table.cycle.any() for table in tables)
        devices = any(table.device.any() for table in tables)
        return [
            f"synapse C2C as measured, {OCCASIONS[self.occasion]}"
            if cycles
            else "synapse C2C not known, and so without",
            "synapse D2D as measured: an offset of R_AH at each pulse"
            if devices
            else "synapse D2D not known, and so without",
        ]


LEAST_PULSES = 4
"""Pulses along a lookup table's range from which it is one of a synapse with states."""
MAX_MAGNITUDE = 1e30
"""No conductance is larger in any unit, and squares of it are still numbers."""
MAX_BYTES = 1 << 24
"""Bytes of a lookup table."""
MAX_ROW = 10_000
"""Conductances or shares of a lookup table."""
LOOKUP_HEADER = "1st Row = Gbins"
"""What the first line of CrossSim's lookup tables begins with."""


def is_lookup_table(path: Path) -> bool:
    """Whether a file is one of CrossSim's lookup tables, by its first line."""
    try:
        file, _ = open_file(path, "measurement", sys.maxsize)
    except UserError:
        return False  # whoever reads the rest of it says why not
    with file:
        return file.read(len(LOOKUP_HEADER)) == LOOKUP_HEADER.encode()


def _numbers(path: Path, number: int, line: str) -> Array:
    """A row of a lookup table."""
    try:
        row = np.array([float(word) for word in line.split(",")])
    except ValueError:
        raise UserError(
            f"{path}: line {number} is not a row of numbers with commas; give a lookup "
            "table as CrossSim writes it (conductances, shares, then changes)"
        ) from None
    if not np.all(np.abs(row) <= MAX_MAGNITUDE):
        raise UserError(
            f"{path} is damaged: line {number} has a number beyond {MAX_MAGNITUDE:g}, or none"
        )
    return row


def _lookup_table(path: Path) -> tuple[Array, Array, Array]:
    """Conductances, cumulative shares and changes of one of CrossSim's tables."""
    text = read_text(path, "lookup table", MAX_BYTES)
    lines = ((number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip())
    rows = [_numbers(path, *each) for each in itertools.islice(lines, 1, 3)]
    if len(rows) < 2 or min(row.size for row in rows) < 2:
        raise UserError(f"{path} is not one of CrossSim's lookup tables: it has too few rows")
    conductance, share = rows
    if max(conductance.size, share.size) > MAX_ROW:
        raise UserError(f"{path} is no lookup table: it has a row of more than {MAX_ROW:,} numbers")
    changes = [_numbers(path, *each) for each in itertools.islice(lines, share.size + 1)]
    if len(changes) != share.size or any(row.size != conductance.size for row in changes):
        raise UserError(
            f"{path} is damaged: {share.size} shares and {conductance.size} conductances need "
            f"as many rows and columns of changes, not {len(changes)} rows"
        )
    if np.any(np.diff(conductance) <= 0) or np.any(np.diff(share) < 0):
        raise UserError(f"{path} is damaged: conductances and cumulative shares must rise")
    return conductance, share, np.array(changes)


def _moments(share: Array, changes: Array) -> tuple[Array, Array]:
    """Mean and standard deviation of a change, at each conductance."""
    mean = np.asarray(np.trapezoid(changes, share, axis=0))
    square = np.asarray(np.trapezoid((changes - mean) ** 2, share, axis=0))
    return mean, np.sqrt(square)


def _follow(
    conductance: Array, mean: Array, deviation: Array, start: float
) -> tuple[Array, Array, Array]:
    """Pulse by pulse along the mean change, until the end or until nothing moves.

    Returns
    -------
    resistance, cycle, device : ndarray of float64, shape (pulses + 1,)
        What a `TableResponse` takes.
    """
    way, spread = [start], [0.0]
    low, high = float(conductance[0]), float(conductance[-1])
    least = (high - low) / MAX_TABLE
    while len(way) <= MAX_TABLE:
        here = way[-1]
        change = float(np.interp(here, conductance, mean))
        after = min(max(here + change, low), high)
        if abs(after - here) < least or (after - here) * (here - start) < 0:
            break
        spread.append(float(np.interp(here, conductance, deviation)))
        way.append(after)
    return np.array(way), np.array(spread), np.zeros(len(way))


def load_lookup_table(path: Path) -> tuple[Polarity, TableResponse]:
    """One of CrossSim's lookup tables: what it is of, and its response in siemens.

    Raises
    ------
    UserError
        If the file is missing or no such table.
    """
    conductance, share, changes = _lookup_table(path)
    mean, deviation = _moments(share, changes)
    polarity = Polarity.POTENTIATION if mean.mean() > 0 else Polarity.DEPRESSION
    start = float(conductance[-1] if polarity else conductance[0])
    way = _follow(conductance, mean, deviation, start)
    if len(way[0]) <= LEAST_PULSES:
        raise UserError(
            f"{path}: {len(way[0]) - 1} pulses lead from {start:g} as far as the mean change "
            f"goes; a synapse needs at least {LEAST_PULSES}"
        )
    try:
        return polarity, TableResponse(*way)
    except ValueError as error:
        raise UserError(f"{path}: {error}") from error


def _of_devices(responses: Sequence[TableResponse]) -> TableResponse:
    """The mean device of some, and their deviation from it.

    One that is at its end before another stays there.
    """
    size = max(response.resistance.size for response in responses)

    def long(tables: Sequence[Array]) -> Array:
        return np.array([np.pad(table, (0, size - table.size), mode="edge") for table in tables])

    ways = long([response.resistance for response in responses])
    cycles = long([response.cycle for response in responses])
    spread = ways.std(axis=0, ddof=1) if len(ways) > 1 else np.zeros(size)
    return TableResponse(ways.mean(axis=0), np.sqrt(np.mean(cycles**2, axis=0)), spread)


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
    if not paths or len(paths) % 2:
        raise UserError(
            "CrossSim's lookup tables come in twos: give the rising and the falling one of each "
            "device"
        )
    responses: dict[Polarity, list[TableResponse]] = {polarity: [] for polarity in Polarity}
    for path in paths:
        polarity, response = load_lookup_table(path)
        responses[polarity].append(response)
    counts = {polarity.name.lower(): len(some) for polarity, some in responses.items()}
    if len(set(counts.values())) > 1:
        found = " and ".join(f"{count} of {name}" for name, count in counts.items())
        raise UserError(
            f"{', '.join(map(str, paths))}: there are {found}; give a rising and a falling table "
            "of each device"
        )
    try:
        return TableSynapse(
            _of_devices(responses[Polarity.POTENTIATION]),
            _of_devices(responses[Polarity.DEPRESSION]),
            states,
            "pulse",
        )
    except ValueError as error:
        raise UserError(f"{', '.join(map(str, paths))}: {error}") from error
