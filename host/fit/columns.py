"""Which column of a file is what, in which unit, and which of its rows are taken."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.fit.quantities import number, quantity, unit_of
from allspin.host.fit.tables import CsvFile
from allspin.sim.errors import UserError, check_number, check_one_of
from allspin.sim.parameters import option

BRANCHES = ("up", "down")
"""Branches of a neuron's hysteresis loop: current rising, and falling."""
MISSING = 0.1
"""Share of a curve's values that may be missing."""


def _column(what: str) -> Any:
    """A field that names a column, None for the usual name."""
    about = option(f"column of the {what}", "NAME", flag=f"--{what}-column")
    return field(default=None, metadata=about)


@dataclass(frozen=True)
class ColumnNames:
    """Names of columns that differ from the usual ones; None for the usual name.

    `resistance` may be several names; each is a cycle.
    """

    pulse: str | None = _column("pulse")
    resistance: tuple[str, ...] = field(
        default=(),
        metadata=option(
            "column of R_AH; given several times, as many cycles",
            "NAME",
            flag="--resistance-column",
            action="append",
        ),
    )
    cycle: str | None = _column("cycle")
    device: str | None = _column("device")
    polarity: str | None = _column("polarity")
    current: str | None = _column("current")


@dataclass(frozen=True)
class ReadOptions:
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
        metadata=option("branch of a neuron's loop: current rising or falling", choices=BRANCHES),
    )
    turn: float | None = field(
        default=None,
        metadata=option(
            "pulse at which pulses of the other polarity begin (where R_AH turns)", "PULSE"
        ),
    )
    missing: float = field(
        default=MISSING,
        metadata=option(f"share of a curve's values that may be missing ({MISSING})", "SHARE"),
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
        check_one_of("branch", self.branch, (None, *BRANCHES))
        check_number("missing", self.missing, 0, 1)
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
        for wanted in self.values:
            first, _, last = wanted.partition("..")
            low, high = number(first), number(last or first)
            if low is None or high is None:
                continue
            if low <= value <= high or math.isclose(low, value, rel_tol=1e-9):
                return True
        return False


NAMES = {
    "pulse": ("pulse", "pulses", "pulse number", "pulse no", "pulse #", "n", "p", "#"),
    "resistance": (
        *("r_ah", "rah", "r ah", "r_hall", "r_xy", "rxy", "resistance", "r"),
        *("conductance", "g", "v_ah", "vah", "v_hall", "hall voltage", "v_xy", "vxy", "v_h"),
    ),
    "cycle": ("cycle", "run", "sweep", "repeat"),
    "device": ("device", "sample", "dut"),
    "polarity": ("polarity", "direction", "pulse type"),
    "current": ("current", "i", "i_x", "ix", "input current", "pulse current", "i_pulse"),
    "read": ("read", "reading", "read number"),
    "time": ("time", "t", "delay", "wait", "age", "elapsed", "elapsed time"),
    "temperature": ("temperature", "temp", "t_k", "t_sample"),
}
"""What each column may be called, capitals aside; ``-`` and blanks count as ``_``."""
KINDS = {
    "resistance": (("ohm", "", "S", "V"), "ohm, mohm, S, mV"),
    "current": (("A", ""), "A, mA, uA"),
    "pulse": (("",), "plain numbers"),
    "time": (("s", ""), "s, ms, min or h"),
}
"""Units that a column can have, and how messages tell them."""


def plain(name: str) -> str:
    """A column's name without capitals, and with one sign for what separates words."""
    return re.sub(r"[\s_-]+", "_", name.strip().lower())


class Columns:
    """The columns of one file by what they are.

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
    headings : list of str
        Names of all columns, as `plain` has them.
    places : dict of str to int
        Place of each column that there is, by the keys of `NAMES`.
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
        self.file = file
        self.headings = [plain(column.name) for column in file.columns]
        for heading in filter(None, self.headings):
            if self.headings.count(heading) > 1:
                raise UserError(f"{file.path}: two columns are called {heading}; rename one")
        self.places: dict[str, int] = {}
        for what, known in NAMES.items():
            given = getattr(options.columns, what, None)
            names = self._named(what, [given]) if isinstance(given, str) else map(plain, known)
            wanted = set(names)
            if wanted & set(self.headings):
                here = (place for place, name in enumerate(self.headings) if name in wanted)
                self.places[what] = next(here)
        self.kind = "time" if decay else "pulse" if "pulse" in self.places else "current"
        if self.kind not in self.places:
            what = "time" if decay else "pulse nor one of current"
            self._lacks(what, "" if decay else ", or name it with --pulse-column")
        self.x = self.places[self.kind]
        self.x_unit, self.x_factor = self._unit(self.x, self.kind)
        named = self._named("resistance", options.columns.resistance)
        found = [self.headings.index(name) for name in named] or self._all_resistances()
        if not found:
            self._lacks("resistance such as R_AH (ohm)", ", or name it with --resistance-column")
        units = {place: self._unit(place, "resistance") for place in found}
        self.unit = units[found[0]][0]
        if any(unit != self.unit for unit, _ in units.values()):
            raise UserError(
                f"{file.path}: columns of R_AH have different units; give them all in ohm"
            )
        current = 1.0
        if self.unit == "V":
            if options.read_current is None:
                raise UserError(
                    f"{file.path}: column {file.columns[found[0]].name} is a voltage; give the "
                    "current that it was read with, such as --read-current 0.1mA"
                )
            self.unit, current = "ohm", options.read_current
        self.resistances = {place: factor / current for place, (_, factor) in units.items()}
        parts = ("cycle", "device", "polarity", "read", *(("temperature",) if decay else ()))
        self.used = {self.x, *found, *(self.places[one] for one in parts if one in self.places)}

    def _lacks(self, what: str, option: str) -> None:
        raise UserError(
            f"{self.file.path} has no column of {what} (it has {self._listed()}); rename one"
            f"{option}"
        )

    def _listed(self) -> str:
        return ", ".join(column.name or "(no name)" for column in self.file.columns)

    def _named(self, what: str, names: Sequence[str]) -> list[str]:
        """Headings that were given by name."""
        for name in names:
            if plain(name) not in self.headings:
                raise UserError(
                    f"{self.file.path} has no column {name} (it has {self._listed()}); mend "
                    f"--{what}-column"
                )
        return list(map(plain, names))

    def _all_resistances(self) -> list[int]:
        """R_AH itself, or R_AH_1, R_AH_2 ... for as many cycles."""
        known = [plain(name) for name in NAMES["resistance"]]
        # R_AH goes before a Hall voltage from which it was computed.
        for name in known:
            if name in self.headings:
                return [self.headings.index(name)]
        pattern = re.compile(rf"({'|'.join(map(re.escape, known))})_?(cycle_?)?\d+|cycle_?\d+")
        return [place for place, name in enumerate(self.headings) if pattern.fullmatch(name)]

    def _unit(self, place: int, what: str) -> tuple[str, float]:
        """Base unit of a column and its factor."""
        column, (bases, said) = self.file.columns[place], KINDS[what]
        unit = unit_of(column.unit)
        if unit is None or unit[0] not in bases:
            raise UserError(
                f"{self.file.path}: column {column.name} is in {column.unit}, which is not known "
                f"for a {what}; give it in {said}"
            )
        return unit


def is_decay(file: CsvFile) -> bool:
    """Whether a file holds decays: it is over time, without pulses, at one current."""
    headings = [plain(column.name) for column in file.columns]
    found = {what: set(map(plain, NAMES[what])) & set(headings) for what in NAMES}
    currents = [headings.index(name) for name in headings if name in found["current"]][:1]
    steady = all(len(set(file.cells(place, range(len(file.rows))))) == 1 for place in currents)
    return bool(found["time"]) and not found["pulse"] and steady


def choose_rows(
    file: CsvFile, columns: Columns, conditions: Iterable[Condition]
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
        name = plain(condition.column)
        if name not in columns.headings:
            continue
        place = columns.headings.index(name)
        if columns.kind != "time" and place in (columns.x, *columns.resistances):
            if columns.kind == "current":
                continue
            raise UserError(
                f"{file.path}: --where {condition.text} is about the curves themselves; choose by "
                "another column"
            )
        used.add(name)
        cells = file.cells(place, chosen)
        where = filled(cells) if place == columns.places.get("current") else range(len(cells))
        kept = [row for row, one in zip(chosen, where, strict=True) if condition.takes(cells[one])]
        if not kept:
            raise UserError(
                f"{file.path}: no row has {condition.text}; {condition.column} has {few(cells)}"
            )
        chosen = kept
    return chosen, used


def filled(cells: Sequence[str]) -> npt.NDArray[np.intp]:
    """Where the current of each pulse stands: where there is none, at the next, or the last."""
    values = map(number, cells)
    there = [at for at, one in enumerate(values) if one is None or (one and not math.isnan(one))]
    if not there:
        return np.arange(len(cells))
    after = np.searchsorted(there, np.arange(len(cells)))
    return np.array(there)[np.minimum(after, len(there) - 1)]


SHOWN = 4
"""Values that a message has."""


def ordered(values: Iterable[str]) -> list[str]:
    """Values by magnitude, without a decimal comma, as a condition takes them."""
    found = []
    for text in values:
        value = number(text)
        if value is None or math.isnan(value):
            found.append((math.inf, text))
        else:
            found.append((abs(value), f"{value:.10g}"))
    return [text for _, text in sorted(found)]


def few(values: Iterable[str]) -> str:
    """The first of some values, and how many more there are."""
    shown = [text or "nothing" for text in ordered(set(values))]
    return ", ".join(shown[:SHOWN]) + (f" and {len(shown) - SHOWN} more" * (len(shown) > SHOWN))
