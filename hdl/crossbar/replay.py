"""An image's events, once for each group of columns.

A crossbar with fewer lanes than columns computes its columns group by group and needs the
image's events again for each group.
"""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.crossbar import CrossbarParameters
from allspin.hdl.stream.layouts import EventLayout
from allspin.hdl.stream.ring import Ring


class ReplayLayout(data.StructLayout):
    """A beat of one pass.

    Members
    -------
    beat : `EventLayout`
        Its `last` ends the pass.
    group : unsigned
        Which group of columns the pass computes.
    """

    def __init__(self, parameters: CrossbarParameters) -> None:
        super().__init__(
            {"beat": EventLayout(parameters), "group": range(max(parameters.passes, 2))}
        )


class Replay(wiring.Component):
    """Keep the events of an image and send them once for each group of columns.

    The events lie in a ring. Its oldest image is sent `passes` times; in the last pass
    each event's place is free again as soon as it is sent, so the following images are
    taken in while this one is replayed. An event may be sent from one clock after it was
    taken; in steady state one is sent each clock.

    Parameters
    ----------
    parameters : CrossbarParameters
        Of the crossbar that is fed.

    Attributes
    ----------
    events : In(stream)
        `EventLayout`: images, each once.
    passes : Out(stream)
        `ReplayLayout`: each image's events in order, group after group.
    """

    events: stream.Interface
    passes: stream.Interface

    def __init__(self, parameters: CrossbarParameters) -> None:
        self._parameters = parameters
        super().__init__(
            {
                "events": In(stream.Signature(EventLayout(parameters))),
                "passes": Out(stream.Signature(ReplayLayout(parameters))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        p = self._parameters
        # A power of two, and room for an image that drives every row alone, with a closing beat.
        depth = 1 << p.rows.bit_length()
        assert depth >= p.rows + 1
        m.submodules.ring = ring = Ring(EventLayout(p), depth)

        cursor = Signal.like(ring.end)  # event to send next within a pass
        group = Signal(range(max(p.passes, 2)))
        next_group = Signal.like(group)
        out = self.passes.payload
        ends = Signal()
        again = Signal()  # the same image for the next group, whose first event is there
        more = Signal()
        m.d.comb += [
            self.events.ready.eq(ring.room),
            ring.payload.eq(self.events.payload),
            ring.arrives.eq(self.events.valid & ring.room),
            ends.eq(self.passes.valid & out.beat.last),
            again.eq(ends & (out.group != p.passes - 1)),
            # The pointer is compared before its place is read, so an event that is being
            # written in this clock is read in the next.
            more.eq(again | (cursor != ring.end)),
            ring.pointer.eq(Mux(again, ring.start, cursor)),
            next_group.eq(group),
        ]
        with m.If(ends):
            m.d.comb += next_group.eq(Mux(again, out.group + 1, 0))
        with m.If(~self.passes.valid | self.passes.ready):
            m.d.sync += [self.passes.valid.eq(more), group.eq(next_group)]
            with m.If(more):
                m.d.sync += [
                    out.beat.eq(ring.item),
                    out.group.eq(next_group),
                    cursor.eq(ring.pointer + 1),
                ]
                with m.If(next_group == p.passes - 1):
                    m.d.sync += ring.start.eq(ring.pointer + 1)
        return m
