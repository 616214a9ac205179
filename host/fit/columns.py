"""Which column is what, and in which unit."""

import math
import re
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from allspin.host.fit.tables import CsvFile, number, unit_of
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Array, Polarity

# What the user says about files: names of columns, which rows, and how they are to be read.

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
        column, sign, values = text.partition("=")
        split = tuple(value.strip() for value in values.split(","))
        if not (column.strip() and sign and all(split)):
            raise UserError(
                f"--where takes COLUMN=VALUE, such as current=8, current=8,-11 or field=90..110, "
                f"not {text!r}"
            )
        return cls(column.strip(), split)

    def takes(self, cell: str) -> bool:
        """Whether a row is taken that has this cell."""
        value = number(cell)
        return any(self._is(one, cell, value) for one in self.values)

    @staticmethod
    def _is(wanted: str, cell: str, value: float | None) -> bool:
        low, dots, high = wanted.partition("..")
        ends = number(low), number(high)
        if value is None or math.isnan(value):
            return cell.strip().lower() == wanted.lower()
        if dots and ends[0] is not None and ends[1] is not None:
            return ends[0] <= value <= ends[1]
        one = number(wanted)
        return one is not None and math.isclose(one, value, rel_tol=1e-9)

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
    pulse, current, cycle, device, polarity, read : int or None
        Place of each column; None where there is none.
    resistances : list of int
        Places of R_AH's columns.
    neuron : bool
        Whether the file has a neuron's curves.
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
        self.read = self._find("read", None)
        if names.resistance:
            self.resistances = [self._named("resistance", name) for name in names.resistance]
        else:
            self.resistances = self._all_resistances()
        if self.pulse is None and self.current is None:
            raise self._lacks("pulse", "nor one of current")
        if not self.resistances:
            raise self._lacks("resistance", "such as R_AH (ohm)")
        self.neuron = self.pulse is None

    @property
    def x(self) -> int:
        """Place of the column that curves are over."""
        place = self.current if self.pulse is None else self.pulse
        assert place is not None
        return place

    @property
    def used(self) -> set[int]:
        """Places of columns that have a part."""
        places = {self.x, *self.resistances}
        found = (self.cycle, self.device, self.polarity, self.read)
        return places | {place for place in found if place is not None}

    def _lacks(self, what: str, more: str) -> UserError:
        found = ", ".join(column.name or "(no name)" for column in self.file.columns)
        return UserError(
            f"{self.file.path} has no column of {what} {more} (it has {found}); rename one, or "
            f"name it with --{what}-column"
        )

    def _named(self, what: str, name: str) -> int:
        if plain(name) not in self.headings:
            found = ", ".join(column.name for column in self.file.columns)
            raise UserError(
                f"{self.file.path} has no column {name} (it has {found}); mend --{what}-column"
            )
        return self.headings.index(plain(name))

    def _find(self, what: str, name: str | None) -> int | None:
        if name is not None:
            return self._named(what, name)
        known = {plain(one) for one in NAMES[what]}
        found = [place for place, heading in enumerate(self.headings) if heading in known]
        return found[0] if found else None

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


# Measured curves, and all of them together.


@dataclass(frozen=True, eq=False)
class ReadScatter:
    """What repeated reads of one state differ by, state by state.

    Attributes
    ----------
    square : ndarray of float64, shape (points,)
        Sum of squares about the mean of a state's reads.
    freedom : ndarray of int64, shape (points,)
        Its reads beyond the first.
    """

    square: Array
    freedom: npt.NDArray[np.int64]

    def at(self, places: npt.NDArray[np.integer]) -> "ReadScatter":
        """That of some points."""
        return ReadScatter(self.square[places], self.freedom[places])


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
        R_AH, in ohm (or in the file's unit if it names none); the mean where a state was read
        several times.
    scatter : ReadScatter or None
        What those reads differ by; None where each state was read once.
    """

    device: str
    cycle: str
    polarity: Polarity | None
    x: Array
    resistance: Array
    scatter: ReadScatter | None = None

    @property
    def name(self) -> str:
        """What messages call it."""
        parts = [f"device {self.device}", f"cycle {self.cycle}" if self.cycle else ""]
        if self.polarity is not None:
            parts.append(self.polarity.name.lower())
        return ", ".join(part for part in parts if part)

    def at(self, places: npt.NDArray[np.integer]) -> "Curve":
        """The curve of some of its points."""
        return Curve(
            self.device,
            self.cycle,
            self.polarity,
            self.x[places],
            self.resistance[places],
            None if self.scatter is None else self.scatter.at(places),
        )


@dataclass(frozen=True, eq=False)
class Measurement:
    """All that was measured.

    Attributes
    ----------
    curves : list of Curve
        Pulse curves and neuron curves.
    unit : str
        Unit of R_AH: ``ohm``, ``siemens``, or ``arbitrary``.
    current_unit : str
        Unit of the currents: ``A``, or ``arbitrary``.
    digests : dict of str to str
        SHA-256 of each file, by its name.
    notes : list of str
        What was guessed or left out, a line each.
    given : dict of str to object
        What the user said about the data, for the device file.
    electrical : dict of str to float
        What is known of pulses and reads, as `allspin.sim.device.device.Electrical` has it.
    """

    curves: list[Curve]
    unit: str
    current_unit: str
    digests: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    given: dict[str, object] = field(default_factory=dict)
    electrical: dict[str, float] = field(default_factory=dict)

    def of(self, polarity: Polarity | None) -> list[Curve]:
        """Curves of a polarity, or of neurons."""
        return [curve for curve in self.curves if curve.polarity is polarity]


def ends(resistance: Array) -> tuple[float, float]:
    """R_AH at a curve's start and end: medians of some points, which an outlier does not move."""
    few = max(1, min(5, len(resistance) // 5))
    return float(np.median(resistance[:few])), float(np.median(resistance[-few:]))


def trend(resistance: Array) -> float:
    """Change of R_AH from a curve's first points to its last, over its spread."""
    start, end = ends(resistance)
    # A spike is no spread, where there are points enough to tell one.
    rest = 2 if len(resistance) >= 20 else 0
    low, high = np.percentile(resistance, [rest, 100 - rest])
    spread = float(high - low)
    return (end - start) / spread if spread else 0.0
