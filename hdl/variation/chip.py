"""Which chip the gateware makes: the registers that the host writes."""

from amaranth.hdl import Cat, Module
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.memory_map import CHIP, ENGINE
from allspin.hdl.stream.layouts import LoadLayout
from allspin.sim.chip.generator import NUMBER_BITS, SEED_BITS

TOP_BITS = 7
"""Width of the largest R_AH word's magnitude."""


class ChipLayout(data.StructLayout):
    """A chip, bit for bit as the space CHIP of ``docs/protocol.md`` has it.

    Members
    -------
    seed : 32 bits
        The chip.
    write : 16 bits
        Which write of each cell is drawn.
    high, either : 1 bit
        Stuck cells are stuck at the highest R_AH, or at either end; else at the lowest.
    top : 7 bits
        R_AH words are clamped to ``-top`` to ``top``.
    threshold : 32 bits
        A cell is stuck if its bits are below this.
    """

    def __init__(self) -> None:
        super().__init__(
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


class ChipRegisters(wiring.Component):
    """Take the registers byte by byte.

    Attributes
    ----------
    load : In(stream)
        `LoadLayout`; bytes for the space CHIP are taken, others ignored.
    chip : Out
        `ChipLayout`; kept over a reset, as memories are.
    """

    load: stream.Interface
    chip: data.View

    def __init__(self) -> None:
        super().__init__({"load": In(stream.Signature(LoadLayout())), "chip": Out(ChipLayout())})

    def elaborate(self, platform: object) -> Module:
        """Build the registers."""
        m = Module()
        load = self.load.payload
        chip = self.chip.as_value()
        m.d.comb += self.load.ready.eq(1)
        with m.If(self.load.valid & (load.layer == ENGINE) & (load.memory == CHIP)):
            m.d.sync += chip.eq(Cat(chip[8:], load.data))
        return m
