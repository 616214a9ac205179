"""Crossbar of each kind of target, chosen by the memory that keeps its R_AH words."""

from allspin.hdl.crossbar.cells import Banks, Ecp5Cells, SpramCells
from allspin.hdl.crossbar.columns import PortableColumns
from allspin.hdl.crossbar.crossbar import Cells, Columns, Crossbar
from allspin.hdl.crossbar.fast_columns import FastColumns
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.target import Ecp5Blocks, InferredBlocks, Sprams

KINDS: dict[type[InferredBlocks], tuple[type[Cells], type[Columns]]] = {
    InferredBlocks: (Banks, PortableColumns),
    Sprams: (SpramCells, PortableColumns),
    Ecp5Blocks: (Ecp5Cells, FastColumns),
}
"""Gateware of each kind of memory: the cells, and the columns that sum their words."""


def make_crossbar(parameters: CrossbarParameters) -> Crossbar:
    """Return the crossbar for the target that its parameters name."""
    return Crossbar(parameters, *KINDS[type(parameters.target.cells)])
