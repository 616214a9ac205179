"""What a command prints: tables for a person, the same as TSV for a program."""

import io
import sys
from collections.abc import Iterable, Sequence

from rich.text import Text

from allspin.host.show.layout import layout
from allspin.host.show.say import printable, say
from allspin.host.show.table import Cell, Number, Table
from allspin.host.show.terminal import Terminal


def print_tables(tables: Sequence[Table], notes: Iterable[str] = (), *, wide: bool = False) -> None:
    """Print tables and what is said below them to stdout.

    On a terminal they are as wide as it is. Elsewhere they are TSV with all columns and with
    numbers that are not rounded: titles and notes follow ``#``, an empty line parts two tables.

    Parameters
    ----------
    tables : sequence of Table
        One below the other.
    notes : iterable of str
        Lines.
    wide : bool
        Whether a person is shown all columns.
    """
    if not sys.stdout.isatty():
        say("\n\n".join(tsv(table) for table in tables))
        for note in notes:
            say(f"# {note}")
        return
    console = Terminal()
    for number, table in enumerate(tables):
        if number:
            console.print()
        _show(console, table, wide)
    for note in notes:
        console.print(note)
    if not wide and any(column.wide for table in tables for column in table.columns):
        console.print(Text("--wide shows all columns", style="dim"))


def _show(console: Terminal, table: Table, wide: bool) -> None:
    for number, part in enumerate(layout(table, console.width, wide)):
        if number:
            console.print()
        console.print(part)
    for note in table.notes:
        console.print(note)


def table_text(table: Table, width: int = 80) -> str:
    """A table as plain text of a width, with all columns."""
    text = io.StringIO()
    console = Terminal(file=text, width=width, color_system=None, force_terminal=False)
    _show(console, table, wide=True)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def tsv(table: Table) -> str:
    """A table as values with tabs between them: its title, the columns, the rows.

    A column of numbers with deviations is two.
    """
    places = range(len(table.columns))
    two = [any(_deviation(row[place]) is not None for row in table.rows) for place in places]
    heads: list[str] = []
    for column, deviates in zip(table.columns, two, strict=True):
        heads.append(column.head)
        if deviates:
            heads.append(f"deviation of {column.head}")
    said = [table.title, *table.notes] if table.title else table.notes
    lines = [f"# {printable(line, layout='')}" for line in said]
    lines.append("\t".join(_plain(head) for head in heads))
    for row in table.rows:
        cells: list[str] = []
        for cell, deviates in zip(row, two, strict=True):
            cells.append(_plain(cell))
            if deviates:
                cells.append(_plain(_deviation(cell)))
        lines.append("\t".join(cells))
    return "\n".join(lines)


def _deviation(cell: Cell) -> float | None:
    return cell.deviation if isinstance(cell, Number) else None


def _plain(cell: Cell) -> str:
    """A value without the marks that are for the eye; empty where there is none."""
    if isinstance(cell, Number):
        cell = cell.value
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.10g}"
    return printable(cell, layout="").strip() if isinstance(cell, str) else str(cell)
