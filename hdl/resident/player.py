"""Images from the memory of beats to the crossbar as often as wanted, and their results."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.resident.beat_memory import (
    COLUMN_BITS,
    COLUMN_LINES,
    BeatMemory,
    EcpBeatMemory,
    PlainMemory,
    packed_layout,
)
from allspin.hdl.stream.buffers import Queue, Ring, read_ring
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.ecp5_memory import WordMemory
from allspin.hdl.stream.layouts import event_layout
from allspin.hdl.stream.registers import later


def counts_layout(parameters: EngineParameters) -> data.StructLayout:
    """What a run has counted.

    Members
    -------
    answers, correct : 16 bits
        Results, and those that were as labelled.
    cycles : unsigned
        Clocks.
    """
    return data.StructLayout({"answers": 16, "correct": 16, "cycles": parameters.counter_bits})


class Judge(Component):
    """Hold results against the labels, and count.

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine.
    images : int
        Labels that fit.
    """

    def __init__(self, parameters: EngineParameters, images: int) -> None:
        self._images = images
        class_ = range(max(parameters.classes, 2))
        self._registered = parameters.target.registered_blocks
        super().__init__(
            {
                # Store `stored` at `place`.
                "write": In(1),
                # Number of an image, and its label.
                "place": In(16),
                "stored": In(16),
                # Begin to count, at image 0.
                "clear": In(1),
                # Results are counted, and so is the clock.
                "count": In(1),
                # The next image's result is complete.
                "answered": In(1),
                # Its class.
                "winner": In(class_),
                # A result has not been counted yet.
                "busy": Out(1),
                # What has been counted so far.
                "counts": Out(counts_layout(parameters)),
                # While nothing is counted: which label is on `label` two clocks later.
                "address": In(16),
                # A class.
                "label": Out(class_),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the judge."""
        self._build_labels(m)
        winners = [Signal.like(self.winner, name=f"winner_{clock}") for clock in range(2)]
        counts = self.counts
        coming = Signal(4)
        hit = Signal()
        m.d.comb += self.busy.eq(coming.any())
        m.d.sync += [
            coming.eq(Cat(self.answered, coming)),
            winners[0].eq(self.winner),
            winners[1].eq(winners[0]),
            hit.eq(coming[1] & (winners[1] == self.label)),
            counts.answers.eq(counts.answers + self.answered),
            counts.correct.eq(counts.correct + hit),
            counts.cycles.eq(counts.cycles + self.count),
        ]
        with m.If(self.clear):
            m.d.sync += counts.eq(0)

    def _build_labels(self, m: Module) -> None:
        """The labels' memory: one is there two clocks after its address."""
        address = Signal(range(self._images))
        m.d.comb += address.eq(Mux(self.count, self.counts.answers, self.address))
        width = len(self.label)
        if self._registered and self._images <= COLUMN_LINES and width <= COLUMN_BITS:
            m.submodules.labels = words = WordMemory(self._images, 1, width)
            m.d.comb += [
                words.address.eq(address),
                self.label.eq(words.words.as_value()),
                words.write_enable.eq(self.write),
                words.write_address.eq(self.place),
                words.word.eq(self.stored),
            ]
            return
        m.submodules.labels = labels = PlainMemory(self.label.shape(), self._images)
        m.d.comb += [
            labels.write.eq(self.write),
            labels.place.eq(self.place),
            labels.stored.eq(self.stored),
            labels.address.eq(address),
            self.label.eq(labels.found),
        ]


LABELS_WAITING = 32
"""Labels of images under way; more images wait until there is room."""


class LabelJudge(Judge):
    """Hold results against labels that come with the images, and count.

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        super().__init__(parameters, 1)
        self._labels = Queue(len(self.label), LABELS_WAITING, distributed=True)

    @property
    def labels(self) -> Any:
        """Each image's label, before its result; taken where there is room."""
        return self._labels.i

    def _build_labels(self, m: Module) -> None:
        """The oldest label is there until its result has been compared; none stays from a run."""
        m.submodules.labels = labels = self._labels
        answered = later(m, self.answered, "answered", 2, guarded=True)
        m.d.comb += [self.label.eq(labels.o.payload), labels.o.ready.eq(answered | ~self.count)]


QUEUE_DEPTH = 16
"""Beats on their way from the memory to the crossbar: more than the memory's latency and the
queue's own, so that one comes each clock."""


class BeatFilter(Component):
    """Tell the beats that are wanted, of those that arrive, from those that are passed over.

    Parameters
    ----------
    beats : int
        Beats that the memory has.
    longest : int
        Beats of the longest image. One that does not end by itself, since the memory holds no
        image, ends there: a first crossbar of several passes has room for no longer one.
    """

    def __init__(self, beats: int, longest: int) -> None:
        self._beats = beats
        self._longest = longest
        super().__init__(
            {
                # As of the `BeatPlayer`.
                "start": In(1),
                "first": In(range(beats)),
                "skip": In(16),
                "images": In(16),
                # The next beat is here.
                "arrives": In(1),
                # It says that it is its image's last.
                "ends": In(1),
                # It is one that is to be streamed.
                "wanted": Out(1),
                # It is its image's last, or the memory's, or the longest image's.
                "last": Out(1),
                # What is read from now on is not wanted.
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
    """Add up the distances of packed beats to the rows that are driven.

    Parameters
    ----------
    parameters : CrossbarParameters
        Of the crossbar that is fed.
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
        packed, event = self.packed.payload, self.events.payload
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
                # As of the `BeatMemory`; not while `playing`.
                "write": In(1),
                "place": In(range(beats)),
                "stored": In(self._layout),
                # Stream; not while `playing`.
                "start": In(1),
                # Address of the beat to begin at.
                "first": In(range(beats)),
                # Images to pass over from there.
                "skip": In(16),
                # Images to stream then, at least one.
                "images": In(16),
                # From the clock after `start` until the last beat is taken.
                "playing": Out(1),
                # Address behind the last beat that was streamed or passed over.
                "position": Out(range(beats)),
                # Read the beat at `first`; not while `playing`.
                "peek": In(1),
                # It is on `beat` now.
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
        # A queue that is never full, for what is read is counted. A wide one would be block RAMs,
        # whose words are late for the sums of distances.
        wide = self._parameters.rows_per_clock > 4
        m.submodules.ring = ring = Ring(self._layout, QUEUE_DEPTH, distributed=wide)
        head = Signal.like(ring.end)
        waiting = unpacker.packed
        read_ring(m, ring.item, head, ring.end, waiting)
        assert memory.latency + 6 <= QUEUE_DEPTH

        # Read ahead with credits: free places in the queue for all that is under way.
        address = Signal(range(self._beats))
        credits = Signal(range(QUEUE_DEPTH + 1), init=QUEUE_DEPTH)
        issue = Signal()
        arrived = Signal(memory.latency)
        peeking = Signal(memory.latency + 1)
        pushed = Signal()
        freed = Signal(2)  # given back a clock late: whether an event is taken is known late
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
