"""Player of images from an SDRAM: words are unpacked to events as they come."""

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
    """Unpack words to events, one word per clock.

    Parameters
    ----------
    parameters : CrossbarParameters
        Parameters of the crossbar.
    """

    def __init__(self, parameters: CrossbarParameters) -> None:
        self._parameters = parameters
        super().__init__(
            {
                "words": In(stream.Signature(WORD_BITS)),
                # The word is a label, to be taken now.
                "label": Out(1),
                # The word is marked as its image's last.
                "ends": Out(1),
                # It is its image's last: a label follows.
                "last": In(1),
                # Its values become events.
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
        word = self.words.payload
        taken = Signal()
        # The private name keeps the RTLIL, and so the digest, of earlier builds.
        at_label = Signal(init=1, name="$at_label")
        mapped = Signal(MAP_GROUPS, name="map")
        ends = Signal(name="closing")
        base = Signal(len(self.events.payload.slots[0].row) + 2)  # group of the map's lowest bit
        # The map without its lowest bit: the filter waits for the test if that was the last one.
        rest = Signal(MAP_GROUPS, name="rest")
        following = Signal(MAP_GROUPS, name="following")
        place = Signal(range(MAP_GROUPS))
        is_map = ~at_label & (mapped == 0)
        m.d.comb += [
            following.eq(Mux(is_map, word, rest)),
            place.eq(_lowest(mapped)),
            taken.eq(self.words.valid & self.words.ready),
            self.label.eq(at_label),
            self.ends.eq(
                Mux(is_map, word[-1] & (word[:-1] == 0), ~at_label & ends & (rest == 0)),
            ),
        ]
        held = Signal(WORD_BITS, name="held")
        group = Signal.like(base, name="group")
        final = Signal(name="final")
        fresh = Signal(init=1)
        pending = Signal(beats, name="pending")
        stored = taken & self.wanted & ((~at_label & ~is_map) | self.last)
        m.d.comb += self.words.ready.eq(
            (pending == 0) | (self.events.ready & (pending & (pending - 1) == 0))
        )
        m.d.sync += self.begun.eq(stored & fresh)
        with m.If(self.events.ready):
            m.d.sync += pending.eq(pending & (pending - 1))
        with m.If(taken):
            m.d.sync += [
                at_label.eq(self.last),
                mapped.eq(following),
                rest.eq(following & (following - 1)),
            ]
            with m.If(at_label):
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
                # Beats of zeros are left out, except for a single one.
                pending.eq(some | (some == 0)),
            ]
        self._build_events(m, held, group, pending, final, beats)

    def _build_events(
        self, m: Module, held: Signal, group: Signal, pending: Signal, final: Signal, beats: int
    ) -> None:
        """Build the events of a word, one for each bit of `pending`, lowest first."""
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
            here = number * bits % WORD_BITS
            place = number * bits // WORD_BITS
            mine = Const(1) if words == 1 else group % words == place
            m.d.comb += [
                slot.row.eq((group * beats + beat) >> words.bit_length() - 1),
                slot.value.eq(Mux(mine, values[here : here + bits], 0)),
            ]


def _lowest(bits: Signal) -> Any:
    """Number of the lowest bit that is set."""
    number: Any = Const(0)
    for each in reversed(range(len(bits))):
        number = Mux(bits[each], each, number)
    return number


QUEUE_WORDS = 32
"""Words between the memory and the unpacker: more than its latency and a refresh."""


class WordPlayer(Component):
    """Stream images from an SDRAM as events, a word per clock.

    The memory's last word ends an image in any case, and with it the whole stream, as in
    `BeatPlayer`.

    Parameters
    ----------
    parameters : CrossbarParameters
        Parameters of the crossbar.
    words : int
        Words of the memory for images.
    """

    def __init__(self, parameters: CrossbarParameters, words: int) -> None:
        self._parameters = parameters
        self._words = words
        self.settling = 0
        super().__init__(
            {
                # Ports of the `BeatPlayer`, with words in place of beats.
                "start": In(1),
                "first": In(range(words)),
                "skip": In(16),
                "images": In(16),
                "playing": Out(1),
                "position": Out(range(words)),
                "begun": Out(1),
                "events": Out(stream.Signature(event_layout(parameters))),
                # Addresses to read, and their words, in that order.
                "reads": Out(stream.Signature(range(words))),
                "comes": In(1),
                "found": In(WORD_BITS),
                # Labels of the images that are streamed; `ready` must not depend on `valid`, and
                # each label is taken at once.
                "labels": Out(stream.Signature(WORD_BITS)),
                # CRC-32 of all words since `start`, including those of skipped images.
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
        words = unpacker.words
        labels = self.labels
        goes = Signal()
        issued = self.reads.valid & self.reads.ready
        freed = Signal()
        m.d.comb += [
            self.reads.valid.eq(~chosen.ended & (credits != 0)),
            ring.arrives.eq(self.comes),
            ring.payload.eq(self.found),
            ring.pointer.eq(head),
            words.payload.eq(waiting.payload),
            words.valid.eq(waiting.valid & ~chosen.ended & (labels.ready | ~unpacker.label)),
            goes.eq(words.valid & words.ready),
            # Words that were read after the end are dropped.
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
