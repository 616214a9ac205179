"""Tables in text files as laboratories write them: header, units, rows, preambles.

The delimiter is the one by which most lines are rows of a table. The header is the last line of
words before the first row; a row of units may follow it, as Origin writes it. The lines before it
are a preamble. A repeated header begins another block, often of another device.
"""

import bisect
import contextlib
import csv
import gzip
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from allspin.host.data.arrays import DAMAGED_GZIP
from allspin.host.lab.facts import Fact, quantities, stem
from allspin.host.lab.quantities import MAX_MAGNITUDE, is_number, number, unit_of
from allspin.sim.errors import UserError
from allspin.sim.files import read_file
from allspin.sim.synapse.response import Array

COMMENTS = "#%"
"""Characters that begin a comment line."""
DELIMITERS = {"\t": "tab", ";": "semicolon", ",": "comma"}
"""Delimiters by priority: a comma may be in a number or a preamble, a tab rarely is."""
MAX_COLUMNS = 1000
FIRST_LINES = 2000
"""Lines by which the delimiter and the shape of a row are found."""
MAX_LENGTH = 200
"""Largest number of characters in a cell."""
BRACKETS = re.compile(r"(.*?)\s*[(\[]([^)\]]*)[)\]]\s*(.*)")
"""Heading with its unit in brackets: ``R_AH (ohm)``, ``R_AH [ohm]``."""
ENDINGS = re.compile(
    r"(?P<name>.+?)(?:\s*/\s*(?P<per>(?!d$)\S+)|[\s_]+(?P<unit>(?!min$)[^\s_/]{2,}|"
    r"(?<=[tepy].)[sK]|(?<=[it].)A))",
    re.IGNORECASE,
)
"""Heading that ends with its unit: ``R_AH / ohm``, ``Rxy_mOhm``, ``T_K``, ``Current_A``."""
NAMED = re.compile(
    r"^(?:.*[,;])?\W*(?P<what>device|dut|bar|sample|chip)(?:[ _](?:name|id|no\.?|number))?"
    r"(?:\s*[:=\t,;]\s*(?P<name>.+)|\s+(?P<word>\w*\d\w*)\s*(?:[,;].*)?)$",
    re.IGNORECASE,
)
"""Line of a preamble that names the device."""


class Heading(NamedTuple):
    """Heading of a column: its name without the unit, and the unit as written, or empty."""

    name: str
    unit: str


class Block(NamedTuple):
    """One of a file's tables.

    Attributes
    ----------
    line : int
        Line number of the header.
    device : str
        Name in a line before the table; empty if no line has one.
    preamble : list of str
        The lines before the table.
    names_device : bool
        True if that line speaks of a device; a sample or chip may have several.
    """

    line: int
    device: str
    preamble: list[str]
    names_device: bool = False


@dataclass(frozen=True)
class CsvFile:
    """Table as text.

    Attributes
    ----------
    path : Path
        File that it was read from.
    columns : list of Heading
        Its headings.
    rows : list of (int, list of str)
        Line number and cells of each row; as many cells as columns.
    data : bytes
        The file's content on the disk.
    blocks : list of Block
        Its tables one after another, of the same columns.
    notes : list of str
        Remarks on lines that are left out.
    """

    path: Path
    columns: list[Heading]
    rows: list[tuple[int, list[str]]]
    data: bytes
    blocks: list[Block] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def fail(self, line: int, message: str) -> UserError:
        """Return an error that names file and line."""
        return UserError(f"{self.path}: line {line}: {message}")

    def cells(self, place: int, rows: Iterable[int] | None = None) -> list[str]:
        """Return a column's cells in the given rows, or in all."""
        if rows is None:
            return [cells[place] for _, cells in self.rows]
        return [self.rows[row][1][place] for row in rows]

    def values(self, place: int, rows: Iterable[int] | None = None) -> Array:
        """Return a column's numbers in the given rows, or in all.

        A missing value, or one out of the meter's range, is NaN.

        Raises
        ------
        UserError
            If a cell has other text, or a number beyond `MAX_MAGNITUDE`.
        """
        rows = range(len(self.rows)) if rows is None else list(rows)
        cells = self.cells(place, rows)
        numbers = list(map(number, cells))
        values = np.array(numbers, np.float64)  # None becomes NaN
        for at in np.flatnonzero(~(np.abs(values) <= MAX_MAGNITUDE)).tolist():
            if numbers[at] is None or not np.isnan(values[at]):
                raise self.fail(
                    self.rows[rows[at]][0],
                    f"{self.columns[place].name} is {cells[at]!r}; give a number of at most "
                    f"{MAX_MAGNITUDE:g}, with its unit in the header, as in R_AH (ohm)",
                )
        return values

    def facts(self, line: int) -> list[Fact]:
        """Return quantities in the preamble of a line's table, and in names of file and folder."""
        facts = []
        for text in (stem(self.path), *self.block_of(line).preamble):
            facts += quantities(text[:MAX_LENGTH])
        for name, unit, value in quantities(self.path.parent.name):
            facts.append(Fact(f"folder {name}", unit, value))
        return facts

    def block_of(self, line: int) -> Block:
        """Return the block that has a line."""
        place = bisect.bisect_left(self.blocks, line, key=lambda block: block.line) - 1
        return self.blocks[max(place, 0)]


class TextLine(NamedTuple):
    """Line that is not blank: its number from 1, its text without a comment sign."""

    number: int
    text: str
    comment: bool


class _Layout:
    """Header and rows among a file's lines, by one delimiter.

    Attributes
    ----------
    usual : tuple of bool
        True for each cell of a usual row that is a number.
    header, first : int
        Places of the header and of the first row among the lines; -1 if the file has none.
    numbers : int
        Count of numbers in the rows among the first lines.
    """

    def __init__(self, lines: Sequence[TextLine], delimiter: str) -> None:
        self.lines = lines
        self.delimiter = delimiter
        self.usual: tuple[bool, ...] = ()
        shapes = self._shapes()
        self.usual = max(shapes.values(), key=Counter(shapes.values()).__getitem__, default=())
        rows = list(filter(self.is_row, shapes))
        self.numbers = len(rows) * sum(self.usual)
        self._ends_with_delimiter = all(lines[row].text.endswith(delimiter) for row in rows)
        self.header, self.first = self._find_header(rows)

    def _shapes(self) -> dict[int, tuple[bool, ...]]:
        """Return for each of the first lines with several cells which of them are numbers."""
        shapes = {}
        for place, line in enumerate(self.lines[:FIRST_LINES]):
            cells = self.cells(line)
            if len(cells) > 2 and not cells[-1]:
                cells.pop()  # a delimiter may end the line
            shape = tuple(map(is_number, cells))
            if len(shape) > 1 and any(shape) and not line.comment:
                shapes[place] = shape
        return shapes

    def cells(self, line: TextLine) -> list[str]:
        """Split a line into cells, without empty ones beyond those of a usual row."""
        split = line.text.split(self.delimiter)
        # An unclosed quote is an ordinary character.
        if '"' in line.text and line.text.count('"') % 2 == 0:
            with contextlib.suppress(csv.Error):  # the cell is too long for the module
                split = next(
                    csv.reader([line.text], delimiter=self.delimiter, skipinitialspace=True)
                )
        cells = [cell.strip().strip('"').strip() for cell in split]
        while self.usual and len(cells) > len(self.usual) and not cells[-1]:
            cells.pop()
        return cells

    def is_row(self, place: int) -> bool:
        """Return True if a line has a number or an empty cell wherever a usual row has a number."""
        cells = self.cells(self.lines[place])
        if self.lines[place].comment or len(cells) != len(self.usual):
            return False
        pairs = zip(cells, self.usual, strict=True)
        return all(is_number(cell) for cell, usual in pairs if usual and cell)

    def words(self, place: int) -> list[str]:
        """Return the cells of a line of words with as many cells as a row; empty for another."""
        cells = self.cells(self.lines[place])
        if self._ends_with_delimiter and len(cells) == len(self.usual) + 1:
            cells.pop()  # LabVIEW names a column of comments that no row has
        words = any(cells) and not any(map(is_number, cells)) and max(map(len, cells)) <= MAX_LENGTH
        return cells if words and len(cells) == len(self.usual) else []

    def is_broken(self, place: int) -> bool:
        """Return True if a line has as many cells as a row, and words where a row has numbers."""
        if self.is_row(place) or self.words(place):
            return False
        return len(self.cells(self.lines[place])) == len(self.usual)

    def units(self, place: int) -> list[str]:
        """Return the cells of a row of units; empty for any other line."""
        cells = [cell.strip("()[] ") for cell in self.words(place)]
        return cells if any(cells) and None not in map(unit_of, cells) else []

    def _find_header(self, rows: list[int]) -> tuple[int, int]:
        """Return the header and the first row that has words above it.

        A header in a comment counts only if no other is found.
        """
        for comments, first in itertools.product((False, True), rows):
            above = (at for at in range(first - 1, -1, -1) if self.lines[at].comment == comments)
            # Names, units and a comment, at most.
            above = itertools.islice(itertools.filterfalse(self.is_broken, above), 3)
            group = list(itertools.takewhile(self.words, above))[::-1]
            for names, below in itertools.pairwise(group):
                if self.units(below):
                    return names, first
            if group:
                return group[-1], first
        return -1, -1

    def columns(self) -> list[Heading]:
        """Return the headings, with units of their own or those of a row of units."""
        units = [""] * len(self.usual)
        for place in range(self.first - 1, self.header, -1):
            units = self.units(place) or units
        return list(map(_heading, self.cells(self.lines[self.header]), units))


def _heading(text: str, unit: str) -> Heading:
    """Split a heading into name and unit; a heading without a unit takes that of a row of units."""
    if match := BRACKETS.fullmatch(text):
        return Heading(f"{match[1]} {match[3]}".strip(), match[2].strip() or unit)
    match = ENDINGS.fullmatch(text)
    if match and unit_of(match["per"] or match["unit"]) not in (None, ("", 1.0)):
        return Heading(match["name"].strip(), match["per"] or match["unit"])
    return Heading(text.strip(), unit)


def _unpack(path: Path, data: bytes, size: int) -> bytes:
    """Return a file's content, unpacked if it is a gzip file."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        text = gzip.GzipFile(fileobj=io.BytesIO(data)).read(size + 1)
    except DAMAGED_GZIP:
        raise UserError(f"{path} is a damaged gzip file; pack it anew") from None
    if len(text) > size:
        raise UserError(
            f"{path} is too large for a CSV file: it unpacks to more than {size:,} bytes"
        )
    return text


def _decode(path: Path, data: bytes) -> str:
    """Return the text of a file in UTF-16, UTF-8 or Windows' Western code page."""
    encodings = ["utf-8-sig", "cp1252"]
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ["utf-16"]
    for encoding in encodings:
        with contextlib.suppress(UnicodeDecodeError):
            text = data.decode(encoding)
            if not re.search(r"[\0-\x08\x0e-\x1f]", text[:4096]):
                return text
    raise UserError(f"{path} is not a CSV file but a binary one; export the table as text first")


def _read_lines(path: Path, text: str, most_cells: int) -> list[TextLine]:
    """Return the lines that are not blank, or a `UserError` if the file is empty or too large."""
    lines = []
    for place, line in enumerate(io.StringIO(text, newline=None), 1):
        if line.strip():
            # A tab at either end delimits an empty cell; a # behind it is a unit.
            comment = line.lstrip(" ").startswith(tuple(COMMENTS))
            bare = line.strip().lstrip(COMMENTS).strip() if comment else line.rstrip("\r\n")
            lines.append(TextLine(place, bare, comment))
    if not lines:
        raise UserError(f"{path} is empty; give a header line with column names, then rows")
    counts = np.array([[line.text.count(one) for line in lines] for one in DELIMITERS])
    most_lines = most_cells // 5
    too_many = len(lines) > most_lines or counts.sum(axis=1).max() > most_cells
    if too_many or counts.max() >= MAX_COLUMNS:
        raise UserError(
            f"{path} has more than {most_lines:,} lines, {most_cells:,} cells, or "
            f"{MAX_COLUMNS:,} columns; give it in parts"
        )
    return lines


def read_csv(path: Path, size: int = 1 << 25, cells: int = 1_000_000) -> CsvFile:
    """Read a table.

    Parameters
    ----------
    path : Path
        The file.
    size : int
        Largest number of bytes, also unpacked.
    cells : int
        Largest number of cells, in a fifth as many lines: by default 500 cycles of 200 pulses both
        ways.

    Raises
    ------
    UserError
        If the file is no such table; the message names file, line and fix.
    """
    data = read_file(path, "CSV file", size)
    lines = _read_lines(path, _decode(path, _unpack(path, data, size)), cells)
    layouts = (_Layout(lines, delimiter) for delimiter in DELIMITERS)
    layout = max(layouts, key=lambda layout: (layout.header >= 0, layout.numbers))
    if layout.header < 0:
        first = next((line for line in lines if not line.comment), lines[0])
        raise UserError(
            f"{path}: line {first.number}: {first.text.strip()!r:.40} begins no table; give a "
            "header line with column names, separated by comma, semicolon or tab, such as "
            "pulse,R_AH (ohm), then rows of as many cells"
        )
    file = CsvFile(path, layout.columns(), [], data)
    _fill(file, layout)
    return file


def _fill(file: CsvFile, layout: _Layout) -> None:
    """Put blocks and rows into a file, and a note on lines of words below the header."""
    lines = layout.lines
    top = lines[layout.header].text
    heads = [place for place in range(layout.header, len(lines)) if lines[place].text == top]
    # Units and comments that may follow each header.
    below = {lines[at].text for at in range(layout.header, layout.first) if layout.words(at)}
    words: list[TextLine] = []
    end = 0  # of the rows of the block before
    for head, after in itertools.pairwise([*heads, len(lines)]):
        file.blocks.append(_block(lines[head].number, [line.text for line in lines[end:head]]))
        # Lines below the last row are the preamble of the next block.
        last = after - 1 if after == len(lines) else head
        end = 1 + next(filter(layout.is_row, range(after - 1, last, -1)), last)
        for line in lines[head:end]:
            if not line.comment and line.text not in below:
                words += _take_line(file, layout, line)
    if words:
        file.notes.append(
            f"{file.path}: words below the header are left out, {len(words)} in all, the first in "
            f"line {words[0].number}: {words[0].text.strip()!r:.40}"
        )


def _block(line: int, preamble: list[str]) -> Block:
    """Return a block with the name that the last fitting line of its preamble has."""
    for text in reversed(preamble):
        if named := NAMED.match(text):
            device = (named["name"] or named["word"]).strip(' \t,;"')[:MAX_LENGTH]
            return Block(line, device, preamble, named["what"].lower() in ("device", "dut", "bar"))
    return Block(line, "", preamble)


def _take_line(file: CsvFile, layout: _Layout, line: TextLine) -> list[TextLine]:
    """Put a line into a file if it is a row; return it if it has words in their place."""
    cells = layout.cells(line)
    if max(map(len, cells)) > MAX_LENGTH:
        raise file.fail(
            line.number, f"a cell has more than {MAX_LENGTH} characters; is it a table?"
        )
    if len(cells) == len(layout.usual):
        file.rows.append((line.number, cells))
        return []
    if any(map(is_number, cells)):
        raise file.fail(
            line.number,
            f"it has {len(cells)} cells, but the header has {len(layout.usual)} "
            f"(separated by {DELIMITERS[layout.delimiter]}); mend the line",
        )
    return [line]
