"""Tables in a terminal: columns that fit its width, with text folded and numbers whole."""

import io
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.progress import Task, TextColumn
from rich.table import Table as RichTable
from rich.text import Text

from allspin.host.show.say import printable, say
from allspin.host.show.table import Table, shown
from allspin.host.show.table_files import tsv

GAP = 2
"""Characters between two columns of a table."""
LONGEST = 30
"""Longest word that is never broken; a longer one, such as a path, may be."""
NARROW = 14
"""Least width of a column of text."""


class Terminal(Console):
    """Rich console that prints text as it is: no markup, control characters escaped.

    Parameters
    ----------
    **options
        Parameters of `rich.console.Console`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Render a text, alone or in a table, with escapes for control characters."""
        return super().render_str(_encodable(printable(text), self.encoding), **options)

    def on_broken_pipe(self) -> None:
        """Raise the error that Rich caught, for `allspin.host.cli.main` to handle."""
        self.quiet = True
        raise


def _encodable(text: str, encoding: str) -> str:
    """Escape characters that an encoding lacks, before columns get their widths."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.replace("±", "+-").encode(encoding, "backslashreplace").decode(encoding)
    return text


class Words(TextColumn):
    """Text beside a progress bar, from a format with the bar's ``task``."""

    def __init__(self, text_format: str) -> None:
        super().__init__(text_format, markup=False)

    def render(self, task: Task) -> Text:
        """Return the present text."""
        return Text(printable(super().render(task).plain))


@dataclass(frozen=True)
class _FittedColumn:
    """Column as text, with its width without breaks in words and without breaks in lines."""

    head: str
    texts: list[str]
    number: bool
    least: int
    most: int


def _longest(words: Iterable[str]) -> int:
    return max((cell_len(word) for word in words), default=0)


def _fitted(table: Table, place: int) -> _FittedColumn:
    column = table.columns[place]
    number = table.is_number(place)
    texts = [printable(shown(row[place], column)) for row in table.rows]
    if column.group:
        above = [None, *texts]
        texts = ["" if text == other else text for text, other in zip(texts, above, strict=False)]
    longest = _longest(texts)
    least = longest
    if not number:
        word = _longest(word for text in texts for word in text.split())
        least = max(min(LONGEST, word), min(NARROW, longest))
    head = f"{column.name}\n{column.unit}".rstrip("\n") if table.headed else ""
    least = max(least, _longest(head.split()))
    most = max(longest, _longest(head.split("\n")))
    return _FittedColumn(printable(head), texts, number, least, most)


def layout(table: Table, width: int, wide: bool = False) -> list[RichTable]:
    """Lay a table out as Rich's tables, as many below one another as the width requires.

    Each repeats the columns that name a row.

    Parameters
    ----------
    table : Table
        The table.
    width : int
        Characters of a line.
    wide : bool
        True for all columns.
    """
    places = [place for place, column in enumerate(table.columns) if wide or not column.wide]
    if not table.headed:
        places = [place for place in places if any(row[place] != "" for row in table.rows)]
    keys = [_fitted(table, place) for place in places if place < table.keys]
    parts = [[*keys]]
    for place in places:
        if place < table.keys:
            continue
        column = _fitted(table, place)
        least = sum(each.least + GAP for each in [*parts[-1], column]) - GAP
        if least > width and len(parts[-1]) > len(keys):
            parts.append([*keys])
        parts[-1].append(column)
    return [_part(table, part, width, number == 0) for number, part in enumerate(parts)]


def _widths(columns: Sequence[_FittedColumn], width: int) -> list[int]:
    """Share a line's width between columns, by shrinking the widest of them."""
    widths = [column.most for column in columns]
    for _ in range(sum(widths) + GAP * (len(columns) - 1) - width):
        shrinkable = [n for n, column in enumerate(columns) if widths[n] > column.least]
        if not shrinkable:
            break
        # A head that is wider than its numbers is the first to be folded.
        first = [n for n in shrinkable if columns[n].number] or shrinkable
        widths[max(first, key=lambda n: widths[n])] -= 1
    return widths


def _part(table: Table, columns: Sequence[_FittedColumn], width: int, first: bool) -> RichTable:
    part = RichTable(
        title=Text(printable(table.title), style="bold") if table.title and first else None,
        title_justify="left",
        title_style="",
        box=SIMPLE_HEAD,
        show_header=table.headed,
        show_edge=False,
        pad_edge=False,
        padding=(0, GAP - 1, 0, 0),
    )
    for column, given in zip(columns, _widths(columns, width), strict=True):
        justify = "right" if column.number else "left"
        part.add_column(Text(column.head), width=given, justify=justify, overflow="fold")
    for number in range(len(table.rows)):
        if number in table.rules:
            part.add_section()
        part.add_row(*(Text(column.texts[number]) for column in columns))
    return part


def print_tables(tables: Sequence[Table], notes: Iterable[str] = (), *, wide: bool = False) -> None:
    """Print tables and notes to stdout.

    A terminal gets tables of its width. Any other stdout gets TSV with all columns and
    numbers that are not rounded: titles and notes follow ``#``, an empty line parts two tables.

    Parameters
    ----------
    tables : sequence of Table
        Tables, one below the other.
    notes : iterable of str
        Lines below them.
    wide : bool
        True for all columns in a terminal.
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
        _print_table(console, table, wide)
    for note in notes:
        console.print(note)
    if not wide and any(column.wide for table in tables for column in table.columns):
        console.print(Text("| cat shows all columns", style="dim"))


def _print_table(console: Terminal, table: Table, wide: bool) -> None:
    for number, part in enumerate(layout(table, console.width, wide)):
        if number:
            console.print()
        console.print(part)
    for note in table.notes:
        console.print(note)


def table_text(table: Table, width: int = 80) -> str:
    """Return a table as plain text of a width, with all columns."""
    text = io.StringIO()
    console = Terminal(file=text, width=width, color_system=None, force_terminal=False)
    _print_table(console, table, wide=True)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"
