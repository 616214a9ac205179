"""Write tables of all layers in one memory: level, C2C and D2D of each state."""

from amaranth.hdl import Cat, Module, Signal, signed
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from allspin.hdl.chip.speck import LAYER_BITS
from allspin.hdl.chip.states import state_layout
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import ENGINE, WRITE_TABLE
from allspin.hdl.stream.block_memory import block_memory
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import LOADS

LEVEL_BITS = 8
SPREAD_BITS = 17
LINE_BYTES = 8


ENTRY_LAYOUT = data.StructLayout(
    {
        "level": signed(LEVEL_BITS),
        "c2c": signed(SPREAD_BITS),
        "d2d": signed(SPREAD_BITS),
    }
)
"""Layout of a line of a write table.

Members
-------
level : signed
    R_AH word of the level.
c2c, d2d : signed
    One standard deviation, in units of ``2**-8`` words.
"""


class WriteTables(Component):
    """Write tables of all layers: level, C2C and D2D of each state.

    Throughput: one look-up per cycle; latency 2, or 1 on a slow clock with the iterative generator.

    Parameters
    ----------
    parameters : EngineParameters
        Parameters of the whole engine.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        assert parameters.variation is not None
        self._layers = len(parameters.crossbars)
        slow = parameters.target.slow_clock
        self._registered = not (slow and parameters.variation.iterative)
        self._state = state_layout(parameters.variation.state_bits)
        super().__init__(
            {
                # Bytes for the memories WRITE_TABLE are taken, others ignored.
                "load": In(LOADS),
                # State to look up: `state_layout`.
                "layer": In(LAYER_BITS),
                "cell": In(self._state),
                # `ENTRY_LAYOUT`, two clocks later; one where the clock is slow and the generator
                # iterative.
                "entry": Out(ENTRY_LAYOUT),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the tables."""
        layer_bits = (self._layers - 1).bit_length()
        line_bits = self._state.size
        m.submodules.lines = lines = block_memory(ENTRY_LAYOUT, 1 << layer_bits + line_bits)
        write = lines.write_port()
        read = lines.read_port(domain="comb")

        load = self.load.payload
        taken = Signal()
        line = Signal(line_bits)
        layer = Signal(layer_bits)
        shifted = Signal(8 * LINE_BYTES)  # the last bytes, the latest on top
        byte = Signal(range(LINE_BYTES))
        whole = Signal()
        m.d.comb += [
            self.load.ready.eq(1),
            taken.eq(self.load.valid & (load.memory == WRITE_TABLE) & (load.layer != ENGINE)),
            write.en.eq(whole),
            write.addr.eq(Cat(line, layer)),
            write.data.level.eq(shifted[:16]),
            write.data.c2c.eq(shifted[16:40]),
            write.data.d2d.eq(shifted[40:]),
        ]
        m.d.sync += whole.eq(taken & ~load.first & (byte == LINE_BYTES - 1))
        with m.If(whole):
            m.d.sync += line.eq(line + 1)
        with m.If(taken):
            m.d.sync += [shifted.eq(Cat(shifted[8:], load.data)), byte.eq(byte + 1)]
            with m.If(load.first):
                m.d.sync += [byte.eq(1), line.eq(load.address), layer.eq(load.layer)]

        found = Signal(ENTRY_LAYOUT, reset_less=True)
        m.d.comb += read.addr.eq(Cat(self.cell, self.layer[:layer_bits]))
        m.d.sync += found.eq(read.data)
        if self._registered:
            m.d.sync += self.entry.eq(found)
        else:
            m.d.comb += self.entry.eq(found)
