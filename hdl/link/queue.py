"""A first-in first-out queue in one block RAM."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.block_ram import block_memory
from hdl.link.protocol import check_power_of_two


class Queue(wiring.Component):
    """Hold back what arrives until it is wanted.

    One item a clock in and out; an item that meets an empty queue comes out two clocks
    later, since the memory's own output register is the queue's.

    Parameters
    ----------
    shape : ShapeLike
        Shape of an item.
    depth : int
        Number of items, a power of two from 2 to 65536.

    Attributes
    ----------
    i, o : In(stream), Out(stream)
        Items.
    empty : Out(1)
        Everything that was put in has been taken out.
    """

    def __init__(self, shape: Any, depth: int) -> None:
        self._shape = shape
        self._depth = check_power_of_two("depth", depth, 2, 65536)
        super().__init__(
            {
                "i": In(stream.Signature(shape)),
                "o": Out(stream.Signature(shape)),
                "empty": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the queue."""
        m = Module()
        m.submodules.memory = memory = block_memory(self._shape, self._depth)
        write = memory.write_port()
        read = memory.read_port(domain="comb")

        # One bit more than the address tells a full queue from an empty one.
        head = Signal(range(2 * self._depth))
        next_head = Signal.like(head)
        tail = Signal.like(head)
        m.d.comb += [
            self.i.ready.eq((tail ^ head) != self._depth),
            self.empty.eq(tail == head),
            write.addr.eq(tail),
            write.data.eq(self.i.payload),
            write.en.eq(self.i.valid & self.i.ready),
            next_head.eq(Mux(self.o.valid & self.o.ready, head + 1, head)),
            read.addr.eq(next_head),
        ]
        m.d.sync += [
            tail.eq(tail + write.en),
            head.eq(next_head),
            self.o.payload.eq(read.data),
            self.o.valid.eq(next_head != tail),
        ]
        return m
