"""Tables of numbers as laboratories write them: headers, units, and what stands around them.

The delimiter is that with which most lines are rows of a table. The header is the last line of
words before the first row; a row of units may follow it, as Origin writes it. What stands before
is a preamble. Where a header comes again another block begins, often another device.
"""

import csv
import gzip
import io
import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from allspin.host.data.arrays import DAMAGED_GZIP
from allspin.host.fit.quantities import MAX_MAGNITUDE, is_number, number, unit_of
from allspin.sim.errors import UserError
from allspin.sim.files import read_file

COMMENTS = "#%"
"""What a line of comment starts with."""
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
FIRST_LINES = 2000
"""Lines by which the delimiter is told."""
WORDS = 3
"""Lines of words that a header may have: names, units, a comment."""
MAX_COLUMNS = 1000
MAX_LENGTH = 200
"""Characters of a cell."""
HEADING = re.compile(r"(?P<name>.*?)\s*(?:[(\[](?P<unit>[^)\]]*)[)\]]|/\s*(?P<per>\S+))\s*")
"""A column's name with its unit: ``R_AH (ohm)``, ``R_AH [ohm]``, ``R_AH / ohm``."""
NAMED = re.compile(
    r"^\W*(?:device|sample|dut|bar|chip)(?:[ _](?:name|id|no\.?|number))?\s*[:=\t,;]\s*"
    r"(?P<name>.+)$",
    re.IGNORECASE,
)
"""A line of a preamble that names the device."""


@dataclass(frozen=True)
class Limits:
    """How large a table may be; by default that of a measurement.

    Parameters
    ----------
    size : int
        Bytes, also unpacked.
    lines : int
        Lines: 500 cycles of 200 pulses both ways.
    cells : int
        Cells of all lines.
    """

    size: int = 1 << 25
    lines: int = 200_000
    cells: int = 1_000_000


class Column(NamedTuple):
    """A column's heading: its name without the unit, and the unit as written, or nothing."""

    name: str
    unit: str


class Block(NamedTuple):
    """One of a file's tables: its header's line, the device that is named before it, and how.

    Attributes
    ----------
    line : int
        Of the header.
    device : str
        As a line before it has it; empty for none.
    preamble : list of str
        The lines before it.
    """

    line: int
    device: str
    preamble: list[str]


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
    blocks : list of Block
        Its tables one after another, of the same columns.
    notes : list of str
        What else the file has, a line each.
    """

    path: Path
    columns: tuple[Column, ...]
    rows: list[tuple[int, list[str]]]
    data: bytes
    blocks: list[Block] = field(default_factory=list)
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
        value = number(cell)
        if value is None or abs(value) > MAX_MAGNITUDE:
            raise self.fail(
                line,
                f"{column.name} is {cell.strip()!r}; give a number of at most {MAX_MAGNITUDE:g}, "
                "with its unit in the header, as in R_AH (ohm)",
            )
        return value

    def block_of(self, line: int) -> int:
        """Which block a line is in; 0 where there are none."""
        return max(sum(block.line < line for block in self.blocks) - 1, 0)


class Line(NamedTuple):
    """A line that is not blank: its number from 1, its text without the sign of a comment."""

    number: int
    text: str
    comment: bool


class _Layout:
    """A file's lines by one delimiter: which of them are header and rows.

    Attributes
    ----------
    usual : tuple of bool
        Which cells of most rows are numbers.
    header, first : int
        Places of the header and of the first row among the lines; -1 if there are none.
    numbers : int
        Numbers in the rows among the first lines.
    """

    def __init__(self, lines: Sequence[Line], delimiter: str) -> None:
        self.lines, self.delimiter = lines, delimiter
        self.header = self.first = -1
        self.numbers = 0
        self.usual: tuple[bool, ...] = ()
        shapes: dict[int, tuple[bool, ...]] = {}
        for place, line in enumerate(lines[:FIRST_LINES]):
            cells = self.cells(line)
            if line.comment or len(cells) < 2:
                continue
            if len(cells) > 2 and not cells[-1]:
                cells.pop()  # a delimiter at the line's end
            shapes[place] = tuple(map(is_number, cells))
        counts = Counter(shape for shape in shapes.values() if any(shape))
        if counts:
            self.usual = counts.most_common(1)[0][0]
            rows = [
                place
                for place, shape in shapes.items()
                if any(shape) and self.is_row(self.lines[place])
            ]
            self.numbers = len(rows) * sum(self.usual)
            self._find_header(rows)

    def cells(self, line: Line) -> list[str]:
        """The cells of a line, without empty ones beyond a row's."""
        # A quote that is not closed is part of no text.
        quoting = csv.QUOTE_NONE if line.text.count('"') % 2 else csv.QUOTE_MINIMAL
        reader = csv.reader(
            [line.text], delimiter=self.delimiter, quoting=quoting, skipinitialspace=True
        )
        try:
            split = next(reader)
        except csv.Error:
            split = [line.text]  # a cell longer than any
        cells = [cell.strip(' \t"') for cell in split]
        while self.usual and len(cells) > len(self.usual) and not cells[-1]:
            cells.pop()
        return cells

    def is_row(self, line: Line) -> bool:
        """Whether a line has a number, or nothing, where most rows have one."""
        cells = self.cells(line)
        return len(cells) == len(self.usual) and all(
            not usual or not cell or is_number(cell)
            for cell, usual in zip(cells, self.usual, strict=True)
        )

    def words(self, place: int) -> list[str] | None:
        """The cells of a line that may be a header: as many as a row has, and no number."""
        cells = self.cells(self.lines[place])
        if len(cells) != len(self.usual) or not any(cells) or any(map(is_number, cells)):
            return None
        return cells

    def units(self, place: int) -> list[str] | None:
        """The cells of a row of units."""
        cells = [cell.strip("()[] ") for cell in self.words(place) or []]
        known = any(cells) and all(unit_of(cell) is not None for cell in cells)
        return cells if known else None

    def _find_header(self, rows: list[int]) -> None:
        """The first row that has words above it; those of a comment, if there are no others."""
        for comments in (False, True):
            for first in rows:
                group: list[int] = []
                for place in range(first - 1, -1, -1):
                    if self.lines[place].comment != comments:
                        continue
                    if len(group) == WORDS or self.words(place) is None:
                        break
                    group.insert(0, place)
                if group:
                    self.first, self.header = first, group[-1]
                    below = [place for place in group[1:] if self.units(place)]
                    if below:
                        self.header = group[group.index(below[0]) - 1]
                    return


def read_lines(path: Path, limits: Limits) -> tuple[bytes, list[Line]]:
    """A file's content, as it is on the disk, and its lines, unpacked.

    Raises
    ------
    UserError
        If it cannot be read, is no text, or is larger than the limits.
    """
    data = read_file(path, "CSV file", limits.size)
    text = data
    if data.startswith(b"\x1f\x8b"):
        try:
            text = gzip.GzipFile(fileobj=io.BytesIO(data)).read(limits.size + 1)
        except DAMAGED_GZIP:
            raise UserError(f"{path} is a damaged gzip file; pack it anew") from None
        if len(text) > limits.size:
            raise UserError(
                f"{path} is too large for a CSV file: it unpacks to more than {limits.size:,} bytes"
            )
    lines = []
    for place, line in enumerate(io.StringIO(_decode(path, text), newline=None), 1):
        if place > limits.lines:
            raise UserError(f"{path} has more than {limits.lines:,} lines; give it in parts")
        stripped = line.strip()
        comment = stripped.startswith(tuple(COMMENTS))
        # Tabs at either end are empty cells.
        bare = stripped.lstrip(COMMENTS).strip() if comment else line.rstrip("\r\n")
        if stripped:
            lines.append(Line(place, bare, comment))
    return data, lines


def _decode(path: Path, data: bytes) -> str:
    """The text of a file, in whichever code it is written."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ["utf-16"]
    elif b"\0" in data[:4096]:
        encodings = []
    else:
        # Old instruments write the degree and micro signs in the code of the West.
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not re.search(r"[\0-\x08\x0e-\x1f]", text[:4096]):
            return text
    raise UserError(f"{path} is not a CSV file but a binary one; export the table as text first")


def _lay_out(path: Path, lines: Sequence[Line]) -> _Layout:
    """The table by that delimiter with which its rows have most numbers."""
    # A comma may be in a number or a preamble; a tab is rarely in either.
    layouts = [_Layout(lines, delimiter) for delimiter in reversed(DELIMITERS)]
    found = [layout for layout in layouts if layout.header >= 0]
    if found:
        return max(found, key=lambda layout: layout.numbers)
    # No table was found. What is wrong is told by that of the first line.
    header = next((place for place, line in enumerate(lines) if not line.comment), None)
    if header is None:
        raise UserError(f"{path} is empty; give a header line with column names, then rows")
    line = lines[header]
    layout = _Layout([], max(DELIMITERS, key=line.text.count))
    cells = layout.cells(line)
    while len(cells) > 2 and not cells[-1]:
        cells.pop()
    layout.lines, layout.header, layout.usual = lines, header, (True,) * len(cells)
    if len(cells) < 2:
        raise UserError(
            f"{path}: line {line.number}: {_short(line.text)} is one column; separate columns by "
            "comma, semicolon or tab"
        )
    if any(map(is_number, cells)):
        raise UserError(
            f"{path}: line {line.number}: the first line has numbers; put a header line with "
            "column names before it, such as pulse,R_AH (ohm)"
        )
    return layout


def _short(text: str) -> str:
    """A text as messages show it."""
    text = text.strip()
    return repr(text if len(text) <= 40 else text[:37] + "...")


def _blocks(layout: _Layout) -> tuple[list[Block], list[Line]]:
    """The blocks, and the lines that are below a header and before the next one's preamble."""
    lines = layout.lines
    texts = [line.text for line in lines]
    heads = [place for place, text in enumerate(texts) if text == texts[layout.header]]
    heads = [place for place in heads if place >= layout.header]
    asides = [lines[: layout.header]]
    bodies: list[Line] = []
    for head, end in itertools.pairwise([*heads, len(lines)]):
        last = end
        while end < len(lines) and last > head + 1:
            if not lines[last - 1].comment and layout.is_row(lines[last - 1]):
                break
            last -= 1
        bodies += lines[head + 1 : last]
        asides.append(lines[last:end])
    blocks = []
    for head, aside in zip(heads, asides, strict=False):
        preamble = [line.text for line in aside]
        names = [match["name"] for match in map(NAMED.match, reversed(preamble)) if match]
        device = names[0].strip(' \t,;"')[:MAX_LENGTH] if names else ""
        blocks.append(Block(lines[head].number, device, preamble))
    return blocks, bodies


def _checked_cells(path: Path, layout: _Layout, line: Line) -> list[str]:
    cells = layout.cells(line)
    longest = max(map(len, cells))
    if longest > MAX_LENGTH:
        raise UserError(
            f"{path}: line {line.number}: a cell has {longest} characters, at most {MAX_LENGTH} "
            "are read; is it a table?"
        )
    return cells


def _columns(path: Path, layout: _Layout) -> tuple[Column, ...]:
    """The headings, with units of their own or those of a row of units."""
    found = []
    below = filter(None, map(layout.units, range(layout.header + 1, max(layout.first, 0))))
    units = next(below, [""] * len(layout.usual))
    names = _checked_cells(path, layout, layout.lines[layout.header])
    for heading, unit in zip(names, units, strict=True):
        match = HEADING.fullmatch(heading)
        if match is None:
            found.append(Column(heading, unit))
            continue
        own = (match["unit"] or match["per"] or "").strip()
        found.append(Column(match["name"].strip(), own or unit))
    return tuple(found)


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
    if any(sum(line.text.count(one) for line in lines) > limits.cells for one in DELIMITERS):
        raise UserError(f"{path} has more than {limits.cells:,} cells; give it in parts")
    layout = _lay_out(path, lines)
    width = len(layout.usual)
    if width > MAX_COLUMNS:
        raise UserError(f"{path} has more than {MAX_COLUMNS:,} columns; give it in parts")
    columns = _columns(path, layout)
    blocks, bodies = _blocks(layout)
    # Units and comments below the header, wherever it comes again.
    below = {
        lines[place].text
        for place in range(layout.header + 1, layout.first)
        if layout.words(place) is not None
    }
    rows: list[tuple[int, list[str]]] = []
    others: list[Line] = []
    for line in bodies:
        if line.comment or line.text in below:
            continue
        cells = _checked_cells(path, layout, line)
        if len(cells) == width:
            rows.append((line.number, cells))
        elif any(map(is_number, cells)):
            raise UserError(
                f"{path}: line {line.number}: it has {len(cells)} cells, but the header has "
                f"{width} (separated by {DELIMITERS[layout.delimiter]}); mend the line"
            )
        else:
            others.append(line)
    if not rows:
        raise UserError(f"{path} has a header and no rows; give at least one curve")
    notes = []
    if others:
        are = (
            "s of words below the header are"
            if len(others) > 1
            else " of words below the header is"
        )
        notes.append(
            f"{path}: {len(others)} line{are} left out, line {others[0].number}: "
            f"{_short(others[0].text)}"
        )
    return CsvFile(path, columns, rows, data, blocks, notes)
