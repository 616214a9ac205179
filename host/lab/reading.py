"""Options of reading: names of columns, rows that are taken, limits and given values."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from allspin.host.lab.quantities import number, quantity
from allspin.sim.errors import UserError
from allspin.sim.parameters import Parameters, option

BRANCHES = ("up", "down")
"""Branches of a neuron's hysteresis loop: current rising, and falling."""
MISSING = 0.1
"""Default share of a curve's values that may be missing."""


def _column(kind: str, more: str = "") -> Any:
    """Return a field that names a column, empty for the usual name."""
    words = f"column of {kind}{more}; of one file of several as FILE:NAME"
    flag = "--resistance-column" if more else f"--{kind}-column"
    return field(default=(), metadata=option(words, "NAME", flag=flag, action="append"))


@dataclass(frozen=True)
class ColumnNames:
    """Names of columns that differ from the usual ones; empty for the usual name.

    Each is a name for all files, or ``FILE:NAME`` for one of them; a single one may be a str.
    `resistance` may be several names of a file; each is a cycle.
    """

    pulse: str | tuple[str, ...] = _column("pulse")
    resistance: str | tuple[str, ...] = _column("R_AH", "; given several times, as many cycles")
    cycle: str | tuple[str, ...] = _column("cycle")
    device: str | tuple[str, ...] = _column("device")
    polarity: str | tuple[str, ...] = _column("polarity")
    current: str | tuple[str, ...] = _column("current")

    def given(self, kind: str, path: Path) -> list[str]:
        """Return the names of a file's column: those given for it, else those for all files."""
        pairs = [text.rpartition(":") for text in self._all(kind)]
        own = [name for file, _, name in pairs if file in (path.name, str(path))]
        return own or [name for file, _, name in pairs if not file]

    def check(self, paths: Iterable[Path]) -> None:
        """Raise a `UserError` for a name of a file that is not among the given ones."""
        known = {"", *(name for path in paths for name in (path.name, str(path)))}
        for kind in vars(self):
            for text in self._all(kind):
                if text.rpartition(":")[0] not in known:
                    raise UserError(f"--{kind}-column {text} is of no file that is given")

    def _all(self, kind: str) -> tuple[str, ...]:
        given = getattr(self, kind, ())
        return (given,) if isinstance(given, str) else given


@dataclass(frozen=True)
class ReadOptions(Parameters):
    """Options of reading files.

    Parameters
    ----------
    columns : ColumnNames
        Names of columns that differ from the usual ones.
    where : tuple of str
        Rows to take, each as `Condition` has it; all must hold.
    ignored : tuple of str
        Columns that may vary and are ignored.
    branch : str or None
        Branch of a neuron's hysteresis loops: one of `BRANCHES`.
    turn : float or None
        Pulse at which pulses of the other polarity begin, where no column names it.
    missing : float
        Share of a curve's values that may be missing, 0 to 1.
    read_current : float or None
        In ampere, for files that have a Hall voltage.

    Raises
    ------
    ValueError
        If an option is outside its range; the message begins with its name.
    UserError
        If a text is no condition.
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
        """Return the conditions of `where`."""
        return list(map(Condition, self.where))


class Condition:
    """Condition on rows: a column has one of some values.

    Parameters
    ----------
    text : str
        ``current=8``, ``current=8,-11`` or ``field=90..110``: texts or numbers in the file's
        unit; two dots stand for a range, both ends included.

    Raises
    ------
    UserError
        If the text is no condition.
    """

    def __init__(self, text: str) -> None:
        column, _, values = text.partition("=")
        self.text = text
        self.column = column.strip()
        self.values = [value.strip() for value in values.split(",")]
        if not (self.column and all(self.values)):
            raise UserError(
                f"--where takes COLUMN=VALUE, such as current=8, current=8,-11 or field=90..110, "
                f"not {text!r}"
            )

    def holds(self, cell: str) -> bool:
        """Return True if a cell has one of the values."""
        value = number(cell)
        if value is None or math.isnan(value):
            return cell.lower() in map(str.lower, self.values)
        return any(_is_within(value, text) for text in self.values)


def _is_within(value: float, text: str) -> bool:
    """Return True if a number is that of a text, or in the range that it gives."""
    first, _, last = text.partition("..")
    low = number(first)
    high = number(last or first)
    if low is None or high is None:
        return False
    return low <= value <= high or math.isclose(low, value, rel_tol=1e-9)
