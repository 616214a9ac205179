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
from allspin.host.lab.tables import read_csv
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
"""Rows and lines that a file may have beside the network's cells: a preamble, doubled cells."""
ROW_BYTES = 1024
ROW_CELLS = 64
ITEM_BYTES = 256
"""Of an item of an archive at most: a word of 64 characters."""
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def read_cells(path: Path, network: Network, device: Device, missing: float = 0.0) -> MeasuredCells:
    """Read the cells of a network from a file of a probe station.

    Parameters
    ----------
    path : Path
        A table as text, or a NumPy archive if its name ends in ``.npz``.
    network : Network
        What the cells were programmed with.
    device : Device
        Its range and unit tell what R_AH is worth in words.
    missing : float
        Share of the cells that may be missing.

    Raises
    ------
    UserError
        If the file cannot be read, has cells that the network has not, has one twice, lacks too
        many, or was written for other states.
    """
    ends = np.cumsum([layer.states.size for layer in network.layers])
    read = _read_npz if path.suffix == ".npz" else _read_csv
    reads = read(path, device.unit, int(ends[-1]))
    flat = _checked_places(reads, network)
    resistance, reference = np.full((2, ends[-1]), np.nan)
    resistance[flat] = reads.columns[RESISTANCE]
    reference[flat] = reads.columns[REFERENCE]
    lacking = _count_missing(reads, network, resistance, missing)
    held = []
    for layer, *both in zip(
        network.layers, np.split(resistance, ends), np.split(reference, ends), strict=False
    ):
        own, its_rows = (values.reshape(layer.states.shape) for values in both)
        known = ~np.isnan(its_rows)
        # A reference that is not known is the mean of its row's others.
        mean = np.nansum(its_rows, axis=1) / np.maximum(known.sum(axis=1), 1)
        mean = np.where(known.any(axis=1), mean, np.nan)[:, None]
        errors = np.where(known, its_rows, mean)
        with refused():
            held.append(
                words_of_resistance(device.synapse, layer.levels, own, errors, device.open_cell)
            )
    saturated = sum(int(np.count_nonzero(saturates(each, network.rah_bits))) for each in held)
    referenced = not np.isnan(reference).all()
    return MeasuredCells(str(path), held, lacking, saturated, referenced)


@dataclass(frozen=True, eq=False)
class Reads:
    """Rows of a file of measured cells.

    Attributes
    ----------
    path : Path
        The file.
    columns : dict of str to ndarray, each (rows,)
        By name; R_AH in the device's unit, with NaN where none was read, and a reference of NaN
        where the file has none.
    lines : list of int or None
        Line of each row in the file; None of one that has no lines.
    """

    path: Path
    columns: dict[str, Floats]
    lines: Sequence[int] | None

    def where(self, row: int) -> str:
        """Where a row is in the file, in words."""
        return f"item {row}" if self.lines is None else f"line {self.lines[row]}"

    def cell(self, row: int) -> str:
        """Which cell a row is of, in words."""
        return ", ".join(f"{name} {self.columns[name][row]:.0f}" for name in PLACES)

    def refuse(
        self, faults: npt.NDArray[np.bool_], message: str, **values: npt.NDArray[Any]
    ) -> None:
        """Raise a `UserError` of the first row with a fault, if there is one.

        Parameters
        ----------
        faults : ndarray of bool, shape (rows,)
            Rows that have it.
        message : str
            What is wrong, with its row's `values` by name, and the row's ``cell``.
        values : ndarray, each (rows,)
            What the message names.
        """
        for row in np.flatnonzero(faults)[:1].tolist():
            told: dict[str, Any] = {name: column[row] for name, column in values.items()}
            if "{cell}" in message:
                told["cell"] = self.cell(row)
            raise UserError(f"{self.path}: {self.where(row)}: {message.format(**told)}")


def _checked_places(reads: Reads, network: Network) -> Integers:
    """Where each row's cell is among all cells of a network, layer by layer.

    Raises
    ------
    UserError
        If the network has no such cell, or another state there, or a row names a cell again.
    """
    whole = {}
    for name in (*PLACES, STATE):
        if name in reads.columns:
            values = reads.columns[name]
            legal = (values >= 0) & (values < MAX_WHOLE) & (values == np.floor(values))
            message = f"{name} is {{value:g}}; give a whole number from 0 on"
            reads.refuse(~legal, message, value=values)
            whole[name] = values.astype(np.int64)
    layers, count = whole["layer"], len(network.layers)
    message = f"there is no layer {{layer}}: the network has {count}, from 0"
    reads.refuse(layers >= count, message, layer=layers)
    rows, columns = np.array([layer.states.shape for layer in network.layers]).T
    for name, ends in (("row", rows[layers]), ("column", columns[layers])):
        message = f"layer {{layer}} has no {name} {{value}}: it has {{end}}, from 0"
        reads.refuse(whole[name] >= ends, message, layer=layers, value=whole[name], end=ends)
    starts = np.concatenate([[0], np.cumsum(rows * columns)])
    flat = starts[layers] + whole["row"] * columns[layers] + whole["column"]
    _, firsts, which = np.unique(flat, return_index=True, return_inverse=True)
    for row in np.flatnonzero(firsts[which] != np.arange(len(flat)))[:1].tolist():
        first = reads.where(int(firsts[which[row]]))
        raise UserError(
            f"{reads.path}: {reads.where(row)}: {reads.cell(row)} is there twice, first in "
            f"{first}; keep one"
        )
    if STATE in whole:
        wanted = np.concatenate([layer.states.ravel() for layer in network.layers])[flat]
        reads.refuse(
            whole[STATE] != wanted,
            "{cell} was written for state {state}, but the network has state {wanted} there; was "
            "it another network's?",
            state=whole[STATE],
            wanted=wanted,
        )
    return flat


def _count_missing(reads: Reads, network: Network, resistance: Floats, share: float) -> int:
    """How many cells are missing, by having no row or no value; not more than a share.

    Raises
    ------
    UserError
        If it is more, or R_AH is there without the reference that others have.
    """
    empty, lone = (np.isnan(reads.columns[name]) for name in (RESISTANCE, REFERENCE))
    if not lone.all():
        reads.refuse(
            lone & ~empty,
            f"{REFERENCE} of {{cell}} is missing; give it that of its row's others, or leave the "
            "column out",
        )
    missing = np.isnan(resistance)
    count = int(np.count_nonzero(missing))
    if count <= share * missing.size:
        return count
    ends = np.cumsum([layer.states.size for layer in network.layers])
    first = int(np.argmax(missing))
    number = int(np.searchsorted(ends, first, side="right"))
    layer = network.layers[number]
    row, column = divmod(first - int(ends[number]) + layer.states.size, layer.columns)
    some = f", and of {count - 1:,} more" if count > 1 else ""
    allowed = f"at most {share:g} may with `missing`" if share else "or give `missing` a share"
    raise UserError(
        f"{reads.path}: R_AH of layer {number}, row {row}, column {column} is missing{some}, "
        f"{count / missing.size:.2%} of the cells; measure again, {allowed}"
    )


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


def _read_csv(path: Path, unit: str, cells: int) -> Reads:
    """Columns of a table as text, and the line of each row."""
    most = cells + SPARE
    file = read_csv(path, ROW_BYTES * most, ROW_CELLS * most)
    headings = [plain(column.name) for column in file.columns]
    line = file.blocks[0][0]
    columns = {REFERENCE: np.full(len(file.rows), np.nan)}
    for name in (*PLACES, RESISTANCE, REFERENCE, STATE):
        known = (plain(name), *NAMES["resistance"]) if name == RESISTANCE else (plain(name),)
        called = (each for one in known for each in headings if re.fullmatch(one, each))
        heading = next(called, None)
        if heading is None and name in (REFERENCE, STATE):
            continue
        if heading is None:
            found = ", ".join(column.name or "(no name)" for column in file.columns)
            raise file.fail(line, f"there is no column {name} (it has {found})")
        if headings.count(heading) > 1:
            raise file.fail(line, f"two columns are called {heading}; rename one")
        place = headings.index(heading)
        column = file.columns[place]
        values = file.values(place)
        if name in (RESISTANCE, REFERENCE):
            values *= _factor(f"{path}: line {line}", column.name, column.unit, unit)
        columns[name] = values
    return Reads(path, columns, [number for number, _ in file.rows])


def _read_npz(path: Path, unit: str, cells: int) -> Reads:
    """Arrays of an archive, which has no lines."""
    names = (*PLACES, RESISTANCE, REFERENCE, STATE, "unit")
    limit = len(names) * ITEM_BYTES * (cells + SPARE)
    found = read_npz(path, "file of cells", limit, names)
    for name, values in found.items():
        if values.ndim > 1:
            raise UserError(f"{path}: {name} has {values.ndim} dimensions, a list has one")
    for name in (*PLACES, RESISTANCE):
        if name not in found:
            raise UserError(f"{path}: there is no array {name} (it has {', '.join(found)})")
    written = "".join(map(str, found.pop("unit", np.array([""], "U1")).ravel().tolist()))
    sizes = {name: values.size for name, values in found.items()}
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise UserError(f"{path}: the arrays have not as many items each: {told}")
    factor = _factor(str(path), RESISTANCE, written, unit)
    reads = Reads(path, {REFERENCE: np.full(sizes["layer"], np.nan)}, None)
    for name, array in found.items():
        if array.dtype.kind not in "iuf":
            raise UserError(f"{path}: {name} is of {array.dtype}, not of numbers")
        values = array.ravel().astype(np.float64)
        # What meters write where they read nothing.
        missing = ~np.isfinite(values)
        for sentinel in SENTINELS:
            missing |= np.isclose(np.abs(values), sentinel, rtol=1e-4, atol=0)
        values[missing] = np.nan
        message = f"{name} is beyond {MAX_MAGNITUDE:g}, as no measurement is"
        reads.refuse(np.abs(values) > MAX_MAGNITUDE, message)
        reads.columns[name] = values * (factor if name in (RESISTANCE, REFERENCE) else 1)
    return reads
