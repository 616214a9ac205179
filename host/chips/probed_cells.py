"""Files of a probe station: R_AH of a network's cells, as CSV or a NumPy archive."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.data.arrays import read_npz
from allspin.host.lab.column_map import NAMES, plain
from allspin.host.lab.quantities import MAX_MAGNITUDE, SENTINELS, unit_of
from allspin.host.lab.tables import CsvFile, read_csv
from allspin.sim.chip.words import saturates
from allspin.sim.device.device import Device
from allspin.sim.errors import UserError, refused
from allspin.sim.network.network import Network
from allspin.sim.programming.measured_cells import MeasuredCells, words_of_resistance

PLACES = ("layer", "row", "column")
RESISTANCE = "R_AH"
REFERENCE = "reference_R_AH"
STATE = "state"
MAX_WHOLE = 10**9
SPARE = 1000
"""Rows that a file may have besides the network's cells: a preamble, doubled cells."""
ROW_BYTES = 1024
ROW_CELLS = 64
ITEM_BYTES = 256
"""Most bytes of an item of an archive: a word of 64 characters."""
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class CellReads:
    """Rows of a file of measured cells.

    Attributes
    ----------
    path : Path
        The file.
    columns : dict of str to ndarray, each (rows,)
        Values by column. R_AH is in the device's unit, with NaN for cells that were not read;
        references are NaN if the file has none.
    lines : sequence of int or None
        Line of each row in the file; None for an archive.
    """

    path: Path
    columns: dict[str, Floats]
    lines: Sequence[int] | None

    def place(self, row: int) -> str:
        """Return the place of a row in the file, in words."""
        return f"item {row}" if self.lines is None else f"line {self.lines[row]}"

    def cell(self, row: int) -> str:
        """Return the layer, row and column of a row's cell, in words."""
        return ", ".join(f"{name} {self.columns[name][row]:.0f}" for name in PLACES)

    def refuse(
        self, faults: npt.NDArray[np.bool_], message: str, **values: npt.NDArray[Any]
    ) -> None:
        """Raise a `UserError` about the first row with a fault, if any has one.

        Parameters
        ----------
        faults : ndarray of bool, shape (rows,)
            True for rows with the fault.
        message : str
            Format of the message, with the names of `values`, and ``cell`` for the row's cell.
        values : ndarray, each (rows,)
            Values that the message names.
        """
        if not faults.any():
            return
        row = int(np.argmax(faults))
        named: dict[str, Any] = {name: column[row] for name, column in values.items()}
        if "{cell}" in message:
            named["cell"] = self.cell(row)
        raise UserError(f"{self.path}: {self.place(row)}: {message.format(**named)}")


def read_cells(path: Path, network: Network, device: Device, missing: float = 0.0) -> MeasuredCells:
    """Read the cells of a network from a file of a probe station.

    Parameters
    ----------
    path : Path
        A table as text, or a NumPy archive if its name ends in ``.npz``.
    network : Network
        Network with which the cells were programmed.
    device : Device
        Device; its range and unit give the R_AH words.
    missing : float
        Share of the cells that may be missing.

    Raises
    ------
    UserError
        If the file cannot be read, has cells that the network does not have, has a cell twice,
        lacks too many, or was written for other states.
    """
    ends = np.cumsum([layer.states.size for layer in network.layers])
    cells = int(ends[-1])
    read = _read_npz if path.suffix == ".npz" else _read_csv
    reads = read(path, device.unit, cells)
    places = _cell_places(reads, network)
    resistance = np.full(cells, np.nan)
    reference = np.full(cells, np.nan)
    resistance[places] = reads.columns[RESISTANCE]
    reference[places] = reads.columns[REFERENCE]
    lacking = _count_missing(reads, network, resistance, missing)
    words = []
    for layer, own, its_reference in zip(
        network.layers,
        np.split(resistance, ends[:-1]),
        np.split(reference, ends[:-1]),
        strict=True,
    ):
        shape = layer.states.shape
        references = _fill_references(its_reference.reshape(shape))
        with refused():
            words.append(
                words_of_resistance(
                    device.synapse, layer.levels, own.reshape(shape), references, device.open_cell
                )
            )
    saturated = sum(int(np.count_nonzero(saturates(each, network.rah_bits))) for each in words)
    referenced = not np.isnan(reference).all()
    return MeasuredCells(str(path), words, lacking, saturated, referenced)


def _fill_references(reference: Floats) -> Floats:
    """Replace references that are not known by the mean of the others in their row.

    Parameters
    ----------
    reference : ndarray of float64, shape (rows, columns)
        R_AH of the reference at each cell; a row without any stays NaN.
    """
    known = ~np.isnan(reference)
    mean = np.nansum(reference, axis=1) / np.maximum(known.sum(axis=1), 1)
    mean = np.where(known.any(axis=1), mean, np.nan)
    return np.where(known, reference, mean[:, None])


def _cell_places(reads: CellReads, network: Network) -> Integers:
    """Return the place of each row's cell among all cells of a network, layer by layer.

    Raises
    ------
    UserError
        If the network has no such cell or another state there, or a cell comes twice.
    """
    whole = _whole_numbers(reads)
    layers = whole["layer"]
    count = len(network.layers)
    message = f"there is no layer {{layer}}: the network has {count}, from 0"
    reads.refuse(layers >= count, message, layer=layers)
    rows, columns = np.array([layer.states.shape for layer in network.layers]).T
    for name, ends in (("row", rows[layers]), ("column", columns[layers])):
        message = f"layer {{layer}} has no {name} {{value}}: it has {{end}}, from 0"
        reads.refuse(whole[name] >= ends, message, layer=layers, value=whole[name], end=ends)
    starts = np.concatenate([[0], np.cumsum(rows * columns)])
    places = starts[layers] + whole["row"] * columns[layers] + whole["column"]
    _check_once(reads, places)
    if STATE in whole:
        wanted = np.concatenate([layer.states.ravel() for layer in network.layers])[places]
        reads.refuse(
            whole[STATE] != wanted,
            "{cell} was written for state {state}, but the network has state {wanted} there; was "
            "it another network's?",
            state=whole[STATE],
            wanted=wanted,
        )
    return places


def _whole_numbers(reads: CellReads) -> dict[str, Integers]:
    """Return the columns of places and states as whole numbers, or raise a `UserError`."""
    whole = {}
    for name in (*PLACES, STATE):
        if name in reads.columns:
            values = reads.columns[name]
            legal = (values >= 0) & (values < MAX_WHOLE) & (values == np.floor(values))
            message = f"{name} is {{value:g}}; give a whole number from 0 on"
            reads.refuse(~legal, message, value=values)
            whole[name] = values.astype(np.int64)
    return whole


def _check_once(reads: CellReads, places: Integers) -> None:
    """Raise a `UserError` if a cell comes twice."""
    _, firsts, inverse = np.unique(places, return_index=True, return_inverse=True)
    first_rows = firsts[inverse]
    again = np.flatnonzero(first_rows != np.arange(len(places)))
    if again.size:
        row = int(again[0])
        raise UserError(
            f"{reads.path}: {reads.place(row)}: {reads.cell(row)} is there twice, first in "
            f"{reads.place(int(first_rows[row]))}; keep one"
        )


def _count_missing(reads: CellReads, network: Network, resistance: Floats, share: float) -> int:
    """Count the cells without a row or without a value.

    Raises
    ------
    UserError
        If their share is larger than allowed, or a cell has R_AH but lacks the reference that
        others have.
    """
    empty = np.isnan(reads.columns[RESISTANCE])
    unreferenced = np.isnan(reads.columns[REFERENCE])
    if not unreferenced.all():
        reads.refuse(
            unreferenced & ~empty,
            f"{REFERENCE} of {{cell}} is missing; give it that of its row's others, or leave the "
            "column out",
        )
    missing = np.isnan(resistance)
    count = int(np.count_nonzero(missing))
    if count <= share * missing.size:
        return count
    cell = _name_cell(network, int(np.argmax(missing)))
    others = f", and of {count - 1:,} more" if count > 1 else ""
    allowed = f"at most {share:g} may with `missing`" if share else "or give `missing` a share"
    raise UserError(
        f"{reads.path}: R_AH of {cell} is missing{others}, "
        f"{count / missing.size:.2%} of the cells; measure again, {allowed}"
    )


def _name_cell(network: Network, place: int) -> str:
    """Return layer, row and column of a cell, given its place among all cells."""
    ends = np.cumsum([layer.states.size for layer in network.layers])
    number = int(np.searchsorted(ends, place, side="right"))
    layer = network.layers[number]
    first = int(ends[number]) - layer.states.size
    row, column = divmod(place - first, layer.columns)
    return f"layer {number}, row {row}, column {column}"


def _unit_factor(title: str, column: str, written: str, unit: str) -> float:
    """Return the factor from the unit of a file's column to the device's unit.

    Raises
    ------
    UserError
        If the column's unit is not of the device's kind.
    """
    own = unit_of(unit)
    other = unit_of(written)
    if written == unit:
        return 1.0
    if not written and (own is None or not own[0]):
        return 1.0
    if own is not None and other is not None and own[0] == other[0] and (not own[0] or written):
        return other[1] / own[1]
    found = f"is in {written}" if written else "has no unit"
    raise UserError(f"{title}: column {column} {found}, but the device has R_AH in {unit}")


def _read_csv(path: Path, unit: str, cells: int) -> CellReads:
    """Read the columns of a table as text, with the line of each row."""
    most = cells + SPARE
    file = read_csv(path, ROW_BYTES * most, ROW_CELLS * most)
    columns = {REFERENCE: np.full(len(file.rows), np.nan)}
    for name in (*PLACES, RESISTANCE, REFERENCE, STATE):
        place = _find_column(file, name)
        if place is None:
            continue
        values = file.values(place)
        if name in (RESISTANCE, REFERENCE):
            column = file.columns[place]
            title = f"{path}: line {file.blocks[0][0]}"
            values *= _unit_factor(title, column.name, column.unit, unit)
        columns[name] = values
    return CellReads(path, columns, [number for number, _ in file.rows])


def _find_column(file: CsvFile, name: str) -> int | None:
    """Return the place of a column in a file; None for an optional column that is missing.

    Raises
    ------
    UserError
        If a required column is missing, or two have the same heading.
    """
    patterns = [plain(name)]
    if name == RESISTANCE:
        patterns += NAMES["resistance"]
    headings = [plain(column.name) for column in file.columns]
    line = file.blocks[0][0]
    for pattern in patterns:
        for place, heading in enumerate(headings):
            if re.fullmatch(pattern, heading):
                if headings.count(heading) > 1:
                    raise file.fail(line, f"two columns are called {heading}; rename one")
                return place
    if name in (REFERENCE, STATE):
        return None
    names = ", ".join(column.name or "(no name)" for column in file.columns)
    raise file.fail(line, f"there is no column {name} (it has {names})")


def _read_npz(path: Path, unit: str, cells: int) -> CellReads:
    """Read the arrays of an archive."""
    arrays = _load_arrays(path, cells)
    written = "".join(map(str, arrays.pop("unit", np.array([""], "U1")).ravel().tolist()))
    sizes = {name: array.size for name, array in arrays.items()}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise UserError(f"{path}: the arrays have not as many items each: {listed}")
    factor = _unit_factor(str(path), RESISTANCE, written, unit)
    reads = CellReads(path, {REFERENCE: np.full(sizes["layer"], np.nan)}, None)
    for name, array in arrays.items():
        if array.dtype.kind not in "iuf":
            raise UserError(f"{path}: {name} is of {array.dtype}, not of numbers")
        values = _with_nan(array)
        message = f"{name} is beyond {MAX_MAGNITUDE:g}, as no measurement is"
        reads.refuse(np.abs(values) > MAX_MAGNITUDE, message)
        if name in (RESISTANCE, REFERENCE):
            values *= factor
        reads.columns[name] = values
    return reads


def _load_arrays(path: Path, cells: int) -> dict[str, npt.NDArray[Any]]:
    """Load the known arrays of an archive; raise a `UserError` if one is missing or no list."""
    names = (*PLACES, RESISTANCE, REFERENCE, STATE, "unit")
    limit = len(names) * ITEM_BYTES * (cells + SPARE)
    arrays = read_npz(path, "file of cells", limit, names)
    for name, values in arrays.items():
        if values.ndim > 1:
            raise UserError(f"{path}: {name} has {values.ndim} dimensions, a list has one")
    for name in (*PLACES, RESISTANCE):
        if name not in arrays:
            raise UserError(f"{path}: there is no array {name} (it has {', '.join(arrays)})")
    return arrays


def _with_nan(array: npt.NDArray[Any]) -> Floats:
    """Return numbers as floats, with NaN for the numbers that meters write for no reading."""
    values = array.ravel().astype(np.float64)
    missing = ~np.isfinite(values)
    for sentinel in SENTINELS:
        missing |= np.isclose(np.abs(values), sentinel, rtol=1e-4, atol=0)
    values[missing] = np.nan
    return values
