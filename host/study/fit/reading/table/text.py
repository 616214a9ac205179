"""The lines of a text file as an instrument writes it: its code, packed or not, within limits."""

import io
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

from allspin.host.data.packed.gunzip import MAGIC, Gunzip
from allspin.sim.errors import UserError
from allspin.sim.files.user_file import read_file

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
    buffer = bytearray(limit + 1)
    try:
        size = Gunzip(io.BytesIO(data)).readinto(memoryview(buffer))
    except (EOFError, zlib.error):
        raise UserError(f"{path} is a damaged gzip file; pack it anew") from None
    if size > limit:
        raise UserError(
            f"{path} is too large for a CSV file: it unpacks to more than {limit:,} bytes"
        )
    return bytes(buffer[:size])


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
    plain = _unpacked(path, data, limits.size) if data.startswith(MAGIC) else data
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
