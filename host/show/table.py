"""Tables as plain data: columns with units, and values that are not yet text."""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

SIGNIFICANT = 3
"""Digits of a number of which nothing else is said."""


@dataclass(frozen=True)
class Number:
    """A number with how it is shown.

    Parameters
    ----------
    value : float
        What it is.
    form : str
        Format specification, such as ``.2f``; empty for `SIGNIFICANT` digits.
    deviation : float, optional
        Standard deviation, shown behind a plus-minus sign.
    """

    value: float
    form: str = ""
    deviation: float | None = None

    def __str__(self) -> str:
        shown = _format(self.value, self.form)
        return (
            shown if self.deviation is None else f"{shown} ± {_format(self.deviation, self.form)}"
        )


Cell = str | int | float | Number | None


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Parameters
    ----------
    name : str
        Its head.
    unit : str
        Of its numbers; stands below the name.
    form : str
        Format specification of its floats; empty for `SIGNIFICANT` digits.
    number : bool
        Whether its texts are numbers too: they are never folded, and stand at the right.
    wide : bool
        Whether it is shown only where all columns are asked for.
    group : bool
        Whether a value that repeats the one above is left out where a person reads it.
    """

    name: str
    unit: str = ""
    form: str = ""
    number: bool = False
    wide: bool = False
    group: bool = False

    @property
    def head(self) -> str:
        """Name and unit on one line."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


@dataclass(frozen=True)
class Table:
    """A table.

    Parameters
    ----------
    title : str
        Above it.
    columns : sequence of Column
        The first `keys` of them say what a row is.
    rows : sequence of sequences of Cell
        As long as there are columns; None is what is not known or does not apply.
    headed : bool
        Whether a person needs the columns' names.
    rules : collection of int
        Rows above which a line is drawn.
    notes : sequence of str
        What is said of it, line by line.
    keys : int
        How many columns say what a row is.
    """

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    headed: bool = True
    rules: Collection[int] = field(default=())
    notes: Sequence[str] = ()
    keys: int = 1

    def is_number(self, place: int) -> bool:
        """Whether a column holds numbers."""
        return self.columns[place].number or any(
            isinstance(row[place], int | float | Number) for row in self.rows
        )


def significant(value: float, digits: int = SIGNIFICANT) -> str:
    """A number with so many digits that count, thousands apart, without an exponent if short."""
    if not math.isfinite(value) or value == 0:
        return f"{value:g}"
    power = int(f"{value:.{digits - 1}e}".partition("e")[2])
    if not -4 <= power < 9:
        return f"{value:.{digits - 1}e}"
    rounded = round(value, digits - 1 - power)
    return f"{rounded:,.{max(0, digits - 1 - power)}f}"


def short(value: float) -> str:
    """A given number, such as an end of a range: as `significant`, without zeros at its end."""
    shown = significant(value)
    return shown.rstrip("0").rstrip(".") if "." in shown and "e" not in shown else shown


def _format(value: float, form: str) -> str:
    if isinstance(value, int) and not form:
        return f"{value:,}"
    return format(value, form) if form else significant(value)


def shown(cell: Cell, column: Column) -> str:
    """A cell as a person reads it."""
    if cell is None:
        return "-"
    if isinstance(cell, float):
        return _format(cell, column.form)
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


Figure = tuple[str, Cell] | tuple[str, Cell, str]
"""What it is, the value, and perhaps its unit."""


def figures(title: str, rows: Iterable[Figure], rules: Collection[int] = ()) -> Table:
    """A table that has a figure in each row.

    Parameters
    ----------
    title : str
        Above it.
    rows : iterable of Figure
        Names, values and units.
    rules : collection of int
        Rows above which a line is drawn.
    """
    columns = (Column("what"), Column("value"), Column("unit"))
    full = [(row[0], row[1], row[2] if len(row) == 3 else "") for row in rows]
    return Table(title, columns, full, headed=False, rules=rules)
