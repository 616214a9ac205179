"""How files are read: which columns curves are of, in which unit, and which rows are taken."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.lab.quantities import base_of, few, number, quantity, unit_of
from allspin.host.lab.roles import KINDS, ColumnMap, plain
from allspin.host.lab.tables import CsvFile
from allspin.sim.errors import UserError
from allspin.sim.parameters import Parameters, option

BRANCHES = ("up", "down")
"""Branches of a neuron's hysteresis loop: current rising, and falling."""
MISSING = 0.1
"""Share of a curve's values that may be missing."""


def _column(what: str, more: str = "") -> Any:
    """A field that names a column, empty for the usual name."""
    words = f"column of {what}{more}; of one file of several as FILE:NAME"
    flag = "--resistance-column" if more else f"--{what}-column"
    return field(default=(), metadata=option(words, "NAME", flag=flag, action="append"))


@dataclass(frozen=True)
class ColumnNames:
    """Names of columns that differ from the usual ones; empty for the usual name.

    Each is a name for all files, or ``FILE:NAME`` for one of them; one alone may be a str.
    `resistance` may be several names of a file; each is a cycle.
    """

    pulse: str | tuple[str, ...] = _column("pulse")
    resistance: str | tuple[str, ...] = _column("R_AH", "; given several times, as many cycles")
    cycle: str | tuple[str, ...] = _column("cycle")
    device: str | tuple[str, ...] = _column("device")
    polarity: str | tuple[str, ...] = _column("polarity")
    current: str | tuple[str, ...] = _column("current")

    def of(self, what: str, path: Path) -> list[str]:
        """The names of a file's column: those that are given for it, or else for all files."""
        pairs = [text.rpartition(":") for text in self._all(what)]
        own = [name for file, _, name in pairs if file in (path.name, str(path))]
        return own or [name for file, _, name in pairs if not file]

    def check(self, paths: Iterable[Path]) -> None:
        """Refuse a name for a file that there is not."""
        known = {"", *(name for path in paths for name in (path.name, str(path)))}
        pairs = [(f"--{what}-column", text) for what in vars(self) for text in self._all(what)]
        for flag, text in pairs:
            if text.rpartition(":")[0] not in known:
                raise UserError(f"{flag} {text} is of no file that is given")

    def _all(self, what: str) -> tuple[str, ...]:
        given = getattr(self, what, ())
        return (given,) if isinstance(given, str) else given


@dataclass(frozen=True)
class ReadOptions(Parameters):
    """How files are read.

    Parameters
    ----------
    columns : ColumnNames
        Names of columns that differ from the usual ones.
    where : tuple of str
        Rows to take, each as `Condition` has it; all must hold.
    ignored : tuple of str
        Columns that may vary and are ignored.
    branch : str or None
        Of a neuron's hysteresis loops: one of `BRANCHES`.
    turn : float or None
        Pulse at which pulses of the other polarity begin, where no column names it.
    missing : float
        Share of a curve's values that may be missing, 0 to 1.
    read_current : float or None
        In ampere, for files that have a Hall voltage.

    Raises
    ------
    ValueError
        If one of them makes no sense; the message begins with its name.
    UserError
        If a condition is none.
    """

    columns: ColumnNames = field(default_factory=ColumnNames, metadata={"made": ColumnNames})
    where: tuple[str, ...] = field(
        default=(),
        metadata=option(
            "rows to take, such as current=8 or current=8,-11 or field=90..110; may be repeated",
            "COLUMN=VALUE",
            action="append",
        ),
    )
    ignored: tuple[str, ...] = field(
        default=(),
        metadata=option(
            "a column that may vary and is ignored; may be repeated",
            "NAME",
            flag="--ignore-column",
            action="append",
        ),
    )
    branch: str | None = field(
        default=None,
        metadata={"known": BRANCHES}
        | option("branch of a neuron's loop: current rising or falling", choices=BRANCHES),
    )
    turn: float | None = field(
        default=None,
        metadata=option(
            "pulse at which pulses of the other polarity begin (where R_AH turns)", "PULSE"
        ),
    )
    missing: float = field(
        default=MISSING,
        metadata={"low": 0, "high": 1}
        | option(f"share of a curve's values that may be missing ({MISSING})", "SHARE"),
    )
    read_current: float | None = field(
        default=None,
        metadata=option(
            "with Hall voltages, such as 0.1mA",
            "CURRENT",
            type=quantity("A", "--read-current"),
        ),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.turn is not None and not 0 < self.turn < math.inf:
            raise ValueError(f"turn must be a number of pulses above 0, not {self.turn:g}")
        if self.read_current is not None and not 0 < abs(self.read_current) < math.inf:
            raise ValueError(f"read_current must be in ampere and not 0, not {self.read_current}")
        self.conditions()

    def conditions(self) -> list["Condition"]:
        """`where`, read."""
        return list(map(Condition, self.where))


class Condition:
    """Rows to take: those in which a column has one of some values.

    Parameters
    ----------
    text : str
        ``current=8``, ``current=8,-11`` or ``field=90..110``: texts or numbers, in the file's
        unit; two dots stand for all that is between.

    Raises
    ------
    UserError
        If it is no condition.
    """

    def __init__(self, text: str) -> None:
        column, _, values = text.partition("=")
        self.text, self.column = text, column.strip()
        self.values = [value.strip() for value in values.split(",")]
        self.ranges = [value.partition("..")[::2] for value in self.values]
        if not (self.column and all(self.values)):
            raise UserError(
                f"--where takes COLUMN=VALUE, such as current=8, current=8,-11 or field=90..110, "
                f"not {text!r}"
            )

    def takes(self, cell: str) -> bool:
        """Whether a row is taken that has this cell."""
        value = number(cell)
        if value is None or math.isnan(value):
            return cell.lower() in map(str.lower, self.values)
        ends = [(number(first), number(last or first)) for first, last in self.ranges]
        return any(
            low is not None
            and high is not None
            and (low <= value <= high or math.isclose(low, value, rel_tol=1e-9))
            for low, high in ends
        )


READ_CURRENT = re.compile(r"(read|sense|probe)_current|i_?(read|sense|probe)|(lese|mess)_?strom")
"""Names of the current of reads."""


class FileColumns(ColumnMap):
    """The columns of one file, and what its curves are over.

    Parameters
    ----------
    file : CsvFile
        The table.
    options : ReadOptions
        Names that differ from the usual ones, and the current that a Hall voltage was read with.
    decay : bool
        Whether curves are over time.

    Attributes
    ----------
    kind : str
        What curves are over: ``pulse``, ``current`` of a neuron, or ``time``.
    x : int
        Place of that column.
    x_unit, x_factor
        Its base unit, and its factor.
    resistances : dict of int to float
        Places of R_AH's columns, and their factors.
    unit : str
        Base unit of R_AH.
    used : set of int
        Places of columns that have a part in curves.

    Raises
    ------
    UserError
        If a column or its unit is lacking or unknown.
    """

    def __init__(self, file: CsvFile, options: ReadOptions, decay: bool = False) -> None:
        super().__init__(file, options.columns.of)
        self.kind = "time" if decay else "pulse" if "pulse" in self.places else "current"
        x, found = self.place(self.kind), self.places.get("resistance", [])
        if x is None:
            raise (
                self.lacks("time", "time", "")
                if decay
                else self.lacks("pulse", "pulse nor one of current", "--pulse-column")
            )
        if not found:
            raise self.lacks("resistance", "resistance such as R_AH (ohm)", "--resistance-column")
        self.x = x
        self.x_unit, self.x_factor = self._unit(x, self.kind)
        units = {place: self._unit(place, "resistance") for place in found}
        self.unit = units[found[0]][0]
        if any(unit != self.unit for unit, _ in units.values()):
            raise UserError(
                f"{file.path}: columns of R_AH have different units; give them all in ohm"
            )
        current = (options.read_current or self._read_current()) if self.unit == "V" else 1.0
        if current is None:
            raise UserError(
                f"{file.path}: column {file.columns[found[0]].name} is a voltage; give the current "
                "that it was read with, such as --read-current 0.1mA"
            )
        self.unit = "ohm" if self.unit == "V" else self.unit
        self.resistances = {place: factor / current for place, (_, factor) in units.items()}
        parts = ("cycle", "device", "polarity", "read", *(("temperature",) if decay else ()))
        self.used = {x, *found, *(self.places[one][0] for one in parts if one in self.places)}

    def _read_current(self) -> float | None:
        """What a column or a line before a table says of the current of reads, in ampere."""
        rows, found = self.file.rows, []
        for place, (name, unit) in enumerate(self.file.columns):
            found += [(name, unit, cell) for cell in {row[place] for _, row in rows}]
        found += [fact for block in self.file.blocks for fact in self.file.facts(block.line + 1)]
        amperes = {
            (number(value) or 0.0) * (unit_of(unit) or ("", 0.0))[1]
            for name, unit, value in found
            if READ_CURRENT.fullmatch(plain(name)) and base_of(unit) == "A"
        }
        return amperes.pop() if len(amperes) == 1 else None

    def _unit(self, place: int, what: str) -> tuple[str, float]:
        """Base unit of a column and its factor."""
        column, (bases, said) = self.file.columns[place], KINDS[what]
        # A count may be in anything that is no unit, such as # or pulses.
        unit = unit_of(column.unit) or (("", 1.0) if what == "pulse" else None)
        if unit is None or unit[0] not in bases:
            raise UserError(
                f"{self.file.path}: column {column.name} is in {column.unit}, which is not known "
                f"for a {what}; give it in {said}"
            )
        return unit


def is_decay(file: CsvFile, names: ColumnNames | None = None) -> bool:
    """Whether a file holds decays: it is over time, without pulses, at one current."""
    columns = ColumnMap(file, (names or ColumnNames()).of)
    currents = {row[place] for place in columns.places.get("current", ()) for _, row in file.rows}
    return "time" in columns.places and "pulse" not in columns.places and len(currents) < 2


def choose_rows(
    file: CsvFile, columns: FileColumns, conditions: Iterable[Condition]
) -> tuple[list[int], set[str]]:
    """The rows for which all conditions hold, and the columns of those that the file has.

    A neuron's current is what its curve is over, and no condition.

    Raises
    ------
    UserError
        If a condition leaves no row, or is about a column that curves are over.
    """
    chosen = list(range(len(file.rows)))
    used: set[str] = set()
    for condition in conditions:
        place = columns.find(condition.column)
        own = columns.kind != "time" and place in (columns.x, *columns.resistances)
        if place is None or (own and columns.kind == "current"):
            continue
        if own:
            raise UserError(
                f"{file.path}: --where {condition.text} is about the curves themselves; choose by "
                "another column"
            )
        used.add(plain(condition.column))
        cells = file.cells(place, chosen)
        where = filled(cells) if place == columns.place("current") else range(len(cells))
        kept = [row for row, one in zip(chosen, where, strict=True) if condition.takes(cells[one])]
        if not kept:
            raise UserError(
                f"{file.path}: no row has {condition.text}; {condition.column} has {few(cells)}"
            )
        chosen = kept
    return chosen, used


def filled(cells: Sequence[str]) -> npt.NDArray[np.intp]:
    """Where the current of each pulse stands: where there is none, at the next, or the last."""
    values, every = map(number, cells), np.arange(len(cells))
    there = np.flatnonzero([one is None or bool(one and not math.isnan(one)) for one in values])
    after = np.minimum(np.searchsorted(there, every), there.size - 1)
    return there[after] if there.size else every
