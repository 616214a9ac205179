"""Window on the engine's memories: bytes of lines, one after another from an address."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out

from allspin.hdl.bus.event_gate import ROW_BITS
from allspin.hdl.link.memory_requests import SpaceTable
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import memory_map
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import (
    BYTES,
    FETCHES,
    LOADS,
)


class MemoryWindow(Component):
    """Write and read lines of the engine's memories, byte by byte from an address.

    Parameters
    ----------
    parameters : EngineParameters
        Parameters of the engine.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        self._memories = memory_map(parameters)
        super().__init__(
            {
                # Begin at this line of this space, unless a line is being read.
                "begins": In(1),
                "line": In(ROW_BITS),
                "space": In(8),
                # Current line and space.
                "at": Out(ROW_BITS),
                "of": Out(8),
                # A line has been written, or read, in part.
                "writes": Out(1),
                "reads": Out(1),
                # A byte may be written, or read; from registers, a clock after the previous byte.
                "writable": Out(1),
                "readable": Out(1),
                # Bytes, while those allow it.
                "write": In(stream.Signature(8)),
                "read": Out(BYTES),
                # The engine's.
                "load": Out(LOADS),
                "fetch": Out(FETCHES),
                "fetched": In(BYTES),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the window."""
        m.submodules.table = table = SpaceTable(self._memories)
        space = table.space
        load = self.load.payload
        fetch = self.fetch.payload
        there = Signal()
        last = Signal()
        left = Signal.like(space.line_bytes)  # missing bytes of a line that is written
        remaining = Mux(self.writes, left, space.line_bytes)
        m.d.comb += [
            table.number.eq(self.of),
            there.eq(space.exists & (self.at < space.lines)),
            Cat(load.memory, load.layer).eq(self.of),
            load.first.eq(~self.writes),
            load.address.eq(self.at),
            load.data.eq(self.write.payload),
            self.load.valid.eq(self.write.valid),
            self.write.ready.eq(self.load.ready),
            last.eq(remaining == 1),
            Cat(fetch.memory, fetch.layer).eq(self.of),
            fetch.address.eq(self.at),
            self.fetch.valid.eq(self.read.ready & ~self.reads),
            self.read.payload.eq(self.fetched.payload),
            self.read.valid.eq(self.fetched.valid & self.reads),
            self.fetched.ready.eq(self.read.ready & self.reads),
        ]
        m.d.sync += [
            self.writable.eq(there & ~self.reads),
            self.readable.eq(there & space.readable & ~self.writes),
        ]
        with m.If(self.write.valid & self.write.ready):
            m.d.sync += [
                self.writes.eq(~last),
                left.eq(remaining - 1),
                self.at.eq(self.at + last),
            ]
        with m.If(self.fetch.valid & self.fetch.ready):
            m.d.sync += self.reads.eq(1)
        with m.If(self.read.valid & self.read.ready & self.read.payload.last):
            m.d.sync += [self.reads.eq(0), self.at.eq(self.at + 1)]
        with m.If(self.begins & ~self.reads):
            m.d.sync += [self.of.eq(self.space), self.at.eq(self.line), self.writes.eq(0)]
