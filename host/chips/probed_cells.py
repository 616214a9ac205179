"""A chip as a probe station read it back: R_AH words of a network's cells."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.data.arrays import read_npz
from allspin.host.fit.columns import NAMES, plain
from allspin.host.fit.quantities import MAX_MAGNITUDE, SENTINELS, unit_of
from allspin.host.fit.tables import Limits, read_csv
from allspin.sim.chip.chip import Chip
from allspin.sim.chip.fixed_point import Words
from allspin.sim.chip.words import rounded_words
from allspin.sim.device.device import AdcVariation, Device, Imperfections, NeuronVariation
from allspin.sim.errors import UserError, refused
from allspin.sim.network.network import Network
from allspin.sim.programming.write_verify import measured_words

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
ON_COLUMNS = (
    *("read_noise", "amplifier_gain", "amplifier_offset"),
    *("converter_gain", "converter_offset"),
)
"""Imperfections of columns; those of cells are in what was read of the cells."""

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


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
    held: list[Integers]
    referenced: bool

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
        """What varies of a device beside the cells, which are known.

        Parameters
        ----------
        device : Device
            The device.
        columns : bool
            Whether neurons, amplifiers, converters and a reference column that is not known vary
            as the device says; else nothing does.
        """
        known = dataclasses.replace(device, synapse=device.synapse.varied(0.0, 0.0))
        names = ON_COLUMNS if self.referenced else (*ON_COLUMNS, "reference")
        if columns:
            kept = {name: getattr(device.imperfections, name) for name in names}
            return dataclasses.replace(known, imperfections=Imperfections(**kept))
        return dataclasses.replace(
            known,
            neuron_variation=NeuronVariation(),
            imperfections=Imperfections(),
            adc=AdcVariation(),
        )

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
        names = ("cells", "missing", "saturated", "referenced")
        return {"file": str(self.path), **{name: getattr(self, name) for name in names}}


def probe_cells(path: Path, network: Network, device: Device, missing: float = 0.0) -> ProbedCells:
    """Take the cells of a network from a file of a probe station.

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
    sizes = [layer.states.size for layer in network.layers]
    read = _read_npz if path.suffix == ".npz" else _read_csv
    columns, lines = read(path, device.unit, sum(sizes))
    reads = Reads(path, columns, lines)
    flat = reads.flat(network)
    reads.check_states(network, flat)
    resistance, reference = np.full((2, sum(sizes)), np.nan)
    resistance[flat] = columns[RESISTANCE]
    referenced = REFERENCE in columns and not np.isnan(columns[REFERENCE]).all()
    if referenced:
        reads.check_reference()
        reference[flat] = columns[REFERENCE]
    lacking = reads.check_missing(network, resistance, missing)
    words, held, saturated = [], [], 0
    for layer, end in zip(network.layers, np.cumsum(sizes).tolist(), strict=True):
        part = slice(end - layer.states.size, end)
        with refused():
            found = measured_words(
                device.synapse,
                layer.levels,
                resistance[part].reshape(layer.states.shape),
                network.rah_bits,
                reference=_rows_own(reference[part].reshape(layer.states.shape)),
                opened=device.open_cell,
            )
        words.append(found.words)
        held.append(found.held)
        saturated += int(np.count_nonzero(found.saturated))
    return ProbedCells(path, words, lacking, saturated, held, referenced)


def _rows_own(reference: Floats) -> Floats:
    """References of cells; where one is not known, the mean of its row's, NaN without any."""
    known = ~np.isnan(reference)
    total, count = np.nansum(reference, axis=1), known.sum(axis=1)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return np.where(known, reference, mean[:, None])


class Reads:
    """Rows of a file of measured cells.

    Parameters
    ----------
    path : Path
        The file.
    columns : dict of str to ndarray, each (rows,)
        By name; R_AH in the device's unit, with NaN where none was read.
    lines : list of int or None
        Line of each row in the file; None of one that has no lines.

    Raises
    ------
    UserError
        If a place or a state is no whole number.
    """

    def __init__(self, path: Path, columns: dict[str, Floats], lines: Sequence[int] | None) -> None:
        self.path, self.columns, self.lines = path, columns, lines
        self.whole: dict[str, Integers] = {}
        for name in (*PLACES, STATE):
            if name in columns:
                values = columns[name]
                legal = (values >= 0) & (values < MAX_WHOLE) & (values == np.floor(values))
                for row in self.wrong(~legal):
                    raise self.fail(
                        row, f"{name} is {values[row]:g}; give a whole number from 0 on"
                    )
                self.whole[name] = values.astype(np.int64)

    @staticmethod
    def wrong(faults: npt.NDArray[np.bool_]) -> list[int]:
        """The first row with a fault, if there is one."""
        return np.flatnonzero(faults)[:1].tolist()

    def where(self, row: int) -> str:
        """Where a row is in the file, in words."""
        return f"item {row}" if self.lines is None else f"line {self.lines[row]}"

    def cell(self, row: int) -> str:
        """Which cell a row is of, in words."""
        return ", ".join(f"{name} {self.whole[name][row]}" for name in PLACES)

    def fail(self, row: int, message: str) -> UserError:
        """An error that names file and line."""
        return UserError(f"{self.path}: {self.where(row)}: {message}")

    def flat(self, network: Network) -> Integers:
        """Where each row's cell is among all cells of a network, layer by layer."""
        layers, count = self.whole["layer"], len(network.layers)
        for row in self.wrong(layers >= count):
            raise self.fail(
                row, f"there is no layer {layers[row]}: the network has {count}, from 0"
            )
        rows, columns = np.array([layer.states.shape for layer in network.layers], np.int64).T
        for name, ends in (("row", rows[layers]), ("column", columns[layers])):
            values = self.whole[name]
            for row in self.wrong(values >= ends):
                raise self.fail(
                    row,
                    f"layer {layers[row]} has no {name} {values[row]}: it has {ends[row]}, from 0",
                )
        starts = np.concatenate([[0], np.cumsum(rows * columns)])
        flat = starts[layers] + self.whole["row"] * columns[layers] + self.whole["column"]
        _, firsts, which = np.unique(flat, return_index=True, return_inverse=True)
        for row in self.wrong(firsts[which] != np.arange(len(flat))):
            first = self.where(int(firsts[which[row]]))
            raise self.fail(row, f"{self.cell(row)} is there twice, first in {first}; keep one")
        return flat

    def check_states(self, network: Network, flat: Integers) -> None:
        """Refuse states that the network does not have at these places."""
        if STATE not in self.whole:
            return
        states = self.whole[STATE]
        wanted = np.concatenate([layer.states.ravel() for layer in network.layers])[flat]
        for row in self.wrong(states != wanted):
            raise self.fail(
                row,
                f"{self.cell(row)} was written for state {states[row]}, but the network has "
                f"state {wanted[row]} there; was it another network's?",
            )

    def check_reference(self) -> None:
        """Refuse R_AH without the reference that others have."""
        lacking = np.isnan(self.columns[REFERENCE]) & ~np.isnan(self.columns[RESISTANCE])
        for row in self.wrong(lacking):
            raise self.fail(
                row,
                f"{REFERENCE} of {self.cell(row)} is missing; give it that of its row's others, or "
                "leave the column out",
            )

    def check_missing(self, network: Network, resistance: Floats, share: float) -> int:
        """How many cells are missing, by having no row or no value; not more than a share."""
        missing = np.isnan(resistance)
        count = int(np.count_nonzero(missing))
        if count <= share * missing.size:
            return count
        places = np.concatenate(
            [
                np.insert(np.indices(layer.states.shape).reshape(2, -1), 0, number, axis=0)
                for number, layer in enumerate(network.layers)
            ],
            axis=1,
        )
        layer, row, column = places[:, np.argmax(missing)]
        which = f"layer {layer}, row {row}, column {column} has no row"
        for empty in self.wrong(np.isnan(self.columns[RESISTANCE])):
            which = f"{self.where(empty)}: R_AH of {self.cell(empty)} is missing"
        some = f", and of {count - 1:,} more" if count > 1 else ""
        allowed = f"at most {share:g} may with `missing`" if share else "or give `missing` a share"
        raise UserError(
            f"{self.path}: {which}{some}, {count / missing.size:.2%} of the cells; measure again, "
            f"{allowed}"
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


def _read_csv(path: Path, unit: str, cells: int) -> tuple[dict[str, Floats], list[int] | None]:
    """Columns of a table as text, and the line of each row."""
    most = cells + SPARE
    file = read_csv(path, Limits(size=ROW_BYTES * most, lines=most, cells=ROW_CELLS * most))
    headings = [plain(column.name) for column in file.columns]
    line = file.blocks[0][0]
    columns = {}
    for name in (*PLACES, RESISTANCE, REFERENCE, STATE):
        names = (name, *NAMES["resistance"]) if name == RESISTANCE else (name,)
        heading = next((each for each in map(plain, names) if each in headings), None)
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
    return columns, [number for number, _ in file.rows]


def _read_npz(path: Path, unit: str, cells: int) -> tuple[dict[str, Floats], list[int] | None]:
    """Arrays of an archive, which has no lines."""
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
    written = "".join(map(str, found.pop("unit", np.array([""], "U1")).tolist()))
    if len({len(values) for values in found.values()}) > 1:
        told = ", ".join(f"{name} {len(values)}" for name, values in found.items())
        raise UserError(f"{path}: the arrays have not as many items each: {told}")
    factor = _factor(str(path), RESISTANCE, written, unit)
    columns = {}
    for name, array in found.items():
        if array.dtype.kind not in "iuf":
            raise UserError(f"{path}: {name} is of {array.dtype}, not of numbers")
        values = array.astype(np.float64)
        # What meters write where they read nothing.
        missing = ~np.isfinite(values)
        for sentinel in SENTINELS:
            missing |= np.isclose(np.abs(values), sentinel, rtol=1e-4, atol=0)
        values[missing] = np.nan
        for row in Reads.wrong(np.abs(values) > MAX_MAGNITUDE):
            raise UserError(
                f"{path}: item {row}: {name} is beyond {MAX_MAGNITUDE:g}, as no measurement is"
            )
        columns[name] = values * (factor if name in (RESISTANCE, REFERENCE) else 1)
    return columns, None
