"""A first-in first-out queue in one memory."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.checks import check_power_of_two
from allspin.hdl.stream.ring import Ring


def read_ring(m: Module, found: Any, head: Signal, limit: Signal, o: stream.Interface) -> None:
    """Offer a ring memory's items on a stream, one a clock.

    The memory's own output register is the stream's, so an item comes out two clocks
    after the limit has moved past it.

    Parameters
    ----------
    m : Module
        Gets the logic.
    found : Value
        The memory's item at `head`, in the same clock.
    head : Signal
        The item that is read next; one bit wider than an address, which tells a full ring
        from an empty one. Moved here, past what is offered: that is out of the memory.
    limit : Signal
        Like `head`: behind the last item that may be offered.
    o : Out(stream)
        Where to.
    """
    # The block's own register; a reset would have to reach it wherever the block is.
    item = Signal(found.shape(), reset_less=True)
    more = Signal()
    m.d.comb += [o.payload.eq(item), more.eq(head != limit)]
    # `ready`, which comes late, enables registers and no more.
    with m.If(~o.valid | o.ready):
        m.d.sync += [item.eq(found), o.valid.eq(more), head.eq(head + more)]


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
        m.submodules.ring = ring = Ring(self._shape, self._depth, distributed=self._distributed)
        head = Signal.like(ring.end)
        m.d.comb += [
            self.i.ready.eq(ring.room),
            ring.payload.eq(self.i.payload),
            ring.arrives.eq(self.i.valid & ring.room),
            ring.start.eq(head),
            ring.pointer.eq(head),
            self.empty.eq((ring.end == head) & ~self.o.valid),
        ]
        read_ring(m, ring.item, head, ring.end, self.o)
        return m
