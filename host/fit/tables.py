"""Tables of numbers as laboratories write them: headers, units, and what stands around them.

The delimiter is that with which most lines are rows of a table. The header is the last line of
words before the first row; a row of units may follow it, as Origin writes it. What stands before
is a preamble. Where a header comes again another block begins, often another device.
"""

import gzip
import io
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from allspin.host.data.arrays import DAMAGED_GZIP, GZIP
from allspin.sim.errors import UserError
from allspin.sim.files import read_file

# The lines of a text file as an instrument writes it: its code, packed or not, within limits.

COMMENTS = ("#", "%")
"""What a line of comment starts with."""


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


@dataclass(frozen=True)
class Line:
    """A line that is not blank.

    Attributes
    ----------
    number : int
        From 1.
    text : str
        Without the sign of a comment.
    comment : bool
        Whether it had one.
    """

    number: int
    text: str
    comment: bool


def _unpacked(path: Path, data: bytes, limit: int) -> bytes:
    """What a gzip file holds."""
    try:
        content = gzip.GzipFile(fileobj=io.BytesIO(data)).read(limit + 1)
    except DAMAGED_GZIP:
        raise UserError(f"{path} is a damaged gzip file; pack it anew") from None
    if len(content) > limit:
        raise UserError(
            f"{path} is too large for a CSV file: it unpacks to more than {limit:,} bytes"
        )
    return content


def _encoding(path: Path, data: bytes) -> str:
    """In which code the text is written."""
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
            return encoding
    raise UserError(f"{path} is not a CSV file but a binary one; export the table as text first")


def read_lines(path: Path, limits: Limits | None = None) -> tuple[bytes, list[Line]]:
    """A file's content, as it is on the disk, and its lines, unpacked.

    Parameters
    ----------
    path : Path
        The file.
    limits : Limits, optional
        How large it may be (those of a measurement).

    Raises
    ------
    UserError
        If it cannot be read, is no text, or is larger than that.
    """
    limits = limits or Limits()
    data = read_file(path, "CSV file", limits.size)
    plain = _unpacked(path, data, limits.size) if data.startswith(GZIP) else data
    lines = []
    for number, text in enumerate(io.TextIOWrapper(io.BytesIO(plain), _encoding(path, plain)), 1):
        if number > limits.lines:
            raise UserError(f"{path} has more than {limits.lines:,} lines; give it in parts")
        stripped = text.strip()
        if stripped:
            comment = stripped.startswith(COMMENTS)
            # Tabs at either end are empty cells.
            bare = stripped.lstrip("".join(COMMENTS)).strip() if comment else text.rstrip("\r\n")
            lines.append(Line(number, bare, comment))
    return data, lines


# What a cell of a table says: a number, nothing, or something that is neither.

MAX_MAGNITUDE = 1e30
"""No quantity here is larger in any unit, nor its inverse; fourth powers are still numbers."""
NUMBER = re.compile(r"[+-]?(\d+([.]\d*)?|[.]\d+)([eE][+-]?\d+)?")
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
NOT_NUMBERS = {
    *("", "nan", "-nan", "+nan", "inf", "-inf", "+inf", "#n/a", "n/a", "na", "-", "--", "null"),
    *("none", "overflow", "overrange", "overload", "ovld", "ovfl", "o.l", "ol", "#value!"),
    *("open", "infinity", "-infinity", "+infinity"),
}
"""What stands for a value that is missing or beyond a meter's range, in small letters."""
WINDOWS = re.compile(r"[+-]?1[.,]#(inf|ind|[qs]nan|r)0*", re.IGNORECASE)
"""The same as C libraries of Windows write it."""
SENTINELS = (9.9e37, 9.91e37)
"""Numbers that stand for the same: SCPI's infinity, and its not a number."""


def number(text: str) -> float | None:
    """The number in a cell: NaN where a value is missing, None where there is something else.

    Below the inverse of `MAX_MAGNITUDE` it is 0; above `MAX_MAGNITUDE` it is as it is written.
    """
    text = text.strip()
    if DECIMAL_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    if NUMBER.fullmatch(text):
        value = float(text)
        if abs(value) > MAX_MAGNITUDE and any(
            math.isclose(abs(value), sentinel, rel_tol=1e-4) for sentinel in SENTINELS
        ):
            return math.nan
        return value if abs(value) >= 1 / MAX_MAGNITUDE else 0.0
    missing = text.lower() in NOT_NUMBERS or WINDOWS.fullmatch(text)
    return math.nan if missing else None


def is_number(text: str) -> bool:
    """Whether a cell has a number, or a sign for one that is missing; not an empty one."""
    return bool(text) and number(text) is not None


def wrong(name: str, text: str) -> str:
    """What is to be said of a cell that has something else than a number."""
    if NUMBER.match(text):
        return (
            f"{name} is {text!r}, a number with something behind it; give plain "
            "numbers and the unit in the header, as in R_AH (ohm)"
        )
    return f"{name} is {text!r}; give a number"


# Units of columns and of options: what they measure in, and how much of it they are.

PREFIXES = {
    "p": 1e-12,
    "n": 1e-9,
    "u": 1e-6,
    "\u03bc": 1e-6,
    "m": 1e-3,
    "": 1.0,
    "k": 1e3,
    "K": 1e3,
    "M": 1e6,
    "G": 1e9,
}
BASES = {
    "ohm": ("ohm", "ohms", "\u03c9"),
    "S": ("S", "siemens"),
    "V": ("v", "volt", "volts"),
    "A": ("a", "amp", "amps", "ampere", "amperes"),
    "T": ("T", "tesla"),
    "Oe": ("oe", "oersted"),
    "K": ("K", "kelvin"),
    "s": ("s", "sec", "seconds"),
    "m": ("m",),
}
"""Names of each unit; only those of one letter that are another's too keep their case."""
ARBITRARY = {
    "": 1.0,
    "1": 1.0,
    "a.u.": 1.0,
    "au": 1.0,
    "arb. units": 1.0,
    "normalised": 1.0,
    "normalized": 1.0,
    "%": 0.01,
}
"""Names of no unit, in small letters."""
SMALL = ("A", "V")
"""Units of which nobody has a million: a capital M would be a thousandth."""
QUANTITY = re.compile(r"\s*([+-]?[\d.]+(?:[eE][+-]?\d+)?)\s*(\S*)\s*")


def unit_of(text: str) -> tuple[str, float] | None:
    """Base unit and factor of a unit as it is written; None for one that is not known.

    The base unit is one of `BASES`, or empty for an arbitrary one.
    """
    # There are two micro signs and two ohm signs in Unicode.
    text = text.strip().replace("\u00b5", "\u03bc").replace("\u2126", "\u03c9")
    text = text.replace("\u03a9", "\u03c9")
    if text.lower() in ARBITRARY:
        return "", ARBITRARY[text.lower()]
    for base, names in BASES.items():
        for name in names:
            own_case = name in ("S", "T", "K", "s", "m")
            end = text[-len(name) :]
            if (end if own_case else end.lower()) != name:
                continue
            prefix = text[: -len(name)].strip()
            # All capitals do not tell a thousandth from a million.
            shouted = prefix == "M" and len(name) > 1 and end.isupper()
            if prefix not in PREFIXES or shouted or (prefix in "MG" and prefix and base in SMALL):
                continue
            return base, PREFIXES[prefix]
    return None


def quantity(text: str, base: str, option: str) -> float:
    """A value with its unit, such as ``0.1mA``, in the base unit.

    Raises
    ------
    UserError
        If it is none, with the option that gave it.
    """
    match = QUANTITY.fullmatch(text)
    unit = unit_of(match[2]) if match else None
    try:
        value = float(match[1]) if match else 0.0
    except ValueError:
        value = 0.0
    if unit is None or unit[0] != base or not 0 < abs(value) * unit[1] < 1e30:
        raise UserError(f"{option} takes a value with its unit, such as 0.1m{base}, not {text!r}")
    return value * unit[1]


# Which of a file's lines are rows, which is their header, and what separates their cells.

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
        value = number(cell)
        if value is None:
            raise self.fail(line, wrong(column.name, cell.strip()))
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
