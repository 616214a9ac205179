"""Images from the memory of beats to the crossbar, as often as they are wanted."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.beat_memory import BeatMemory, EcpBeatMemory, PackedLayout
from hdl.link.queue import Queue
from hdl.parameters import CrossbarParameters
from hdl.streams import EventLayout

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
        The first beat of an image is on its way to `events`.
    events : Out(stream)
        `EventLayout`.
    settling : int
        Clocks from `write` to the beat in its place.
    """

    def __init__(self, parameters: CrossbarParameters, beats: int) -> None:
        self._parameters = parameters
        self._beats = beats
        memory = EcpBeatMemory if parameters.memory == "ecp5" else BeatMemory
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
        m.submodules.queue = queue = Queue(self._layout, QUEUE_DEPTH)
        assert memory.latency + 3 <= QUEUE_DEPTH

        def following(address: Signal) -> Mux:
            return Mux(address == self._beats - 1, 0, address + 1)

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
            m.d.sync += address.eq(following(address))

        at_end = Signal()  # the beat that arrives next is the memory's last
        skip = Signal(16)
        images = Signal(16)
        ahead = Signal(range(self._beats))
        valid = arrived[-1]
        push = Signal()
        last = Signal()
        m.d.comb += [
            ahead.eq(following(self.position)),
            last.eq(memory.beat.last | at_end),
            push.eq(valid & ~ended & ((skip == 0) | at_end)),
            queue.i.valid.eq(push),
            queue.i.payload.slots.eq(memory.beat.slots),
            queue.i.payload.last.eq(last),
        ]
        with m.If(valid & ~ended):
            m.d.sync += [self.position.eq(ahead), at_end.eq(ahead == self._beats - 1)]
            with m.If(last):
                with m.If(skip != 0):
                    m.d.sync += skip.eq(skip - 1)
                with m.Else():
                    m.d.sync += images.eq(images - 1)
                with m.If(at_end | ((skip == 0) & (images == 1))):
                    m.d.sync += ended.eq(1)
        popped = Signal()
        m.d.comb += popped.eq(queue.o.valid & queue.o.ready)
        m.d.sync += room.eq(room - issue + popped + (valid & ~push))
        with m.If(self.start | self.peek):
            m.d.sync += address.eq(self.first)
        with m.If(self.start):
            m.d.sync += [
                self.position.eq(self.first),
                at_end.eq(self.first == self._beats - 1),
                skip.eq(self.skip),
                images.eq(self.images),
                ended.eq(0),
            ]
        m.d.comb += self.playing.eq(~ended | (room != QUEUE_DEPTH) | self.events.valid)

        event = self.events.payload
        fresh = Signal(init=1)  # the next beat is an image's first
        m.d.comb += [
            queue.o.ready.eq(~self.events.valid | self.events.ready),
            self.begun.eq(popped & fresh),
        ]
        with m.If(queue.o.ready):
            m.d.sync += self.events.valid.eq(queue.o.valid)
        with m.If(popped):
            packed = queue.o.payload
            m.d.sync += [event.last.eq(packed.last), fresh.eq(packed.last)]
            for number in range(self._parameters.rows_per_clock):
                slot = packed.slots[number]
                driven = event.slots[number]
                m.d.sync += [
                    driven.row.eq(Mux(fresh, 0, driven.row) + slot.distance),
                    driven.value.eq(slot.value),
                ]
        return m
