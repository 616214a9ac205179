"""Images from the memory of beats to the crossbar, as often as they are wanted."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.link.queue import read_ring
from allspin.hdl.parameters import CrossbarParameters
from allspin.hdl.resident.beat_memory import BeatMemory, EcpBeatMemory, PackedLayout
from allspin.hdl.stream.block_ram import block_memory
from allspin.hdl.stream.layouts import EventLayout

QUEUE_DEPTH = 16
"""Beats on their way from the memory to the crossbar: more than the memory's latency and the
queue's own, so that one comes each clock."""


class BeatPlayer(wiring.Component):
    """Keep images and stream them as events, a beat a clock.

    The memory's last beat ends an image whether it says so or not, and with it the whole
    stream: so whatever the memory holds, at least one image is streamed and the end comes.

    Parameters
    ----------
    parameters : CrossbarParameters
        Of the crossbar that is fed.
    beats : int
        Beats that fit.

    Attributes
    ----------
    write, place, stored
        As of the `BeatMemory`; not while `playing`.
    start : In(1)
        Stream; not while `playing`.
    first : In
        Address of the beat to begin at.
    skip : In(16)
        Images to pass over from there.
    images : In(16)
        Images to stream then, at least one.
    playing : Out(1)
        From the clock after `start` until the last beat is taken.
    position : Out
        Address behind the last beat that was streamed or passed over.
    peek : In(1)
        Read the beat at `first`; not while `playing`.
    peeked : Out(1)
        It is on `beat` now.
    beat : Out
        `PackedLayout`.
    begun : Out(1)
        An image's first beat is on `events` since this clock.
    events : Out(stream)
        `EventLayout`.
    settling : int
        Clocks from `write` to the beat in its place.
    """

    write: Signal
    place: Signal
    stored: data.View
    start: Signal
    first: Signal
    skip: Signal
    images: Signal
    playing: Signal
    position: Signal
    peek: Signal
    peeked: Signal
    beat: data.View
    begun: Signal
    events: stream.Interface

    def __init__(self, parameters: CrossbarParameters, beats: int) -> None:
        self._parameters = parameters
        self._beats = beats
        memory = EcpBeatMemory if parameters.target.registered_blocks else BeatMemory
        self._memory = memory(parameters, beats)
        self.settling = self._memory.settling
        self._layout = PackedLayout(parameters)
        super().__init__(
            {
                "write": In(1),
                "place": In(range(beats)),
                "stored": In(self._layout),
                "start": In(1),
                "first": In(range(beats)),
                "skip": In(16),
                "images": In(16),
                "playing": Out(1),
                "position": Out(range(beats)),
                "peek": In(1),
                "peeked": Out(1),
                "beat": Out(self._layout),
                "begun": Out(1),
                "events": Out(stream.Signature(EventLayout(parameters))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the player."""
        m = Module()
        m.submodules.memory = memory = self._memory
        # A queue that is never full, for what is read is counted.
        m.submodules.ring = ring = block_memory(self._layout, QUEUE_DEPTH)
        write = ring.write_port()
        read = ring.read_port(domain="comb")
        head = Signal(range(2 * QUEUE_DEPTH))
        tail = Signal.like(head)
        waiting = stream.Signature(self._layout).create()
        read_ring(m, read, head, tail, waiting)
        assert memory.latency + 6 <= QUEUE_DEPTH

        # Read ahead as far as there is room in the queue for all that is under way.
        address = Signal(range(self._beats))
        room = Signal(range(QUEUE_DEPTH + 1), init=QUEUE_DEPTH)
        ended = Signal(init=1)  # what is read from now on is not wanted
        issue = Signal()
        arrived = Signal(memory.latency)
        peeking = Signal(memory.latency + 1)
        m.d.comb += [
            memory.write.eq(self.write),
            memory.place.eq(self.place),
            memory.stored.eq(self.stored),
            memory.address.eq(address),
            self.beat.eq(memory.beat),
            issue.eq(~ended & (room != 0)),
            self.peeked.eq(peeking[-1]),
        ]
        m.d.sync += [
            arrived.eq(Cat(issue, arrived)),
            peeking.eq(Cat(self.peek, peeking)),
        ]
        with m.If(issue):
            m.d.sync += address.eq(Mux(address == self._beats - 1, 0, address + 1))

        at_end = Signal()  # `position`, where the beat that arrives next lay, is the memory's end
        skip = Signal(16)
        skipping = Signal()  # `skip` is not zero
        images = Signal(16)
        final = Signal()  # `images` is one
        valid = arrived[-1]
        push = Signal()
        pushed = Signal()
        last = Signal()
        m.d.comb += [
            last.eq(memory.beat.last | at_end),
            push.eq(valid & ~ended & (~skipping | at_end)),
            write.en.eq(pushed),
            write.addr.eq(tail),
        ]
        m.d.sync += [
            pushed.eq(push),
            write.data.slots.eq(memory.beat.slots),
            write.data.last.eq(last),
            tail.eq(tail + pushed),
        ]
        with m.If(valid & ~ended):
            m.d.sync += [
                self.position.eq(Mux(at_end, 0, self.position + 1)),
                at_end.eq(self.position == self._beats - 2 if self._beats > 1 else 1),
            ]
            with m.If(last):
                with m.If(skipping):
                    m.d.sync += [skip.eq(skip - 1), skipping.eq(skip != 1)]
                with m.Else():
                    m.d.sync += [images.eq(images - 1), final.eq(images == 2)]
                with m.If(at_end | (~skipping & final)):
                    m.d.sync += ended.eq(1)
        popped = Signal()
        freed = Signal(2)  # given back a clock late: whether an event is taken is known late
        m.d.comb += popped.eq(waiting.valid & waiting.ready)
        m.d.sync += [
            freed.eq(Cat(popped, valid & ~push)),
            room.eq(room - issue + freed[0] + freed[1]),
        ]
        with m.If(self.start | self.peek):
            m.d.sync += address.eq(self.first)
        with m.If(self.start):
            m.d.sync += [
                self.position.eq(self.first),
                at_end.eq(self.first == self._beats - 1),
                skip.eq(self.skip),
                skipping.eq(self.skip != 0),
                images.eq(self.images),
                final.eq(self.images == 1),
                ended.eq(0),
            ]
        m.d.comb += self.playing.eq(~ended | (room != QUEUE_DEPTH) | self.events.valid)

        event = self.events.payload
        fresh = Signal(init=1)  # the next beat is an image's first
        m.d.comb += waiting.ready.eq(~self.events.valid | self.events.ready)
        m.d.sync += self.begun.eq(popped & fresh)
        with m.If(waiting.ready):
            m.d.sync += self.events.valid.eq(waiting.valid)
        with m.If(popped):
            packed = waiting.payload
            m.d.sync += [event.last.eq(packed.last), fresh.eq(packed.last)]
            for number in range(self._parameters.rows_per_clock):
                slot = packed.slots[number]
                driven = event.slots[number]
                m.d.sync += [
                    driven.row.eq(Mux(fresh, 0, driven.row) + slot.distance),
                    driven.value.eq(slot.value),
                ]
        return m
