"""Table of a sweep's results: a CSV file with a row for each chip, from which a sweep resumes.

The file is made with its first row, so a sweep that cannot begin leaves no file. A row is appended
whole and is on the disk before the next one is measured. If the machine stops within a row, its
torn end is cut off when the sweep resumes. The grid lies beside the table (``NAME.grid.json``), so
that rows of different sweeps never mix.
"""

import csv
import dataclasses
import io
import json
import math
import os
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from allspin.host.data.closing import Closing
from allspin.host.data.files import check_writable
from allspin.host.machines.opening import GOLDEN, VIRTUAL
from allspin.host.sweep.factor import spell
from allspin.host.sweep.job import Row
from allspin.host.sweep.point import FACTORS, Point
from allspin.sim.errors import UserError, refused
from allspin.sim.files import read_file, write_atomically
from allspin.sim.plain_values import MAX_JSON, parse_json
from allspin.sim.programming.counts import Counts
from allspin.sim.programming.schemes import MAX_TRIES, VERIFYING
from allspin.sim.synapse.response import MAX_PULSES
from allspin.sim.systems import SystemModule

fcntl = SystemModule("fcntl")

FORMAT = 3
"""Version of the file beside the table."""
MAX_BYTES = 1 << 27
"""Most bytes of a table, some 700,000 rows."""
LONGEST_FIGURES = 160
"""Most bytes of a row beside its point."""
OUTCOME_COLUMNS = (
    "images",
    "correct",
    "accuracy",
    "pulses_per_cell",
    "reads_per_cell",
    "unconverged",
)
COLUMNS = (*FACTORS, "chip", *OUTCOME_COLUMNS)


def csv_line(values: Iterable[object]) -> bytes:
    """Return values as a line of CSV: floats with all digits, and an empty cell for None."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(map(spell, values))
    # Names of files need not be UTF-8.
    return text.getvalue().encode(errors="surrogateescape")


HEADER = csv_line(COLUMNS)


def row_line(row: Row) -> bytes:
    """Return a row as its line of the file."""
    figures = (getattr(row, name) for name in OUTCOME_COLUMNS)
    return csv_line([*dataclasses.astuple(row.point), row.chip, *figures])


def grid_path(path: Path) -> Path:
    """Return the path of the grid that lies beside a table."""
    return path.with_name(f"{path.name}.grid.json")


def _check_counts(row: Row, counts: Counts) -> None:
    """Refuse costs of programming that no chip of a point can have.

    Write-verify and incremental read a cell after each train, and a train goes at most from one
    end of the range to the other. The cost of the other schemes is known exactly.
    """
    verified = row.point.program in VERIFYING
    tries = MAX_TRIES if row.point.tries is None else row.point.tries
    for name, known, low, high in (
        ("pulses_per_cell", counts.pulses, 0, MAX_PULSES * tries),
        ("reads_per_cell", counts.reads, 1, tries),
        ("unconverged", counts.unconverged, 0, 1),
    ):
        figure = getattr(row, name)
        total = known
        if verified:
            total = round(figure * counts.cells) if low <= figure <= high else math.nan
        if repr(total / counts.cells) != repr(figure) or math.isnan(figure):  # -0.0 is not 0.0
            raise ValueError(f"{name} of {row.point.program} cannot be {figure!r}")


def _check_same_sweep(path: Path, there: Any, here: dict[str, Any]) -> None:
    """Refuse a table whose record is not that of this sweep."""
    difference = _difference(there, here)
    if difference is not None:
        raise UserError(
            f"{path} is of another sweep: {difference}; give another name, or that grid"
        )


def _difference(there: Any, here: dict[str, Any]) -> str | None:
    """Describe the first difference between two records; None if they are of one sweep."""
    if not isinstance(there, dict) or there.get("format") != here["format"]:
        return "its grid is of another version"
    for key in ("networks", "devices", "data", "calibration_images"):
        if there.get(key) != here[key]:
            return f"its {key.replace('_', ' ')} are others"
    before = there.get("grid")
    for name, now in here["grid"].items():
        was = before.get(name) if isinstance(before, dict) else None
        if was != now and not (name == "on" and _both_boards(was, now)):
            return f"{name} is {json.dumps(was)} there, {json.dumps(now)} here"
    return None


def _both_boards(was: Any, now: Any) -> bool:
    """Return True if two machines are boards on a port, which may change from day to day."""
    return not {GOLDEN, VIRTUAL}.intersection([str(was), str(now)])


class ResultsTable(Closing):
    """Table of one sweep, open for more rows, which no other process can write meanwhile.

    Parameters
    ----------
    path : Path
        CSV file; made with its first row if it does not exist.
    record : dict
        Entries that decide the results: ``grid``, and digests of ``networks``, ``devices``,
        ``data`` and ``calibration_images``.
    points : sequence of Point
        All points of the grid.
    seeds : range
        Seeds of the chips of each point.
    images : int
        Number of images that each chip is shown.
    counts : callable
        Function that returns the known cost of programming a point's chips; None for chips that
        learn.

    Attributes
    ----------
    rows : list of Row
        Rows in the file.

    Raises
    ------
    UserError
        If the file cannot be written, belongs to another sweep or another process is writing it;
        if this sweep does not write one of its rows; if all rows would be too many to read again.
    """

    def __init__(
        self,
        path: Path,
        record: dict[str, Any],
        points: list[Point],
        seeds: range,
        images: int,
        counts: Callable[[Point], Counts | None],
    ) -> None:
        self.path = path
        self._points = {csv_line(dataclasses.astuple(point)): point for point in points}
        self._seeds = seeds
        self._images = images
        self._counts = cache(counts)
        self._check_size()
        # Systems without locks fail here, before a file is made.
        self._lock = fcntl.flock
        self._record = {"format": FORMAT, **record}
        self._file: Any = None
        self.rows: list[Row] = []
        if path.exists():
            self._open()
        else:
            check_writable(path)

    def _check_size(self) -> None:
        """Refuse a table that could not be read again."""
        longest = sum(len(cells) + LONGEST_FIGURES for cells in self._points)
        if longest * len(self._seeds) > MAX_BYTES:
            raise UserError(
                f"{len(self._points) * len(self._seeds):,} chips make a table of more than "
                f"{MAX_BYTES >> 20} MiB; sweep them in parts"
            )

    def _open(self) -> None:
        """Open and lock the file, and read its rows."""
        with refused(f"cannot write {self.path}: ", kinds=OSError):
            if self.path.exists() and not self.path.is_file():
                raise OSError("it is not a regular file")
            self._file = io.FileIO(self.path, "a+")
        try:
            self._lock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.rows = self._resume()
        except BlockingIOError:
            self.close()
            raise UserError(f"another sweep is writing {self.path}; wait for it") from None
        except BaseException:
            self.close()
            raise

    def _resume(self) -> list[Row]:
        """Read the rows of the file, and cut off a torn last line; begin an empty file."""
        content = read_file(self.path, "table", MAX_BYTES)
        lines = content[: content.rfind(b"\n") + 1]
        # The grid is written before the first line, so rows without a grid are of no sweep.
        if not lines and HEADER.startswith(content):
            self._begin()
            return []
        self._check_grid()
        if not lines.startswith(HEADER):
            raise UserError(f"{self.path} is not a sweep's table; give another name")
        rows = self._read_rows(lines)
        self._file.truncate(len(lines))
        return rows

    def _begin(self) -> None:
        """Write the grid and the table's first line."""
        record = json.dumps(self._record, indent=1) + "\n"
        write_atomically(grid_path(self.path), record.encode())
        self._file.truncate(0)
        self._write(HEADER)

    def _check_grid(self) -> None:
        """Refuse a table whose grid is missing, damaged or another sweep's."""
        beside = grid_path(self.path)
        if not beside.exists():
            raise UserError(f"{self.path} has no {beside.name} beside it; give another name")
        with refused(f"{beside} is damaged: ", "; give another name"):
            there = parse_json(read_file(beside, "grid", MAX_JSON))
        _check_same_sweep(self.path, there, json.loads(json.dumps(self._record)))

    def _read_rows(self, lines: bytes) -> list[Row]:
        """Read the rows of a table's lines, the first of which is its header."""
        rows: dict[tuple[Point, int], Row] = {}
        for number, line in enumerate(lines.splitlines(keepends=True)[1:], 2):
            try:
                row = self._read_row(line)
                if (row.point, row.chip) in rows:
                    raise ValueError(f"chip {row.chip} of this point is there already")
            except (ValueError, csv.Error) as error:
                raise UserError(
                    f"{self.path} line {number} is not of this sweep: {error}; mend it, or give "
                    "another name"
                ) from None
            rows[row.point, row.chip] = row
        return list(rows.values())

    def _read_row(self, line: bytes) -> Row:
        """Read a row; raise a `ValueError` if this sweep does not write such a line."""
        (cells,) = csv.reader([line.decode(errors="surrogateescape")])
        point = self._points.get(csv_line(cells[: len(FACTORS)]))
        if point is None or len(cells) != len(COLUMNS):
            raise ValueError("no point of the grid has such a row")
        chip, images, correct = (int(cell) for cell in cells[len(FACTORS) :][:3])
        if chip not in self._seeds:
            raise ValueError(f"the grid has no chip {chip}")
        if images != self._images or not 0 <= correct <= images:
            raise ValueError(f"{correct} of {images} are not of the grid's {self._images} images")
        pulses, reads, unconverged = (float(cell) for cell in cells[-3:])
        row = Row(point, chip, images, correct, pulses, reads, unconverged)
        counts = self._counts(point)
        if counts is not None:
            _check_counts(row, counts)
        if row_line(row) != line:
            raise ValueError(f"a sweep writes {row_line(row).decode(errors='replace').strip()}")
        return row

    def _write(self, line: bytes) -> None:
        """Append a line, and wait until it is on the disk."""
        with refused(f"cannot write {self.path}: ", kinds=OSError):
            while line:
                line = line[self._file.write(line) :]
            os.fsync(self._file)

    def add(self, row: Row) -> None:
        """Append a row; it is on the disk when this returns."""
        if self._file is None:
            self._open()
            if self.rows:
                raise UserError(f"another sweep has written {self.path}; the same command goes on")
        self._write(row_line(row))
        self.rows.append(row)

    def put_in_order(self, place: Callable[[Row], Any]) -> None:
        """Write all rows anew in an order that does not depend on which was measured first.

        Parameters
        ----------
        place : callable
            Sort key of a row.
        """
        self.rows.sort(key=place)
        write_atomically(self.path, HEADER + b"".join(map(row_line, self.rows)))

    def close(self) -> None:
        """Close the file, which unlocks it."""
        if self._file is not None:
            self._file.close()
