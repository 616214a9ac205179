"""Tables of numbers as laboratories write them: CSV with a header, units and comments."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from allspin.sim.errors import UserError
from allspin.sim.files.user_file import read_file

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
COMMENTS = ("#", "%")
"""What a line of comment starts with."""
MAX_BYTES = 1 << 25
MAX_COLUMNS = 1000
MAX_LINES = 200_000
"""Lines of a file: 500 cycles of 200 pulses both ways."""
MAX_CELLS = 1_000_000
MAX_LENGTH = 200
"""Characters of a cell."""
MAX_MAGNITUDE = 1e30
"""No quantity here is larger in any unit, nor its inverse; fourth powers are still numbers."""
NUMBER = re.compile(r"[+-]?(\d+([.]\d*)?|[.]\d+)([eE][+-]?\d+)?")
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
NOT_NUMBERS = {"nan", "inf", "-inf", "+inf", "#n/a", "n/a", "na", "-", "--", "overflow"}
HEADING = re.compile(r"^(?P<name>.*?)\s*(?:[(\[](?P<unit>[^)\]]*)[)\]]|/\s*(?P<per>\S+))\s*$")
"""A column's name with its unit: ``R_AH (ohm)``, ``R_AH [ohm]``, ``R_AH / ohm``."""


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
        The file's content.
    """

    path: Path
    columns: tuple[Column, ...]
    rows: list[tuple[int, list[str]]]
    data: bytes

    def fail(self, line: int, message: str) -> UserError:
        """An error that names file and line."""
        return UserError(f"{self.path}: line {line}: {message}")

    def number(self, line: int, cell: str, column: Column) -> float:
        """The number in a cell; below the inverse of `MAX_MAGNITUDE` it is 0.

        Raises
        ------
        UserError
            If there is none, or one beyond `MAX_MAGNITUDE`.
        """
        text = cell.strip()
        if DECIMAL_COMMA.fullmatch(text):
            text = text.replace(",", ".")
        if NUMBER.fullmatch(text):
            value = float(text)
            if abs(value) <= MAX_MAGNITUDE:
                return value if abs(value) >= 1 / MAX_MAGNITUDE else 0.0
            raise self.fail(
                line,
                f"{column.name} is {text}, and no measurement is beyond {MAX_MAGNITUDE:g}; mend or "
                "remove the row",
            )
        if not text or text.lower() in NOT_NUMBERS:
            shown = text or "nothing"
            raise self.fail(
                line, f"{column.name} has {shown} in place of a number; mend or remove the row"
            )
        if NUMBER.match(text) and not NUMBER.fullmatch(text):
            raise self.fail(
                line,
                f"{column.name} is {text!r}, a number with something behind it; give plain "
                "numbers and the unit in the header, as in R_AH (ohm)",
            )
        raise self.fail(line, f"{column.name} is {text!r}; give a number")


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


def _column(heading: str) -> Column:
    text = heading.strip().strip('"').strip()
    match = HEADING.match(text)
    if match is None:
        return Column(text, "")
    return Column(match["name"].strip(), (match["unit"] or match["per"] or "").strip())


class _Lines:
    """Lines that are neither blank nor comments, with their numbers, and cells in these.

    A file that has more of either than any measurement is refused where that is seen.
    """

    def __init__(self, path: Path, data: bytes) -> None:
        self.path = path
        self.delimiter = ""
        self._lines = enumerate(io.TextIOWrapper(io.BytesIO(data), _encoding(path, data)), 1)
        self._cells = 0

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return self

    def __next__(self) -> tuple[int, str]:
        for number, line in self._lines:
            if number > MAX_LINES:
                raise UserError(f"{self.path} has more than {MAX_LINES:,} lines; give it in parts")
            if line.strip() and not line.lstrip().startswith(COMMENTS):
                return number, line
        raise StopIteration

    def split(self, number: int, line: str) -> list[str]:
        """The cells of a line."""
        self._cells += 1 + line.count(self.delimiter)
        if self._cells > MAX_CELLS:
            raise UserError(f"{self.path} has more than {MAX_CELLS:,} cells; give it in parts")
        cells = [cell.strip().strip('"').strip() for cell in line.split(self.delimiter)]
        longest = max(map(len, cells))
        if longest > MAX_LENGTH:
            raise UserError(
                f"{self.path}: line {number}: a cell has {longest} characters, at most "
                f"{MAX_LENGTH} are read; is it a table?"
            )
        return cells


def read_csv(path: Path) -> CsvFile:
    """Read a table.

    The first line that is no comment is the header. Its delimiter (comma, semicolon or tab)
    is that of the file; where it is no comma, numbers may have a decimal comma.

    Raises
    ------
    UserError
        If it is no such table; the message names file, line and fix.
    """
    data = read_file(path, "CSV file", MAX_BYTES)
    lines = _Lines(path, data)
    first, header = next(lines, (0, ""))
    if not header:
        raise UserError(f"{path} is empty; give a header line with column names, then rows")
    counts = {delimiter: header.count(delimiter) for delimiter in DELIMITERS}
    delimiter = max(counts, key=lambda one: counts[one])
    if not counts[delimiter]:
        raise UserError(
            f"{path}: line {first}: {_short(header)} is one column; separate columns by comma, "
            "semicolon or tab"
        )
    lines.delimiter = delimiter
    if counts[delimiter] >= MAX_COLUMNS:
        raise UserError(f"{path} has more than {MAX_COLUMNS:,} columns; give it in parts")
    columns = tuple(_column(heading) for heading in lines.split(first, header))
    if all(NUMBER.fullmatch(column.name) for column in columns):
        raise UserError(
            f"{path}: line {first}: the first line has numbers; put a header line with column "
            "names before it, such as pulse,R_AH (ohm)"
        )
    rows = []
    for number, line in lines:
        cells = lines.split(number, line)
        while len(cells) > len(columns) and not cells[-1]:
            cells.pop()
        if len(cells) != len(columns):
            raise UserError(
                f"{path}: line {number}: it has {len(cells)} cells, but the header has "
                f"{len(columns)} (separated by {DELIMITERS[delimiter]}); mend the line"
            )
        rows.append((number, cells))
    if not rows:
        raise UserError(f"{path} has a header and no rows; give at least one curve")
    return CsvFile(path, columns, rows, data)


def _short(text: str) -> str:
    text = text.strip()
    return repr(text if len(text) <= 40 else text[:37] + "...")
