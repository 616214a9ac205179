"""Options of reading: names of columns, rows that are taken, limits and given values."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from allspin.host.lab.quantities import number, quantity
from allspin.host.options import IN_RECIPE, Options, parsed, parsed_together
from allspin.sim.errors import UserError, check_one_of
from allspin.sim.parameters import choice, number as share

BRANCHES = ("up", "down")
"""Branches of a neuron's hysteresis loop: current rising, and falling."""
MISSING = 0.1
"""Default share of a curve's values that may be missing."""


@dataclass(frozen=True)
class ColumnNames:
    """Names of columns by role, where they differ from the usual ones.

    Each is a name for all files, or ``FILE:NAME`` for one of them; one alone may be a str.

    Parameters
    ----------
    pulse : str or tuple of str
        Column of the pulse number.
    resistance : str or tuple of str
        Column of R_AH; of several, each is a cycle.
    cycle : str or tuple of str
        Column of the cycle.
    device : str or tuple of str
        Column of the device.
    polarity : str or tuple of str
        Column of the polarity.
    current : str or tuple of str
        Column of the current.
    ignore : tuple of str
        Columns that may vary and are ignored, in all files.
    """

    pulse: str | tuple[str, ...] = ()
    resistance: str | tuple[str, ...] = ()
    cycle: str | tuple[str, ...] = ()
    device: str | tuple[str, ...] = ()
    polarity: str | tuple[str, ...] = ()
    current: str | tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    @classmethod
    def parse(cls, words: Iterable[str]) -> "ColumnNames":
        """Read texts such as ``device=Device ID`` or ``pulse=FILE:NAME``.

        Raises
        ------
        ValueError
            If a text has no name, or no role that is known.
        """
        roles = [field.name for field in fields(cls)]
        names: dict[str, list[str]] = {}
        for word in words:
            role, _, name = word.partition("=")
            if not name.strip():
                raise ValueError(f"`column` takes ROLE=NAME, such as device=Sample, not {word!r}")
            check_one_of("the role of a `column`", role.strip(), roles)
            names.setdefault(role.strip(), []).append(name)
        return cls(**{role: tuple(given) for role, given in names.items()})

    def given(self, kind: str, path: Path) -> list[str]:
        """Return the names of a file's column: those given for it, else those for all files."""
        pairs = [text.rpartition(":") for text in self._all(kind)]
        own = [name for file, _, name in pairs if file in (path.name, str(path))]
        return own or [name for file, _, name in pairs if not file]

    def check(self, paths: Iterable[Path]) -> None:
        """Raise a `UserError` for a name of a file that is not among the given ones."""
        known = {"", *(name for path in paths for name in (path.name, str(path)))}
        for kind in vars(self).keys() - {"ignore"}:
            for text in self._all(kind):
                if text.rpartition(":")[0] not in known:
                    raise UserError(f"`column` {kind}={text} is of no file that is given")

    def _all(self, kind: str) -> tuple[str, ...]:
        given = getattr(self, kind, ())
        return (given,) if isinstance(given, str) else given


@dataclass(frozen=True)
class ReadOptions(Options):
    """How files are read.

    Parameters
    ----------
    columns : ColumnNames
        Column of a role under another name than usual, such as device=Sample, or pulse=FILE:NAME
        of one file of several. Roles are pulse, resistance, cycle, device, polarity and current,
        and ignore for a column that may vary. It may be given again; each resistance is a cycle.
    where : tuple of str
        Rows to take, such as current=8 or current=8,-11 or field=90..110; may be given again, and
        all must hold.
    branch : str or None
        Branch of a neuron's hysteresis loop: current rising (up) or falling (down).
    turn : float or None
        Pulse at which pulses of the other polarity begin: where R_AH turns, unless given.
    missing : float
        Share of a curve's values that may be missing, 0 to 1.
    read_current : float or None
        Current of the reads of a Hall voltage, such as 0.1mA (in ampere in Python).

    Raises
    ------
    ValueError
        If one of them makes no sense; the message begins with its name.
    UserError
        If a condition is none.
    """

    columns: Annotated[
        ColumnNames,
        parsed_together(ColumnNames.parse, "ROLE=NAME", name="--column", show_default=""),
    ] = ColumnNames()
    where: Annotated[tuple[str, ...], Parameter(metavar="COLUMN=VALUE")] = ()
    branch: str | None = choice(None, BRANCHES)
    turn: Annotated[float | None, IN_RECIPE] = None
    missing: Annotated[float, IN_RECIPE] = share(MISSING, 0, 1)
    read_current: Annotated[
        float | None, parsed(quantity("A", "`read_current`"), "CURRENT"), IN_RECIPE
    ] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.turn is not None and not 0 < self.turn < math.inf:
            raise ValueError(f"`turn` must be a number of pulses above 0, not {self.turn:g}")
        if self.read_current is not None and not 0 < abs(self.read_current) < math.inf:
            raise ValueError(f"`read_current` must be in ampere and not 0, not {self.read_current}")
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
                f"`where` takes COLUMN=VALUE, such as current=8, current=8,-11 or field=90..110, "
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
