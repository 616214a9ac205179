"""Images from an SDRAM to the crossbar: words (`words`), unpacked as they come."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.resident.packing import MAP_GROUPS, WORD_BITS, most_words, values_per_word
from allspin.hdl.resident.player import BeatFilter
from allspin.hdl.stream.buffers import Ring, read_ring
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import event_layout


class WordUnpacker(Component):
    """Make events of words, one word a clock.

    Parameters
    ----------
    parameters : CrossbarParameters
        Of the crossbar that is fed.
    """

    def __init__(self, parameters: CrossbarParameters) -> None:
        self._parameters = parameters
        super().__init__(
            {
                "words": In(stream.Signature(WORD_BITS)),
                # The word is a label, to be taken now.
                "label": Out(1),
                # The word says that it is its image's last.
                "ends": Out(1),
                # It is its image's last: what follows is a label.
                "last": In(1),
                # Its values are to become events.
                "wanted": In(1),
                # `event_layout`, a clock later.
                "events": Out(stream.Signature(event_layout(parameters))),
                # An image's first event is on `events` since this clock.
                "begun": Out(1),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the unpacker."""
        p = self._parameters
        per_word = values_per_word(p.value_bits)
        beats = max(1, per_word // p.rows_per_clock)  # of a word
        word, taken = self.words.payload, Signal()
        label, mapped, ends = Signal(init=1), Signal(MAP_GROUPS, name="map"), Signal(name="closing")
        base = Signal(len(self.events.payload.slots[0].row) + 2)  # group of the map's lowest bit
        # The map without its lowest bit: the filter waits for whether that was the last one.
        rest, following = Signal(MAP_GROUPS, name="rest"), Signal(MAP_GROUPS, name="following")
        place = Signal(range(MAP_GROUPS))
        is_map = ~label & (mapped == 0)
        m.d.comb += [
            following.eq(Mux(is_map, word, rest)),
            place.eq(_lowest(mapped)),
            taken.eq(self.words.valid & self.words.ready),
            self.label.eq(label),
            self.ends.eq(
                Mux(is_map, word[-1] & (word[:-1] == 0), ~label & ends & (rest == 0)),
            ),
        ]
        held, group = Signal(WORD_BITS, name="held"), Signal.like(base, name="group")
        final, fresh, pending = Signal(name="final"), Signal(init=1), Signal(beats, name="pending")
        stored = taken & self.wanted & ((~label & ~is_map) | self.last)
        m.d.comb += self.words.ready.eq(
            (pending == 0) | (self.events.ready & (pending & (pending - 1) == 0))
        )
        m.d.sync += self.begun.eq(stored & fresh)
        with m.If(self.events.ready):
            m.d.sync += pending.eq(pending & (pending - 1))
        with m.If(taken):
            m.d.sync += [
                label.eq(self.last),
                mapped.eq(following),
                rest.eq(following & (following - 1)),
            ]
            with m.If(label):
                m.d.sync += base.eq(-MAP_GROUPS)
            with m.Elif(is_map):
                m.d.sync += [ends.eq(word[-1]), base.eq(base + MAP_GROUPS)]
            with m.If(self.last):
                m.d.sync += [mapped.eq(0), rest.eq(0)]
        with m.If(stored):
            size = WORD_BITS // beats
            some = Cat(word[size * each :][:size].any() for each in range(beats))
            m.d.sync += [
                held.eq(word),
                group.eq(base + place),
                final.eq(self.last),
                fresh.eq(self.last),
                # Beats of zeros are left out, but for an only one.
                pending.eq(some | (some == 0)),
            ]
        self._build_events(m, held, group, pending, final, beats)

    def _build_events(
        self, m: Module, held: Signal, group: Signal, pending: Signal, final: Signal, beats: int
    ) -> None:
        """The events of a word, one for each bit of `pending`, lowest first."""
        p = self._parameters
        bits = WORD_BITS // values_per_word(p.value_bits)
        words = max(1, p.rows_per_clock * bits // WORD_BITS)  # of a beat
        beat = Const(0) if beats == 1 else _lowest(pending)
        values = held.word_select(beat, WORD_BITS // beats)
        event = self.events.payload
        m.d.comb += [
            self.events.valid.eq(pending != 0),
            event.last.eq(final & (pending & (pending - 1) == 0)),
        ]
        for number, slot in enumerate(event.slots):
            here, there = number * bits % WORD_BITS, number * bits // WORD_BITS
            mine = Const(1) if words == 1 else group % words == there
            m.d.comb += [
                slot.row.eq((group * beats + beat) >> words.bit_length() - 1),
                slot.value.eq(Mux(mine, values[here : here + bits], 0)),
            ]


def _lowest(bits: Signal) -> Any:
    """The number of the lowest bit that is set."""
    number: Any = Const(0)
    for each in reversed(range(len(bits))):
        number = Mux(bits[each], each, number)
    return number


QUEUE_WORDS = 32
"""Words on their way from the memory: more than its latency and a refresh."""


class WordPlayer(Component):
    """Stream images from an SDRAM as events, a word a clock.

    The last word of the memory ends an image whether it says so or not, and with it the whole
    stream, as in `BeatPlayer`.

    Parameters
    ----------
    parameters : CrossbarParameters
        Of the crossbar that is fed.
    words : int
        Words that the memory has for images.
    """

    def __init__(self, parameters: CrossbarParameters, words: int) -> None:
        self._parameters = parameters
        self._words = words
        self.settling = 0
        super().__init__(
            {
                # As of the `BeatPlayer`, by words in place of beats.
                "start": In(1),
                "first": In(range(words)),
                "skip": In(16),
                "images": In(16),
                "playing": Out(1),
                "position": Out(range(words)),
                "begun": Out(1),
                "events": Out(stream.Signature(event_layout(parameters))),
                # Addresses to read, and what is there, in that order.
                "reads": Out(stream.Signature(range(words))),
                "comes": In(1),
                "found": In(WORD_BITS),
                # Labels of the images that are streamed; where there is room must be known without
                # one, and each is taken at once.
                "labels": Out(stream.Signature(WORD_BITS)),
                # CRC-32 of all words since `start`, those of images that are passed over too.
                "digest": Out(32),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the player."""
        p = self._parameters
        longest = most_words(p.rows, p.value_bits)
        m.submodules.filter = chosen = BeatFilter(self._words, longest)
        m.submodules.unpacker = unpacker = WordUnpacker(p)
        m.submodules.ring = ring = Ring(WORD_BITS, QUEUE_WORDS, distributed=True)
        m.submodules.crc = crc = CRC32_ISO_HDLC(data_width=WORD_BITS).create()
        wiring.connect(m, unpacker.events, wiring.flipped(self.events))
        head = Signal.like(ring.end)
        waiting = stream.Signature(WORD_BITS).create()
        read_ring(m, ring.item, head, ring.end, waiting)
        credits = Signal(range(QUEUE_WORDS + 1), init=QUEUE_WORDS)
        words, labels, goes = unpacker.words, self.labels, Signal()
        issued, freed = self.reads.valid & self.reads.ready, Signal()
        m.d.comb += [
            self.reads.valid.eq(~chosen.ended & (credits != 0)),
            ring.arrives.eq(self.comes),
            ring.payload.eq(self.found),
            ring.pointer.eq(head),
            words.payload.eq(waiting.payload),
            words.valid.eq(waiting.valid & ~chosen.ended & (labels.ready | ~unpacker.label)),
            goes.eq(words.valid & words.ready),
            # What was read behind the end is dropped.
            waiting.ready.eq(goes | chosen.ended),
            freed.eq(waiting.valid & waiting.ready),
            labels.payload.eq(waiting.payload),
            labels.valid.eq(unpacker.label & chosen.wanted),
            chosen.start.eq(self.start),
            chosen.first.eq(self.first),
            chosen.skip.eq(self.skip),
            chosen.images.eq(self.images),
            chosen.arrives.eq(goes),
            chosen.ends.eq(unpacker.ends),
            unpacker.last.eq(chosen.last),
            unpacker.wanted.eq(chosen.wanted),
            crc.data.eq(waiting.payload),
            crc.valid.eq(goes),
            crc.start.eq(self.start),
            self.digest.eq(crc.crc),
            self.position.eq(chosen.position),
            self.begun.eq(unpacker.begun),
            self.playing.eq(~chosen.ended | (credits != QUEUE_WORDS) | self.events.valid),
        ]
        m.d.sync += credits.eq(credits - issued + freed)
        with m.If(issued):
            m.d.sync += self.reads.payload.eq(self.reads.payload + 1)
        with m.If(self.start):
            m.d.sync += self.reads.payload.eq(self.first)
