"""Block RAM of any part as a crossbar's cells."""

from typing import Any

from amaranth.hdl import Cat, ClockSignal, Const, Instance, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from allspin.hdl.crossbar.crossbar import Cells, word_shape
from allspin.hdl.crossbar.placers import CellPlacer, LinePlacer
from allspin.hdl.stream.buffers import Component, block_memory


class Banks(Cells):
    """One block RAM for each few lanes."""

    def build(self, m: Module, platform: object) -> None:
        """Build the memories."""
        p = self._parameters
        placer = LinePlacer(p) if p.keeps_states else CellPlacer(p)
        m.submodules.placer = placer
        wiring.connect(m, wiring.flipped(self.cells), placer.cells)
        place = placer.place
        layout = data.ArrayLayout(word_shape(p), p.bank_lanes)
        distributed = p.target.distributes(p.lines * layout.size)
        for part in range(p.rows_per_clock):
            for number in range(p.banks):
                bank = block_memory(layout, p.lines, distributed=distributed)
                m.submodules[f"part_{part}_bank_{number}"] = bank
                chosen = placer.valid & (place.bank == number) & (place.part == part)
                if isinstance(placer, LinePlacer):
                    write = bank.write_port()
                    m.d.comb += [write.en.eq(chosen), write.data.eq(place.states)]
                else:
                    write = bank.write_port(granularity=1)
                    m.d.comb += write.en.eq(Mux(chosen, 1 << place.lane, 0))
                    m.d.comb += [write.data[lane].eq(place.word) for lane in range(p.bank_lanes)]
                read = bank.read_port(domain="comb")
                read_words = Signal(layout, name=f"read_words_{part}_{number}", reset_less=True)
                m.d.comb += [write.addr.eq(place.address), read.addr.eq(self.lines[part])]
                m.d.sync += read_words.eq(read.data)
                first = number * p.bank_lanes
                for lane in range(first, min(first + p.bank_lanes, p.lanes)):
                    m.d.comb += self.words[part][lane].eq(read_words[lane - first])


# The iCE40UP5K's four SPRAMs as a memory 64 bits wide, and as a crossbar's cells.

SPRAM_LINES = 16384
SPRAM_BITS = 16
MASK_BITS = 4
"""Bits of an SPRAM's line that are written together."""
BYTE = 8
"""Bits that a word has there."""


def is_up5k(platform: Any) -> bool:
    """Whether a platform has SPRAMs."""
    return str(getattr(platform, "device", "")).startswith("iCE40UP")


class Spram(Component):
    """One SPRAM: a line is there a clock after its address; nothing is read while it is written."""

    def __init__(self) -> None:
        super().__init__(
            {
                # Line to read or write.
                "address": In(range(SPRAM_LINES)),
                # What to write.
                "data": In(SPRAM_BITS),
                # Which quarters of the line to write; 0 reads.
                "enable": In(SPRAM_BITS // MASK_BITS),
                # What was read.
                "line": Out(SPRAM_BITS),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the memory."""
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
            return
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


class SpramLines(Component):
    """SPRAMs side by side, with one address.

    Parameters
    ----------
    count : int
        How many.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        super().__init__(
            {
                # Line to read; it is there a clock later, unless one is written.
                "address": In(range(SPRAM_LINES)),
                # What was read.
                "line": Out(count * SPRAM_BITS),
                # Line to write, and what.
                "write_address": In(range(SPRAM_LINES)),
                "written": In(count * SPRAM_BITS),
                # Which four bits of it to write; 0 reads.
                "enable": In(count * SPRAM_BITS // MASK_BITS),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the memory."""
        address = Signal(range(SPRAM_LINES))
        m.d.comb += address.eq(Mux(self.enable.any(), self.write_address, self.address))
        for number in range(self._count):
            m.submodules[f"spram_{number}"] = spram = Spram()
            m.d.comb += [
                spram.address.eq(address),
                spram.data.eq(self.written.word_select(number, SPRAM_BITS)),
                spram.enable.eq(self.enable.word_select(number, SPRAM_BITS // MASK_BITS)),
                self.line.word_select(number, SPRAM_BITS).eq(spram.line),
            ]


class SpramCells(Cells):
    """SPRAMs of words, each in a byte, or of states, which lie side by side."""

    def build(self, m: Module, platform: object) -> None:
        """Build the memory."""
        p = self._parameters
        count = p.target.cells.blocks(p, SPRAM_LINES)
        m.submodules.spram = spram = SpramLines(count)
        m.d.comb += spram.address.eq(self.lines[0])
        if p.keeps_states:
            self._build_states(m, spram, count * SPRAM_BITS)
        else:
            self._build_words(m, spram)

    def _build_words(self, m: Module, spram: SpramLines) -> None:
        p = self._parameters
        m.submodules.placer = placer = CellPlacer(p)
        wiring.connect(m, wiring.flipped(self.cells), placer.cells)
        place = placer.place
        m.d.comb += spram.write_address.eq(place.address)
        for lane in range(p.lanes):
            enable = spram.enable.word_select(lane, BYTE // MASK_BITS)
            chosen = placer.valid & (place.lane == lane)
            m.d.comb += [
                enable.eq(chosen.replicate(BYTE // MASK_BITS)),
                spram.written.word_select(lane, BYTE)[: p.word_bits].eq(place.word),
                self.words[0][lane].eq(spram.line.word_select(lane, BYTE)[: p.word_bits]),
            ]

    def _build_states(self, m: Module, spram: SpramLines, bits: int) -> None:
        """A line's first `bits` are in SPRAMs, and what is beyond in block RAM."""
        p = self._parameters
        m.submodules.placer = placer = LinePlacer(p)
        wiring.connect(m, wiring.flipped(self.cells), placer.cells)
        written = placer.place.states.as_value()
        m.d.comb += [
            spram.write_address.eq(placer.place.address),
            spram.written.eq(written),
            spram.enable.eq(placer.valid.replicate(len(spram.enable))),
        ]
        line: Value = spram.line
        if len(written) > bits:
            m.submodules.further = further = block_memory(len(written) - bits, p.lines)
            write, read = further.write_port(), further.read_port(domain="comb")
            rest = Signal(len(written) - bits, reset_less=True)
            m.d.comb += [
                write.addr.eq(placer.place.address),
                write.data.eq(written[bits:]),
                write.en.eq(placer.valid),
                read.addr.eq(self.lines[0]),
            ]
            m.d.sync += rest.eq(read.data)
            line = Cat(line, rest)
        m.d.comb += self.words[0].eq(line[: len(written)])
