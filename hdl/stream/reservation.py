"""Credits: a queue whose places are reserved before what fills them sets out."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.stream.ring import Ring

LATE = 2
"""Clocks by which `Reservation.credit` is late: so many may set out before they are counted."""


class Reservation(wiring.Component):
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

    Attributes
    ----------
    taken : In(1)
        Something sets out. Only while `credit`.
    credit : Out(1)
        There is one.
    credits_ahead : Out(1)
        There are `ahead`: so many may set out from now on, at any time, whatever happens at
        `waiting`.
    arrives : In(1)
        It is there.
    payload : In(shape)
        What it is.
    waiting : Out(stream)
        All of it, in order, from two clocks after it arrived.
    """

    taken: Signal
    credit: Signal
    credits_ahead: Signal
    arrives: Signal
    payload: Any
    waiting: stream.Interface

    def __init__(
        self, shape: Any, depth: int, *, ahead: int = 0, distributed: bool = False
    ) -> None:
        self._depth = depth
        self._ahead = ahead
        self._distributed = distributed
        super().__init__(
            {
                "taken": In(1),
                "credit": Out(1, init=1),  # pyright: ignore[reportCallIssue]  # the stubs leave init out
                "credits_ahead": Out(1, init=1),  # pyright: ignore[reportCallIssue]  # the stubs leave init out
                "arrives": In(1),
                "payload": In(shape),
                "waiting": Out(stream.Signature(shape)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the queue."""
        m = Module()
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
        return m
