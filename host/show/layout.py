"""Tables that fit a width: words go to the next line, numbers are never broken."""

from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.table import Table as RichTable
from rich.text import Text

from allspin.host.show.say import printable
from allspin.host.show.table import Table, shown

GAP = 2
"""Columns of the terminal between two of the table."""
LONGEST = 30
"""A longer word, such as a path, may be broken where its column has no room."""
NARROW = 14
"""A column of text is not made narrower than this for the others."""


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
    texts = {place: _texts(table, place) for place in places}
    least = {place: _least(table, place, texts[place]) for place in places}
    keys = [place for place in places if place < table.keys]
    parts = _parts(keys, [place for place in places if place not in keys], least, width)
    return [
        _part(table, part, texts, _widths(table, part, texts, width), number == 0)
        for number, part in enumerate(parts)
    ]


def _texts(table: Table, place: int) -> list[str]:
    """A column's cells, as they are shown."""
    column = table.columns[place]
    texts = [printable(shown(row[place], column)) for row in table.rows]
    if not column.group:
        return texts
    return [
        "" if number and text == texts[number - 1] else text for number, text in enumerate(texts)
    ]


def _head(table: Table, place: int) -> str:
    column = table.columns[place]
    return f"{column.name}\n{column.unit}" if column.unit else column.name


def _longest(words: Iterable[str]) -> int:
    return max((cell_len(word) for word in words), default=0)


def _least(table: Table, place: int, texts: Sequence[str]) -> int:
    """The fewest columns of the terminal in which nothing is broken that must not be."""
    head = _longest(_head(table, place).split()) if table.headed else 0
    if table.is_number(place):
        return max(head, _longest(texts))
    words = min(LONGEST, _longest(word for text in texts for word in text.split()))
    return max(head, words, min(NARROW, _longest(texts)))


def _parts(
    keys: Sequence[int], others: Sequence[int], least: dict[int, int], width: int
) -> list[list[int]]:
    """Columns of each part; every part begins with the keys."""
    parts = [[*keys]]
    begin = taken = sum(least[place] + GAP for place in keys) - GAP
    for place in others:
        if taken + GAP + least[place] > width and len(parts[-1]) > len(keys):
            parts.append([*keys])
            taken = begin
        parts[-1].append(place)
        taken += GAP + least[place]
    return parts


def _widths(
    table: Table, places: Sequence[int], texts: dict[int, list[str]], width: int
) -> dict[int, int]:
    """Widths of a part's columns: what they would take, less what the widest texts can give."""
    widths = {}
    for place in places:
        heads = _head(table, place).split("\n") if table.headed else []
        widths[place] = max(_longest(texts[place]), _longest(heads))
    least = {place: _least(table, place, texts[place]) for place in places}
    over = sum(widths.values()) + GAP * (len(places) - 1) - width
    while over > 0:
        can = [place for place in places if widths[place] > least[place]]
        if not can:
            break
        # A head that is wider than its numbers is the first to be folded.
        spare = [place for place in can if table.is_number(place)]
        widest = max(spare or can, key=lambda place: widths[place])
        widths[widest] -= 1
        over -= 1
    return widths


def _part(
    table: Table,
    places: Sequence[int],
    texts: dict[int, list[str]],
    widths: dict[int, int],
    first: bool,
) -> RichTable:
    title = Text(printable(table.title), style="bold") if table.title and first else None
    made = RichTable(
        title=title,
        title_justify="left",
        title_style="",
        box=SIMPLE_HEAD,
        show_header=table.headed,
        show_edge=False,
        pad_edge=False,
        padding=(0, GAP - 1, 0, 0),
    )
    for place in places:
        number = table.is_number(place)
        made.add_column(
            Text(printable(_head(table, place))),
            width=widths[place],
            justify="right" if number else "left",
            overflow="fold",
        )
    for number in range(len(table.rows)):
        if number in table.rules:
            made.add_section()
        made.add_row(*(Text(texts[place][number]) for place in places))
    return made
