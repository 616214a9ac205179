"""Ring buffers in one memory, and the queues made of them."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out

from allspin.hdl.stream.block_memory import block_memory
from allspin.hdl.stream.component import Component
from allspin.sim.errors import check_power_of_two


class Ring(Component):
    """Ring of items in one memory, each behind the one before, and read at any place.

    Pointers count modulo twice the depth, so that a comparison tells a full ring from an empty one.

    Throughput: one item per cycle.

    Parameters
    ----------
    shape : ShapeLike
        Shape of an item.
    depth : int
        Places, a power of two.
    distributed : bool
        True for look-up tables: the output of a block RAM is late.
    """

    def __init__(self, shape: Any, depth: int, *, distributed: bool = False) -> None:
        self._depth = depth
        self._memory = block_memory(shape, depth, distributed=distributed)
        super().__init__(
            {
                # An item arrives; the ring has room for it.
                "arrives": In(1),
                # The item.
                "payload": In(shape),
                # Pointer to the place of the next item.
                "end": Out(range(2 * depth)),
                # Pointer to the first one that must be kept.
                "start": In(range(2 * depth)),
                # The ring has room. The register follows a place that has become free a clock late,
                # but a place that is taken at once. A writer that counts places itself needs
                # neither this port nor `start`.
                "room": Out(1),
                # Item to read; one that arrives in this clock can be read in the next.
                "pointer": In(range(2 * depth)),
                # The item at `pointer`, in the same clock. A register of the reader makes a block
                # RAM of the memory.
                "item": Out(shape),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the memory."""
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


def read_ring(m: Module, found: Any, head: Signal, limit: Signal, o: stream.Interface) -> None:
    """Offer a ring memory's items on a stream, one a clock.

    The memory's own output register is the stream's, so an item comes out two clocks
    after the limit has moved past it.

    Parameters
    ----------
    m : Module
        Module that gets the logic.
    found : Value
        The memory's item at `head`, in the same clock.
    head : Signal
        Item that is read next; one bit wider than an address, which tells a full ring from an empty
        one. It moves past each item that is offered, since that item has left the memory.
    limit : Signal
        Like `head`: behind the last item that may be offered.
    o : Out(stream)
        Stream that gets the items.
    """
    # Output register of the block RAM; a reset would have to reach it all over the part.
    item = Signal(found.shape(), reset_less=True)
    more = Signal()
    m.d.comb += [o.payload.eq(item), more.eq(head != limit)]
    # `ready`, which comes late, enables registers and no more.
    with m.If(~o.valid | o.ready):
        m.d.sync += [item.eq(found), o.valid.eq(more), head.eq(head + more)]


class Queue(Component):
    """First-in first-out queue in one memory.

    Throughput: one item per cycle; latency 2.

    Parameters
    ----------
    shape : ShapeLike
        Shape of an item.
    depth : int
        Number of items behind the one that is offered, a power of two from 2 to 65536.
    distributed : bool
        True for look-up tables, beside their reader, rather than a block RAM.
    """

    def __init__(self, shape: Any, depth: int, *, distributed: bool = False) -> None:
        self._shape = shape
        self._distributed = distributed
        self._depth = check_power_of_two("depth", depth, 2, 65536)
        super().__init__(
            {
                # Items.
                "i": In(stream.Signature(shape)),
                "o": Out(stream.Signature(shape)),
                # Everything that was put in has been taken out.
                "empty": Out(1),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the queue."""
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


LATE = 2
"""Clocks by which `Reservation.credit` is late: so many may set out before they are counted."""


class Reservation(Component):
    """Queue at the end of a long way, with credits: an item sets out only with a free place at the
    end.

    The way never stalls then, so no stall signal has to reach all of its registers.

    Throughput: one item per cycle; latency 2.

    Parameters
    ----------
    shape : ShapeLike
        Shape of an item that arrives.
    depth : int
        Places, a power of two; more than the clocks of the way, or it stalls.
    ahead : int
        Number of items for `credits_ahead`.
    distributed : bool
        True for look-up tables: the output of a block RAM is late.
    """

    def __init__(
        self, shape: Any, depth: int, *, ahead: int = 0, distributed: bool = False
    ) -> None:
        self._depth = depth
        self._ahead = ahead
        self._distributed = distributed
        super().__init__(
            {
                # An item sets out; only while `credit`.
                "taken": In(1),
                # A credit is free.
                "credit": Out(1, init=1),  # pyright: ignore[reportCallIssue]  # the stubs leave init out
                # `ahead` credits are free: that many items may set out from now on, at any time,
                # even if `waiting` stalls.
                "credits_ahead": Out(1, init=1),  # pyright: ignore[reportCallIssue]  # the stubs leave init out
                # An item arrives.
                "arrives": In(1),
                # The item.
                "payload": In(shape),
                # All of it, in order, from two clocks after it arrived.
                "waiting": Out(stream.Signature(shape)),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the queue."""
        m.submodules.ring = ring = Ring(
            self.waiting.payload.shape(), self._depth, distributed=self._distributed
        )
        head = Signal.like(ring.end)
        following = Signal.like(head)
        # One more than the free places, so that `credit` needs no more than the upper bits.
        credits = Signal(range(self._depth + 2), init=self._depth + 1)
        some = Signal()
        fetch = Signal()
        taken = Signal()
        freed = Signal()
        m.d.comb += [
            ring.arrives.eq(self.arrives),
            ring.payload.eq(self.payload),
            ring.pointer.eq(head),
            following.eq(head + 1),
            fetch.eq(some & (~self.waiting.valid | self.waiting.ready)),
        ]
        m.d.sync += [
            # Both comparisons are made before it is known which counts: `ready` comes late.
            some.eq(self.arrives | Mux(fetch, following != ring.end, head != ring.end)),
            # Items that are taken and fetched are known late in their clock, so they count a clock
            # later.
            taken.eq(self.taken),
            freed.eq(fetch),
            credits.eq(credits - taken + freed),
            self.credit.eq(credits > LATE + 1),
            self.credits_ahead.eq(credits > self._ahead + LATE),
        ]
        with m.If(fetch):
            m.d.sync += [head.eq(following), self.waiting.payload.eq(ring.item)]
        with m.If(~self.waiting.valid | self.waiting.ready):
            m.d.sync += self.waiting.valid.eq(fetch)
