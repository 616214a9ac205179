"""A sweep's results: a CSV table, a row for each chip, that survives whatever ends the sweep.

The table is made with its first row, so a sweep that cannot begin leaves none. A row is appended
whole and is on the disk before the next one is measured. If the machine stops within a row, its
torn end is cut off when the sweep goes on. Beside the table lies its grid (``NAME.grid.json``), so
that another sweep's rows are never mixed in.
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
from allspin.host.sweep.grid import FACTORS, FALSE, TRUE, Point
from allspin.host.sweep.job import Row
from allspin.sim.errors import UserError, refused
from allspin.sim.files import read_file, write_atomically
from allspin.sim.plain_values import MAX_JSON, parse_json
from allspin.sim.programming.counts import Counts
from allspin.sim.programming.schemes import MAX_TRIES, VERIFYING
from allspin.sim.synapse.response import MAX_PULSES
from allspin.sim.systems import SystemModule

fcntl = SystemModule("fcntl")

FORMAT = 3
"""Of the file beside the table."""
MAX_BYTES = 1 << 27
"""Bytes of a table, some 700,000 rows."""
LONGEST_FIGURES = 160
"""Bytes of a row beside its point, at most."""
OUTCOME_COLUMNS = (
    "images",
    "correct",
    "accuracy",
    "pulses_per_cell",
    "reads_per_cell",
    "unconverged",
)
COLUMNS = (*FACTORS, "chip", *OUTCOME_COLUMNS)


def _line(values: Iterable[object]) -> bytes:
    """Values as a line of CSV: a float with all its digits, and nothing for None."""
    cells = ((FALSE, TRUE)[value] if isinstance(value, bool) else value for value in values)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    # Names of files need not be UTF-8.
    return text.getvalue().encode(errors="surrogateescape")


HEADER = _line(COLUMNS)


def row_line(row: Row) -> bytes:
    """A row as it stands in the file."""
    figures = (getattr(row, name) for name in OUTCOME_COLUMNS)
    return _line([*dataclasses.astuple(row.point), row.chip, *figures])


def grid_path(path: Path) -> Path:
    """Where the grid of a table lies."""
    return path.with_name(f"{path.name}.grid.json")


def _check_counts(row: Row, counts: Counts) -> None:
    """Refuse figures for each cell that no chip of a point can have.

    Only write-verify and incremental read, after each train that they write; one of these is from
    one end of the range to the other at most. What the others take is known.
    """
    verified = row.point.program in VERIFYING
    tries = MAX_TRIES if row.point.tries is None else row.point.tries
    for name, total, least, most in (
        ("pulses_per_cell", counts.pulses, 0, MAX_PULSES * tries),
        ("reads_per_cell", counts.reads, 1, tries),
        ("unconverged", counts.unconverged, 0, 1),
    ):
        figure = getattr(row, name)
        if verified:
            total = round(figure * counts.cells) if least <= figure <= most else math.nan
        if repr(total / counts.cells) != repr(figure) or math.isnan(figure):  # -0.0 is not 0.0
            raise ValueError(f"{name} of {row.point.program} cannot be {figure!r}")


def _difference(there: Any, here: dict[str, Any]) -> str | None:
    """What differs between two records, in words; None if nothing does."""
    if not isinstance(there, dict) or there.get("format") != here["format"]:
        return "its grid is of another version"
    for key in ("networks", "devices", "data", "calibration_images"):
        if there.get(key) != here[key]:
            return f"its {key.replace('_', ' ')} are others"
    before = there.get("grid")
    for name, now in here["grid"].items():
        was = before.get(name) if isinstance(before, dict) else None
        # A board is a board on whatever port, which may be another one next time.
        if was != now and (name != "on" or {GOLDEN, VIRTUAL}.intersection(map(str, (was, now)))):
            return f"{name} is {json.dumps(was)} there, {json.dumps(now)} here"
    return None


class ResultsTable(Closing):
    """The table of one sweep, open for more rows; no other process can have it open.

    Parameters
    ----------
    path : Path
        The CSV file; made with its first row unless it is there.
    record : dict
        What decides the numbers: ``grid``, and digests of ``networks``, ``devices``, ``data`` and
        ``calibration_images``.
    points : sequence of Point
        All points of the grid.
    seeds : range
        The chips of each point.
    images : int
        How many images each chip is shown.
    counts : callable
        What programming takes of a point's chips; of write-verify only the cells are known, and
        nothing of chips that learn.

    Attributes
    ----------
    rows : list of Row
        Those in the file.

    Raises
    ------
    UserError
        If the file cannot be written, is another sweep's or no sweep's at all, or another
        process writes it; if a row is none that this sweep writes; if all rows are more than
        can be read again.
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
        self._heads = {_line(dataclasses.astuple(point)): point for point in points}
        self._seeds, self._images, self._counts = seeds, images, cache(counts)
        if sum(len(head) + LONGEST_FIGURES for head in self._heads) * len(seeds) > MAX_BYTES:
            raise UserError(
                f"{len(points) * len(seeds):,} chips make a table of more than "
                f"{MAX_BYTES >> 20} MiB; sweep them in parts"
            )
        # Where there is no lock, no file is made.
        self._lock, self._record = fcntl.flock, {"format": FORMAT, **record}
        self._file: Any = None
        self.rows: list[Row] = []
        if path.exists():
            self._open()
        else:
            check_writable(path)

    def _open(self) -> list[Row]:
        """Open the file, and take the rows that are there."""
        with refused(f"cannot write {self.path}: ", kinds=OSError):
            if self.path.exists() and not self.path.is_file():
                raise OSError("it is not a regular file")
            self._file = io.FileIO(self.path, "a+")
        try:
            self._lock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.rows = self._resume(self._record)
        except BlockingIOError:
            self.close()
            raise UserError(f"another sweep is writing {self.path}; wait for it") from None
        except BaseException:
            self.close()
            raise
        return self.rows

    def _resume(self, record: dict[str, Any]) -> list[Row]:
        content = read_file(self.path, "table", MAX_BYTES)
        beside = grid_path(self.path)
        # The grid is there before the first row, so a table with rows and no grid is no sweep's.
        whole = content[: content.rfind(b"\n") + 1]
        if not whole and HEADER.startswith(content):
            write_atomically(beside, (json.dumps(record, indent=1) + "\n").encode())
            self._file.truncate(0)
            self._write(HEADER)
            return []
        if not beside.exists():
            raise UserError(f"{self.path} has no {beside.name} beside it; give another name")
        with refused(f"{beside} is damaged: ", "; give another name"):
            there = parse_json(read_file(beside, "grid", MAX_JSON))
        difference = _difference(there, json.loads(json.dumps(record)))
        if difference is not None:
            raise UserError(
                f"{self.path} is of another sweep: {difference}; give another name, or that grid"
            )
        if not whole.startswith(HEADER):
            raise UserError(f"{self.path} is not a sweep's table; give another name")
        rows: dict[tuple[Point, int], Row] = {}
        for number, line in enumerate(whole.splitlines(keepends=True)[1:], 2):
            try:
                row = self._row(line)
                if (row.point, row.chip) in rows:
                    raise ValueError(f"chip {row.chip} of this point is there already")
            except (ValueError, csv.Error) as error:
                raise UserError(
                    f"{self.path} line {number} is not of this sweep: {error}; mend it, or give "
                    "another name"
                ) from None
            rows[row.point, row.chip] = row
        self._file.truncate(len(whole))
        return list(rows.values())

    def _row(self, line: bytes) -> Row:
        """The row that a line is, or a ValueError that says why this sweep does not write it."""
        (cells,) = csv.reader([line.decode(errors="surrogateescape")])
        point = self._heads.get(_line(cells[: len(FACTORS)]))
        if point is None or len(cells) != len(COLUMNS):
            raise ValueError("no point of the grid has such a row")
        chip, images, correct = (int(cell) for cell in cells[len(FACTORS) :][:3])
        if chip not in self._seeds:
            raise ValueError(f"the grid has no chip {chip}")
        if images != self._images or not 0 <= correct <= images:
            raise ValueError(f"{correct} of {images} are not of the grid's {self._images} images")
        pulses, reads, unconverged = (float(cell) for cell in cells[-3:])
        row = Row(point, chip, images, correct, pulses, reads, unconverged)
        if (counts := self._counts(point)) is not None:
            _check_counts(row, counts)
        if row_line(row) != line:
            raise ValueError(f"a sweep writes {row_line(row).decode(errors='replace').strip()}")
        return row

    def _write(self, line: bytes) -> None:
        with refused(f"cannot write {self.path}: ", kinds=OSError):
            while line:
                line = line[self._file.write(line) :]
            os.fsync(self._file)

    def add(self, row: Row) -> None:
        """Append a row; it is on the disk when this returns."""
        if self._file is None and self._open():
            raise UserError(f"another sweep has written {self.path}; the same command goes on")
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
        write_atomically(self.path, HEADER + b"".join(map(row_line, self.rows)))

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
