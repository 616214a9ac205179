"""A first-in first-out queue in one memory."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import ReadPort
from amaranth.lib.wiring import In, Out

from allspin.hdl.link.protocol import check_power_of_two
from allspin.hdl.stream.block_ram import block_memory


def read_ring(m: Module, read: ReadPort, head: Signal, limit: Signal, o: stream.Interface) -> None:
    """Offer a ring memory's items on a stream, one a clock.

    The memory's own output register is the stream's, so an item comes out two clocks
    after the limit has moved past it.

    Parameters
    ----------
    m : Module
        Gets the logic.
    read : ReadPort
        Of the memory, in the ``comb`` domain.
    head : Signal
        The item that is read next; one bit wider than an address, which tells a full ring
        from an empty one. Moved here, past what is offered: that is out of the memory.
    limit : Signal
        Like `head`: behind the last item that may be offered.
    o : Out(stream)
        Where to.
    """
    # The block's own register; a reset would have to reach it wherever the block is.
    item = Signal(read.data.shape(), reset_less=True)
    more = Signal()
    m.d.comb += [read.addr.eq(head), o.payload.eq(item), more.eq(head != limit)]
    # `ready`, which comes late, enables registers and no more.
    with m.If(~o.valid | o.ready):
        m.d.sync += [item.eq(read.data), o.valid.eq(more), head.eq(head + more)]


class Queue(wiring.Component):
    """Hold back what arrives until it is wanted.

    One item a clock in and out; an item that meets an empty queue comes out two clocks
    later.

    Parameters
    ----------
    shape : ShapeLike
        Shape of an item.
    depth : int
        Number of items behind the one that is offered, a power of two from 2 to 65536.
    distributed : bool
        Whether the memory is one of look-up tables, beside what it serves, rather than a block.

    Attributes
    ----------
    i, o : In(stream), Out(stream)
        Items.
    empty : Out(1)
        Everything that was put in has been taken out.
    """

    i: stream.Interface
    o: stream.Interface
    empty: Signal

    def __init__(self, shape: Any, depth: int, *, distributed: bool = False) -> None:
        self._shape = shape
        self._distributed = distributed
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
        m.submodules.memory = memory = block_memory(
            self._shape, self._depth, distributed=self._distributed
        )
        write = memory.write_port()
        read = memory.read_port(domain="comb")

        head = Signal(range(2 * self._depth))
        tail = Signal.like(head)
        room = Signal(init=1)
        m.d.comb += [
            self.i.ready.eq(room),
            self.empty.eq((tail == head) & ~self.o.valid),
            write.addr.eq(tail),
            write.data.eq(self.i.payload),
            write.en.eq(self.i.valid & self.i.ready),
        ]
        following = Signal.like(tail)
        m.d.comb += following.eq(tail + 1)
        with m.If(write.en):
            m.d.sync += tail.eq(following)
        # A clock late that an item has left: that is known late in its clock. Both comparisons
        # are made before it is known which counts.
        m.d.sync += room.eq(
            Mux(write.en, (following ^ head) != self._depth, (tail ^ head) != self._depth)
        )
        read_ring(m, read, head, tail, self.o)
        return m
