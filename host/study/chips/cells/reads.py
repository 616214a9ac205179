"""What a probe station read back of a chip's cells: rows of a file, as they stand there."""

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.data.packed.npz import read_npz
from allspin.host.study.fit.reading.columns import NAMES, plain
from allspin.host.study.fit.reading.table.cells import MAX_MAGNITUDE, SENTINELS
from allspin.host.study.fit.reading.table.csv_file import CsvFile, read_csv
from allspin.host.study.fit.reading.table.text import Limits
from allspin.host.study.fit.reading.table.units import unit_of
from allspin.sim.errors import UserError

PLACES = ("layer", "row", "column")
RESISTANCE = "R_AH"
REFERENCE = "reference_R_AH"
STATE = "state"
WHOLE = re.compile(r"\d{1,9}(?:[.]0*)?")
"""A whole number, as spreadsheets write it too."""
SPARE = 1000
"""Rows and lines that a file may have beside the network's cells: a preamble, doubled cells."""
ROW_BYTES = 1024
ROW_CELLS = 64


@dataclass(frozen=True, eq=False)
class Reads:
    """Rows of a file of measured cells.

    Attributes
    ----------
    path : Path
        The file.
    places : dict of str to ndarray of int64, each (rows,)
        Layer, row and column of each.
    resistance : ndarray of float64, shape (rows,)
        R_AH in the device's unit; NaN where none was read.
    states : ndarray of int64, shape (rows,), or None
        State that each cell was written for; None where the file does not tell.
    lines : ndarray of int64, shape (rows,), or None
        Line of each row in the file; None of one that has no lines.
    reference : ndarray of float64, shape (rows,), or None
        R_AH of the reference cell of each one's row; NaN where neither was read. None where the
        file does not tell.
    """

    path: Path
    places: dict[str, npt.NDArray[np.int64]]
    resistance: npt.NDArray[np.float64]
    states: npt.NDArray[np.int64] | None = None
    lines: npt.NDArray[np.int64] | None = field(default=None)
    reference: npt.NDArray[np.float64] | None = None

    def where(self, row: int) -> str:
        """Where a row is in the file, in words."""
        return f"item {row}" if self.lines is None else f"line {self.lines[row]}"

    def cell(self, row: int) -> str:
        """Which cell a row is of, in words."""
        return ", ".join(f"{name} {values[row]}" for name, values in self.places.items())

    def fail(self, row: int, message: str) -> UserError:
        """An error that names file and line."""
        return UserError(f"{self.path}: {self.where(row)}: {message}")


def read_cells(path: Path, unit: str, cells: int) -> Reads:
    """Read a file of measured cells.

    Parameters
    ----------
    path : Path
        A table as text, or a NumPy archive if its name ends in ``.npz``.
    unit : str
        Unit of the device's R_AH.
    cells : int
        Cells of the network, which bound the file's size.

    Raises
    ------
    UserError
        If it cannot be read, lacks a column, or has something in it that is no such value.
    """
    if path.suffix == ".npz":
        return _checked(_from_npz(path, unit, cells))
    limits = Limits(
        size=ROW_BYTES * (cells + SPARE), lines=cells + SPARE, cells=ROW_CELLS * (cells + SPARE)
    )
    return _checked(_from_csv(read_csv(path, limits), unit))


def _checked(reads: Reads) -> Reads:
    """Rows, each with the reference of its cell or all without.

    Raises
    ------
    UserError
        For the first row that has R_AH without the reference that others have.
    """
    if reads.reference is None or np.isnan(reads.reference).all():
        return dataclasses.replace(reads, reference=None)
    lacking = np.flatnonzero(np.isnan(reads.reference) & ~np.isnan(reads.resistance))
    for row in lacking[:1].tolist():
        raise reads.fail(
            row,
            f"{REFERENCE} of {reads.cell(row)} is missing; give it that of its row's others, or "
            "leave the column out",
        )
    return reads


def _factor(path: str, column: str, written: str, unit: str) -> float:
    """What R_AH in a file's unit is multiplied with.

    Raises
    ------
    UserError
        If that is no unit of the device's kind.
    """
    own, other = unit_of(unit), unit_of(written)
    if written == unit or (not (own and own[0]) and not written):
        return 1.0
    if own is not None and other is not None and own[0] == other[0] and (not own[0] or written):
        return other[1] / own[1]
    said = f"is in {written}" if written else "has no unit"
    raise UserError(f"{path}: column {column} {said}, but the device has R_AH in {unit}")


def _from_csv(file: CsvFile, unit: str) -> Reads:
    headings = [plain(column.name) for column in file.columns]
    line = file.blocks[0][0]

    def place(name: str, others: Sequence[str] = ()) -> int:
        for heading in map(plain, (name, *others)):
            if headings.count(heading) > 1:
                raise file.fail(line, f"two columns are called {heading}; rename one")
            if heading in headings:
                return headings.index(heading)
        found = ", ".join(column.name or "(no name)" for column in file.columns)
        raise file.fail(line, f"there is no column {name} (it has {found})")

    def values(known: int) -> npt.NDArray[np.float64]:
        column = file.columns[known]
        factor = _factor(f"{file.path}: line {line}", column.name, column.unit, unit)
        read = [file.number(number, cells[known], column) for number, cells in file.rows]
        return np.array(read) * factor

    return Reads(
        file.path,
        {name: _whole(file, name, place(name)) for name in PLACES},
        values(place(RESISTANCE, NAMES["resistance"])),
        _whole(file, STATE, headings.index(STATE)) if STATE in headings else None,
        np.array([number for number, _ in file.rows], np.int64),
        values(place(REFERENCE)) if plain(REFERENCE) in headings else None,
    )


def _whole(file: CsvFile, name: str, place: int) -> npt.NDArray[np.int64]:
    """A column of whole numbers."""
    found = []
    for number, cells in file.rows:
        text = cells[place].strip()
        if not WHOLE.fullmatch(text):
            raise file.fail(number, f"{name} is {text!r}; give a whole number from 0 on")
        found.append(int(text.partition(".")[0]))
    return np.array(found, np.int64)


def _from_npz(path: Path, unit: str, cells: int) -> Reads:
    names = (*PLACES, RESISTANCE, REFERENCE, STATE, "unit")
    found = read_npz(path, "file of cells", names, cells + SPARE)
    for name in (*PLACES, RESISTANCE):
        if name not in found:
            raise UserError(f"{path}: there is no array {name} (it has {', '.join(found)})")
    sizes = {name: len(values) for name, values in found.items() if name != "unit"}
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise UserError(f"{path}: the arrays have not as many items each: {told}")
    written = "".join(map(str, found.get("unit", np.array([""], "U1")).tolist()))
    factor = _factor(str(path), RESISTANCE, written, unit)
    return Reads(
        path,
        {name: _whole_numbers(path, name, found[name]) for name in PLACES},
        _read(path, RESISTANCE, found[RESISTANCE]) * factor,
        _whole_numbers(path, STATE, found[STATE]) if STATE in found else None,
        reference=_read(path, REFERENCE, found[REFERENCE]) * factor if REFERENCE in found else None,
    )


def _read(path: Path, name: str, array: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Values, with NaN for what is infinite and for what meters write where they read nothing."""
    if array.dtype.kind not in "iuf":
        raise UserError(f"{path}: {name} is of {array.dtype}, not of numbers")
    values = array.astype(np.float64)
    missing = ~np.isfinite(values)
    for sentinel in SENTINELS:
        missing |= np.isclose(np.abs(values), sentinel, rtol=1e-4, atol=0)
    values = np.where(missing, np.nan, values)
    for row in np.flatnonzero(np.abs(values) > MAX_MAGNITUDE)[:1].tolist():
        raise UserError(
            f"{path}: item {row}: {name} is beyond {MAX_MAGNITUDE:g}, as no measurement is"
        )
    return values


def _whole_numbers(path: Path, name: str, values: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """An array of whole numbers, of whatever type."""
    if values.dtype.kind not in "iuf":
        raise UserError(f"{path}: {name} is of {values.dtype}, not of whole numbers")
    wrong: Sequence[int] = np.flatnonzero(
        ~((values >= 0) & (values < 10**9) & (values == np.floor(values)))
    ).tolist()
    if wrong:
        raise UserError(
            f"{path}: item {wrong[0]}: {name} is {values[wrong[0]]}; give a whole number from 0 on"
        )
    return values.astype(np.int64)
