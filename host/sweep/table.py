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
import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from allspin.host.data.files import Closing
from allspin.host.sweep.job import Outcome
from allspin.host.sweep.point import FACTOR_COLUMNS, Point
from allspin.sim.errors import UserError, refused
from allspin.sim.files import MAX_JSON, parse_json, read_file, write_atomically
from allspin.sim.programming.schemes import MAX_TRIES, Counts
from allspin.sim.synapse.response import MAX_PULSES

FORMAT = 2
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
COLUMNS = (*FACTOR_COLUMNS, "chip", *OUTCOME_COLUMNS)
YES, NO = "yes", "no"

PointCounts = Callable[[Point], tuple[int, Counts | None]]
"""Cells of a point's network, and what programming takes where it is the same on every chip."""


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


def _line(cells: Iterable[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    # Names of files need not be UTF-8.
    return text.getvalue().encode(errors="surrogateescape")


def _point_cells(point: Point) -> list[str]:
    return [_cell(value) for value in dataclasses.astuple(point)]


def _row_cells(row: Row) -> list[str]:
    figures = (getattr(row.outcome, name) for name in OUTCOME_COLUMNS)
    return [*_point_cells(row.point), *(_cell(value) for value in (row.chip, *figures))]


def _check_figure(name: str, figure: float, least: int, most: int, cells: int) -> None:
    """Refuse a figure for each cell that is not a whole number for all cells, within a range."""
    if not least <= figure <= most or math.copysign(1, figure) < 0:
        raise ValueError(f"{name} must be from {least} to {most}, not {figure!r}")
    if round(figure * cells) / cells != figure:
        raise ValueError(f"{name} must be a whole number over {cells:,} cells, not {figure!r}")


def _check_counts(
    point: Point, figures: Mapping[str, float], cells: int, counts: Counts | None
) -> None:
    """Refuse figures for each cell that no chip of a point can have.

    Only write-verify reads, after each train that it writes; one of these is from one end of the
    range to the other at most. What the others take is known.
    """
    tries = MAX_TRIES if point.tries is None else point.tries
    ranges = [(0, MAX_PULSES * tries), (1, tries), (0, 1)]
    taken = None if counts is None else (counts.pulses, counts.reads, counts.unconverged)
    for place, (column, figure) in enumerate(figures.items()):
        name = f"{column} of {point.program}"
        if taken is None:
            _check_figure(name, figure, *ranges[place], cells)
        elif repr(figure) != repr(taken[place] / cells):  # -0.0 is not 0.0
            raise ValueError(f"{name} must be {taken[place] / cells!r}, not {figure!r}")


def row_line(row: Row) -> bytes:
    """A row as it stands in the file."""
    return _line(_row_cells(row))


def grid_path(path: Path) -> Path:
    """Where the grid of a table lies."""
    return path.with_name(f"{path.name}.grid.json")


@dataclass(frozen=True)
class _Grid:
    """Which rows a table can have.

    Parameters
    ----------
    points : dict
        All points, by their cells.
    seeds : range
        The chips of each.
    images : int
        How many images each chip is shown.
    counts : callable
        What is known of a point's counts; asked once for each.
    """

    points: Mapping[tuple[str, ...], Point]
    seeds: range
    images: int
    counts: PointCounts

    @property
    def largest(self) -> int:
        """Bytes of a table of all rows, or somewhat more."""
        heads = sum(len(_line(cells)) + LONGEST_FIGURES for cells in self.points)
        return len(_line(COLUMNS)) + heads * len(self.seeds)

    def row(self, cells: list[str]) -> Row:
        """The row that some cells are.

        Raises
        ------
        ValueError
            If they are not a row that this grid has and this program writes; the message says
            which cell is wrong.
        """
        width = len(FACTOR_COLUMNS)
        point = self.points.get(tuple(cells[:width]))
        if point is None or len(cells) != len(COLUMNS):
            raise ValueError("no point of the grid has such a row")
        chip, images, correct = int(cells[width]), int(cells[width + 1]), int(cells[width + 2])
        figures = [float(cell) for cell in cells[width + 4 :]]
        if chip not in self.seeds:
            raise ValueError(f"the grid has no chip {chip}")
        if images != self.images:
            raise ValueError(f"the grid has {self.images} images, not {images}")
        if not 0 <= correct <= images:
            raise ValueError(f"correct is {correct} of {images} images")
        named = dict(zip(COLUMNS[width + 4 :], figures, strict=True))
        _check_counts(point, named, *self.counts(point))
        pulses, reads, unconverged = figures
        row = Row(point, chip, Outcome(images, correct, pulses, reads, unconverged))
        for name, cell, written in zip(COLUMNS, cells, _row_cells(row), strict=True):
            if cell != written:
                raise ValueError(f"{name} is {cell!r}, where a sweep writes {written!r}")
        return row


def _read_rows(path: Path, content: bytes, grid: _Grid) -> list[Row]:
    """All rows of a table, each of them checked."""
    header = _line(COLUMNS)
    if not content.startswith(header):
        raise UserError(f"{path} is not a sweep's table; give another name")
    source = io.BytesIO(content)
    source.seek(len(header))
    lines = csv.reader(io.TextIOWrapper(source, "utf-8", "surrogateescape", newline=""))
    rows: dict[tuple[Point, int], Row] = {}
    try:
        for cells in lines:
            row = grid.row(cells)
            if (row.point, row.chip) in rows:
                raise ValueError(f"chip {row.chip} of this point is there already")
            rows[row.point, row.chip] = row
    except (ValueError, csv.Error) as error:
        raise UserError(
            f"{path} line {lines.line_num + 1} is not of this sweep: {error}; mend it, or give "
            "another name"
        ) from None
    return list(rows.values())


def _difference(there: Any, here: Any) -> str | None:
    """What differs between two records, in words; None if nothing does."""
    if not isinstance(there, dict) or there.get("format") != here["format"]:
        return "its grid is of another version"
    for key in ("grid", "networks", "devices", "data", "calibration_images"):
        one, two = there.get(key), here.get(key)
        if one == two:
            continue
        named = key.replace("_", " ")
        if not isinstance(one, dict) or not isinstance(two, dict):
            return f"the {named} differ" if key.endswith("s") else f"the {named} differs"
        alone = one.keys() ^ two.keys()
        if alone and all(one.get(name) == two.get(name) for name in [*two, *one]):
            return f"one of the two has no {min(alone)}"
        name = next(name for name in [*two, *one] if one.get(name) != two.get(name))
        if key != "grid":
            return f"{name} is another file now"
        return f"{name} is {json.dumps(one.get(name))} there, {json.dumps(two.get(name))} here"
    return None


class Table(Closing):
    """The table of one sweep, open for more rows; no other process can have it open.

    Parameters
    ----------
    path : Path
        The CSV file; made unless it is there.
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
        What is known of a point's counts.

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
        counts: PointCounts,
    ) -> None:
        self.path = path
        record = json.loads(json.dumps({"format": FORMAT, **record}))
        by_cells = {tuple(_point_cells(point)): point for point in points}
        grid = _Grid(by_cells, seeds, images, cache(counts))
        if grid.largest > MAX_BYTES:
            raise UserError(
                f"{len(points) * len(seeds):,} chips make a table of more than "
                f"{MAX_BYTES >> 20} MiB; sweep them in parts"
            )
        try:
            if path.exists() and not path.is_file():
                raise UserError(f"cannot write {path}: it is not a regular file")
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror}") from error
        try:
            self._lock()
            self.rows = self._resume(record, grid)
        except BaseException:
            os.close(self._file)
            raise

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"another sweep is writing {self.path}; wait for it") from None

    def _resume(self, record: dict[str, Any], grid: _Grid) -> list[Row]:
        content = read_file(self.path, "table", MAX_BYTES)
        beside = grid_path(self.path)
        # The grid is there before the first row, so a table with rows and no grid is no sweep's.
        whole = content[: content.rfind(b"\n") + 1]
        torn = len(whole) < len(content)
        if not whole and _line(COLUMNS).startswith(content):
            write_atomically(beside, (json.dumps(record, indent=1) + "\n").encode())
            os.ftruncate(self._file, 0)
            self._write(_line(COLUMNS))
            return []
        del content
        if not beside.exists():
            raise UserError(f"{self.path} has no {beside.name} beside it; give another name")
        with refused(f"{beside} is damaged: ", "; give another name"):
            there = parse_json(read_file(beside, "grid", MAX_JSON))
        difference = _difference(there, record)
        if difference is not None:
            raise UserError(
                f"{self.path} is of another sweep: {difference}; give another name, or that grid"
            )
        rows = _read_rows(self.path, whole, grid)
        if torn:
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
