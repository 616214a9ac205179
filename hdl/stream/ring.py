"""A memory that is filled round and round."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.stream.block_ram import block_memory


class Ring(wiring.Component):
    """Items, each behind the one before, and read at any place.

    Pointers count modulo twice the depth, so that those who compare them tell full from empty.

    Parameters
    ----------
    shape : ShapeLike
        Of an item.
    depth : int
        Places, a power of two.
    distributed : bool
        Whether its memory must not become a block RAM, whose output is late.

    Attributes
    ----------
    arrives : In(1)
        There is an item, and a place for it.
    payload : In(shape)
        The item.
    end : Out
        Pointer to where the next one goes.
    start : In
        Pointer to the first one that must be kept.
    room : Out(1)
        There is a place, known a clock late where one has become free, so that whoever fills the
        ring knows at once. Who has counted places otherwise needs neither this nor `start`.
    pointer : In
        Which one to read; one that arrives in this clock can be read in the next.
    item : Out(shape)
        That one, in the same clock: the register that makes a block RAM of it is the reader's.
    """

    arrives: Signal
    payload: Any
    end: Signal
    start: Signal
    room: Signal
    pointer: Signal
    item: Any

    def __init__(self, shape: Any, depth: int, *, distributed: bool = False) -> None:
        self._depth = depth
        self._memory = block_memory(shape, depth, distributed=distributed)
        super().__init__(
            {
                "arrives": In(1),
                "payload": In(shape),
                "end": Out(range(2 * depth)),
                "start": In(range(2 * depth)),
                "room": Out(1),
                "pointer": In(range(2 * depth)),
                "item": Out(shape),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the memory."""
        m = Module()
        m.submodules.memory = self._memory
        write = self._memory.write_port()
        read = self._memory.read_port(domain="comb")
        following = Signal.like(self.end)
        room = Signal(init=1)
        m.d.comb += [
            following.eq(self.end + 1),
            self.room.eq(room),
            write.addr.eq(self.end),
            write.data.eq(self.payload),
            write.en.eq(self.arrives),
            read.addr.eq(self.pointer),
            self.item.eq(read.data),
        ]
        # Both comparisons are made before it is known which counts.
        m.d.sync += room.eq(
            Mux(
                self.arrives,
                (following ^ self.start) != self._depth,
                (self.end ^ self.start) != self._depth,
            )
        )
        with m.If(self.arrives):
            m.d.sync += self.end.eq(following)
        return m
