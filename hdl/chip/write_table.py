"""What a write makes of each state, of all layers, in one memory."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.chip.normal import product_bits
from allspin.hdl.chip.speck import LAYER_BITS
from allspin.hdl.chip.states import cell_layout, state_layout
from allspin.hdl.parameters.engine_parameters import CHIP, ENGINE, WRITE_TABLE, EngineParameters
from allspin.hdl.stream.buffers import Component, block_memory
from allspin.hdl.stream.layouts import LOADS
from allspin.sim.chip.generator import NUMBER_BITS, SEED_BITS
from allspin.sim.chip.words import WORD_BITS as FRACTION_BITS

# Which chip the gateware makes: the registers that the host writes.

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
    Which write of each cell is drawn.
high, either : 1 bit
    Stuck cells are stuck at the highest R_AH, or at either end; else at the lowest.
top : 7 bits
    R_AH words are clamped to ``-top`` to ``top``.
threshold : 32 bits
    A cell is stuck if its bits are below this.
"""


class ChipRegisters(Component):
    """Take the registers byte by byte."""

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
"""A line.

Members
-------
level : signed
    R_AH word that is aimed at.
c2c, d2d : signed
    One standard deviation, in units of ``2**-8`` words.
"""


class WriteTables(Component):
    """The tables of all layers.

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine.
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
                # What is looked up: `state_layout`.
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


# Cells in, R_AH words out: what both forms have in common.
#
# The integers are those of `allspin.sim.chip.words`: level, D2D and C2C of each cell,
# rounded and clamped, and stuck cells. A stuck cell has the level of the lowest state or of the
# highest line of its table, so the host fills the lines above the last state with the last state's.

SUM_BITS = product_bits(SPREAD_BITS) + 2


class WordMaker(Component):
    """The ports of both forms.

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine.
    more : dict
        Further ports.
    """

    def __init__(self, parameters: EngineParameters, more: dict[str, wiring.Member]) -> None:
        assert parameters.variation is not None
        self._state_bits = parameters.variation.state_bits
        super().__init__(
            {
                "chip": In(CHIP_LAYOUT),
                # Cells of this chip may be stuck.
                "may_stick": In(1),
                # As of a `CellSource`, of which this is the other side.
                "layer": In(LAYER_BITS),
                "begin": In(1),
                "prepared": Out(1),
                "cells": In(stream.Signature(cell_layout(self._state_bits))),
                "settled": Out(1),
                # What is looked up in the write tables.
                "line": Out(state_layout(self._state_bits)),
                # What is there.
                "entry": In(ENTRY_LAYOUT),
                # A word, which cannot be held back.
                "valid": Out(1),
                "word": Out(signed(parameters.rah_bits)),
                **more,
            }
        )

    @property
    def highest(self) -> Value:
        """What words are clamped to; the lowest one is its negative."""
        return Cat(self.chip.top, Const(0, 1)).as_signed()


def cell_or_stuck(cell: data.View, stuck: Value, high: Value) -> Value:
    """A cell, or where it is stuck the line of a write table whose level it has."""
    value = cell.as_value()
    return Mux(stuck, Cat(high.replicate(len(value) - 1), Const(0, 1)), value)


def cell_sum(level: Value) -> Value:
    """A level with the fraction bits of a word, and the half that rounds it."""
    return Cat(Const(1 << FRACTION_BITS - 1, FRACTION_BITS), level).as_signed()


def beyond(total: Value, highest: Value, lowest: Value) -> tuple[Value, Value]:
    """Whether a sum without its fraction bits is more than `highest`, or less than `lowest`."""
    word = total[FRACTION_BITS:].as_signed()
    return word > highest, word < lowest


def clamped(total: Value, highest: Value, lowest: Value, above: Value, below: Value) -> Value:
    """A sum without its fraction bits, within its bounds; `beyond` tells where it is not."""
    return Mux(above, highest, Mux(below, lowest, total[FRACTION_BITS:].as_signed()))
