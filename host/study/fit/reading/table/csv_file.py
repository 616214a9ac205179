"""Tables of numbers as laboratories write them: headers, units, and what stands around them.

The delimiter is that with which most lines are rows of a table. The header is the last line of
words before the first row; a row of units may follow it, as Origin writes it. What stands before
is a preamble. Where a header comes again another block begins, often another device.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from allspin.host.study.fit.reading.table import cells as cell_text
from allspin.host.study.fit.reading.table.cells import MAX_MAGNITUDE, is_number
from allspin.host.study.fit.reading.table.layout import (
    DELIMITERS,
    FIRST_LINES,
    Layout,
    best,
    plainest,
    short,
    split_line,
)
from allspin.host.study.fit.reading.table.text import Limits, Line, read_lines
from allspin.sim.errors import UserError

MAX_COLUMNS = 1000
MAX_LENGTH = 200
"""Characters of a cell."""
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
    preamble : list of list of str
        Lines before each header, by block.
    """

    path: Path
    columns: tuple[Column, ...]
    rows: list[tuple[int, list[str]]]
    data: bytes
    blocks: list[tuple[int, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    preamble: list[list[str]] = field(default_factory=list)

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


class _Rows:
    """Rows of a table below its header, block by block."""

    def __init__(self, path: Path, table: Layout, limit: int) -> None:
        self.path, self.table, self.limit = path, table, limit
        self.rows: list[tuple[int, list[str]]] = []
        self.others: list[Line] = []
        self._cells = 0
        lines = table.lines
        self.heading = self.cells(lines[table.header])
        self._heads = [table.header, *self._again()]
        asides = self._asides()
        self.preamble = [[lines[place].text for place in aside] for aside in asides]
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
                if inside and table.fits(split_line(line, table.delimiter), table.usual):
                    break
                aside.append(place)
            found.append(aside[::-1])
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
        if self._cells > self.limit:
            raise _too_many_cells(self.path, self.limit)
        cells = split_line(line, table.delimiter)
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


def _check_cells(path: Path, lines: list[Line], limit: int) -> None:
    """Raise if the lines by which the delimiter is told would take long to split."""
    for delimiter in DELIMITERS:
        if sum(line.text.count(delimiter) for line in lines[:FIRST_LINES]) > limit:
            raise _too_many_cells(path, limit)


def _too_many_cells(path: Path, limit: int) -> UserError:
    return UserError(f"{path} has more than {limit:,} cells; give it in parts")


def read_csv(path: Path, limits: Limits | None = None) -> CsvFile:
    """Read a table.

    Parameters
    ----------
    path : Path
        The file.
    limits : Limits, optional
        How large it may be (those of a measurement).

    Raises
    ------
    UserError
        If it is no such table; the message names file, line and fix.
    """
    limits = limits or Limits()
    data, lines = read_lines(path, limits)
    _check_cells(path, lines, limits.cells)
    table = best(lines) or plainest(path, lines)
    if table.width > MAX_COLUMNS:
        raise UserError(f"{path} has more than {MAX_COLUMNS:,} columns; give it in parts")
    found = _Rows(path, table, limits.cells)
    if not found.rows:
        raise UserError(f"{path} has a header and no rows; give at least one curve")
    columns = tuple(map(_column, found.heading, found.units()))
    notes = []
    if found.others:
        first = found.others[0]
        count = len(found.others)
        notes.append(
            f"{path}: {count} line{'s' * (count > 1)} of words below the header "
            f"{'are' if count > 1 else 'is'} left out, line {first.number}: {short(first.text)}"
        )
    return CsvFile(path, columns, found.rows, data, found.blocks, notes, found.preamble)
