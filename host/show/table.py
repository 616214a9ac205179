"""Tables as plain data: columns with units, and cells that are values, not text."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from allspin.host.show.say import shortened
from allspin.sim.errors import refused
from allspin.sim.parameters import Brief

SIGNIFICANT = 3
"""Significant digits of a number without a format of its own."""

LONGEST_FACT = 200
"""Most characters of a value on a card."""


@dataclass(frozen=True)
class Number:
    """Number with a format.

    Parameters
    ----------
    value : float
        The value.
    form : str
        Format specification, such as ``.2f``; empty for `SIGNIFICANT` digits.
    deviation : float, optional
        Standard deviation, shown behind a plus-minus sign.
    """

    value: float
    form: str = ""
    deviation: float | None = None

    def __str__(self) -> str:
        mean = _format(self.value, self.form)
        if self.deviation is None:
            return mean
        return f"{mean} ± {_format(self.deviation, self.form)}"


Cell = str | int | float | Number | None


@dataclass(frozen=True)
class TableColumn:
    """Column of a table.

    Parameters
    ----------
    name : str
        Head of the column.
    unit : str
        Unit of its numbers, below the name.
    form : str
        Format specification of its floats; empty for `SIGNIFICANT` digits.
    number : bool
        True if its texts are numbers too: they are aligned right and never folded.
    wide : bool
        True if a terminal leaves it out; TSV has it.
    group : bool
        True if a terminal leaves out values equal to the one above.
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
class Table(Brief):
    """Table of values.

    Parameters
    ----------
    title : str
        Title above it.
    columns : sequence of TableColumn
        Columns; the first `keys` of them name a row.
    rows : sequence of sequences of Cell
        A cell for each column; None where a value is unknown or does not apply.
    headed : bool
        True if people need the heads of the columns.
    rules : collection of int
        Rows with a line above them.
    notes : sequence of str
        Lines below the table.
    keys : int
        Number of columns that name a row.
    """

    title: str
    columns: Sequence[TableColumn]
    rows: Sequence[Sequence[Cell]]
    headed: bool = True
    rules: Collection[int] = field(default=())
    notes: Sequence[str] = ()
    keys: int = 1

    def is_number(self, place: int) -> bool:
        """Return True if the column at this place holds numbers."""
        if self.columns[place].number:
            return True
        return any(isinstance(row[place], int | float | Number) for row in self.rows)


def significant(value: float, digits: int = SIGNIFICANT) -> str:
    """Format a number with significant digits, and an exponent only below 1e-4 or from 1e9."""
    if not math.isfinite(value) or value == 0:
        return f"{value:g}"
    power = int(f"{value:.{digits - 1}e}".partition("e")[2])
    if not -4 <= power < 9:
        return f"{value:.{digits - 1}e}"
    rounded = round(value, digits - 1 - power)
    return f"{rounded:,.{max(0, digits - 1 - power)}f}"


def short(value: float) -> str:
    """Format a round number, such as a bound: as `significant`, without trailing zeros."""
    text = significant(value)
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def _format(value: float, form: str) -> str:
    if isinstance(value, int) and not form:
        return f"{value:,}"
    return format(value, form) if form else significant(value)


def shown(cell: Cell, column: TableColumn) -> str:
    """Format a cell for people."""
    if isinstance(cell, float):
        return _format(cell, column.form)
    if isinstance(cell, int):
        return f"{cell:,}"
    return "-" if cell is None else str(cell)


Figure = tuple[str, Cell] | tuple[str, Cell, str]
"""Name of a quantity, its value, and its unit if it has one."""


def figures(title: str, rows: Iterable[Figure], rules: Collection[int] = ()) -> Table:
    """Make a table with one quantity a row.

    Parameters
    ----------
    title : str
        Title above it.
    rows : iterable of Figure
        Names, values and units.
    rules : collection of int
        Rows with a line above them.
    """
    columns = (TableColumn("what"), TableColumn("value"), TableColumn("unit"))
    full = [(row[0], row[1], row[2] if len(row) == 3 else "") for row in rows]
    return Table(title, columns, full, headed=False, rules=rules)


def record_table(
    title: str,
    records: Iterable[Mapping[str, Any]],
    columns: Mapping[str, TableColumn],
    notes: Sequence[str] = (),
    keys: int = 1,
) -> Table:
    """Make a table with a row for each record.

    Parameters
    ----------
    title : str
        Title above it.
    records : iterable of mapping
        Cells by the key of their column; a cell that a record lacks is None.
    columns : mapping of str to TableColumn
        Columns by key.
    notes : sequence of str
        Lines below the table.
    keys : int
        Number of columns that name a row.
    """
    rows = [[record.get(key) for key in columns] for record in records]
    return Table(title, list(columns.values()), rows, notes=notes, keys=keys)


def frame(rows: Iterable[Mapping[str, Any]]) -> Any:
    """Return rows as a `pandas.DataFrame`; raise `UserError` without pandas."""
    with refused(advice=": pip install pandas", kinds=ImportError):
        return import_module("pandas").DataFrame(list(rows))


def fact_table(title: str, values: Iterable[tuple[str, object]]) -> Table:
    """Make the table of a card: names and values, without those that are None."""
    rows = [
        (name, shortened(str(value), LONGEST_FACT)) for name, value in values if value is not None
    ]
    columns = (TableColumn("what"), TableColumn("value"))
    return Table(shortened(title, LONGEST_FACT), columns, rows, headed=False)
