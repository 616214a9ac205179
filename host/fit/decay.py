"""Decays as a least-squares problem: parameters, and what is left of each curve for some of them.

Each curve is ``rest + (start - rest) kept(t)``, kept being
`allspin.sim.device.retention.survival`. Its start is its own: the one that fits it best.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy import optimize

from allspin.host.fit.columns import KINDS, NAMES, ReadOptions, plain
from allspin.host.fit.runs import LEAST_POINTS
from allspin.host.fit.settings import KNOWN, check_used
from allspin.host.fit.tables import Column, CsvFile, read_csv, unit_of
from allspin.sim.device.retention import (
    BOLTZMANN,
    MAX_AGE,
    MAX_TEMPERATURE,
    MIN_TEMPERATURE,
    survival,
)
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Array

# Decay curves of files: R_AH against time, at a temperature.
#
# A file with a column of time, and none of pulses or of a current that varies, holds decays. Time
# that restarts begins another one.

TIME_NAMES = ("time", "t", "delay", "wait", "age", "elapsed", "elapsed time")
TEMPERATURE_NAMES = ("temperature", "temp", "t_k", "t_sample")
LONG_TIMES = {"min": 60.0, "minutes": 60.0, "h": 3600.0, "hours": 3600.0, "d": 86400.0}
"""Units of time beside seconds with a prefix."""
CELSIUS = ("c", "degc", "°c", "celsius")
ROOM = 300.0
"""Kelvin, where nothing is said of the temperature."""
ALIKE = 0.02
"""Relative scatter of a temperature that is read back, within which it is one."""


@dataclass(frozen=True, eq=False)
class Decay:
    """One measured decay.

    Attributes
    ----------
    device, cycle : str
        Which.
    temperature : float
        In kelvin.
    time : ndarray of float64, shape (points,)
        Seconds since R_AH was written, rising.
    resistance : ndarray of float64, shape (points,)
        R_AH.
    """

    device: str
    cycle: str
    temperature: float
    time: Array
    resistance: Array

    @property
    def name(self) -> str:
        """What messages call it."""
        cycle = f", cycle {self.cycle}" if self.cycle else ""
        return f"device {self.device}{cycle}, {self.temperature:g} K"


@dataclass(frozen=True, eq=False)
class Decays:
    """All that was measured.

    Attributes
    ----------
    curves : list of Decay
        In the order in which they came.
    unit : str
        Unit of R_AH, as a device file calls it.
    digests : dict of str to str
        SHA-256 of each file, by its name.
    notes : list of str
        What was guessed or left out, a line each.
    """

    curves: list[Decay]
    unit: str
    digests: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def _find(file: CsvFile, names: Sequence[str], asked: str | None = None) -> int | None:
    """Place of a column by what it may be called."""
    headings = [plain(column.name) for column in file.columns]
    if asked is not None:
        if plain(asked) not in headings:
            raise UserError(f"{file.path} has no column {asked}")
        return headings.index(plain(asked))
    known = {plain(name) for name in names}
    return next((place for place, heading in enumerate(headings) if heading in known), None)


def is_decay(path: Path) -> bool:
    """Whether a file holds decays, by its columns."""
    file = read_csv(path)
    if _find(file, TIME_NAMES) is None or _find(file, NAMES["pulse"]) is not None:
        return False
    current = _find(file, NAMES["current"])
    return current is None or len({cells[current] for _, cells in file.rows}) == 1


class _Reader:
    """One file on its way to decays."""

    def __init__(self, path: Path, own: str, options: ReadOptions) -> None:
        self.file, self.options, self.own = read_csv(path), options, own
        self.notes = list(self.file.notes)
        names = options.columns
        asked = names.resistance[0] if names.resistance else None
        self.time = self._needed("time", TIME_NAMES, None)
        self.resistance = self._needed("R_AH", NAMES["resistance"], asked)
        self.temperature = _find(self.file, TEMPERATURE_NAMES)
        self.device = _find(self.file, NAMES["device"], names.device)
        self.cycle = _find(self.file, NAMES["cycle"], names.cycle)
        self.used: set[str] = set()

    def _needed(self, what: str, names: Sequence[str], asked: str | None) -> int:
        place = _find(self.file, names, asked)
        if place is None:
            raise UserError(f"{self.file.path} has no column of {what}; name one {names[0]}")
        return place

    def _column(self, place: int) -> Column:
        return self.file.columns[place]

    def _fail(self, place: int, wanted: str) -> UserError:
        column = self._column(place)
        return UserError(
            f"{self.file.path}: column {column.name} is in {column.unit}; give it in {wanted}"
        )

    def _time_factor(self) -> float:
        text = self._column(self.time).unit.strip()
        if text.lower() in LONG_TIMES:
            return LONG_TIMES[text.lower()]
        unit = unit_of(text)
        if unit is None or unit[0] not in ("s", ""):
            raise self._fail(self.time, "s, ms, min or h")
        return unit[1]

    def _resistance_unit(self) -> tuple[str, float]:
        unit = unit_of(self._column(self.resistance).unit)
        if unit is None or unit[0] not in KINDS["resistance"]:
            raise self._fail(self.resistance, "ohm, mohm, S, mV")
        if unit[0] != "V":
            return unit
        if self.options.read_current is None:
            raise UserError(
                f"{self.file.path}: column {self._column(self.resistance).name} is a voltage; give "
                "the current that it was read with, such as --read-current 0.1mA"
            )
        return "ohm", unit[1] / self.options.read_current

    def _kelvin(self, line: int, cells: list[str]) -> float:
        if self.temperature is None:
            return ROOM
        column = self._column(self.temperature)
        unit = column.unit.strip().lower()
        if unit not in ("", "k", "kelvin", *CELSIUS):
            raise self._fail(self.temperature, "K or °C")
        value = self.file.number(line, cells[self.temperature], column)
        value += 273.15 if unit in CELSIUS else 0.0
        if not MIN_TEMPERATURE <= value <= MAX_TEMPERATURE:
            raise self.file.fail(line, f"temperature is {value:g} K; give 1 to 2000 K")
        return value

    def _chosen(self) -> list[tuple[int, list[str]]]:
        """The rows for which all conditions hold."""
        rows = self.file.rows
        headings = [plain(column.name) for column in self.file.columns]
        for condition in self.options.conditions():
            name = plain(condition.column)
            if name in headings:
                self.used.add(name)
                place = headings.index(name)
                rows = [row for row in rows if condition.takes(row[1][place])]
        if not rows:
            raise UserError(f"{self.file.path}: no row is left by --where")
        self._check_steady(headings, rows)
        return rows

    def _check_steady(self, headings: list[str], rows: list[tuple[int, list[str]]]) -> None:
        """Refuse a setting that varies and has no part in the model."""
        used = {self.time, self.resistance, self.temperature, self.device, self.cycle}
        ignored = {plain(name) for name in self.options.ignored}
        for place, heading in enumerate(headings):
            if place in used or heading in ignored or not KNOWN.fullmatch(heading):
                continue
            values = sorted({cells[place] for _, cells in rows})
            if len(values) > 1:
                name = self._column(place).name
                raise UserError(
                    f"{self.file.path}: column {name} varies ({', '.join(values[:4])}) and has no "
                    f'part in the model; choose by --where "{name}={values[0]}", or let it vary '
                    f'with --ignore-column "{name}"'
                )

    def read(self) -> tuple[list[Decay], str]:
        """The decays, and the unit of R_AH."""
        file = self.file
        factor, (unit, scale) = self._time_factor(), self._resistance_unit()
        runs: list[tuple[str, str, list[tuple[float, float, float]]]] = []
        there: dict[tuple[str, str], int] = {}
        missing = 0
        rows = self._chosen()
        for line, cells in rows:
            device = self.own if self.device is None else cells[self.device]
            cycle = "" if self.cycle is None else cells[self.cycle]
            time = file.number(line, cells[self.time], self._column(self.time)) * factor
            value = file.number(line, cells[self.resistance], self._column(self.resistance)) * scale
            if time != time or value != value:
                missing += 1
                continue
            if not 0 <= time <= MAX_AGE:
                raise file.fail(line, f"time is {time:g} s; give 0 to {MAX_AGE:g} s")
            kelvin = self._kelvin(line, cells)
            last = there.get((device, cycle))
            points = [] if last is None else runs[last][2]
            begun = not points or time < points[-1][0]
            if begun or abs(kelvin - points[0][2]) > ALIKE * points[0][2]:
                points = []
                there[device, cycle] = len(runs)
                runs.append((device, cycle, points))
            points.append((time, value, kelvin))
        self._note(missing, len(rows))
        return [self._decay(*run) for run in runs], unit

    def _note(self, missing: int, rows: int) -> None:
        if missing > self.options.missing * rows:
            raise UserError(
                f"{self.file.path}: {missing} of {rows:,} rows are missing a value, more than "
                f"{self.options.missing:g} of them; --missing lets more be"
            )
        if missing:
            self.notes.append(
                f"{self.file.path}: {missing} of {rows:,} rows are missing a value and left out"
            )
        if self.temperature is None:
            self.notes.append(
                f"{self.file.path} names no temperature and is taken as at {ROOM:g} K"
            )

    def _decay(self, device: str, cycle: str, points: list[tuple[float, float, float]]) -> Decay:
        time, resistance, kelvin = np.array(points).T
        found = Decay(device, cycle, round(float(np.median(kelvin)), 6), time, resistance)
        if time.size < LEAST_POINTS:
            raise UserError(
                f"{self.file.path}: {found.name} has {time.size} points; a decay needs "
                f"{LEAST_POINTS}"
            )
        return found


def read_decays(paths: Sequence[Path], options: ReadOptions | None = None) -> Decays:
    """Read all decays of some files.

    Parameters
    ----------
    paths : sequence of Path
        CSV files.
    options : ReadOptions, optional
        How they are read: columns, conditions, missing values and the read current.

    Raises
    ------
    UserError
        If a file cannot be read or understood; the message is one line.
    """
    options = options or ReadOptions()
    curves: list[Decay] = []
    units: dict[str, Path] = {}
    digests: dict[str, str] = {}
    notes: list[str] = []
    used: set[str] = set()
    for path in paths:
        reader = _Reader(path, path.name.removesuffix(".gz").rpartition(".")[0], options)
        found, unit = reader.read()
        curves += found
        notes += reader.notes
        used |= reader.used
        units.setdefault(unit, path)
        digests[str(path) if path.name in digests else path.name] = hashlib.sha256(
            reader.file.data
        ).hexdigest()
    check_used(options.conditions(), used)
    if len(units) > 1:
        raise UserError(f"{', '.join(map(str, paths))} give R_AH in different units; give one")
    names = {"": "arbitrary", "S": "siemens"}
    unit = next(iter(units))
    return Decays(curves, names.get(unit, unit), digests, notes)


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
