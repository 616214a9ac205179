"""What the user says about files: names of columns, which rows, and how they are to be read."""

import math
from dataclasses import dataclass, field

from allspin.host.study.fit.reading.table.cells import number
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
