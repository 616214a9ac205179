"""The cells of a programmed chip as a table: CSV, or a NumPy archive."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.data.arrays import npz_bytes
from allspin.sim.chip.words import saturates
from allspin.sim.errors import UserError
from allspin.sim.parameters import Brief
from allspin.sim.programming.plans import level_targets
from allspin.sim.programming.program import ProgrammedChip
from allspin.sim.synapse.response import Polarity

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
class CellTable(Brief):
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
        saturated, converged = self.columns["saturated"], self.columns["converged"]
        assert saturated is not None
        words = (
            f"{saturated.size:,} cells, R_AH in {self.unit}, {np.count_nonzero(saturated):,} "
            "beyond the words' range"
        )
        if converged is not None:
            words += f", {np.count_nonzero(~converged):,} outside the band"
        return words

    def to_csv(self) -> bytes:
        """As CSV: every R_AH with as many digits as make the same number again."""
        odd = set(self.unit) & set(IN_NAMES)
        units = {"width": " (pulses)"} | ({} if odd else dict.fromkeys(IN_UNIT, f" ({self.unit})"))
        texts = [_texts(values) for values in self.columns.values()]
        size = max(map(len, texts))
        rows = zip(*(text or [""] * size for text in texts), strict=True)
        heading = ",".join(name + units.get(name, "") for name in self.columns)
        return "\n".join([heading, *map(",".join, rows), ""]).encode()


def _texts(values: Values | None) -> list[str]:
    if values is None:
        return []
    if values.dtype.kind == "b":
        values = values.astype(np.int8)
    # A float has as many digits as it needs, and none for a whole number.
    whole = ".0" if values.dtype.kind == "f" else ""
    return [str(value).removesuffix(whole) for value in values.tolist()]


def cell_table(chip: ProgrammedChip) -> CellTable:
    """Make the table of a chip whose cells a scheme programmed."""
    network = chip.base
    device = chip.device
    polarities = np.array([polarity.name.lower() for polarity in Polarity])
    joined: dict[str, Any] = {name: [] for name in COLUMNS}
    for number, layer in enumerate(network.layers):
        cells = chip.cells[number]
        rows, columns = np.indices(layer.states.shape, np.int32)
        targets, _ = level_targets(device.synapse, layer.levels)
        reference = None
        if device.imperfections.referenced:
            reference = cells.reference_resistance(device.synapse, layer.levels)
        of_layer = {
            "layer": np.full(layer.states.shape, number, np.int32),
            "row": rows,
            "column": columns,
            "state": layer.states,
            "target_R_AH": targets[layer.states],
            "R_AH": cells.resistance(device.synapse, layer.levels),
            "reference_R_AH": reference,
            "target_word": layer.levels[layer.states],
            "word": chip.words[number],
            "saturated": saturates(cells.held, network.rah_bits),
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
        for name, values in of_layer.items():
            joined[name].append(values)
    # A column is defined for all layers, or for none.
    return CellTable(
        device.unit,
        {
            name: None if parts[0] is None else np.concatenate([part.ravel() for part in parts])
            for name, parts in joined.items()
        },
    )


def check_suffix(path: Path) -> None:
    """Raise a `UserError` unless a file's name says in which form it is written."""
    if path.suffix not in SUFFIXES:
        raise UserError(f"cannot write {path}: name it .csv for text or .npz for NumPy")


def table_bytes(table: CellTable, path: Path) -> bytes:
    """The content of a file of cells, in the form that its name says."""
    if path.suffix == ".csv":
        return table.to_csv()
    there = {name: values for name, values in table.columns.items() if values is not None}
    return npz_bytes({**there, "unit": np.array(table.unit)})
