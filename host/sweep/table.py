"""A sweep's results: a CSV table, a row for each chip, that survives whatever ends the sweep.

A row is appended whole and is on the disk before the next one is measured. If the machine stops
within a row, its torn end is cut off when the sweep goes on. Beside the table lies its grid
(``NAME.grid.json``), so that another sweep's rows are never mixed in.
"""

import csv
import dataclasses
import fcntl
import io
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from host.sweep.job import Outcome
from host.sweep.point import FACTOR_COLUMNS, Point
from sim.errors import UserError
from sim.netfile import write_atomically

FORMAT = 1
"""Of the file beside the table."""
OUTCOME_COLUMNS = (
    "images",
    "correct",
    "accuracy",
    "pulses_per_cell",
    "reads_per_cell",
    "unconverged",
)
COLUMNS = (*FACTOR_COLUMNS, "chip", *OUTCOME_COLUMNS)
YES, NO = "yes", "no"


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Parameters
    ----------
    point : Point
        What the chip was made of.
    chip : int
        Its seed.
    outcome : Outcome
        What it did.
    """

    point: Point
    chip: int
    outcome: Outcome


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return YES if value else NO
    return repr(value) if isinstance(value, float) else str(value)


def _line(cells: Iterable[Any]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow([_cell(cell) for cell in cells])
    return text.getvalue().encode()


def row_line(row: Row) -> bytes:
    """A row as it stands in the file."""
    outcome = row.outcome
    figures = (getattr(outcome, name) for name in OUTCOME_COLUMNS)
    return _line((*dataclasses.astuple(row.point), row.chip, *figures))


def grid_path(path: Path) -> Path:
    """Where the grid of a table lies."""
    return path.with_name(f"{path.name}.grid.json")


def _read_rows(path: Path, content: bytes, places: Mapping[tuple[str, ...], Point]) -> list[Row]:
    header = _line(COLUMNS)
    if not content.startswith(header):
        raise UserError(f"{path} is not a sweep's table; give another name")
    text = io.StringIO(content[len(header) :].decode("utf-8", "replace"), newline="")
    rows = []
    for number, cells in enumerate(csv.reader(text), 2):
        width = len(FACTOR_COLUMNS)
        try:
            point = places[tuple(cells[:width])]
            chip, images, correct = int(cells[width]), int(cells[width + 1]), int(cells[width + 2])
            pulses, reads, unconverged = (float(cell) for cell in cells[width + 4 :])
        except (KeyError, ValueError, IndexError):
            raise UserError(
                f"{path} line {number} is not of this sweep; mend it, or give another name"
            ) from None
        rows.append(Row(point, chip, Outcome(images, correct, pulses, reads, unconverged)))
    return rows


def _difference(there: Any, here: Any) -> str | None:
    """What differs between two records, in words; None if nothing does."""
    if not isinstance(there, dict) or there.get("format") != here["format"]:
        return "its grid is of another version"
    for key in ("grid", "networks", "devices", "data"):
        if there.get(key) == here[key]:
            continue
        one, two = there.get(key), here[key]
        if not isinstance(one, dict):
            return f"the {key} differ" if key.endswith("s") else f"the {key} differs"
        name = next(name for name in [*two, *one] if one.get(name) != two.get(name))
        if key != "grid":
            return f"{name} is another file now"
        return f"{name} is {json.dumps(one.get(name))} there, {json.dumps(two.get(name))} here"
    return None


class Table:
    """The table of one sweep, open for more rows; no other process can have it open.

    Parameters
    ----------
    path : Path
        The CSV file; made unless it is there.
    record : dict
        What decides the numbers: ``grid``, and digests of ``networks``, ``devices`` and
        ``data``.
    points : sequence of Point
        All points of the grid.

    Attributes
    ----------
    rows : list of Row
        Those in the file.

    Raises
    ------
    UserError
        If the file cannot be written, is another sweep's or no sweep's at all, or another
        process writes it.
    """

    def __init__(self, path: Path, record: dict[str, Any], points: list[Point]) -> None:
        self.path = path
        record = json.loads(json.dumps({"format": FORMAT, **record}))
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror}") from error
        try:
            self._lock()
            self.rows = self._resume(record, points)
        except BaseException:
            os.close(self._file)
            raise

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"another sweep is writing {self.path}; wait for it") from None

    def _resume(self, record: dict[str, Any], points: list[Point]) -> list[Row]:
        content = self.path.read_bytes()
        beside = grid_path(self.path)
        # The grid is there before the first row, so a table with rows and no grid is no sweep's.
        whole = content[: content.rfind(b"\n") + 1]
        if not whole and _line(COLUMNS).startswith(content):
            write_atomically(beside, (json.dumps(record, indent=1) + "\n").encode())
            os.ftruncate(self._file, 0)
            self._write(_line(COLUMNS))
            return []
        try:
            there = json.loads(beside.read_bytes())
        except OSError:
            raise UserError(
                f"{self.path} has no {beside.name} beside it; give another name"
            ) from None
        except ValueError:
            there = None
        difference = _difference(there, record)
        if difference is not None:
            raise UserError(
                f"{self.path} is of another sweep: {difference}; give another name, or that grid"
            )
        places = {
            tuple(_cell(value) for value in dataclasses.astuple(point)): point for point in points
        }
        rows = _read_rows(self.path, whole, places)
        if len({(row.point, row.chip) for row in rows}) != len(rows):
            raise UserError(f"{self.path} has a chip twice; mend it, or give another name")
        if len(whole) < len(content):
            os.ftruncate(self._file, len(whole))
        return rows

    def _write(self, line: bytes) -> None:
        while line:
            line = line[os.write(self._file, line) :]
        os.fsync(self._file)

    def add(self, row: Row) -> None:
        """Append a row; it is on the disk when this returns."""
        self._write(row_line(row))
        self.rows.append(row)

    def put_in_order(self, place: Callable[[Row], Any]) -> None:
        """Write all rows anew in an order that does not tell which came first.

        Parameters
        ----------
        place : callable
            Where a row belongs.
        """
        self.rows.sort(key=place)
        write_atomically(self.path, _line(COLUMNS) + b"".join(map(row_line, self.rows)))

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
