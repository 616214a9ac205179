"""Which crossbar a target gets, by what its R_AH words are kept in."""

from collections.abc import Callable

from allspin.hdl.crossbar.crossbar import Banks, Crossbar
from allspin.hdl.crossbar.fast_crossbar import FastCrossbar
from allspin.hdl.crossbar.spram import SpramCells
from allspin.hdl.parameters import CrossbarParameters
from allspin.hdl.target import CellMemory, Ecp5Blocks, InferredBlocks, Sprams

KINDS: dict[type[CellMemory], Callable[[CrossbarParameters], Crossbar | FastCrossbar]] = {
    InferredBlocks: lambda parameters: Crossbar(parameters, Banks(parameters)),
    Sprams: lambda parameters: Crossbar(parameters, SpramCells(parameters)),
    Ecp5Blocks: FastCrossbar,
}
"""The gateware of each memory of cells."""


def make_crossbar(parameters: CrossbarParameters) -> Crossbar | FastCrossbar:
    """The crossbar for the target that its parameters name."""
    return KINDS[type(parameters.target.cells)](parameters)
