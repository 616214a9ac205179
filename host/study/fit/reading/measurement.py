"""Measured curves: which column is what, in which unit, and where a curve ends.

By convention a file with a column ``pulse`` holds pulse curves of a synapse, one without it
and with ``current`` curves of a neuron. ``cycle`` and ``device`` tell curves apart; a file
without ``device`` is one device, named as the file. Several columns of resistance are as
many cycles. Without ``polarity`` it is told by whether a curve rises or falls.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from allspin.host.study.fit.reading.csv_file import CsvFile, read_csv
from allspin.sim.device.response import MAX_PULSES, Array, Polarity
from allspin.sim.device.table_device import rising
from allspin.sim.errors import UserError

NAMES = {
    "pulse": ("pulse", "pulses", "pulse number", "pulse no", "pulse #", "n", "p", "#"),
    "resistance": ("r_ah", "rah", "r ah", "resistance", "r_hall", "r_xy", "rxy", "r"),
    "cycle": ("cycle", "run", "sweep", "repeat"),
    "device": ("device", "sample", "dut"),
    "polarity": ("polarity", "direction", "pulse type"),
    "current": ("current", "i", "i_x", "ix", "input current"),
}
"""What each column may be called, capitals aside; ``-`` and blanks count as ``_``."""
UNITS = {
    "ohm": ("ohm", 1.0),
    "ohms": ("ohm", 1.0),
    "\u03c9": ("ohm", 1.0),
    "mohm": ("ohm", 1e-3),
    "m\u03c9": ("ohm", 1e-3),
    "kohm": ("ohm", 1e3),
    "k\u03c9": ("ohm", 1e3),
    "uohm": ("ohm", 1e-6),
    "\u03bc\u03c9": ("ohm", 1e-6),
    "a": ("A", 1.0),
    "ma": ("A", 1e-3),
    "ua": ("A", 1e-6),
    "\u03bca": ("A", 1e-6),
    "": ("", 1.0),
    "1": ("", 1.0),
    "a.u.": ("", 1.0),
    "au": ("", 1.0),
    "arb. units": ("", 1.0),
    "normalised": ("", 1.0),
    "normalized": ("", 1.0),
    "%": ("", 0.01),
}
"""Known units, in small letters: what they measure in, and how much of it they are."""
KINDS = {"resistance": ("ohm", ""), "current": ("A", ""), "pulse": ("",)}
"""Units that a column can have."""
POLARITIES = {
    Polarity.POTENTIATION: ("potentiation", "p", "ltp", "up", "+", "+1", "1", "positive", "set"),
    Polarity.DEPRESSION: ("depression", "d", "ltd", "down", "-", "-1", "negative", "reset"),
}
MAX_TURNS = 200
"""Places where a curve may turn that are tried."""
SAME_TURN = 1.1
"""Turns that leave so much more than the best are as good."""
LEAST_POINTS = 5
"""Points of a curve: three parameters, and something left over to judge by."""


@dataclass(frozen=True)
class ColumnNames:
    """Names of columns where they are not the usual ones; None for the convention.

    `resistance` may be several names: as many cycles.
    """

    pulse: str | None = None
    resistance: tuple[str, ...] = ()
    cycle: str | None = None
    device: str | None = None
    polarity: str | None = None
    current: str | None = None


@dataclass(frozen=True, eq=False)
class Curve:
    """One measured curve.

    Attributes
    ----------
    device, cycle : str
        Which device, and which of its cycles.
    polarity : Polarity or None
        Of the pulses; None for a neuron's curve.
    x : ndarray of float64, shape (points,)
        Pulses given so far, or current in ampere (or in the file's unit if it names none).
    resistance : ndarray of float64, shape (points,)
        R_AH, in ohm (or in the file's unit if it names none).
    """

    device: str
    cycle: str
    polarity: Polarity | None
    x: Array
    resistance: Array


@dataclass(frozen=True, eq=False)
class Measurement:
    """All that was measured.

    Attributes
    ----------
    curves : list of Curve
        Pulse curves and neuron curves.
    unit : str
        Unit of R_AH: ``ohm``, or ``arbitrary``.
    current_unit : str
        Unit of the currents: ``A``, or ``arbitrary``.
    digests : dict of str to str
        SHA-256 of each file, by its name.
    notes : list of str
        What was guessed, a line each.
    """

    curves: list[Curve]
    unit: str
    current_unit: str
    digests: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def of(self, polarity: Polarity | None) -> list[Curve]:
        """Curves of a polarity, or of neurons."""
        return [curve for curve in self.curves if curve.polarity is polarity]


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "_", name.strip().lower())


class _Columns:
    """The columns of one file by what they are."""

    def __init__(self, file: CsvFile, names: ColumnNames) -> None:
        self.file = file
        headings = [_plain(column.name) for column in file.columns]
        for place, heading in enumerate(headings):
            if heading and heading in headings[:place]:
                raise UserError(
                    f"{file.path}: two columns are called {file.columns[place].name}; rename one"
                )
        self.headings = headings
        self.pulse = self._find("pulse", names.pulse)
        self.current = self._find("current", names.current)
        self.cycle = self._find("cycle", names.cycle)
        self.device = self._find("device", names.device)
        self.polarity = self._find("polarity", names.polarity)
        if names.resistance:
            self.resistances = [self._named("resistance", name) for name in names.resistance]
        else:
            self.resistances = self._all_resistances()
        if self.pulse is None and self.current is None:
            raise self._lacks("pulse", "nor one of current")
        if not self.resistances:
            raise self._lacks("resistance", "such as R_AH (ohm)")
        self.neuron = self.pulse is None

    def _lacks(self, what: str, more: str) -> UserError:
        found = ", ".join(column.name or "(no name)" for column in self.file.columns)
        return UserError(
            f"{self.file.path} has no column of {what} {more} (it has {found}); rename one, or "
            f"name it with --{what}-column"
        )

    def _named(self, what: str, name: str) -> int:
        if _plain(name) not in self.headings:
            found = ", ".join(column.name for column in self.file.columns)
            raise UserError(
                f"{self.file.path} has no column {name} (it has {found}); mend --{what}-column"
            )
        return self.headings.index(_plain(name))

    def _find(self, what: str, name: str | None) -> int | None:
        if name is not None:
            return self._named(what, name)
        known = {_plain(one) for one in NAMES[what]}
        found = [place for place, heading in enumerate(self.headings) if heading in known]
        return found[0] if found else None

    def _all_resistances(self) -> list[int]:
        """R_AH itself, or R_AH_1, R_AH_2 ... for as many cycles."""
        one = self._find("resistance", None)
        if one is not None:
            return [one]
        known = "|".join(re.escape(_plain(name)) for name in NAMES["resistance"])
        pattern = re.compile(rf"({known})_?(cycle_?)?\d+|cycle_?\d+")
        return [place for place, name in enumerate(self.headings) if pattern.fullmatch(name)]

    def unit(self, place: int, what: str) -> tuple[str, float]:
        """Unit of a column and its factor."""
        column = self.file.columns[place]
        # There are two micro signs in Unicode. A capital M would be a million, not a thousandth.
        text = column.unit.lower().replace("\u00b5", "\u03bc")
        unit = None if column.unit.startswith("M") else UNITS.get(text)
        if unit is None or unit[0] not in KINDS[what]:
            allowed = [name for name, (kind, _) in UNITS.items() if name and kind in KINDS[what]]
            raise UserError(
                f"{self.file.path}: column {column.name} is in {column.unit}, which is not known "
                f"for a {what}; give it in {', '.join(allowed[:4]) or 'plain numbers'}"
            )
        return unit


@dataclass
class _Points:
    """Points of one curve while its file is read."""

    x: list[float]
    resistance: list[float]
    line: int


def _polarity(file: CsvFile, line: int, text: str) -> Polarity:
    for polarity, words in POLARITIES.items():
        if text.strip().lower() in words:
            return polarity
    raise file.fail(line, f"polarity is {text!r}; give potentiation or depression")


def _trend(resistance: Array) -> float:
    """Change of R_AH from a curve's first points to its last, over its spread."""
    few = max(1, len(resistance) // 20)
    change = float(resistance[-few:].mean() - resistance[:few].mean())
    spread = float(np.ptp(resistance))
    return change / spread if spread else 0.0


def _turn(resistance: Array) -> int | None:
    """Where a curve that goes there and back turns, and None for any other."""
    if len(resistance) < 2 * LEAST_POINTS or abs(_trend(resistance)) > 0.5:
        return None
    middle = (len(resistance) - 1) / 2
    step = max(1, len(resistance) // MAX_TURNS)
    places = np.arange(LEAST_POINTS - 1, len(resistance) - LEAST_POINTS + 1, step)
    sign = 1.0 if resistance[places].mean() > (resistance[0] + resistance[-1]) / 2 else -1.0
    way = sign * resistance
    left = np.array(
        [
            np.sum((rising(way[: place + 1]) - way[: place + 1]) ** 2)
            + np.sum((rising(-way[place:]) + way[place:]) ** 2)
            for place in places
        ]
    )
    # Along a plateau many places will do. As many pulses there as back is the likeliest.
    likely = places[left <= SAME_TURN * left.min() + 1e-12 * np.ptp(way) ** 2]
    turn = int(likely[np.argmin(np.abs(likely - middle))])
    ways = resistance[: turn + 1], resistance[turn:]
    return turn if all(abs(_trend(part)) > 0.5 for part in ways) else None


def _curve_name(device: str, cycle: str) -> str:
    return f"device {device}" + (f", cycle {cycle}" if cycle else "")


def _check_length(path: Path, line: int, name: str, points: int) -> None:
    if points < LEAST_POINTS:
        raise UserError(
            f"{path}: line {line}: {name} has {points} point{'s' * (points != 1)}; a curve needs "
            f"at least {LEAST_POINTS}"
        )


@dataclass(frozen=True)
class _File:
    """What one file holds: curves, the units of R_AH and x, content, and what was guessed."""

    curves: list[Curve]
    unit: str
    x_unit: str
    data: bytes
    notes: list[str]


def _read_file(path: Path, names: ColumnNames) -> _File:
    """Read one file."""
    file = read_csv(path)
    columns = _Columns(file, names)
    x_place = columns.current if columns.neuron else columns.pulse
    assert x_place is not None
    x_unit, x_factor = columns.unit(x_place, "current" if columns.neuron else "pulse")
    units = [columns.unit(place, "resistance") for place in columns.resistances]
    if len({unit for unit, _ in units}) > 1:
        raise UserError(f"{path}: columns of R_AH have different units; give them all in ohm")
    groups: dict[tuple[str, str, Polarity | None, int], _Points] = {}
    segments: dict[tuple[str, str, Polarity | None], int] = {}
    for line, cells in file.rows:
        device = cells[columns.device] if columns.device is not None else path.stem
        polarity = None
        if columns.polarity is not None and not columns.neuron:
            polarity = _polarity(file, line, cells[columns.polarity])
        x = file.number(line, cells[x_place], file.columns[x_place]) * x_factor
        if not columns.neuron and not 0 <= x <= MAX_PULSES:
            raise file.fail(line, f"pulse is {x:g}; count pulses from 0 to {MAX_PULSES:,}")
        for place, (_, factor) in zip(columns.resistances, units, strict=True):
            cycle = cells[columns.cycle] if columns.cycle is not None else ""
            if len(columns.resistances) > 1:
                cycle = f"{cycle} {file.columns[place].name}".strip()
            value = file.number(line, cells[place], file.columns[place]) * factor
            key = (device, cycle, polarity)
            points = groups.get((*key, segments.setdefault(key, 0)))
            if points is not None and not columns.neuron and x <= points.x[-1]:
                # Pulses are counted anew: another cycle begins.
                _check_length(path, points.line, _curve_name(device, cycle), len(points.x))
                segments[key] += 1
                points = None
            if points is None:
                points = groups[(*key, segments[key])] = _Points([], [], line)
            points.x.append(x)
            points.resistance.append(value)
    arrays: dict[tuple[str, str, Polarity | None, int], tuple[Array, Array]] = {}
    alike: dict[bytes, list[Array]] = {}
    for key, points in groups.items():
        name = _curve_name(key[0], key[1])
        _check_length(path, points.line, name, len(points.x))
        arrays[key] = np.array(points.x), np.array(points.resistance)
        if not np.ptp(arrays[key][1]):
            raise file.fail(points.line, f"{name}: R_AH does not change; is it the right column?")
        alike.setdefault(arrays[key][0].tobytes(), []).append(arrays[key][1])
    # Curves on the same pulses turn at the same one, which their mean tells best.
    turns = {x: _turn(np.mean(several, axis=0)) for x, several in alike.items()}
    curves = []
    notes = []
    for key, (x, resistance) in arrays.items():
        device, cycle, polarity, segment = key
        label = f"{cycle}/{segment}" if segment else cycle
        if columns.neuron:
            curves.append(Curve(device, label, None, x, resistance))
            continue
        turn = turns[x.tobytes()] if polarity is None else None
        if turn is not None:
            note = (
                f"{path} names no polarity: curves are cut where R_AH turns, at pulse {x[turn]:g}"
            )
            notes += [] if note in notes else [note]
        line = groups[key].line
        curves += _pulse_curves(file, line, (device, label), polarity, x, resistance, turn)
    return _File(curves, units[0][0], x_unit, file.data, notes)


def _pulse_curves(
    file: CsvFile,
    line: int,
    name: tuple[str, str],
    polarity: Polarity | None,
    x: Array,
    resistance: Array,
    turn: int | None,
) -> list[Curve]:
    """The curves that a run of pulses holds: one, or one there and one back."""
    parts = [(x, resistance)]
    if turn is not None:
        parts = [
            (x[: turn + 1], resistance[: turn + 1]),
            (x[turn:] - x[turn], resistance[turn:]),
        ]
    curves = []
    for pulses, values in parts:
        rises = _trend(values) > 0
        way = Polarity.POTENTIATION if rises else Polarity.DEPRESSION
        if polarity is not None and way is not polarity and abs(_trend(values)) > 0.3:
            raise file.fail(
                line,
                f"R_AH {'rises' if rises else 'falls'} with pulses of {polarity.name.lower()}; "
                "number pulses in the order in which they were given",
            )
        curves.append(Curve(*name, way if polarity is None else polarity, pulses, values))
    return curves


def _follow_on(curves: list[Curve]) -> list[Curve]:
    """Pulses counted on from the other polarity's are counted from their own start."""
    ends: dict[tuple[str, str], float] = {}
    followed = []
    for curve in curves:
        key = (curve.device, curve.cycle)
        before = ends.get(key)
        x = curve.x
        if curve.polarity is not None:
            if before is not None and x[0] > before:
                x = x - before
            ends[key] = float(curve.x[-1])
        followed.append(Curve(curve.device, curve.cycle, curve.polarity, x, curve.resistance))
    return followed


def read_measurement(paths: Sequence[Path], names: ColumnNames) -> Measurement:
    """Read all curves of some files.

    Parameters
    ----------
    paths : sequence of Path
        CSV files.
    names : ColumnNames
        Columns that are not called as usual.

    Returns
    -------
    Measurement

    Raises
    ------
    UserError
        If a file cannot be read or understood; the message is one line that names file, line
        and fix.
    """
    curves: list[Curve] = []
    units: dict[str, Path] = {}
    current_units: dict[str, Path] = {}
    digests: dict[str, str] = {}
    notes: list[str] = []
    for path in paths:
        file = _read_file(path, names)
        curves += _follow_on(file.curves)
        notes += file.notes
        units.setdefault(file.unit, path)
        if file.curves[0].polarity is None:
            current_units.setdefault(file.x_unit, path)
        digests[path.name] = hashlib.sha256(file.data).hexdigest()
    for what, seen in (("R_AH", units), ("current", current_units)):
        if len(seen) > 1:
            some, other = seen.values()
            first, second = (unit or "no unit" for unit in seen)
            raise UserError(
                f"{other} gives {what} in {second}, but {some} in {first}; give all files the "
                "same unit"
            )
    return Measurement(
        curves,
        unit=next(iter(units)) or "arbitrary",
        current_unit=next(iter(current_units), "A") or "arbitrary",
        digests=digests,
        notes=notes,
    )
