"""Which of a file's lines are rows, which is their header, and what separates their cells."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from allspin.host.study.fit.reading.table.cells import is_number
from allspin.host.study.fit.reading.table.text import Line
from allspin.host.study.fit.reading.table.units import unit_of
from allspin.sim.errors import UserError

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
FIRST_LINES = 2000
"""Lines by which the delimiter is told."""
WORDS = 3
"""Lines of words that a header may have: names, units, a comment."""


def split_line(line: Line, delimiter: str) -> list[str]:
    """The cells of a line, without quotes."""
    return [cell.strip().strip('"').strip() for cell in line.text.split(delimiter)]


class Layout:
    """A file's lines in cells, by one delimiter, and which of them are what.

    Attributes
    ----------
    width : int
        Cells of a row.
    header, first : int
        Places of the header and of the first row among the lines; -1 if there are none.
    numbers : int
        Numbers in the rows among the first lines.
    """

    def __init__(self, lines: Sequence[Line], delimiter: str) -> None:
        self.lines, self.delimiter = lines, delimiter
        self.header = self.first = -1
        self.width = self.numbers = 0
        split = {
            place: split_line(line, delimiter)
            for place, line in enumerate(lines[:FIRST_LINES])
            if not line.comment and delimiter in line.text
        }
        # Numbers and words of a line, by column: most rows have one pattern.
        shapes = {
            place: tuple(map(is_number, self._trimmed(cells))) for place, cells in split.items()
        }
        counts = Counter(shape for shape in shapes.values() if any(shape))
        if not counts:
            return
        usual = counts.most_common(1)[0][0]
        self.width = len(usual)
        rows = [
            place
            for place, cells in split.items()
            if self.fits(cells, usual) and any(shapes[place])
        ]
        self.numbers = len(rows) * sum(usual)
        self.usual = usual
        self._find_header(rows, split)

    def _trimmed(self, cells: list[str]) -> list[str]:
        """Without an empty cell behind a delimiter at the line's end."""
        return cells[:-1] if len(cells) > 2 and not cells[-1] else cells

    def fits(self, cells: list[str], usual: tuple[bool, ...]) -> bool:
        """Whether cells are a row: where others have a number there is one, or nothing."""
        cells = cells[: self.width] if not any(cells[self.width :]) else cells
        return len(cells) == self.width and all(
            not number or not cell or is_number(cell)
            for cell, number in zip(cells, usual, strict=True)
        )

    def words(self, place: int, split: dict[int, list[str]] | None = None) -> list[str] | None:
        """The cells of a line that may be a header: as many as a row has, and no number."""
        line = self.lines[place]
        if self.delimiter not in line.text:
            return None
        cells = (split or {}).get(place) or split_line(line, self.delimiter)
        while len(cells) > self.width and not cells[-1]:
            cells = cells[:-1]
        there = len(cells) == self.width and any(cells)
        return cells if there and not any(map(is_number, cells)) else None

    def _find_header(self, rows: list[int], split: dict[int, list[str]]) -> None:
        """The first row that has words above it; those of a comment, if there are no others."""
        for comments in (False, True):
            for first in rows:
                group: list[int] = []
                for place in range(first - 1, -1, -1):
                    if self.lines[place].comment != comments:
                        continue
                    if self.words(place, split) is None or len(group) == WORDS:
                        break
                    group.insert(0, place)
                if group:
                    self.first, self.header = first, self._names(group)
                    return

    def _names(self, group: list[int]) -> int:
        """Of some lines of words before a row, that with the columns' names."""
        for place in group[1:]:
            if self.is_units(place):
                return group[group.index(place) - 1]
        return group[-1]

    def is_units(self, place: int) -> bool:
        """Whether a line is a row of units."""
        cells = self.words(place) or []
        bare = [cell.strip("()[] ") for cell in cells]
        return any(bare) and all(unit_of(cell) is not None for cell in bare)


def best(lines: Sequence[Line]) -> Layout | None:
    """The table by that delimiter with which its rows have most numbers."""
    # A comma may be in a number or a preamble; a tab is rarely in either.
    tables = [Layout(lines, delimiter) for delimiter in reversed(DELIMITERS)]
    whole = [table for table in tables if table.header >= 0]
    return max(whole, key=lambda table: table.numbers) if whole else None


def plainest(path: Path, lines: Sequence[Line]) -> Layout:
    """A file in which no table was found, by the delimiter of its first line."""
    plain = [place for place, line in enumerate(lines) if not line.comment]
    if not plain:
        raise UserError(f"{path} is empty; give a header line with column names, then rows")
    header = lines[plain[0]]
    delimiter = max(DELIMITERS, key=header.text.count)
    if not header.text.count(delimiter):
        raise UserError(
            f"{path}: line {header.number}: {short(header.text)} is one column; separate columns "
            "by comma, semicolon or tab"
        )
    table = Layout(lines, delimiter)
    cells = split_line(header, delimiter)
    while len(cells) > 2 and not cells[-1]:
        cells.pop()
    if any(map(is_number, cells)):
        raise UserError(
            f"{path}: line {header.number}: the first line has numbers; put a header line with "
            "column names before it, such as pulse,R_AH (ohm)"
        )
    table.header, table.width, table.usual = plain[0], len(cells), (True,) * len(cells)
    return table


def short(text: str) -> str:
    """A text as messages show it."""
    text = text.strip()
    return repr(text if len(text) <= 40 else text[:37] + "...")
