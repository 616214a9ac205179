"""Block RAMs of an ECP5, with their output registers, as a crossbar's cells."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data

from allspin.hdl.crossbar.cell_placer import CellPlacer, PlaceLayout
from allspin.hdl.crossbar.crossbar import Cells
from allspin.hdl.stream.ecp5 import WordMemory, copies
from allspin.hdl.target import MEMORIES_PER_HOP

MEMORIES_PER_ADDRESS = 8
"""Memories that a copy of the address drives."""


class Ecp5Cells(Cells):
    """Memories all over the part: their address comes over two registers.

    Words to be written pass from memory to memory, over a bus of registers.
    """

    clocks = 4

    def elaborate(self, platform: object) -> Module:
        """Build the memories."""
        m = Module()
        p = self._parameters
        memories = []
        for part in range(p.rows_per_clock):
            address = Signal(range(p.lines), name=f"address_{part}", reset_less=True)
            with m.If(self.driven):
                m.d.sync += address.eq(self.lines[part])
            addresses = copies(
                m, platform, address, -(-p.banks // MEMORIES_PER_ADDRESS), f"address_{part}_copy"
            )
            own = []
            for number in range(p.banks):
                memory = WordMemory(p.lines, p.bank_lanes, p.rah_bits)
                m.submodules[f"part_{part}_bank_{number}"] = memory
                m.d.comb += memory.address.eq(addresses[number // MEMORIES_PER_ADDRESS])
                own.append(memory)
                memories.append((part, number, memory))
            words = [memory.words[lane] for memory in own for lane in range(p.bank_lanes)]
            m.d.comb += [self.words[part][lane].eq(words[lane]) for lane in range(p.lanes)]
        self._elaborate_bus(m, platform, memories)
        return m

    def _elaborate_bus(
        self, m: Module, platform: object, memories: list[tuple[int, int, WordMemory]]
    ) -> None:
        """Registers on the way past all memories; each is given with its part and its number."""
        p = self._parameters
        m.submodules.placer = placer = CellPlacer(p)
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
            bus = Signal(PlaceLayout(p), name=f"bus_{first}", reset_less=True)
            bus_valid = Signal(name=f"bus_valid_{first}")
            m.d.sync += [bus.eq(place), bus_valid.eq(valid)]
            valid, place = bus_valid, bus
            buses.append((valid, place))
        for position, (part, number, memory) in enumerate(memories):
            hop = position // MEMORIES_PER_HOP
            valid, place = buses[hop]
            _, following = buses[hop + 1]
            here = valid & (place.part == part) & (place.bank == number)
            enable = Signal(p.bank_lanes, name=f"enable_{part}_{number}", reset_less=True)
            # Memories are all over the part, so whether one is meant is known in a register
            # beside it. What is to be written there is a hop further by then.
            m.d.sync += enable.eq(Mux(here, 1 << place.lane, 0))
            m.d.comb += [
                memory.write_enable.eq(enable),
                memory.write_address.eq(following.address),
                memory.word.eq(following.word),
            ]
