"""Property of every table: it fits the terminal's width, and no number is broken."""

import io
import re

from allspin.host.show.table import Table, shown
from allspin.host.show.terminal import Terminal, layout

NUMBER = re.compile(r"[-+]?\d[\d,]*\.?\d*(?:e[-+]?\d+)?%?")


def printed(table: Table, width: int, wide: bool) -> str:
    """The table as a terminal of a width shows it."""
    text = io.StringIO()
    console = Terminal(file=text, width=width, color_system=None)
    for part in layout(table, width, wide):
        console.print(part)
    return text.getvalue()


def check_whole(*tables: Table) -> None:
    """No line is wider than the terminal, and each number of each cell stands in one line."""
    for table in tables:
        for width in (80, 120):
            for wide in (False, True):
                _check(table, width, wide)


def _check(table: Table, width: int, wide: bool) -> None:
    lines = printed(table, width, wide).splitlines()
    assert max(map(len, lines)) <= width, table.title
    words = {word for line in lines for word in NUMBER.findall(line)}
    for row in table.rows:
        for cell, column in zip(row, table.columns, strict=True):
            if column.wide and not wide:
                continue
            for number in NUMBER.findall(shown(cell, column)):
                assert number in words, (table.title, width, number)
