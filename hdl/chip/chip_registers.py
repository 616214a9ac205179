"""Registers that the host writes to name the chip: seed and stuck cells."""

from amaranth.hdl import Cat, Module
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.memory_map import CHIP, ENGINE
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import LOADS
from allspin.sim.chip.generator import NUMBER_BITS, SEED_BITS

TOP_BITS = 7
"""Width of the largest R_AH word's magnitude."""


CHIP_LAYOUT = data.StructLayout(
    {
        "seed": SEED_BITS,
        "write": NUMBER_BITS,
        "high": 1,
        "either": 1,
        "reserved": 6,
        "top": TOP_BITS,
        "reserved_too": 1,
        "threshold": 32,
    }
)
"""A chip, bit for bit as the space CHIP of ``docs/protocol.md`` has it.

Members
-------
seed : 32 bits
    The chip.
write : 16 bits
    Number of the write that is drawn for each cell.
high, either : 1 bit
    Stuck cells are stuck at the highest R_AH, or at either end; else at the lowest.
top : 7 bits
    R_AH words are clamped to ``-top`` to ``top``.
threshold : 32 bits
    A cell is stuck if its bits are below this.
"""


class ChipRegisters(Component):
    """Registers that name the chip: its seed and its stuck cells.

    Throughput: one byte per cycle.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                # Bytes for the space CHIP are taken, others ignored.
                "load": In(LOADS),
                # Kept over a reset, as memories are.
                "chip": Out(CHIP_LAYOUT),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the registers."""
        load = self.load.payload
        chip = self.chip.as_value()
        m.d.comb += self.load.ready.eq(1)
        with m.If(self.load.valid & (load.layer == ENGINE) & (load.memory == CHIP)):
            m.d.sync += chip.eq(Cat(chip[8:], load.data))
