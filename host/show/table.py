"""Tables as plain data: columns with units, and values that are not yet text."""

import io
import math
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.progress import Task, TextColumn
from rich.table import Table as RichTable
from rich.text import Text

from allspin.host.show.say import printable, say
from allspin.sim.errors import UserError, refused
from allspin.sim.files import read_text, write_atomically
from allspin.sim.parameters import Brief

# The part of a document that a command makes anew: what stands between two marks.

MAX_BYTES = 1 << 24
"""Bytes of a document."""


@dataclass(frozen=True)
class Marks:
    """Where that part begins and ends.

    Parameters
    ----------
    begin, end : str
        Each stands once in the document.
    """

    begin: str
    end: str

    def around(self, path: Path) -> tuple[str, str]:
        """What stands before and after them.

        Raises
        ------
        UserError
            If the document cannot be read, or has not both marks once, in order.
        """
        before, begin, rest = read_text(path, "document", MAX_BYTES).partition(self.begin)
        _, end, after = rest.partition(self.end)
        if not begin or not end or self.begin in rest or self.end in before + after:
            raise UserError(f"{path} has not both marks, each once: {self.begin} and {self.end}")
        return before, after

    def fill(self, path: Path, text: str) -> None:
        """Put text between them, in place of what is there.

        Raises
        ------
        UserError
            As `around` does, or if the document cannot be written.
        """
        before, after = self.around(path)
        write_atomically(path, f"{before}{self.begin}\n{text}{self.end}{after}".encode())


# Tables and bars: Rich, without its readings of the text that it is given.


def _encodable(text: str, encoding: str) -> str:
    """A text with escapes for what an encoding lacks, made before columns get their widths."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.replace("±", "+-").encode(encoding, "backslashreplace").decode(encoding)
    return text


class Terminal(Console):
    """Prints text as it is: brackets are no markup, and control characters are escaped.

    Parameters
    ----------
    **options
        Of Rich's console.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Every text that is printed, alone or in a table, comes through here."""
        return super().render_str(_encodable(printable(text), self.encoding), **options)

    def on_broken_pipe(self) -> None:
        """Raise what Rich caught: `allspin.host.cli.main` knows what to do about it."""
        self.quiet = True
        raise


class Words(TextColumn):
    """What a bar says beside itself; a format in which ``task`` is what the bar is of."""

    def __init__(self, text_format: str) -> None:
        super().__init__(text_format, markup=False)

    def render(self, task: Task) -> Text:
        """The words of now."""
        return Text(printable(super().render(task).plain))


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
class TableColumn:
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
class Table(Brief):
    """A table.

    Parameters
    ----------
    title : str
        Above it.
    columns : sequence of TableColumn
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
    columns: Sequence[TableColumn]
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


def shown(cell: Cell, column: TableColumn) -> str:
    """A cell as a person reads it."""
    if isinstance(cell, float):
        return _format(cell, column.form)
    if isinstance(cell, int):
        return f"{cell:,}"
    return "-" if cell is None else str(cell)


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
    columns = (TableColumn("what"), TableColumn("value"), TableColumn("unit"))
    full = [(row[0], row[1], row[2] if len(row) == 3 else "") for row in rows]
    return Table(title, columns, full, headed=False, rules=rules)


def frame(rows: Iterable[Mapping[str, Any]]) -> Any:
    """Rows as a `pandas.DataFrame`; `UserError` where pandas is not installed."""
    with refused(advice=": pip install pandas", kinds=ImportError):
        return import_module("pandas").DataFrame(list(rows))


# Tables that fit a width: words go to the next line, numbers are never broken.

GAP = 2
"""Columns of the terminal between two of the table."""
LONGEST = 30
"""A longer word, such as a path, may be broken where its column has no room."""
NARROW = 14
"""A column of text is not made narrower than this for the others."""


class _Fitted(NamedTuple):
    """A column as a terminal shows it: its widths are the least without breaks, and the most."""

    head: str
    texts: list[str]
    number: bool
    least: int
    most: int


def _longest(words: Iterable[str]) -> int:
    return max((cell_len(word) for word in words), default=0)


def _fitted(table: Table, place: int) -> _Fitted:
    column, number = table.columns[place], table.is_number(place)
    texts = [printable(shown(row[place], column)) for row in table.rows]
    if column.group:
        above = [None, *texts]
        texts = ["" if text == other else text for text, other in zip(texts, above, strict=False)]
    head = f"{column.name}\n{column.unit}".rstrip("\n") if table.headed else ""
    least = longest = _longest(texts)
    if not number:
        words = _longest(word for text in texts for word in text.split())
        least = max(min(LONGEST, words), min(NARROW, longest))
    least, most = max(least, _longest(head.split())), max(longest, _longest(head.split("\n")))
    return _Fitted(printable(head), texts, number, least, most)


def layout(table: Table, width: int, wide: bool = False) -> list[RichTable]:
    """A table as Rich's, in as many parts, one below the other, as the width asks for.

    Each part repeats the columns that say what a row is.

    Parameters
    ----------
    table : Table
        The table.
    width : int
        Columns of the terminal.
    wide : bool
        Whether all columns are shown.
    """
    places = [place for place, column in enumerate(table.columns) if wide or not column.wide]
    if not table.headed:
        places = [place for place in places if any(row[place] != "" for row in table.rows)]
    keys = [_fitted(table, place) for place in places if place < table.keys]
    parts = [[*keys]]
    for column in [_fitted(table, place) for place in places if place >= table.keys]:
        least = sum(each.least + GAP for each in [*parts[-1], column]) - GAP
        if least > width and len(parts[-1]) > len(keys):
            parts.append([*keys])
        parts[-1].append(column)
    return [_part(table, part, width, number == 0) for number, part in enumerate(parts)]


def _part(table: Table, columns: Sequence[_Fitted], width: int, first: bool) -> RichTable:
    widths = [column.most for column in columns]
    for _ in range(sum(widths) + GAP * (len(columns) - 1) - width):
        can = [place for place, column in enumerate(columns) if widths[place] > column.least]
        # A head that is wider than its numbers is the first to be folded.
        spare = [place for place in can if columns[place].number] or can
        if spare:
            widths[max(spare, key=lambda place: widths[place])] -= 1
    made = RichTable(
        title=Text(printable(table.title), style="bold") if table.title and first else None,
        title_justify="left",
        title_style="",
        box=SIMPLE_HEAD,
        show_header=table.headed,
        show_edge=False,
        pad_edge=False,
        padding=(0, GAP - 1, 0, 0),
    )
    for column, given in zip(columns, widths, strict=True):
        justify = "right" if column.number else "left"
        made.add_column(Text(column.head), width=given, justify=justify, overflow="fold")
    for number in range(len(table.rows)):
        if number in table.rules:
            made.add_section()
        made.add_row(*(Text(column.texts[number]) for column in columns))
    return made


# What a command prints: tables for a person, the same as TSV for a program.


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
    said = [table.title, *table.notes] if table.title else table.notes
    lines = [f"# {printable(line, layout='')}" for line in said]
    columns: list[list[Cell]] = []
    for place, column in enumerate(table.columns):
        cells = [row[place] for row in table.rows]
        deviations = [cell.deviation if isinstance(cell, Number) else None for cell in cells]
        columns.append([column.head, *cells])
        if deviations.count(None) < len(deviations):
            columns.append([f"deviation of {column.head}", *deviations])
    lines += ["\t".join(map(_plain, line)) for line in zip(*columns, strict=True)]
    return "\n".join(lines)


def _plain(cell: Cell) -> str:
    """A value without the marks that are for the eye; empty where there is none."""
    if isinstance(cell, Number):
        cell = cell.value
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.10g}"
    return printable(cell, layout="").strip() if isinstance(cell, str) else str(cell)
