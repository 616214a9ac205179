"""Tables of numbers as laboratories write them: headers, units, and what stands around them.

The delimiter is that with which most lines are rows of a table. The header is the last line of
words before the first row; a row of units may follow it, as Origin writes it. What stands before
is a preamble. Where a header comes again another block begins, often another device.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from allspin.host.study.fit.reading import cells as cell_text
from allspin.host.study.fit.reading.cells import MAX_MAGNITUDE, is_number
from allspin.host.study.fit.reading.text import Line, read_lines
from allspin.host.study.fit.reading.units import unit_of
from allspin.sim.errors import UserError

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
MAX_COLUMNS = 1000
MAX_CELLS = 1_000_000
MAX_LENGTH = 200
"""Characters of a cell."""
FIRST_LINES = 2000
"""Lines by which the delimiter is told."""
WORDS = 3
"""Lines of words that a header may have: names, units, a comment."""
HEADING = re.compile(r"^(?P<name>.*?)\s*(?:[(\[](?P<unit>[^)\]]*)[)\]]|/\s*(?P<per>\S+))\s*$")
"""A column's name with its unit: ``R_AH (ohm)``, ``R_AH [ohm]``, ``R_AH / ohm``."""
NAMED = re.compile(
    r"^\W*(?:device|sample|dut|bar|chip)(?:[ _](?:name|id|no\.?|number))?\s*[:=\t,;]\s*"
    r"(?P<name>.+)$",
    re.IGNORECASE,
)
"""A line of a preamble that names the device."""


@dataclass(frozen=True)
class Column:
    """A column's heading.

    Attributes
    ----------
    name : str
        Without its unit.
    unit : str
        As it is written; empty if there is none.
    """

    name: str
    unit: str


@dataclass(frozen=True)
class CsvFile:
    """A table as text.

    Attributes
    ----------
    path : Path
        Where it was read.
    columns : tuple of Column
        Its headings.
    rows : list of (int, list of str)
        Line number and cells of each row; as many cells as columns.
    data : bytes
        The file's content, as it is on the disk.
    blocks : list of (int, str)
        Line of each header, and the device that the lines before it name; empty for none.
    notes : list of str
        What else the file has, a line each.
    """

    path: Path
    columns: tuple[Column, ...]
    rows: list[tuple[int, list[str]]]
    data: bytes
    blocks: list[tuple[int, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def fail(self, line: int, message: str) -> UserError:
        """An error that names file and line."""
        return UserError(f"{self.path}: line {line}: {message}")

    def number(self, line: int, cell: str, column: Column) -> float:
        """The number in a cell; NaN where a value is missing or beyond the meter's range.

        Raises
        ------
        UserError
            If there is something else, or a number beyond `MAX_MAGNITUDE`.
        """
        value = cell_text.number(cell)
        if value is None:
            raise self.fail(line, cell_text.wrong(column.name, cell.strip()))
        if abs(value) > MAX_MAGNITUDE:
            raise self.fail(
                line,
                f"{column.name} is {cell.strip()}, and no measurement is beyond "
                f"{MAX_MAGNITUDE:g}; mend or remove the row",
            )
        return value


def _column(heading: str, unit: str) -> Column:
    match = HEADING.match(heading)
    if match is None:
        return Column(heading, unit)
    return Column(match["name"].strip(), (match["unit"] or match["per"] or "").strip() or unit)


def _split(line: Line, delimiter: str) -> list[str]:
    return [cell.strip().strip('"').strip() for cell in line.text.split(delimiter)]


class _Table:
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
            place: _split(line, delimiter)
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
        cells = (split or {}).get(place) or _split(line, self.delimiter)
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


def _best(lines: Sequence[Line]) -> _Table | None:
    """The table by that delimiter with which its rows have most numbers."""
    # A comma may be in a number or a preamble; a tab is rarely in either.
    tables = [_Table(lines, delimiter) for delimiter in reversed(DELIMITERS)]
    whole = [table for table in tables if table.header >= 0]
    return max(whole, key=lambda table: table.numbers) if whole else None


def _plainest(path: Path, lines: Sequence[Line]) -> _Table:
    """A file in which no table was found, by the delimiter of its first line."""
    plain = [place for place, line in enumerate(lines) if not line.comment]
    if not plain:
        raise UserError(f"{path} is empty; give a header line with column names, then rows")
    header = lines[plain[0]]
    delimiter = max(DELIMITERS, key=header.text.count)
    if not header.text.count(delimiter):
        raise UserError(
            f"{path}: line {header.number}: {_short(header.text)} is one column; separate columns "
            "by comma, semicolon or tab"
        )
    table = _Table(lines, delimiter)
    cells = _split(header, delimiter)
    while len(cells) > 2 and not cells[-1]:
        cells.pop()
    if any(map(is_number, cells)):
        raise UserError(
            f"{path}: line {header.number}: the first line has numbers; put a header line with "
            "column names before it, such as pulse,R_AH (ohm)"
        )
    table.header, table.width, table.usual = plain[0], len(cells), (True,) * len(cells)
    return table


class _Rows:
    """Rows of a table below its header, block by block."""

    def __init__(self, path: Path, table: _Table) -> None:
        self.path, self.table = path, table
        self.rows: list[tuple[int, list[str]]] = []
        self.others: list[Line] = []
        self._cells = 0
        lines = table.lines
        self.heading = self.cells(lines[table.header])
        self._heads = [table.header, *self._again()]
        asides = self._asides()
        self.blocks = [
            (lines[head].number, self._device(asides[number]))
            for number, head in enumerate(self._heads)
        ]
        words = {place for aside in asides for place in aside} | set(self._heads)
        start = table.header + 1
        while start < len(lines) and (
            lines[start].comment or (start < table.first and table.words(start) is not None)
        ):
            start += 1
        repeated = {lines[place].text for place in range(table.header + 1, start)}
        for place in range(start, len(lines)):
            line = lines[place]
            if place not in words and not line.comment and line.text not in repeated:
                self._take(line)

    def _again(self) -> list[int]:
        """Places where the header comes again."""
        lines, header = self.table.lines, self.table.lines[self.table.header].text
        return [
            place
            for place in range(self.table.header + 1, len(lines))
            if lines[place].text == header
        ]

    def _asides(self) -> list[list[int]]:
        """Lines before each header that are no rows, by block."""
        table, lines = self.table, self.table.lines
        found = []
        before = -1
        for number, head in enumerate(self._heads):
            aside = []
            for place in range(head - 1, before, -1):
                line = lines[place]
                inside = number and not line.comment and table.delimiter in line.text
                if inside and table.fits(_split(line, table.delimiter), table.usual):
                    break
                aside.insert(0, place)
            found.append(aside)
            before = head
        return found

    def _device(self, aside: list[int]) -> str:
        for place in reversed(aside):
            match = NAMED.match(self.table.lines[place].text)
            if match:
                return match["name"].strip(' \t,;"')[:MAX_LENGTH]
        return ""

    def cells(self, line: Line) -> list[str]:
        """The cells of a line."""
        table = self.table
        count = 1 + line.text.count(table.delimiter)
        self._cells += count
        if self._cells > MAX_CELLS:
            raise UserError(f"{self.path} has more than {MAX_CELLS:,} cells; give it in parts")
        cells = _split(line, table.delimiter)
        longest = max(map(len, cells))
        if longest > MAX_LENGTH:
            raise UserError(
                f"{self.path}: line {line.number}: a cell has {longest} characters, at most "
                f"{MAX_LENGTH} are read; is it a table?"
            )
        while len(cells) > table.width and not cells[-1]:
            cells.pop()
        return cells

    def _take(self, line: Line) -> None:
        cells = self.cells(line)
        width = self.table.width
        if len(cells) == width:
            self.rows.append((line.number, cells))
        elif any(map(is_number, cells)):
            raise UserError(
                f"{self.path}: line {line.number}: it has {len(cells)} cells, but the header has "
                f"{width} (separated by {DELIMITERS[self.table.delimiter]}); mend the line"
            )
        else:
            self.others.append(line)

    def units(self) -> list[str]:
        """The row of units; empty cells where there is none."""
        table = self.table
        for place in range(table.header + 1, max(table.first, 0)):
            if table.is_units(place):
                return [cell.strip("()[] ") for cell in self.cells(table.lines[place])]
        return [""] * table.width


def read_csv(path: Path) -> CsvFile:
    """Read a table.

    Raises
    ------
    UserError
        If it is no such table; the message names file, line and fix.
    """
    data, lines = read_lines(path)
    table = _best(lines) or _plainest(path, lines)
    if table.width > MAX_COLUMNS:
        raise UserError(f"{path} has more than {MAX_COLUMNS:,} columns; give it in parts")
    found = _Rows(path, table)
    if not found.rows:
        raise UserError(f"{path} has a header and no rows; give at least one curve")
    columns = tuple(map(_column, found.heading, found.units()))
    notes = []
    if found.others:
        first = found.others[0]
        count = len(found.others)
        notes.append(
            f"{path}: {count} line{'s' * (count > 1)} of words below the header "
            f"{'are' if count > 1 else 'is'} left out, line {first.number}: {_short(first.text)}"
        )
    return CsvFile(path, columns, found.rows, data, found.blocks, notes)


def _short(text: str) -> str:
    text = text.strip()
    return repr(text if len(text) <= 40 else text[:37] + "...")
