"""The iCE40UP5K's four SPRAMs as a memory of words 64 bits wide, and as a crossbar's cells."""

from typing import Any

from amaranth.hdl import Cat, ClockSignal, Const, Instance, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from allspin.hdl.crossbar.cell_placer import CellPlacer
from allspin.hdl.crossbar.crossbar import Cells

SPRAM_LINES = 16384
SPRAM_BITS = 16
MASK_BITS = 4
"""Bits of an SPRAM's line that are written together."""


def is_up5k(platform: Any) -> bool:
    """Whether a platform has SPRAMs."""
    return str(getattr(platform, "device", "")).startswith("iCE40UP")


class Spram(wiring.Component):
    """One SPRAM: a line is there a clock after its address; nothing is read while it is written.

    Attributes
    ----------
    address : In(14)
        Line to read or write.
    data : In(16)
        What to write.
    enable : In(4)
        Which quarters of the line to write; 0 reads.
    line : Out(16)
        What was read.
    """

    address: Signal
    data: Signal
    enable: Signal
    line: Signal

    def __init__(self) -> None:
        super().__init__(
            {
                "address": In(range(SPRAM_LINES)),
                "data": In(SPRAM_BITS),
                "enable": In(SPRAM_BITS // MASK_BITS),
                "line": Out(SPRAM_BITS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the memory."""
        m = Module()
        if is_up5k(platform):
            one, zero = Const(1, 1), Const(0, 1)
            m.submodules.block = Instance(
                "SB_SPRAM256KA",
                i_ADDRESS=self.address,
                i_DATAIN=self.data,
                i_MASKWREN=self.enable,
                i_WREN=self.enable.any(),
                i_CHIPSELECT=one,
                i_CLOCK=ClockSignal(),
                i_STANDBY=zero,
                i_SLEEP=zero,
                i_POWEROFF=one,  # low is off
                o_DATAOUT=self.line,
            )
            return m
        m.submodules.memory = memory = Memory(shape=SPRAM_BITS, depth=SPRAM_LINES, init=[])
        write = memory.write_port(granularity=MASK_BITS)
        read = memory.read_port(domain="comb")
        m.d.comb += [
            write.addr.eq(self.address),
            write.data.eq(self.data),
            write.en.eq(self.enable),
            read.addr.eq(self.address),
        ]
        with m.If(self.enable == 0):
            m.d.sync += self.line.eq(read.data)
        return m


class SpramWords(wiring.Component):
    """Lines of `lanes` words of 4 or 8 bits in as many SPRAMs as they take.

    Parameters
    ----------
    lanes : int
        Words of a line.
    word_bits : int
        Width of a word, 4 or 8.

    Attributes
    ----------
    address : In(14)
        Line to read; its words come a clock later, unless one is written.
    words : Out(lanes * word_bits)
        The words.
    valid, write_address, lane, word : In
        A word to write.
    """

    address: Signal
    words: Signal
    valid: Signal
    write_address: Signal
    lane: Signal
    word: Signal

    def __init__(self, lanes: int, word_bits: int) -> None:
        self._lanes = lanes
        self._word_bits = word_bits
        super().__init__(
            {
                "address": In(range(SPRAM_LINES)),
                "words": Out(lanes * word_bits),
                "valid": In(1),
                "write_address": In(range(SPRAM_LINES)),
                "lane": In(range(lanes)),
                "word": In(word_bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the memory."""
        m = Module()
        count = -(-self._lanes * self._word_bits // SPRAM_BITS)
        quarters = self._word_bits // MASK_BITS
        lines = []
        address = Signal(range(SPRAM_LINES))
        enables = Signal(count * SPRAM_BITS // MASK_BITS)
        m.d.comb += address.eq(Mux(self.valid, self.write_address, self.address))
        for lane in range(self._lanes):
            with m.If(self.valid & (self.lane == lane)):
                m.d.comb += enables[quarters * lane : quarters * (lane + 1)].eq(2**quarters - 1)
        for number in range(count):
            m.submodules[f"spram_{number}"] = spram = Spram()
            m.d.comb += [
                spram.address.eq(address),
                spram.data.eq(Cat([self.word] * (SPRAM_BITS // self._word_bits))),
                spram.enable.eq(enables.word_select(number, SPRAM_BITS // MASK_BITS)),
            ]
            lines.append(spram.line)
        m.d.comb += self.words.eq(Cat(lines))
        return m


class SpramCells(Cells):
    """SPRAMs of words, or of states that stand for them."""

    def elaborate(self, platform: object) -> Module:
        """Build the memory."""
        m = Module()
        p = self._parameters
        m.submodules.placer = placer = CellPlacer(p)
        wiring.connect(m, wiring.flipped(self.cells), placer.cells)
        m.submodules.spram = spram = SpramWords(p.lanes, p.cell_bits)
        word: Value = placer.place.word
        if p.level_step:
            word = Signal(signed(p.cell_bits))
            with m.Switch(placer.place.word):
                for state in range(-(2 ** (p.cell_bits - 1)), 2 ** (p.cell_bits - 1)):
                    level = (2 * state + 1) * p.level_step
                    if -(2 ** (p.rah_bits - 1)) <= level < 2 ** (p.rah_bits - 1):
                        with m.Case(level):
                            m.d.comb += word.eq(state)
        m.d.comb += [
            spram.address.eq(self.lines[0]),
            spram.valid.eq(placer.valid),
            spram.write_address.eq(placer.place.address),
            spram.lane.eq(placer.place.lane),
            spram.word.eq(word),
        ]
        m.d.comb += [
            self.words[0][lane].eq(spram.words.word_select(lane, p.cell_bits)[: p.word_bits])
            for lane in range(p.lanes)
        ]
        return m
