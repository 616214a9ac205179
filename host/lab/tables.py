"""Tables of numbers as laboratories write them: headers, units, and what stands around them.

The delimiter is that with which most lines are rows of a table. The header is the last line of
words before the first row; a row of units may follow it, as Origin writes it. What stands before
is a preamble. Where a header comes again another block begins, often another device.
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
from allspin.host.lab.facts import quantities, stem
from allspin.host.lab.quantities import MAX_MAGNITUDE, is_number, number, unit_of
from allspin.sim.errors import UserError
from allspin.sim.files import read_file
from allspin.sim.synapse.response import Array

COMMENTS = "#%"
"""What a line of comment starts with."""
DELIMITERS = {"\t": "tab", ";": "semicolon", ",": "comma"}
"""A comma may be in a number or a preamble; a tab is rarely in either."""
MAX_COLUMNS = 1000
MAX_LENGTH = 200
"""Characters of a cell."""
BRACKETS = re.compile(r"(.*?)\s*[(\[]([^)\]]*)[)\]]\s*(.*)")
"""A column's name with its unit: ``R_AH (ohm)``, ``R_AH [ohm]``."""
ENDINGS = re.compile(
    r"(?P<name>.+?)(?:\s*/\s*(?P<per>(?!d$)\S+)|[\s_]+(?P<unit>(?!min$)[^\s_/]{2,}|"
    r"(?<=[tepy].)[sK]|(?<=[it].)A))",
    re.IGNORECASE,
)
"""The same where the name ends with it: ``R_AH / ohm``, ``Rxy_mOhm``, ``T_K``, ``Current_A``."""
NAMED = re.compile(
    r"^(?:.*[,;])?\W*(?P<what>device|dut|bar|sample|chip)(?:[ _](?:name|id|no\.?|number))?"
    r"(?:\s*[:=\t,;]\s*(?P<name>.+)|\s+(?P<word>\w*\d\w*)\s*(?:[,;].*)?)$",
    re.IGNORECASE,
)
"""A line of a preamble that names the device."""


class Heading(NamedTuple):
    """A column's heading: its name without the unit, and the unit as written, or nothing."""

    name: str
    unit: str


class Block(NamedTuple):
    """One of a file's tables.

    Attributes
    ----------
    line : int
        Of the header.
    device : str
        As a line before it names it; empty for none.
    preamble : list of str
        The lines before it.
    sure : bool
        Whether that line speaks of a device, and not of a sample or chip, which may have several.
    """

    line: int
    device: str
    preamble: list[str]
    sure: bool = False


@dataclass(frozen=True)
class CsvFile:
    """A table as text.

    Attributes
    ----------
    path : Path
        Where it was read.
    columns : list of Heading
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
    columns: list[Heading]
    rows: list[tuple[int, list[str]]]
    data: bytes
    blocks: list[Block] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def fail(self, line: int, message: str) -> UserError:
        """An error that names file and line."""
        return UserError(f"{self.path}: line {line}: {message}")

    def cells(self, place: int, rows: Iterable[int]) -> list[str]:
        """A column's cells in some rows."""
        return [self.rows[row][1][place] for row in rows]

    def values(self, place: int, rows: Iterable[int] | None = None) -> Array:
        """A column's numbers in some rows, or all; NaN where one is missing or out of range.

        Raises
        ------
        UserError
            If a cell has something else, or a number beyond `MAX_MAGNITUDE`.
        """
        own = range(len(self.rows)) if rows is None else list(rows)
        cells = self.cells(place, own)
        values = list(map(number, cells))
        known = np.array(values, np.float64)  # None becomes NaN
        for n in np.flatnonzero(~(np.abs(known) <= MAX_MAGNITUDE)).tolist():
            if values[n] is None or not np.isnan(known[n]):
                raise self.fail(
                    self.rows[own[n]][0],
                    f"{self.columns[place].name} is {cells[n]!r}; give a number of at most "
                    f"{MAX_MAGNITUDE:g}, with its unit in the header, as in R_AH (ohm)",
                )
        return known

    def facts(self, line: int) -> list[tuple[str, str, str]]:
        """What is said of the table of a line, before it and in the names of file and folder."""
        texts = stem(self.path), *self.blocks[self.block_of(line)].preamble
        own = [fact for text in texts for fact in quantities(text[:MAX_LENGTH])]
        return own + [
            (f"folder {name}", unit, value)
            for name, unit, value in quantities(self.path.parent.name)
        ]

    def block_of(self, line: int) -> int:
        """Which block a line is in."""
        return max(bisect.bisect_left(self.blocks, line, key=lambda block: block.line) - 1, 0)


class TextLine(NamedTuple):
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

    def __init__(self, lines: Sequence[TextLine], delimiter: str) -> None:
        self.lines, self.delimiter = lines, delimiter
        self.usual: tuple[bool, ...] = ()
        shapes: dict[int, tuple[bool, ...]] = {}
        for place, line in enumerate(lines[:2000]):
            cells = self.cells(line)
            # A delimiter may be at the line's end.
            shape = tuple(map(is_number, cells[: -1 if len(cells) > 2 and not cells[-1] else None]))
            if len(shape) > 1 and any(shape) and not line.comment:
                shapes[place] = shape
        self.usual = max(shapes.values(), key=Counter(shapes.values()).__getitem__, default=())
        rows = list(filter(self.is_row, shapes))
        self.numbers = len(rows) * sum(self.usual)
        self.ended = all(lines[place].text.endswith(delimiter) for place in rows)
        self.header, self.first = self._find_header(rows)

    def cells(self, line: TextLine) -> list[str]:
        """The cells of a line, without empty ones beyond a row's."""
        split = line.text.split(self.delimiter)
        # A quote that is not closed is part of no text.
        if '"' in line.text and line.text.count('"') % 2 == 0:
            with contextlib.suppress(csv.Error):  # a cell that is longer than any
                split = next(
                    csv.reader([line.text], delimiter=self.delimiter, skipinitialspace=True)
                )
        cells = [cell.strip().strip('"').strip() for cell in split]
        while self.usual and len(cells) > len(self.usual) and not cells[-1]:
            cells.pop()
        return cells

    def is_row(self, place: int) -> bool:
        """Whether a line has a number, or nothing, where most rows have one."""
        cells = self.cells(self.lines[place])
        return (
            not self.lines[place].comment
            and len(cells) == len(self.usual)
            and all(is_number(c) for c, usual in zip(cells, self.usual, strict=True) if usual and c)
        )

    def words(self, place: int) -> list[str]:
        """The cells of a line that may be a header: as many as a row has, and no number."""
        cells = self.cells(self.lines[place])
        if self.ended and len(cells) == len(self.usual) + 1:
            cells.pop()  # of what is empty in all rows, such as LabVIEW's comments
        words = any(cells) and not any(map(is_number, cells)) and max(map(len, cells)) <= MAX_LENGTH
        return cells if words and len(cells) == len(self.usual) else []

    def is_broken(self, place: int) -> bool:
        """Whether a line has as many cells as a row, and words where a row has numbers."""
        return len(self.cells(self.lines[place])) == len(self.usual) and not (
            self.is_row(place) or self.words(place)
        )

    def units(self, place: int) -> list[str]:
        """The cells of a row of units; empty for any other."""
        cells = [cell.strip("()[] ") for cell in self.words(place)]
        return cells if (any(cells) and all(unit_of(cell) is not None for cell in cells)) else []

    def _find_header(self, rows: list[int]) -> tuple[int, int]:
        """The first row that has words above it; those of a comment, if there are no others."""
        for comments, first in itertools.product((False, True), rows):
            above = (n for n in range(first - 1, -1, -1) if self.lines[n].comment == comments)
            above = itertools.islice(itertools.filterfalse(self.is_broken, above), 3)
            # Names, units and a comment, at most.
            group = list(itertools.takewhile(self.words, above))[::-1]
            if group:
                return next(
                    (name for name, unit in itertools.pairwise(group) if self.units(unit)),
                    group[-1],
                ), first
        return -1, -1

    def columns(self) -> list[Heading]:
        """The headings, with units of their own or those of a row of units."""
        below = filter(None, map(self.units, range(self.header + 1, self.first)))
        own = self.cells(self.lines[self.header])
        return list(map(_column, own, next(below, [""] * len(self.usual))))


def _column(heading: str, unit: str) -> Heading:
    """A column by its heading, with the unit that is in it, or else the one of a row of units."""
    if match := BRACKETS.fullmatch(heading):
        return Heading(f"{match[1]} {match[3]}".strip(), match[2].strip() or unit)
    match = ENDINGS.fullmatch(heading)
    if match and unit_of(match["per"] or match["unit"]) not in (None, ("", 1.0)):
        return Heading(match["name"].strip(), match["per"] or match["unit"])
    return Heading(heading.strip(), unit)


def _unpacked(path: Path, data: bytes, size: int) -> bytes:
    """A file's content; that of a gzip file is unpacked."""
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
    """The text of a file, in whichever code it is written."""
    # Old instruments write the degree and micro signs in the code of the West.
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    for encoding in ["utf-16"] if wide else ["utf-8-sig", "cp1252"]:
        with contextlib.suppress(UnicodeDecodeError):
            text = data.decode(encoding)
            if not re.search(r"[\0-\x08\x0e-\x1f]", text[:4096]):
                return text
    raise UserError(f"{path} is not a CSV file but a binary one; export the table as text first")


def read_csv(path: Path, size: int = 1 << 25, cells: int = 1_000_000) -> CsvFile:
    """Read a table.

    Parameters
    ----------
    path : Path
        The file.
    size : int
        Bytes that it may have, also unpacked.
    cells : int
        Cells that it may have, in a fifth as many lines: by default 500 cycles of 200 pulses both
        ways.

    Raises
    ------
    UserError
        If it is no such table; the message names file, line and fix.
    """
    data, lines = read_file(path, "CSV file", size), []
    text = io.StringIO(_decode(path, _unpacked(path, data, size)), newline=None)
    for place, line in enumerate(text, 1):
        stripped = line.strip()
        # Tabs at either end are empty cells, and a # behind one is a unit.
        comment = line.lstrip(" ").startswith(tuple(COMMENTS))
        bare = stripped.lstrip(COMMENTS).strip() if comment else line.rstrip("\r\n")
        lines += [TextLine(place, bare, comment)] * bool(stripped)
    if not lines:
        raise UserError(f"{path} is empty; give a header line with column names, then rows")
    counts = np.array([[line.text.count(one) for line in lines] for one in DELIMITERS])
    if len(lines) > cells // 5 or counts.sum(axis=1).max() > cells or counts.max() >= MAX_COLUMNS:
        raise UserError(
            f"{path} has more than {cells // 5:,} lines, {cells:,} cells, or {MAX_COLUMNS:,} "
            "columns; give it in parts"
        )
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
    others = _take_rows(file, layout)
    if others:
        file.notes.append(
            f"{path}: words below the header are left out, {len(others)} in all, the first in line "
            f"{others[0].number}: {others[0].text.strip()!r:.40}"
        )
    return file


def _take_rows(file: CsvFile, layout: _Layout) -> list[TextLine]:
    """Put blocks and rows into a file; what is left of the lines, which are words."""
    lines, top = layout.lines, layout.lines[layout.header].text
    # Units and comments below the header, wherever it comes again.
    below = {lines[p].text for p in range(layout.header, layout.first) if layout.words(p)}
    heads = [p for p in range(layout.header, len(lines)) if lines[p].text == top]
    others: list[TextLine] = []
    end = 0  # of the rows before
    for head, after in itertools.pairwise([*heads, len(lines)]):
        preamble = [line.text for line in lines[end:head]]
        named = next(filter(None, map(NAMED.match, reversed(preamble))), None)
        device = named and (named["name"] or named["word"]).strip(' \t,;"')[:MAX_LENGTH]
        sure = named is not None and named["what"].lower() in ("device", "dut", "bar")
        file.blocks.append(Block(lines[head].number, device or "", preamble, sure))
        # What is below the last row stands before the next header.
        last = after - 1 if after == len(lines) else head
        end = 1 + next(filter(layout.is_row, range(after - 1, last, -1)), last)
        for line in lines[head:end]:
            cells = layout.cells(line)
            if line.comment or line.text in below:
                continue
            if max(map(len, cells)) > MAX_LENGTH:
                raise file.fail(
                    line.number, f"a cell has more than {MAX_LENGTH} characters; is it a table?"
                )
            if len(cells) == len(layout.usual):
                file.rows.append((line.number, cells))
            elif any(map(is_number, cells)):
                raise file.fail(
                    line.number,
                    f"it has {len(cells)} cells, but the header has {len(layout.usual)} "
                    f"(separated by {DELIMITERS[layout.delimiter]}); mend the line",
                )
            else:
                others.append(line)
    return others
