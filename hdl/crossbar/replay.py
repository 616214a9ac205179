"""An image's events, once for each group of columns.

A crossbar with fewer lanes than columns computes its columns group by group and needs the
image's events again for each group.
"""

from amaranth.hdl import Module, Mux, Shape, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters import CrossbarParameters
from allspin.hdl.stream.block_ram import block_memory
from allspin.hdl.stream.layouts import EventLayout


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
        layout = EventLayout(p)
        m.submodules.ring = ring = block_memory(layout, depth)
        write = ring.write_port()
        read = ring.read_port(domain="comb")

        # Pointers count modulo twice the depth, so that full and empty differ.
        pointer = unsigned((2 * depth - 1).bit_length())
        start = Signal(pointer)  # first event that must be kept
        end = Signal(pointer)  # where the next event goes
        cursor = Signal(pointer)  # event to send next within a pass
        address = Signal(pointer)
        group = Signal(range(max(p.passes, 2)))
        next_group = Signal.like(group)

        room = Signal(init=1)
        following = Signal(pointer)
        m.d.comb += [
            following.eq(end + 1),
            self.events.ready.eq(room),
            write.addr.eq(end[: Shape.cast(range(depth)).width]),
            write.data.eq(self.events.payload),
            write.en.eq(self.events.valid & self.events.ready),
        ]
        with m.If(write.en):
            m.d.sync += end.eq(following)
        # A clock late that a place has become free, so that whoever fills the ring knows at once.
        m.d.sync += room.eq(Mux(write.en, (following ^ start) != depth, (end ^ start) != depth))

        event = Signal(layout)
        valid = Signal()
        event_group = Signal.like(group)
        advance = Signal()
        again = Signal()  # the same image for the next group, whose first event is there
        more = Signal()
        m.d.comb += [
            advance.eq(~valid | self.passes.ready),
            again.eq(valid & event.last & (event_group != p.passes - 1)),
            # The pointer is compared before its place is read, so an event that is being
            # written in this clock is read in the next.
            more.eq(again | (cursor != end)),
            address.eq(Mux(again, start, cursor)),
            next_group.eq(group),
        ]
        with m.If(valid & event.last):
            m.d.comb += next_group.eq(Mux(again, event_group + 1, 0))
        m.d.comb += read.addr.eq(address[: Shape.cast(range(depth)).width])
        with m.If(advance):
            with m.If(more):
                m.d.sync += [
                    valid.eq(1),
                    event.eq(read.data),
                    event_group.eq(next_group),
                    group.eq(next_group),
                    cursor.eq(address + 1),
                ]
                with m.If(next_group == p.passes - 1):
                    m.d.sync += start.eq(address + 1)
            with m.Else():
                m.d.sync += [valid.eq(0), group.eq(next_group)]
        m.d.comb += [
            self.passes.valid.eq(valid),
            self.passes.payload.beat.eq(event),
            self.passes.payload.group.eq(event_group),
        ]
        return m
