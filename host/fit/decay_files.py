"""Decays of files: R_AH against time since it was written, at a temperature.

A file with a column of time, and none of pulses or of a current that varies, holds decays. Time
that restarts begins another one, and so does another temperature.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from allspin.host.fit.columns import Columns, ReadOptions, check_used, choose_rows, few, plain
from allspin.host.fit.measurement import device_names, digests, one_unit
from allspin.host.fit.quantities import unit_of
from allspin.host.fit.settings import KNOWN
from allspin.host.fit.tables import read_csv
from allspin.host.fit.turns import LEAST_POINTS
from allspin.sim.device.retention import MAX_AGE, MAX_TEMPERATURE, MIN_TEMPERATURE
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Array

LONG_TIMES = {"min": 60.0, "minutes": 60.0, "h": 3600.0, "hours": 3600.0, "d": 86400.0}
"""Units of time beside seconds with a prefix."""
CELSIUS = ("c", "degc", "°c", "celsius")
ROOM = 300.0
"""Kelvin, where nothing is said of the temperature."""
ALIKE = 0.02
"""Relative scatter of a temperature that is read back, within which it is one."""

Point = tuple[float, float, float]
"""Seconds, R_AH and kelvin."""


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


def is_decay(path: Path) -> bool:
    """Whether a file holds decays, by its columns."""
    return Columns(read_csv(path), ReadOptions()).decay


class _FileDecays:
    """What one file holds: its decays, the unit of R_AH, and what was guessed or left out."""

    def __init__(self, path: Path, own: str, options: ReadOptions) -> None:
        self.file, self.own = read_csv(path), own
        self.columns = columns = Columns(self.file, options)
        self.time = columns.needed("time", columns.time, "such as time (s)")
        self.unit, (self.scale, *_) = columns.resistance_unit(options.read_current)
        self.factor = self._time_factor()
        chosen, self.used = choose_rows(self.file, columns, options)
        self._check_steady(chosen, options)
        runs, missing = self._runs(chosen)
        if missing > options.missing * len(chosen):
            raise UserError(
                f"{path}: {missing} of {len(chosen):,} rows are missing a value, more than "
                f"{options.missing:g} of them; --missing lets more be"
            )
        self.notes = list(self.file.notes)
        if missing:
            self.notes.append(
                f"{path}: {missing} of {len(chosen):,} rows are missing a value and left out"
            )
        if columns.temperature is None:
            self.notes.append(f"{path} names no temperature and is taken as at {ROOM:g} K")
        self.curves = [self._decay(*run) for run in runs]

    def _time_factor(self) -> float:
        name, written = self.file.columns[self.time]
        unit = unit_of(written)
        if written.lower() in LONG_TIMES:
            return LONG_TIMES[written.lower()]
        if unit is None or unit[0] not in ("s", ""):
            raise UserError(
                f"{self.file.path}: column {name} is in {written}; give it in s, ms, min or h"
            )
        return unit[1]

    def _check_steady(self, chosen: list[int], options: ReadOptions) -> None:
        """Refuse a setting that varies and has no part in the model."""
        columns = self.columns
        ignored = set(map(plain, options.ignored))
        used = {self.time, columns.temperature, columns.device, columns.cycle}
        for place, heading in enumerate(columns.headings):
            if place in used or heading in ignored or not KNOWN.fullmatch(heading):
                continue
            values = {self.file.rows[index][1][place] for index in chosen}
            if len(values) > 1 and place not in columns.resistances:
                name = self.file.columns[place].name
                raise UserError(
                    f"{self.file.path}: column {name} varies ({few(values)}) and has no part in "
                    f'the model; choose by --where "{name}={min(values)}", or let it vary with '
                    f'--ignore-column "{name}"'
                )

    def _kelvin(self, line: int, cells: list[str]) -> float:
        if self.columns.temperature is None:
            return ROOM
        column = self.file.columns[self.columns.temperature]
        unit = column.unit.lower()
        if unit not in ("", "k", "kelvin", *CELSIUS):
            raise UserError(
                f"{self.file.path}: column {column.name} is in {column.unit}; give it in K or °C"
            )
        value = self.file.number(line, cells[self.columns.temperature], column)
        value += 273.15 if unit in CELSIUS else 0.0
        if not MIN_TEMPERATURE <= value <= MAX_TEMPERATURE:
            raise self.file.fail(line, f"temperature is {value:g} K; give 1 to 2000 K")
        return value

    def _runs(self, chosen: list[int]) -> tuple[list[tuple[str, str, list[Point]]], int]:
        """Device, cycle and points of each decay, and how many rows lack a value."""
        file, columns = self.file, self.columns
        resistance = columns.resistances[0]
        runs: list[tuple[str, str, list[Point]]] = []
        last: dict[tuple[str, str], list[Point]] = {}
        missing = 0
        for index in chosen:
            line, cells = file.rows[index]
            time = file.number(line, cells[self.time], file.columns[self.time]) * self.factor
            value = file.number(line, cells[resistance], file.columns[resistance]) * self.scale
            if math.isnan(time) or math.isnan(value):
                missing += 1
                continue
            if not 0 <= time <= MAX_AGE:
                raise file.fail(line, f"time is {time:g} s; give 0 to {MAX_AGE:g} s")
            kelvin = self._kelvin(line, cells)
            device = self.own if columns.device is None else cells[columns.device]
            cycle = "" if columns.cycle is None else cells[columns.cycle]
            points = last.get((device, cycle))
            if (
                points is None
                or time < points[-1][0]
                or abs(kelvin - points[0][2]) > ALIKE * points[0][2]
            ):
                points = last[device, cycle] = []
                runs.append((device, cycle, points))
            points.append((time, value, kelvin))
        return runs, missing

    def _decay(self, device: str, cycle: str, points: list[Point]) -> Decay:
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
    pairs = zip(paths, device_names(paths), strict=True)
    files = [_FileDecays(path, own, options) for path, own in pairs]
    check_used(options, {name for file in files for name in file.used})
    return Decays(
        [curve for file in files for curve in file.curves],
        one_unit("R_AH", [(file.unit, file.file.path) for file in files]),
        digests(paths, [file.file.data for file in files]),
        [note for file in files for note in file.notes],
    )
