"""A chip as a probe station read it back: R_AH words of a network's cells."""

import dataclasses
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.data.arrays import npz_bytes, read_npz
from allspin.host.fit.columns import NAMES, plain
from allspin.host.fit.quantities import MAX_MAGNITUDE, SENTINELS, unit_of
from allspin.host.fit.tables import CsvFile, Limits, read_csv
from allspin.sim.chip.chip import Chip
from allspin.sim.chip.fixed_point import Words
from allspin.sim.chip.words import rounded_words
from allspin.sim.device.device import AdcVariation, Device, Imperfections, NeuronVariation
from allspin.sim.errors import UserError, refused
from allspin.sim.network.network import Network
from allspin.sim.programming.programming import Programmed
from allspin.sim.programming.trains import level_targets
from allspin.sim.programming.write_verify import Cells, measured_words, saturates
from allspin.sim.synapse.response import Polarity

# What a probe station read back of a chip's cells: rows of a file, as they stand there.

PLACES = ("layer", "row", "column")
RESISTANCE = "R_AH"
REFERENCE = "reference_R_AH"
STATE = "state"
WHOLE = re.compile(r"\d{1,9}(?:[.]0*)?")
"""A whole number, as spreadsheets write it too."""
ITEM_BYTES = 256
"""Of an item of an archive at most: a word of 64 characters."""
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
    limit = len(names) * ITEM_BYTES * (cells + SPARE)
    found = read_npz(path, "file of cells", limit, names)
    for name, values in found.items():
        if values.ndim > 1:
            raise UserError(f"{path}: {name} has {values.ndim} dimensions, a list has one")
        found[name] = values.reshape(-1)
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


# The table of a programmed chip's cells, as CSV or as a NumPy archive.

Values = npt.NDArray[Any]

COLUMNS = {
    "layer": "layer, from 0",
    "row": "row of the layer, from 0",
    "column": "column of the layer, from 0",
    "state": "state that is wanted, from 0",
    "target_R_AH": "R_AH of that state's level",
    "R_AH": "R_AH that the cell holds, alone",
    "target_word": "R_AH word of the level",
    "word": "R_AH word of what the cell holds, less the reference",
    "saturated": "1 if that is beyond the words' range",
    "polarity": "of the last train, the one that stands",
    "pulses": "pulses of the last train",
    "width": "how wide these are together, in pulses of nominal width",
    "all_pulses": "pulses of all trains",
    "reads": "times that the cell was read",
    "tries": "times that it was written",
    "converged": "1 if it was read within the band",
    "reference_R_AH": "R_AH that the reference cell of its row holds",
    # The last, which is never empty: a row of CSV shall not end in an empty cell.
    "saturations": "times that the film was saturated",
}
"""Each column, and what is in it."""
IN_UNIT = ("target_R_AH", "R_AH", "reference_R_AH")
"""Columns in the device's unit."""
IN_NAMES = ",;\t()[]\"'"
"""What a unit in a column's name must not have: it would be taken for a separator."""
SUFFIXES = (".csv", ".npz")


@dataclass(frozen=True, eq=False)
class CellTable:
    """The cells of a programmed chip.

    Attributes
    ----------
    unit : str
        Of R_AH, as the device calls it.
    columns : dict of str to ndarray or None, each (cells,)
        Those of `COLUMNS`, layer by layer and row by row; None where a column is not defined.
    """

    unit: str
    columns: dict[str, Values | None]

    def describe(self) -> str:
        """What it says of the chip, in a line."""
        found = self.columns
        cells, saturated = len(found["layer"]), np.count_nonzero(found["saturated"])  # type: ignore[arg-type]
        words = f"{cells:,} cells, R_AH in {self.unit}, {saturated:,} beyond the words' range"
        if (converged := found["converged"]) is not None:
            words += f", {np.count_nonzero(~converged):,} outside the band"
        return words

    def to_npz(self) -> bytes:
        """As a NumPy archive: an array for each column that is defined, and ``unit``."""
        there = {name: values for name, values in self.columns.items() if values is not None}
        return npz_bytes({**there, "unit": np.array(self.unit)})

    def to_csv(self) -> bytes:
        """As CSV: every R_AH with as many digits as make the same number again."""
        texts = [_texts(values) for values in self.columns.values()]
        size = max(map(len, texts))
        rows = zip(*(text or [""] * size for text in texts), strict=True)
        lines = [",".join(map(self._heading, self.columns)), *map(",".join, rows), ""]
        return "\n".join(lines).encode()

    def _heading(self, name: str) -> str:
        if name == "width":
            return "width (pulses)"
        if name in IN_UNIT and not set(self.unit) & set(IN_NAMES):
            return f"{name} ({self.unit})"
        return name


def _texts(values: Values | None) -> list[str]:
    if values is None:
        return []
    if values.dtype.kind == "b":
        values = values.astype(np.int8)
    if values.dtype.kind == "f":
        return [repr(value).removesuffix(".0") for value in values.tolist()]
    return list(map(str, values.tolist()))


def cell_table(network: Network, device: Device, programmed: Programmed) -> CellTable:
    """The table of a programmed chip.

    Parameters
    ----------
    network : Network
        What it was programmed with.
    device : Device
        What its cells are.
    programmed : Programmed
        What came of it.
    """
    layers = [
        _layer_columns(number, network, device, programmed) for number in range(len(network.layers))
    ]
    return CellTable(
        device.unit, {name: _joined(each[name] for each in layers) for name in COLUMNS}
    )


def _joined(parts: Iterable[Values | None]) -> Values | None:
    """A column of all layers; None where a layer has none."""
    there = []
    for part in parts:
        if part is None:
            return None
        there.append(part.ravel())
    return np.concatenate(there)


def _layer_columns(
    number: int, network: Network, device: Device, programmed: Programmed
) -> dict[str, Values | None]:
    """The columns of a layer, each of its shape."""
    layer, cells = network.layers[number], programmed.cells[number]
    places = np.indices(layer.states.shape, np.int32)
    targets, _ = level_targets(device.synapse, layer.levels)
    return {
        "layer": np.full(layer.states.shape, number, np.int32),
        "row": places[0],
        "column": places[1],
        "state": layer.states,
        "target_R_AH": targets[layer.states],
        "R_AH": cells.resistance(device.synapse, layer.levels),
        "reference_R_AH": cells.reference_resistance(device.synapse, layer.levels),
        "target_word": layer.levels[layer.states],
        "word": programmed.words[number],
        "saturated": saturates(cells.held, network.rah_bits),
        **_of_trains(cells),
    }


def _of_trains(cells: Cells) -> dict[str, Values | None]:
    """The columns of a layer that say how its cells were written."""
    names = np.array([polarity.name.lower() for polarity in Polarity])
    return {
        "polarity": names[cells.polarity],
        "pulses": cells.pulses,
        "width": cells.widths,
        "all_pulses": cells.all_pulses,
        "saturations": cells.saturations,
        # Write-verify reads once after each write.
        "reads": cells.tries,
        "tries": cells.tries,
        "converged": cells.converged,
    }


def check_suffix(path: Path) -> None:
    """Raise a `UserError` unless a file's name says in which form it is written."""
    if path.suffix not in SUFFIXES:
        raise UserError(f"cannot write {path}: name it .csv for text or .npz for NumPy")


def table_bytes(table: CellTable, path: Path) -> bytes:
    """The content of a file of cells, in the form that its name says."""
    return table.to_npz() if path.suffix == ".npz" else table.to_csv()


ON_COLUMNS = (
    *("read_noise", "amplifier_gain", "amplifier_offset"),
    *("converter_gain", "converter_offset"),
)
"""Imperfections of columns; those of cells are in what was read of the cells."""


@dataclass(frozen=True, eq=False)
class ProbedCells:
    """What a file says of a network's cells.

    Attributes
    ----------
    path : Path
        The file.
    words : list of ndarray of int8, each (rows, columns)
        R_AH words.
    missing : int
        Cells of which it says nothing: they are taken for open (`Device.open_cell`).
    saturated : int
        Cells whose R_AH is beyond the words' range: theirs is the largest or smallest word.
    held : list of ndarray of int64, each (rows, columns)
        What the words are rounded of, in units of ``2**-21`` words.
    referenced : bool
        Whether the file has what the reference cells hold, which is then subtracted.
    """

    path: Path
    words: list[Words]
    missing: int
    saturated: int
    held: list[npt.NDArray[np.int64]]
    referenced: bool = False

    def on(self, chip: Chip, network: Network) -> list[Words]:
        """The words less the chip's reference column, as the converters of its tiles take them.

        Parameters
        ----------
        chip : Chip
            What varies beside the cells: of `device`.
        network : Network
            What the cells were programmed with.
        """
        found = []
        for number, (layer, held) in enumerate(zip(network.layers, self.held, strict=True)):
            errors = chip.reference_errors(number, (layer.rows, layer.columns), layer.levels)
            kept = held if errors is None else held - errors
            through = chip.through_gains(network, number, kept)
            found.append(rounded_words(through, network.rah_bits))
        return found

    def device(self, device: Device, columns: bool) -> Device:
        """What varies of a device beside the cells, as `probed_device` has it."""
        return probed_device(device, columns, not self.referenced)

    @property
    def cells(self) -> int:
        """Cells of the network."""
        return sum(words.size for words in self.words)

    def readings(self) -> list[str]:
        """What is read into the file, a line each."""
        lines = [f"cells as {self.path} has them, with all that varies of a cell"]
        if self.missing:
            lines.append(
                f"{self.missing:,} of {self.cells:,} cells are missing; they are taken for open"
            )
        if self.referenced:
            lines.append(f"reference cells as {self.path} has them")
        if self.saturated:
            lines.append(
                f"{self.saturated:,} of {self.cells:,} cells are saturated: their R_AH is beyond "
                "the words' range"
            )
        return lines

    def to_dict(self) -> dict[str, Any]:
        """What ``--json`` says of it."""
        return {
            "file": str(self.path),
            "cells": self.cells,
            "missing": self.missing,
            "saturated": self.saturated,
            "referenced": self.referenced,
        }


def probed_device(device: Device, columns: bool, reference: bool = True) -> Device:
    """What varies of a device where its cells are known.

    Parameters
    ----------
    device : Device
        The device.
    columns : bool
        Whether neurons, amplifiers, converters and the reference column vary as the device says;
        else not at all.
    reference : bool
        Whether the reference column is one of them; False where it is known.
    """
    wrong = device.imperfections
    names = (*ON_COLUMNS, *(("reference",) if reference else ()))
    return dataclasses.replace(
        device,
        synapse=device.synapse.varied(0.0, 0.0),
        neuron_variation=device.neuron_variation if columns else NeuronVariation(),
        imperfections=Imperfections(**{name: getattr(wrong, name) for name in names})
        if columns
        else Imperfections(),
        adc=device.adc if columns else AdcVariation(),
    )


def probe_cells(path: Path, network: Network, device: Device, missing: float = 0.0) -> ProbedCells:
    """Take the cells of a network from a file.

    Parameters
    ----------
    path : Path
        As of `allspin.host.chips.probed_cells.read_cells`.
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
    shapes = [layer.states.shape for layer in network.layers]
    sizes = [layer.states.size for layer in network.layers]
    reads = read_cells(path, device.unit, sum(sizes))
    flat = _places(reads, network)
    _check_twice(reads, flat)
    if reads.states is not None:
        wanted = np.concatenate([layer.states.ravel() for layer in network.layers])[flat]
        for row in np.flatnonzero(reads.states != wanted)[:1].tolist():
            raise reads.fail(
                row,
                f"{reads.cell(row)} was written for state {reads.states[row]}, but the network has "
                f"state {wanted[row]} there; was it another network's?",
            )
    resistance, reference = np.full((2, sum(sizes)), np.nan)
    resistance[flat] = reads.resistance
    if reads.reference is not None:
        reference[flat] = reads.reference
    lacking = _check_missing(reads, network, resistance, missing)
    starts = np.cumsum([0, *sizes])
    words, held, saturated = [], [], 0
    for layer, start, shape in zip(network.layers, starts.tolist(), shapes, strict=False):
        part = slice(start, start + layer.states.size)
        with refused():
            found = measured_words(
                device.synapse,
                layer.levels,
                resistance[part].reshape(shape),
                network.rah_bits,
                reference=_rows_own(reference[part].reshape(shape)),
                opened=device.open_cell,
            )
        words.append(found.words)
        held.append(found.held)
        saturated += int(np.count_nonzero(found.saturated))
    return ProbedCells(path, words, lacking, saturated, held, reads.reference is not None)


def _rows_own(reference: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """References of cells; where one is not known, the mean of its row's, NaN without any."""
    known = ~np.isnan(reference)
    total, count = np.nansum(reference, axis=1), known.sum(axis=1)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return np.where(known, reference, mean[:, None])


def _places(reads: Reads, network: Network) -> npt.NDArray[np.int64]:
    """Where each row's cell is among all cells of the network, layer by layer."""
    layers = reads.places["layer"]
    for row in np.flatnonzero(layers >= len(network.layers))[:1].tolist():
        raise reads.fail(
            row, f"there is no layer {layers[row]}: the network has {len(network.layers)}, from 0"
        )
    rows, columns = np.array([layer.states.shape for layer in network.layers], np.int64).T
    for name, ends in (("row", rows), ("column", columns)):
        values = reads.places[name]
        for row in np.flatnonzero(values >= ends[layers])[:1].tolist():
            raise reads.fail(
                row,
                f"layer {layers[row]} has no {name} {values[row]}: it has {ends[layers[row]]}, "
                "from 0",
            )
    starts = np.concatenate([[0], np.cumsum(rows * columns)])
    return starts[layers] + reads.places["row"] * columns[layers] + reads.places["column"]


def _check_twice(reads: Reads, flat: npt.NDArray[np.int64]) -> None:
    """Raise for the first row whose cell another row has."""
    order = np.argsort(flat, kind="stable")
    again = order[1:][flat[order[1:]] == flat[order[:-1]]]
    if again.size:
        row = int(again.min())
        first = int(np.flatnonzero(flat == flat[row])[0])
        raise reads.fail(
            row, f"{reads.cell(row)} is there twice, first in {reads.where(first)}; keep one"
        )


def _check_missing(
    reads: Reads, network: Network, resistance: npt.NDArray[np.float64], share: float
) -> int:
    """How many cells are missing, by having no row or no value; not more than a share."""
    missing = np.isnan(resistance)
    count = int(np.count_nonzero(missing))
    if count <= share * missing.size:
        return count
    empty = np.flatnonzero(np.isnan(reads.resistance))
    if empty.size:
        row = int(empty[0])
        which = f"{reads.where(row)}: R_AH of {reads.cell(row)} is missing"
    else:
        which = f"{_cell(network, int(np.argmax(missing)))} has no row"
    some = f", and of {count - 1:,} more" if count > 1 else ""
    allowed = f"at most {share:g} may with `missing`" if share else "or give `missing` a share"
    raise UserError(
        f"{reads.path}: {which}{some}, {count / missing.size:.2%} of the cells; measure again, "
        f"{allowed}"
    )


def _cell(network: Network, place: int) -> str:
    """Which cell of a network is at a place among all, in words."""
    for number, layer in enumerate(network.layers):
        if place < layer.states.size:
            row, column = divmod(place, layer.columns)
            return f"layer {number}, row {row}, column {column}"
        place -= layer.states.size
    raise ValueError(f"the network has no cell {place}")
