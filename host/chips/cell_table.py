"""Table of a programmed chip's cells: CSV, or a NumPy archive."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.data.arrays import npz_bytes
from allspin.sim.chip.words import saturates
from allspin.sim.errors import UserError
from allspin.sim.network.layer import Layer
from allspin.sim.parameters import Brief
from allspin.sim.programming.plans import level_targets
from allspin.sim.programming.program import ProgrammedChip
from allspin.sim.synapse.response import Polarity

Values = npt.NDArray[Any]

COLUMNS = {
    "layer": "layer, from 0",
    "row": "row of the layer, from 0",
    "column": "column of the layer, from 0",
    "state": "wanted state, from 0",
    "target_R_AH": "R_AH of that state's level",
    "R_AH": "R_AH of the cell alone",
    "target_word": "R_AH word of the level",
    "word": "R_AH word of the cell, less the reference",
    "saturated": "1 if R_AH is beyond the words' range",
    "polarity": "polarity of the last pulse train, which decides R_AH",
    "pulses": "pulses of the last train",
    "width": "total width of these pulses, in pulses of nominal width",
    "all_pulses": "pulses of all trains",
    "reads": "reads of the cell",
    "tries": "writes of the cell",
    "converged": "1 if a read was within the band",
    "reference_R_AH": "R_AH of the reference cell of the row",
    # The last column is never empty: a row of CSV must not end in an empty cell.
    "saturations": "saturations of the device",
}
"""Columns, and their meaning."""
IN_UNIT = ("target_R_AH", "R_AH", "reference_R_AH")
"""Columns in the device's unit."""
SEPARATORS = ",;\t()[]\"'"
"""Letters of a unit that a reader of the heading would take for separators."""
SUFFIXES = (".csv", ".npz")


@dataclass(frozen=True, eq=False)
class CellTable(Brief):
    """Cells of a programmed chip.

    Attributes
    ----------
    unit : str
        Unit of R_AH, by the device's name for it.
    columns : dict of str to ndarray or None, each (cells,)
        Values of each of `COLUMNS`, layer by layer and row by row; None for a column that is not
        defined.
    """

    unit: str
    columns: dict[str, Values | None]

    def describe(self) -> str:
        """Return the number of cells, of saturated cells and of cells outside the band."""
        saturated = self.columns["saturated"]
        assert saturated is not None
        text = (
            f"{saturated.size:,} cells, R_AH in {self.unit}, {np.count_nonzero(saturated):,} "
            "beyond the words' range"
        )
        converged = self.columns["converged"]
        if converged is not None:
            text += f", {np.count_nonzero(~converged):,} outside the band"
        return text

    def to_csv(self) -> bytes:
        """Return the table as CSV; every R_AH has enough digits to give the same number again."""
        texts = [_texts(values) for values in self.columns.values()]
        size = max(map(len, texts))
        rows = zip(*(text or [""] * size for text in texts), strict=True)
        heading = ",".join(name + self._unit_of(name) for name in self.columns)
        return "\n".join([heading, *map(",".join, rows), ""]).encode()

    def _unit_of(self, name: str) -> str:
        """Return the unit of a column for its heading; empty if it has none."""
        if name == "width":
            return " (pulses)"
        if name in IN_UNIT and not set(self.unit) & set(SEPARATORS):
            return f" ({self.unit})"
        return ""


def _texts(values: Values | None) -> list[str]:
    """Return the cells of a column; no cells for a column that is not defined."""
    if values is None:
        return []
    if values.dtype.kind == "b":
        values = values.astype(np.int8)
    # A float has as many digits as it needs, without ".0" if it is whole.
    whole = ".0" if values.dtype.kind == "f" else ""
    return [str(value).removesuffix(whole) for value in values.tolist()]


def cell_table(chip: ProgrammedChip) -> CellTable:
    """Return the table of a chip that a scheme programmed.

    Parameters
    ----------
    chip : ProgrammedChip
        The chip; its cells were not read from a file.
    """
    layers = [_layer_columns(chip, number, layer) for number, layer in enumerate(chip.base.layers)]
    columns: dict[str, Values | None] = {}
    for name in COLUMNS:
        parts = [layer[name] for layer in layers]
        # A column is defined for all layers, or for no layer.
        defined = [part.ravel() for part in parts if part is not None]
        columns[name] = np.concatenate(defined) if defined else None
    return CellTable(chip.device.unit, columns)


def _layer_columns(chip: ProgrammedChip, number: int, layer: Layer) -> dict[str, Any]:
    """Return the columns of one layer, each of the layer's shape."""
    synapse = chip.device.synapse
    cells = chip.cells[number]
    rows, columns = np.indices(layer.states.shape, np.int32)
    targets, _ = level_targets(synapse, layer.levels)
    reference = None
    if chip.device.imperfections.referenced:
        reference = cells.reference_resistance(synapse, layer.levels)
    polarities = np.array([polarity.name.lower() for polarity in Polarity])
    return {
        "layer": np.full(layer.states.shape, number, np.int32),
        "row": rows,
        "column": columns,
        "state": layer.states,
        "target_R_AH": targets[layer.states],
        "R_AH": cells.resistance(synapse, layer.levels),
        "reference_R_AH": reference,
        "target_word": layer.levels[layer.states],
        "word": chip.words[number],
        "saturated": saturates(cells.held, chip.base.rah_bits),
        "polarity": polarities[cells.polarity],
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
    """Raise a `UserError` unless a file's name ends in one of `SUFFIXES`."""
    if path.suffix not in SUFFIXES:
        raise UserError(f"cannot write {path}: name it .csv for text or .npz for NumPy")


def table_bytes(table: CellTable, path: Path) -> bytes:
    """Return the content of a file of cells, in the format of its suffix."""
    if path.suffix == ".csv":
        return table.to_csv()
    defined = {name: values for name, values in table.columns.items() if values is not None}
    return npz_bytes({**defined, "unit": np.array(table.unit)})
