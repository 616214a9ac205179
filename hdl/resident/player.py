"""Player: resident images from the memory of beats to the crossbar."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.resident.beat_memory import BeatMemory, EcpBeatMemory, packed_layout
from allspin.hdl.stream.buffers import Ring, read_ring
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import event_layout

QUEUE_DEPTH = 16
"""Beats between the memory and the crossbar: more than the latencies of memory and queue, so that
one beat comes in each clock."""


class BeatFilter(Component):
    """Select the beats of the requested images from those that arrive.

    Parameters
    ----------
    beats : int
        Beats in the memory.
    longest : int
        Beats of the longest image. Contents of the memory that are not an image end there, since a
        first crossbar of several passes has no room for a longer image.
    """

    def __init__(self, beats: int, longest: int) -> None:
        self._beats = beats
        self._longest = longest
        super().__init__(
            {
                # Ports of the `BeatPlayer`.
                "start": In(1),
                "first": In(range(beats)),
                "skip": In(16),
                "images": In(16),
                # The next beat arrives.
                "arrives": In(1),
                # It is marked as its image's last.
                "ends": In(1),
                # It belongs to a requested image.
                "wanted": Out(1),
                # It is the last beat of its image, of the memory, or of the longest image.
                "last": Out(1),
                # Beats that are read from now on are not wanted.
                "ended": Out(1, init=1),  # pyright: ignore[reportCallIssue]  # the stubs leave init out
                # Address of the beat that arrives next.
                "position": Out(range(beats)),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the filter."""
        at_end = Signal()  # `position` is the memory's end
        skip = Signal(16)
        skipping = Signal()  # `skip` is not zero
        images = Signal(16)
        final = Signal()  # `images` is one
        left = Signal(range(-1, self._longest), init=self._longest - 2)  # -1: the longest's last
        counted = self.arrives & ~self.ended
        m.d.comb += [
            self.last.eq(self.ends | at_end | left[-1]),
            self.wanted.eq(counted & (~skipping | at_end)),
        ]
        with m.If(counted):
            m.d.sync += [
                self.position.eq(Mux(at_end, 0, self.position + 1)),
                at_end.eq(self.position == self._beats - 2 if self._beats > 1 else 1),
                left.eq(left - 1),
            ]
            with m.If(self.last):
                m.d.sync += left.eq(left.init)
                with m.If(skipping):
                    m.d.sync += [skip.eq(skip - 1), skipping.eq(skip != 1)]
                with m.Else():
                    m.d.sync += [images.eq(images - 1), final.eq(images == 2)]
                with m.If(at_end | (~skipping & final)):
                    m.d.sync += self.ended.eq(1)
        with m.If(self.start):
            m.d.sync += [
                self.position.eq(self.first),
                at_end.eq(self.first == self._beats - 1),
                skip.eq(self.skip),
                skipping.eq(self.skip != 0),
                images.eq(self.images),
                final.eq(self.images == 1),
                left.eq(left.init),
                self.ended.eq(0),
            ]


class BeatUnpacker(Component):
    """Add up the distances of packed beats to the numbers of the driven rows.

    Parameters
    ----------
    parameters : CrossbarParameters
        Parameters of the crossbar.
    """

    def __init__(self, parameters: CrossbarParameters) -> None:
        super().__init__(
            {
                "packed": In(stream.Signature(packed_layout(parameters))),
                # `event_layout`, a clock later.
                "events": Out(stream.Signature(event_layout(parameters))),
                # An image's first beat is on `events` since this clock.
                "begun": Out(1),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the unpacker."""
        packed = self.packed.payload
        event = self.events.payload
        taken = Signal()
        fresh = Signal(init=1)  # the next beat is an image's first
        m.d.comb += [
            self.packed.ready.eq(~self.events.valid | self.events.ready),
            taken.eq(self.packed.valid & self.packed.ready),
        ]
        m.d.sync += self.begun.eq(taken & fresh)
        with m.If(self.packed.ready):
            m.d.sync += self.events.valid.eq(self.packed.valid)
        with m.If(taken):
            m.d.sync += [event.last.eq(packed.last), fresh.eq(packed.last)]
            for slot, driven in zip(packed.slots, event.slots, strict=True):
                m.d.sync += [
                    driven.row.eq(Mux(fresh, 0, driven.row) + slot.distance),
                    driven.value.eq(slot.value),
                ]


class BeatPlayer(Component):
    """Keep images and stream them as events, a beat per clock.

    The memory's last beat ends an image in any case, and with it the whole stream. So at least one
    image is streamed and the stream ends, whatever the memory contains.

    Parameters
    ----------
    parameters : CrossbarParameters
        Parameters of the crossbar.
    beats : int
        Number of beats.

    Attributes
    ----------
    settling : int
        Clocks from `write` to the beat in its place.
    """

    def __init__(self, parameters: CrossbarParameters, beats: int) -> None:
        self._parameters = parameters
        self._beats = beats
        memory = EcpBeatMemory if parameters.target.registered_blocks else BeatMemory
        self._memory = memory(parameters, beats)
        self.settling = self._memory.settling
        self._layout = packed_layout(parameters)
        super().__init__(
            {
                # Ports of the `BeatMemory`; not while `playing`.
                "write": In(1),
                "place": In(range(beats)),
                "stored": In(self._layout),
                # Stream; not while `playing`.
                "start": In(1),
                # Address of the first beat.
                "first": In(range(beats)),
                # Images to skip from there.
                "skip": In(16),
                # Images to stream after them, at least one.
                "images": In(16),
                # From the clock after `start` until the last beat is taken.
                "playing": Out(1),
                # Address after the last beat that was streamed or skipped.
                "position": Out(range(beats)),
                # Read the beat at `first`; not while `playing`.
                "peek": In(1),
                # It is on `beat`.
                "peeked": Out(1),
                # `packed_layout`.
                "beat": Out(self._layout),
                # An image's first beat is on `events` since this clock.
                "begun": Out(1),
                "events": Out(stream.Signature(event_layout(parameters))),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the player."""
        m.submodules.memory = memory = self._memory
        m.submodules.filter = chosen = BeatFilter(self._beats, self._parameters.rows)
        m.submodules.unpacker = unpacker = BeatUnpacker(self._parameters)
        wiring.connect(m, unpacker.events, wiring.flipped(self.events))
        # A queue that is never full, since reads are counted. A wide one in block RAMs would give
        # its words too late for the sums of distances.
        wide = self._parameters.rows_per_clock > 4
        m.submodules.ring = ring = Ring(self._layout, QUEUE_DEPTH, distributed=wide)
        head = Signal.like(ring.end)
        waiting = unpacker.packed
        read_ring(m, ring.item, head, ring.end, waiting)
        assert memory.latency + 6 <= QUEUE_DEPTH

        # Read ahead with credits: free places in the queue for all beats under way.
        address = Signal(range(self._beats))
        credits = Signal(range(QUEUE_DEPTH + 1), init=QUEUE_DEPTH)
        issue = Signal()
        arrived = Signal(memory.latency)
        peeking = Signal(memory.latency + 1)
        pushed = Signal()
        freed = Signal(2)  # given back a clock late, since the transfer of an event is known late
        m.d.comb += [
            memory.write.eq(self.write),
            memory.place.eq(self.place),
            memory.stored.eq(self.stored),
            memory.address.eq(address),
            self.beat.eq(memory.found),
            issue.eq(~chosen.ended & (credits != 0)),
            self.peeked.eq(peeking[-1]),
            chosen.start.eq(self.start),
            chosen.first.eq(self.first),
            chosen.skip.eq(self.skip),
            chosen.images.eq(self.images),
            chosen.arrives.eq(arrived[-1]),
            chosen.ends.eq(memory.found.last),
            ring.arrives.eq(pushed),
            ring.pointer.eq(head),
            self.position.eq(chosen.position),
            self.playing.eq(~chosen.ended | (credits != QUEUE_DEPTH) | self.events.valid),
            self.begun.eq(unpacker.begun),
        ]
        m.d.sync += [
            arrived.eq(Cat(issue, arrived)),
            peeking.eq(Cat(self.peek, peeking)),
            pushed.eq(chosen.wanted),
            ring.payload.slots.eq(memory.found.slots),
            ring.payload.last.eq(chosen.last),
            freed.eq(Cat(waiting.valid & waiting.ready, arrived[-1] & ~chosen.wanted)),
            credits.eq(credits - issue + freed[0] + freed[1]),
        ]
        with m.If(issue):
            m.d.sync += address.eq(Mux(address == self._beats - 1, 0, address + 1))
        with m.If(self.start | self.peek):
            m.d.sync += address.eq(self.first)
