"""Which crossbar a target gets, by what its R_AH words are kept in."""

from allspin.hdl.crossbar.cells.banks import Banks
from allspin.hdl.crossbar.cells.ecp5_cells import Ecp5Cells
from allspin.hdl.crossbar.cells.spram import SpramCells
from allspin.hdl.crossbar.columns.columns import PortableColumns
from allspin.hdl.crossbar.columns.fast_columns import FastColumns
from allspin.hdl.crossbar.crossbar import Cells, Columns, Crossbar
from allspin.hdl.parameters.crossbar import CrossbarParameters
from allspin.hdl.parameters.target import CellMemory, Ecp5Blocks, InferredBlocks, Sprams

KINDS: dict[type[CellMemory], tuple[type[Cells], type[Columns]]] = {
    InferredBlocks: (Banks, PortableColumns),
    Sprams: (SpramCells, PortableColumns),
    Ecp5Blocks: (Ecp5Cells, FastColumns),
}
"""The gateware of each memory of cells, and what sums its words."""


def make_crossbar(parameters: CrossbarParameters) -> Crossbar:
    """The crossbar for the target that its parameters name."""
    return Crossbar(parameters, *KINDS[type(parameters.target.cells)])
