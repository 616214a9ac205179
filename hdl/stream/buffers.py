"""What every block is and has, and what keeps items between blocks: registers, memories, queues."""

from typing import TYPE_CHECKING, Any

from amaranth.hdl import Module, Mux, Shape, Signal
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.sim.errors import check_power_of_two


class Component(wiring.Component):
    """A block: its signature says what its ports are, and its method `build` what is in it."""

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """A port: the signature makes it, so a type checker cannot know it."""

    def elaborate(self, platform: object) -> Module:
        """The block's module, as Amaranth asks for it."""
        m = Module()
        self.build(m, platform)
        return m

    def build(self, m: Module, platform: object) -> None:
        """Put into the block's module what is in it; each block has its own."""
        raise NotImplementedError


BLOCK_BITS = 1024
"""Memories below this size are left to the tool (distributed RAM or registers)."""


def block_memory(shape: Any, depth: int, *, distributed: bool = False) -> memory.Memory:
    """A memory without contents, for block RAM.

    Read it through a port of the ``comb`` domain with a register behind it: the tools
    merge the two into the block's own synchronous read. Amaranth's synchronous read port
    promises the old word when a location is read and written at once, which no block RAM
    does by itself; the tools then build a bypass around it (hundreds of LUTs for a wide
    crossbar). Here nothing is ever read while it is written, and ``no_rw_check`` says so. In
    look-up tables a word can be read and written back in one clock: their read has none.

    Parameters
    ----------
    shape : ShapeLike
        Shape of a word.
    depth : int
        Number of words.
    distributed : bool
        Whether it is to be look-up tables all the same, near what it serves.
    """
    attrs: dict[str, Any] = {"no_rw_check": 1}
    if distributed:
        attrs["ram_style"] = "distributed"
    elif Shape.cast(shape).width * depth >= BLOCK_BITS:
        attrs["ram_style"] = "block"
    return memory.Memory(shape=shape, depth=depth, init=[], attrs=attrs)


# Registers in a row.


def later(m: Module, value: Any, name: str, clocks: int = 1, guarded: bool = False) -> Any:
    """A value some clocks later; what only comes with a valid one needs no reset."""
    for number in range(clocks):
        own = name if clocks == 1 else f"{name}_{number}"
        register = Signal.like(value, name=own, reset_less=not guarded)
        m.d.sync += register.eq(value)
        value = register
    return value


# Registers across a stream, where no path may go straight through.


class RegisterSlice(Component):
    """Every signal of both sides comes from a register.

    Parameters
    ----------
    shape : ShapeLike
        Shape of an item.
    every_clock : bool
        Whether an item can go through in every clock, for a second register, or in every
        other.
    """

    def __init__(self, shape: Any, *, every_clock: bool = False) -> None:
        self._every_clock = every_clock
        super().__init__(
            {
                # Items, a clock later.
                "i": In(stream.Signature(shape)),
                "o": Out(stream.Signature(shape)),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the registers."""
        if not self._every_clock:
            m.d.comb += self.i.ready.eq(~self.o.valid)
            with m.If(~self.o.valid):
                m.d.sync += [self.o.payload.eq(self.i.payload), self.o.valid.eq(self.i.valid)]
            with m.Elif(self.o.ready):
                m.d.sync += self.o.valid.eq(0)
            return
        held = Signal(self.i.payload.shape())
        holds = Signal()  # an item that came when the last one was not taken
        m.d.comb += self.i.ready.eq(~holds)
        with m.If(~holds):
            m.d.sync += held.eq(self.i.payload)
        with m.If(~self.o.valid | self.o.ready):
            m.d.sync += [
                self.o.valid.eq(holds | self.i.valid),
                holds.eq(0),
            ]
            with m.If(holds):
                m.d.sync += self.o.payload.eq(held)
            with m.Else():
                m.d.sync += self.o.payload.eq(self.i.payload)
        with m.Else():
            m.d.sync += holds.eq(holds | self.i.valid)


# A memory that is filled round and round.


class Ring(Component):
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
    """

    def __init__(self, shape: Any, depth: int, *, distributed: bool = False) -> None:
        self._depth = depth
        self._memory = block_memory(shape, depth, distributed=distributed)
        super().__init__(
            {
                # There is an item, and a place for it.
                "arrives": In(1),
                # The item.
                "payload": In(shape),
                # Pointer to where the next one goes.
                "end": Out(range(2 * depth)),
                # Pointer to the first one that must be kept.
                "start": In(range(2 * depth)),
                # There is a place, known a clock late where one has become free, so that whoever
                # fills the ring knows at once. Who has counted places otherwise needs neither this
                # nor `start`.
                "room": Out(1),
                # Which one to read; one that arrives in this clock can be read in the next.
                "pointer": In(range(2 * depth)),
                # That one, in the same clock: the register that makes a block RAM of it is the
                # reader's.
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


# A first-in first-out queue in one memory.


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


class Queue(Component):
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
    """Let something set out on a long way only with a credit: a free place at the end.

    What is between never stalls then, so no signal that says whether it may go on has to
    reach all of its registers.

    Parameters
    ----------
    shape : ShapeLike
        Of what arrives.
    depth : int
        Places, a power of two; more than the clocks of the way, or it stalls.
    ahead : int
        For `credits_ahead`.
    distributed : bool
        Whether its memory must not become a block RAM, whose output is late.
    """

    def __init__(
        self, shape: Any, depth: int, *, ahead: int = 0, distributed: bool = False
    ) -> None:
        self._depth = depth
        self._ahead = ahead
        self._distributed = distributed
        super().__init__(
            {
                # Something sets out. Only while `credit`.
                "taken": In(1),
                # There is one.
                "credit": Out(1, init=1),  # pyright: ignore[reportCallIssue]  # the stubs leave init out
                # There are `ahead`: so many may set out from now on, at any time, whatever happens
                # at `waiting`.
                "credits_ahead": Out(1, init=1),  # pyright: ignore[reportCallIssue]  # the stubs leave init out
                # It is there.
                "arrives": In(1),
                # What it is.
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
        # One more than there is, so that `credit` needs no more than its upper bits.
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
            # A clock late too: what is taken and what is fetched is known late.
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
