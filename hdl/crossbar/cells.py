"""A crossbar's cells: block RAM of any part, an iCE40UP5K's SPRAMs, or an ECP5's block RAMs."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, wiring

from allspin.hdl.crossbar.cell_placer import CellPlacer
from allspin.hdl.crossbar.crossbar import Cells, word_shape
from allspin.hdl.crossbar.line_placer import LinePlacer
from allspin.hdl.parameters.target import MEMORIES_PER_HOP, Ecp5Blocks
from allspin.hdl.stream.block_memory import block_memory
from allspin.hdl.stream.ecp5_copies import copies
from allspin.hdl.stream.ecp5_memory import LineMemory, WordMemory
from allspin.hdl.stream.spram import BYTE, MASK_BITS, SPRAM_BITS, SPRAM_LINES, SpramLines


class Banks(Cells):
    """R_AH words in block RAM of any FPGA, one memory for each few lanes.

    Throughput: one line (a word for each lane) per cycle.
    """

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
                    m.d.comb += [
                        write.en.eq(Mux(chosen, 1 << place.lane, 0)),
                        *(write.data[lane].eq(place.word) for lane in range(p.bank_lanes)),
                    ]
                read = bank.read_port(domain="comb")
                read_words = Signal(layout, name=f"read_words_{part}_{number}", reset_less=True)
                m.d.comb += [write.addr.eq(place.address), read.addr.eq(self.lines[part])]
                m.d.sync += read_words.eq(read.data)
                first = number * p.bank_lanes
                for lane in range(first, min(first + p.bank_lanes, p.lanes)):
                    m.d.comb += self.words[part][lane].eq(read_words[lane - first])


class SpramCells(Cells):
    """R_AH words in the SPRAMs of an iCE40UP5K, each in a byte, or states side by side.

    Throughput: one line per cycle.
    """

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
        """Build SPRAMs for the first `bits` bits of a line, and block RAM for the others."""
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
            write = further.write_port()
            read = further.read_port(domain="comb")
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


MEMORIES_PER_ADDRESS = 8
"""Memories that a copy of the address drives."""


class Ecp5Cells(Cells):
    """R_AH words in block RAMs all over an ECP5: their address comes over two registers.

    Words, or lines of states, to be written pass from memory to memory, over a bus of registers.

    Throughput: one line per cycle; latency 4.
    """

    clocks = 4

    def build(self, m: Module, platform: object) -> None:
        """Build the memories."""
        p = self._parameters
        memories = []
        cells = p.target.cells
        luts = isinstance(cells, Ecp5Blocks) and cells.distributed(p)
        for part in range(p.rows_per_clock):
            address = Signal(range(p.lines), name=f"address_{part}", reset_less=True)
            with m.If(self.driven):
                m.d.sync += address.eq(self.lines[part])
            addresses = copies(
                m, platform, address, -(-p.banks // MEMORIES_PER_ADDRESS), f"address_{part}_copy"
            )
            words: list[Value] = []
            for number in range(p.banks):
                if p.keeps_states:
                    memory = LineMemory(p.lines, p.bank_lanes * p.word_bits, distributed=luts)
                    words += [memory.line.word_select(n, p.word_bits) for n in range(p.bank_lanes)]
                else:
                    memory = WordMemory(p.lines, p.bank_lanes, p.rah_bits, distributed=luts)
                    words += [memory.words[lane] for lane in range(p.bank_lanes)]
                m.submodules[f"part_{part}_bank_{number}"] = memory
                m.d.comb += memory.address.eq(addresses[number // MEMORIES_PER_ADDRESS])
                memories.append((part, number, memory))
            m.d.comb += [self.words[part][lane].eq(words[lane]) for lane in range(p.lanes)]
        self._build_bus(m, platform, memories)

    def _build_bus(
        self, m: Module, platform: object, memories: list[tuple[int, int, WordMemory | LineMemory]]
    ) -> None:
        """Build registers on the way past all memories, each with its part and number."""
        p = self._parameters
        placer = LinePlacer(p) if p.keeps_states else CellPlacer(p)
        m.submodules.placer = placer
        # A word comes from the link or the Programmer, both far away, and a sum of its row
        # would follow the way. A register of its own, since the converters have one of the same.
        [arrived] = copies(m, platform, self.cells.payload, 1, "arrived")
        arrives = Signal()
        m.d.sync += arrives.eq(self.cells.valid)
        m.d.comb += [
            self.cells.ready.eq(1),
            placer.cells.payload.eq(arrived),
            placer.cells.valid.eq(arrives),
        ]
        valid: Value = placer.valid
        place: data.View = placer.place
        buses = []
        for hop in range(1 - (-len(memories) // MEMORIES_PER_HOP)):
            first = hop * MEMORIES_PER_HOP
            bus: Any = Signal(place.shape(), name=f"bus_{first}", reset_less=True)
            bus_valid = Signal(name=f"bus_valid_{first}")
            m.d.sync += [bus.eq(place), bus_valid.eq(valid)]
            valid = bus_valid
            place = bus
            buses.append((valid, place))
        for position, (part, number, memory) in enumerate(memories):
            hop = position // MEMORIES_PER_HOP
            valid, place = buses[hop]
            _, following = buses[hop + 1]
            here = valid & (place.part == part) & (place.bank == number)
            # The memories are all over the part, so a register beside each memory keeps its write
            # enable. The written word is a hop further by then.
            enables = 1 if isinstance(memory, LineMemory) else p.bank_lanes
            enable = Signal(enables, name=f"enable_{part}_{number}", reset_less=True)
            m.d.comb += memory.write_address.eq(following.address)
            if isinstance(memory, LineMemory):
                m.d.sync += enable.eq(here)
                m.d.comb += [memory.write.eq(enable), memory.written.eq(following.states)]
            else:
                m.d.sync += enable.eq(Mux(here, 1 << place.lane, 0))
                m.d.comb += [memory.write_enable.eq(enable), memory.word.eq(following.word)]
