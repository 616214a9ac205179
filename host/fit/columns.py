"""Which column of a file is what, in which unit, and which of its rows are taken."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from allspin.host.fit.quantities import number, unit_of
from allspin.host.fit.tables import CsvFile
from allspin.sim.errors import UserError

BRANCHES = ("up", "down")
"""Branches of a neuron's hysteresis loop: current rising, and falling."""
MISSING = 0.1
"""Share of a curve's values that may be missing."""


@dataclass(frozen=True)
class ColumnNames:
    """Names of columns that differ from the usual ones; None for the usual name.

    `resistance` may be several names; each is a cycle.
    """

    pulse: str | None = None
    resistance: tuple[str, ...] = ()
    cycle: str | None = None
    device: str | None = None
    polarity: str | None = None
    current: str | None = None


@dataclass(frozen=True)
class Condition:
    """Rows to take: those in which a column has one of some values.

    Attributes
    ----------
    column : str
        The column's name.
    values : tuple of str
        Texts or numbers, in the file's unit; ``8..10`` is all from 8 to 10.
    """

    column: str
    values: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Condition":
        """A condition as it is written: ``current=8``, ``current=8,-11``, ``field=90..110``.

        Raises
        ------
        UserError
            If it is none.
        """
        column, _, values = text.partition("=")
        split = tuple(value.strip() for value in values.split(","))
        if not (column.strip() and all(split)):
            raise UserError(
                f"--where takes COLUMN=VALUE, such as current=8, current=8,-11 or field=90..110, "
                f"not {text!r}"
            )
        return cls(column.strip(), split)

    def takes(self, cell: str) -> bool:
        """Whether a row is taken that has this cell."""
        value = number(cell)
        if value is None or math.isnan(value):
            return cell.strip().lower() in map(str.lower, self.values)
        for wanted in self.values:
            low, dots, high = wanted.partition("..")
            ends = number(low), number(high) if dots else number(low)
            if ends[0] is None or ends[1] is None:
                continue
            if math.isclose(ends[0], value, rel_tol=1e-9) and not dots:
                return True
            if dots and ends[0] <= value <= ends[1]:
                return True
        return False

    def __str__(self) -> str:
        return f"{self.column}={','.join(self.values)}"


@dataclass(frozen=True)
class ReadOptions:
    """How files are read.

    Parameters
    ----------
    columns : ColumnNames
        Names of columns that differ from the usual ones.
    where : tuple of str
        Rows to take, each as `Condition.parse` has it; all must hold.
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

    columns: ColumnNames = field(default_factory=ColumnNames)
    where: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    branch: str | None = None
    turn: float | None = None
    missing: float = MISSING
    read_current: float | None = None

    def __post_init__(self) -> None:
        if self.branch not in (None, *BRANCHES):
            raise ValueError(f"branch must be {' or '.join(BRANCHES)}, not {self.branch}")
        if self.turn is not None and not 0 < self.turn < math.inf:
            raise ValueError(f"turn must be a number of pulses above 0, not {self.turn:g}")
        if not 0 <= self.missing <= 1:
            raise ValueError(f"missing must be from 0 to 1, not {self.missing:g}")
        if self.read_current is not None and not 0 < abs(self.read_current) < math.inf:
            raise ValueError(f"read_current must be in ampere and not 0, not {self.read_current}")
        self.conditions()

    def conditions(self) -> list[Condition]:
        """`where`, read."""
        return [Condition.parse(text) for text in self.where]


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
KINDS = {"resistance": ("ohm", "", "S", "V"), "current": ("A", ""), "pulse": ("",)}
"""Units that a column can have."""
SAID = {"resistance": "ohm, mohm, S, mV", "current": "A, mA, uA", "pulse": "plain numbers"}


def plain(name: str) -> str:
    """A column's name without capitals, and with one sign for what separates words."""
    return re.sub(r"[\s_-]+", "_", name.strip().lower())


class Columns:
    """The columns of one file by what they are.

    Attributes
    ----------
    pulse, current, cycle, device, polarity, read, time, temperature : int or None
        Place of each column; None where there is none.
    resistances : list of int
        Places of R_AH's columns.
    headings : list of str
        Names of all columns, as `plain` has them.
    """

    def __init__(self, file: CsvFile, options: ReadOptions) -> None:
        self.file = file
        self.headings = [plain(column.name) for column in file.columns]
        for place, heading in enumerate(self.headings):
            if heading and heading in self.headings[:place]:
                raise UserError(
                    f"{file.path}: two columns are called {file.columns[place].name}; rename one"
                )
        names = options.columns
        self.pulse = self._find("pulse", names.pulse)
        self.current = self._find("current", names.current)
        self.cycle = self._find("cycle", names.cycle)
        self.device = self._find("device", names.device)
        self.polarity = self._find("polarity", names.polarity)
        self.read = self._find("read")
        self.time = self._find("time")
        self.temperature = self._find("temperature")
        self.resistances = [self._named("resistance", name) for name in names.resistance]
        if not self.resistances:
            self.resistances = self._all_resistances()

    @property
    def neuron(self) -> bool:
        """Whether the file has a neuron's curves."""
        return self.pulse is None

    @property
    def decay(self) -> bool:
        """Whether the file has decays: over time, without pulses, at one current."""
        if self.time is None or self.pulse is not None:
            return False
        if self.current is None:
            return True
        return len({cells[self.current] for _, cells in self.file.rows}) == 1

    @property
    def x(self) -> int:
        """Place of the column that curves are over.

        Raises
        ------
        UserError
            If there is none.
        """
        place = self.current if self.pulse is None else self.pulse
        return self.needed("pulse", place, "nor one of current")

    def needed(self, what: str, place: int | None, more: str) -> int:
        """A place that a file must have.

        Raises
        ------
        UserError
            If it has not.
        """
        if place is not None:
            return place
        option = f", or name it with --{what}-column" if hasattr(ColumnNames, what) else ""
        raise UserError(
            f"{self.file.path} has no column of {what} {more} (it has {self._listed()}); rename "
            f"one{option}"
        )

    @property
    def used(self) -> set[int]:
        """Places of columns that have a part in curves over pulses or currents."""
        places = {self.x, *self.resistances}
        found = (self.cycle, self.device, self.polarity, self.read)
        return places | {place for place in found if place is not None}

    def _listed(self) -> str:
        return ", ".join(column.name or "(no name)" for column in self.file.columns)

    def _named(self, what: str, name: str) -> int:
        if plain(name) not in self.headings:
            raise UserError(
                f"{self.file.path} has no column {name} (it has {self._listed()}); mend "
                f"--{what}-column"
            )
        return self.headings.index(plain(name))

    def _find(self, what: str, name: str | None = None) -> int | None:
        if name is not None:
            return self._named(what, name)
        known = {plain(one) for one in NAMES[what]}
        found = (place for place, heading in enumerate(self.headings) if heading in known)
        return next(found, None)

    def _all_resistances(self) -> list[int]:
        """R_AH itself, or R_AH_1, R_AH_2 ... for as many cycles."""
        known = [plain(name) for name in NAMES["resistance"]]
        # R_AH goes before a Hall voltage from which it was computed.
        for name in known:
            if name in self.headings:
                return [self.headings.index(name)]
        pattern = re.compile(rf"({'|'.join(map(re.escape, known))})_?(cycle_?)?\d+|cycle_?\d+")
        return [place for place, name in enumerate(self.headings) if pattern.fullmatch(name)]

    def unit(self, place: int, what: str) -> tuple[str, float]:
        """Unit of a column and its factor."""
        column = self.file.columns[place]
        unit = unit_of(column.unit)
        if unit is None or unit[0] not in KINDS[what]:
            raise UserError(
                f"{self.file.path}: column {column.name} is in {column.unit}, which is not known "
                f"for a {what}; give it in {SAID[what]}"
            )
        return unit

    def resistance_unit(self, read_current: float | None) -> tuple[str, list[float]]:
        """Unit of R_AH, and the factor of each of its columns.

        Raises
        ------
        UserError
            If it is not known, or a Hall voltage comes without the read current.
        """
        self.needed("resistance", next(iter(self.resistances), None), "such as R_AH (ohm)")
        units = [self.unit(place, "resistance") for place in self.resistances]
        if len({unit for unit, _ in units}) > 1:
            raise UserError(
                f"{self.file.path}: columns of R_AH have different units; give them all in ohm"
            )
        unit, factors = units[0][0], [factor for _, factor in units]
        if unit != "V":
            return unit, factors
        if read_current is None:
            raise UserError(
                f"{self.file.path}: column {self.file.columns[self.resistances[0]].name} is a "
                "voltage; give the current that it was read with, such as --read-current 0.1mA"
            )
        return "ohm", [factor / read_current for factor in factors]


def choose_rows(
    file: CsvFile, columns: Columns, options: ReadOptions
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
    for condition in options.conditions():
        name = plain(condition.column)
        if name not in columns.headings:
            continue
        place = columns.headings.index(name)
        if not columns.decay and place in (columns.x, *columns.resistances):
            if columns.neuron:
                continue
            raise UserError(
                f"{file.path}: --where {condition} is about the curves themselves; choose by "
                "another column"
            )
        used.add(name)
        cells = {index: file.rows[index][1][place] for index in chosen}
        if place == columns.current:
            cells = filled(file, place, chosen)
        kept = [index for index in chosen if condition.takes(cells[index])]
        if not kept:
            there = few({file.rows[index][1][place] for index in chosen})
            raise UserError(f"{file.path}: no row has {condition}; {condition.column} has {there}")
        chosen = kept
    return chosen, used


def filled(file: CsvFile, place: int, chosen: list[int]) -> dict[int, str]:
    """Pulse currents of rows; where there is none, that of the next pulse, or of the last."""
    found = {index: file.rows[index][1][place] for index in chosen}
    for order in (reversed(chosen), chosen):
        last = ""
        for index in order:
            value = number(found[index])
            if value is None or (value and not math.isnan(value)):
                last = found[index]
            elif last:
                found[index] = last
    return found


def check_used(options: ReadOptions, used: set[str]) -> None:
    """Refuse a condition on a column that no file has.

    Raises
    ------
    UserError
        With its column.
    """
    for condition in options.conditions():
        if plain(condition.column) not in used:
            raise UserError(f"no file has a column {condition.column}; mend --where {condition}")


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
            plainly = f"{value:.10g}"
            found.append((abs(number(plainly) or 0.0), plainly))
    return [text for _, text in sorted(found)]


def few(values: Iterable[str]) -> str:
    """The first of some values, and how many more there are."""
    shown = [text or "nothing" for text in ordered(values)]
    return ", ".join(shown[:SHOWN]) + (f" and {len(shown) - SHOWN} more" * (len(shown) > SHOWN))
