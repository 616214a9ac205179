"""A BeatPlayer streams the images that were asked for, each whole, and then is ready again.

A stand-in keeps a few words of the memory; the due beats are the beats of the memory between
`start` and the end, counted from the beginning of the reading. No word is written meanwhile, as in
use.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Assert, Assume, Const, Cover, Module, Mux, Signal, Value, ValueLike
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.resident import player as source
from tests.formal.proof import Mutant, Proof, about, later, moves, pick, stand_in, when

BEATS = 5
DEPTH = 8
"""Least depth of the queue."""
COUNT_BITS = 3
"""Bits of the numbers of images: more than the number of beats."""
ROW_BITS = 2
PARAMETERS = CrossbarParameters(2**ROW_BITS, 2, 2, value_bits=1)


class SmallLayout(data.StructLayout):
    """In place of a `packed_layout` of a beat memory, with a distance of few bits."""

    def __init__(self, parameters: CrossbarParameters) -> None:
        slot = data.StructLayout({"distance": ROW_BITS, "value": parameters.value_bits})
        super().__init__({"slots": data.ArrayLayout(slot, 1), "last": 1})


class Words(wiring.Component):
    """In place of a `BeatMemory`, with its words as registers that can be named."""

    write: Any
    place: Any
    stored: Any
    address: Any
    found: Any
    latency = 2
    settling = 1

    def __init__(self, parameters: CrossbarParameters, beats: int) -> None:
        layout = SmallLayout(parameters)
        at = range(beats)
        ports = {"write": In(1), "place": In(at), "stored": In(layout), "address": In(at)}
        super().__init__({**ports, "found": Out(layout)})
        self.words: list[Any] = [Signal(layout, name=f"word_{place}") for place in at]
        self.read: list[Any] = [Signal(layout, name=f"read_{clock}") for clock in range(2)]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for place, word in enumerate(self.words):
            with m.If(self.write & (self.place == place)):
                m.d.sync += word.eq(self.stored)
        m.d.sync += [
            self.read[0].eq(pick(self.words, self.address)),
            self.read[1].eq(self.read[0]),
        ]
        m.d.comb += self.found.eq(self.read[1])
        return m


def properties(hdl: Any) -> Module:
    hdl.packed_layout, hdl.QUEUE_DEPTH = SmallLayout, DEPTH
    made = stand_in(hdl, "BeatMemory", Words)
    m, inside = about(dut := hdl.BeatPlayer(PARAMETERS, BEATS))
    [memory] = made
    words, peeking, event = memory.words, inside["peeking"], dut.events.payload
    valid, taken = dut.events.valid, moves(dut.events)
    slot = event.slots[0]

    # Request; void once a word has changed.
    first, skip, images = Signal(range(BEATS)), Signal(COUNT_BITS), Signal(COUNT_BITS)
    asked = Signal()
    given = Signal(range(BEATS + 1))  # beats of it
    with m.If(dut.start):
        m.d.sync += [
            first.eq(dut.first),
            skip.eq(dut.skip),
            images.eq(dut.images),
            asked.eq(1),
            given.eq(0),
        ]
    with m.Else():
        m.d.sync += [given.eq(given + taken), asked.eq(asked & ~dut.write)]

    # Facts of each beat: the beats of its image before it, the image's end, the images that have
    # ended since the reading began, and if it is due. Neighbours agree.
    before = [Signal(range(PARAMETERS.rows), name=f"before_{place}") for place in range(BEATS)]
    lasts = [
        *(
            word.last | (its == PARAMETERS.rows - 1)
            for word, its in zip(words[:-1], before, strict=False)
        ),
        Value.cast(1),
    ]
    ends = [Signal(range(BEATS + 1), name=f"ends_{place}") for place in range(BEATS)]
    # With fewer images the last beat ends them.
    none = ends[-1] < skip
    due = [
        (place >= first) & (each >= skip) & (each < skip + images)
        for place, each in enumerate(ends)
    ]
    due[-1] = due[-1] | none
    begin, end = Signal(range(BEATS)), Signal(range(BEATS + 1))
    m.d.comb += [
        before[0].eq(0),
        [
            two.eq(Mux(last | (place < first), 0, one + 1))
            for place, (last, (one, two)) in enumerate(zip(lasts, pairwise(before), strict=False))
        ],
        ends[0].eq(0),
        [
            two.eq(one + (last & (place >= first)))
            for place, (last, (one, two)) in enumerate(zip(lasts, pairwise(ends), strict=False))
        ],
    ]
    for place in range(BEATS):
        with m.If(due[-1 - place]):
            m.d.comb += begin.eq(BEATS - 1 - place)
        with m.If(due[place]):
            m.d.comb += end.eq(place + 1)

    # The proof follows one beat, any: its rows, counted from the beat before.
    followed = AnyConst(range(BEATS))
    its: Any = Signal(words[0].slots.shape(), name="its")
    row_before = Signal(ROW_BITS)
    firsts = [(begin == place) | last for place, last in enumerate([1, *lasts[:-1]])]
    layout = SmallLayout(PARAMETERS)

    def holds(word: Any, place: Value, lasts: Iterable[ValueLike] = lasts) -> Value:
        """Return whether a word is a beat."""
        item = data.View(layout, word)
        right = (place != followed) | (item.slots.as_value() == its.as_value())
        return right & (item.last == pick(lasts, place))

    def reads_right(word: Any, place: Value) -> Value:
        """Return whether a word that has been read is a beat."""
        return holds(word.as_value(), place, [word.last for word in words])

    now = Signal(range(2 * BEATS + 1))
    stays = later(m, valid & ~dut.events.ready)
    position, peeked_at = dut.position, Signal(range(BEATS))
    row = Mux(pick(firsts, now), 0, row_before) + its[0].distance
    stopped_at = Mux(end == BEATS, 0, end)
    with m.If(taken):
        m.d.sync += row_before.eq(slot.row)
    with m.If(dut.peek):
        m.d.sync += peeked_at.eq(dut.first)
    m.d.comb += [
        dut.skip.eq(AnySeq(COUNT_BITS)),
        dut.images.eq(AnySeq(COUNT_BITS)),
        Assume(dut.write + dut.start + dut.peek + dut.playing + peeking.any() <= 1),
        Assume((dut.first < BEATS) & (dut.place < BEATS) & (dut.images != 0)),
        its.eq(pick([word.slots for word in words], followed)),
        now.eq(begin + given),
        when(valid, asked & (now < end), event.last == pick(lasts, now)),
        when(valid & (now == followed), slot.value == its[0].value, slot.row == row[:ROW_BITS]),
        Assert(valid | (slot.row == row_before)),
        Assert(dut.begun == (valid & ~stays & pick(firsts, now))),
        Assert(dut.playing == (asked & (now != end))),
        when(~dut.playing & asked, position == stopped_at),
        when(dut.peeked, reads_right(dut.beat, peeked_at)),
    ]

    # Invariants that close the induction: where the beats are that have been read and not given.
    head, tail, ended = inside["head"], inside["ring.end"], inside["filter.ended"]
    arrived, freed, credits = inside["arrived"], inside["freed"], inside["credits"]
    pushed, waiting = inside["pushed"], inside["packed__valid"]
    left = inside["filter.images"]
    address, read = memory.address, memory.read
    in_ring, stored = Signal(4), Signal(range(2 * DEPTH))
    ahead = position + arrived[0] + arrived[1]
    behind = position + arrived[1]
    past = pick(ends, position)  # images that ended before
    following = (now + valid)[:3]  # the beat behind the one on `events`
    fresh = inside["unpacker.fresh"]
    m.d.comb += [
        in_ring.eq(tail - head),
        stored.eq(valid + waiting + in_ring + pushed),
        Assert(in_ring <= DEPTH),
        Assert(
            credits + arrived[0] + arrived[1] + pushed + in_ring + waiting + freed[0] + freed[1]
            == DEPTH
        ),
        Assert(asked | (ended & ~dut.playing)),
        Assert(~asked | (now <= end)),
        Assert(fresh | asked),
        # Words that were read in vain are gone before the last beat is.
        Assert(~ended | ~arrived[0] | pushed),
        Assert(~ended | ~arrived[1] | pushed | (in_ring != 0)),
        Assert(~ended | ~freed[1] | pushed | (in_ring != 0) | waiting),
        Assert(~freed[0] | valid),
        Assert((position < BEATS) & (address < BEATS)),
        when(peeking.any() | dut.peek, ~dut.playing),
        when(peeking[0], address == peeked_at),
        when(peeking[1], reads_right(read[0], peeked_at)),
        Assert((peeking & (peeking - 1)) == 0),
        when(
            ~ended,
            (position >= first) & (position < end),
            inside["filter.at_end"] == (position == BEATS - 1),
            address == Mux(ahead >= BEATS, ahead - BEATS, ahead),
            inside["filter.skipping"] == (skip > past),
            inside["filter.skip"] == Mux(skip > past, skip - past, 0),
            left == images - Mux(skip > past, 0, past - skip),
            (inside["filter.left"] + 2)[:4] == PARAMETERS.rows - pick(before, position),
            inside["filter.final"] == (left == 1),
            given + stored == Mux(position > begin, position - begin, 0),
            ~arrived[1] | reads_right(read[1], position),
            ~arrived[0] | reads_right(read[0], Mux(behind == BEATS, 0, behind)),
        ),
        when(ended & asked, now + stored == end, position == stopped_at),
        when(asked, fresh == ((following == begin) | pick([1, *lasts], following))),
        when(waiting, holds(inside["item"], following)),
        when(pushed, holds(inside["payload"], (now + stored - 1)[:4])),
    ]
    for place in range(DEPTH):
        offset = Signal(range(DEPTH), name=f"offset_{place}")
        there = inside.word("ring.memory", Const(place, 3))
        m.d.comb += [
            offset.eq(place - head),
            when(offset < in_ring, holds(there, (following + waiting + offset)[:4])),
        ]
    m.d.comb += [
        Cover(valid & event.last & (given == 1) & (begin == 2) & (skip == 1)),
        Cover((in_ring == 3) & dut.playing),
        Cover(asked & none & taken),
    ]
    return m


PROOFS = [
    Proof(
        "BeatPlayer",
        source,
        properties,
        depth=1,
        mutants=(
            Mutant("wanted.eq(counted & (~skipping | at_end))", "wanted.eq(counted)"),
            Mutant("last.eq(self.ends | at_end | left[-1])", "last.eq(self.ends | left[-1])"),
            Mutant("last.eq(self.ends | at_end | left[-1])", "last.eq(self.ends | at_end)"),
            Mutant("Mux(fresh, 0, driven.row)", "driven.row"),
            Mutant("skipping.eq(skip != 1)", "skipping.eq(skip != 0)"),
            Mutant("fresh.eq(packed.last)", "fresh.eq(0)"),
        ),
        command="prove",
    ),
]
