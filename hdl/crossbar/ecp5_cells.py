"""Block RAMs of an ECP5, with their output registers, as a crossbar's cells."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data

from allspin.hdl.crossbar.crossbar import Cells
from allspin.hdl.crossbar.placers import CellPlacer, LinePlacer
from allspin.hdl.parameters.target import MEMORIES_PER_HOP, Ecp5Blocks
from allspin.hdl.stream.ecp5 import WordMemory, copies
from allspin.hdl.stream.ecp5_lines import LineMemory

MEMORIES_PER_ADDRESS = 8
"""Memories that a copy of the address drives."""


class Ecp5Cells(Cells):
    """Memories all over the part: their address comes over two registers.

    Words, or lines of states, to be written pass from memory to memory, over a bus of registers.
    """

    clocks = 4

    def build(self, m: Module, platform: object) -> None:
        """Build the memories."""
        p = self._parameters
        memories = []
        for part in range(p.rows_per_clock):
            address = Signal(range(p.lines), name=f"address_{part}", reset_less=True)
            with m.If(self.driven):
                m.d.sync += address.eq(self.lines[part])
            addresses = copies(
                m, platform, address, -(-p.banks // MEMORIES_PER_ADDRESS), f"address_{part}_copy"
            )
            words: list[Value] = []
            for number in range(p.banks):
                memory = self._make_memory()
                m.submodules[f"part_{part}_bank_{number}"] = memory
                m.d.comb += memory.address.eq(addresses[number // MEMORIES_PER_ADDRESS])
                words += _words_of(memory, p.bank_lanes, p.word_bits)
                memories.append((part, number, memory))
            m.d.comb += [self.words[part][lane].eq(words[lane]) for lane in range(p.lanes)]
        self._build_bus(m, platform, memories)

    def _make_memory(self) -> WordMemory | LineMemory:
        p = self._parameters
        cells = p.target.cells
        distributed = isinstance(cells, Ecp5Blocks) and cells.distributed(p)
        if p.keeps_states:
            return LineMemory(p.lines, p.bank_lanes * p.word_bits, distributed=distributed)
        return WordMemory(p.lines, p.bank_lanes, p.rah_bits, distributed=distributed)

    def _build_bus(
        self, m: Module, platform: object, memories: list[tuple[int, int, WordMemory | LineMemory]]
    ) -> None:
        """Registers on the way past all memories; each is given with its part and its number."""
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
            valid, place = bus_valid, bus
            buses.append((valid, place))
        for position, (part, number, memory) in enumerate(memories):
            hop = position // MEMORIES_PER_HOP
            valid, place = buses[hop]
            _, following = buses[hop + 1]
            here = valid & (place.part == part) & (place.bank == number)
            # Memories are all over the part, so whether one is meant is known in a register
            # beside it. What is to be written there is a hop further by then.
            enables = 1 if isinstance(memory, LineMemory) else p.bank_lanes
            enable = Signal(enables, name=f"enable_{part}_{number}", reset_less=True)
            m.d.comb += memory.write_address.eq(following.address)
            if isinstance(memory, LineMemory):
                m.d.sync += enable.eq(here)
                m.d.comb += [memory.write.eq(enable), memory.written.eq(following.states)]
            else:
                m.d.sync += enable.eq(Mux(here, 1 << place.lane, 0))
                m.d.comb += [memory.write_enable.eq(enable), memory.word.eq(following.word)]


def _words_of(memory: WordMemory | LineMemory, lanes: int, bits: int) -> list[Value]:
    """What a memory has read, lane by lane."""
    if isinstance(memory, LineMemory):
        return [memory.line.word_select(lane, bits) for lane in range(lanes)]
    return [memory.words[lane] for lane in range(lanes)]
