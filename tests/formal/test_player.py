"""A BeatPlayer streams the images that were asked for, each whole, and then is ready again.

Its memory is one of a few words; the beats that are due are what the memory says between `start`
and the end, counted from where the reading began. Nothing is written meanwhile, as it is used.
"""

from typing import Any

from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Array, Assert, Assume, Const, Cover, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.crossbar import CrossbarParameters
from allspin.hdl.resident import player as source
from tests.formal.proof import Mutant, Opened, Proof, when

BEATS = 5
DEPTH = 8
"""Of the queue: the least that it may be."""
COUNT_BITS = 3
"""Of numbers of images: enough for more than there are beats."""
ROW_BITS = 2
PARAMETERS = CrossbarParameters(2**ROW_BITS, 2, 2, value_bits=1)


class SmallLayout(data.StructLayout):
    """In place of a `PackedLayout` of a beat memory, with a distance of few bits."""

    def __init__(self, parameters: CrossbarParameters) -> None:
        slot = data.StructLayout({"distance": ROW_BITS, "value": parameters.value_bits})
        super().__init__({"slots": data.ArrayLayout(slot, 1), "last": 1})


class Words(wiring.Component):
    """In place of a `BeatMemory`, with its words as registers that can be named."""

    write: Signal
    place: Signal
    stored: Any
    address: Signal
    found: Any

    def __init__(self, parameters: CrossbarParameters, beats: int) -> None:
        self.latency = 2
        self.settling = 1
        layout = SmallLayout(parameters)
        super().__init__(
            {
                "write": In(1),
                "place": In(range(beats)),
                "stored": In(layout),
                "address": In(range(beats)),
                "found": Out(layout),
            }
        )
        self.words: list[Any] = [Signal(layout, name=f"word_{place}") for place in range(beats)]
        self.read: list[Any] = [Signal(layout, name=f"read_{clock}") for clock in range(2)]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for place, word in enumerate(self.words):
            with m.If(self.write & (self.place == place)):
                m.d.sync += word.eq(self.stored)
        m.d.sync += [
            self.read[0].eq(Array(word.as_value() for word in self.words)[self.address]),
            self.read[1].eq(self.read[0]),
        ]
        m.d.comb += self.found.eq(self.read[1])
        return m


def properties(hdl: Any) -> Module:
    m = Module()
    made: list[Words] = []

    def memory(parameters: CrossbarParameters, beats: int) -> Words:
        made.append(Words(parameters, beats))
        return made[-1]

    hdl.BeatMemory, hdl.PackedLayout, hdl.QUEUE_DEPTH = memory, SmallLayout, DEPTH
    dut = hdl.BeatPlayer(PARAMETERS, BEATS)
    m.submodules.dut = inside = Opened(dut)
    words = made[0].words
    m.d.comb += [
        dut.write.eq(AnySeq(1)),
        dut.place.eq(AnySeq(range(BEATS))),
        dut.first.eq(AnySeq(range(BEATS))),
        dut.skip.eq(AnySeq(COUNT_BITS)),
        dut.images.eq(AnySeq(COUNT_BITS)),
        dut.peek.eq(AnySeq(1)),
    ]
    peeking = inside["peeking"]
    m.d.comb += [
        Assume(dut.write + dut.start + dut.peek + dut.playing + peeking.any() <= 1),
        Assume((dut.first < BEATS) & (dut.place < BEATS) & (dut.images != 0)),
    ]

    # What was asked for; nothing, once a word has changed.
    first, skip, images = Signal(range(BEATS)), Signal(COUNT_BITS), Signal(COUNT_BITS)
    asked = Signal()
    given = Signal(range(BEATS + 1))  # beats of it
    taken = Signal()
    m.d.comb += taken.eq(dut.events.valid & dut.events.ready)
    with m.If(dut.start):
        m.d.sync += [
            first.eq(dut.first),
            skip.eq(dut.skip),
            images.eq(dut.images),
            asked.eq(1),
            given.eq(0),
        ]
    with m.Else():
        m.d.sync += given.eq(given + taken)
        with m.If(dut.write):
            m.d.sync += asked.eq(0)

    # Of each beat: whether it is an image's last, how many images have ended between where the
    # reading began and it, and whether it is due. They are neighbours.
    lasts = [word.last for word in words[:-1]] + [Value.cast(1)]
    ends: list[Value] = []
    due: list[Value] = []
    count: Value = Value.cast(0)
    for place, last in enumerate(lasts):
        ends.append(Signal(range(BEATS + 1), name=f"ends_{place}"))
        due.append(Signal(name=f"due_{place}"))
        m.d.comb += [
            ends[-1].eq(count),
            due[-1].eq((place >= first) & (ends[-1] >= skip) & (ends[-1] < skip + images)),
        ]
        count = ends[-1] + (last & (place >= first))
    # Where so many images are not there, the last beat is.
    none = Signal()
    m.d.comb += none.eq(ends[-1] < skip)
    due[-1] = due[-1] | none
    begin, end = Signal(range(BEATS)), Signal(range(BEATS + 1))
    for place in reversed(range(BEATS)):
        with m.If(due[place]):
            m.d.comb += begin.eq(place)
    for place in range(BEATS):
        with m.If(due[place]):
            m.d.comb += end.eq(place + 1)

    def at(values: Any, place: Value) -> Any:
        return Array(Value.cast(value) for value in values)[place]

    # One beat, any, is followed: what it drives, and that its row is counted from the one before.
    followed = AnyConst(range(BEATS))
    its: Any = Signal(words[0].slots.shape(), name="its")
    row_before = Signal(ROW_BITS)
    m.d.comb += its.eq(at([word.slots for word in words], followed))
    firsts = [(begin == place) | last for place, last in enumerate([Value.cast(1), *lasts[:-1]])]

    layout = SmallLayout(PARAMETERS)

    def reads_right(word: Any, place: Value) -> Value:
        """Whether a word that has been read is a beat."""
        right = (place != followed) | (word.slots.as_value() == its.as_value())
        return right & (word.last == at([word.last for word in words], place))

    now = Signal(range(2 * BEATS + 1))
    event = dut.events.payload
    m.d.comb += now.eq(begin + given)
    stays = Signal()
    m.d.sync += stays.eq(dut.events.valid & ~dut.events.ready)
    with m.If(dut.events.valid):
        m.d.comb += [
            Assert(asked & (now < end)),
            Assert(event.last == at(lasts, now)),
        ]
        with m.If(now == followed):
            row = Mux(at(firsts, now), 0, row_before) + its[0].distance
            m.d.comb += [
                Assert(event.slots[0].value == its[0].value),
                Assert(event.slots[0].row == row[:ROW_BITS]),
            ]
    with m.If(taken):
        m.d.sync += row_before.eq(event.slots[0].row)
    m.d.comb += [
        Assert(dut.events.valid | (event.slots[0].row == row_before)),
        Assert(dut.begun == (dut.events.valid & ~stays & at(firsts, now))),
    ]
    position = dut.position
    m.d.comb += [
        Assert(dut.playing == (asked & (now != end))),
        when(
            ~dut.playing & asked,
            position == Mux(end == BEATS, 0, end),
        ),
    ]
    peeked_at = Signal(range(BEATS))
    with m.If(dut.peek):
        m.d.sync += peeked_at.eq(dut.first)
    m.d.comb += [
        when(
            dut.peeked,
            reads_right(dut.beat, peeked_at),
        ),
    ]

    # What makes the induction close: where the beats are that have been read and not given.
    head, tail, ended = inside["head"], inside["ring.end"], inside["filter.ended"]
    arrived, freed, credits = inside["arrived"], inside["freed"], inside["credits"]
    pushed, waiting = inside["pushed"], inside["packed__valid"]
    address = made[0].address
    in_ring, stored = Signal(4), Signal(range(2 * DEPTH))
    read = Signal(range(BEATS + 1))
    m.d.comb += [
        in_ring.eq(tail - head),
        stored.eq(dut.events.valid + waiting + in_ring + pushed),
        Assert(in_ring <= DEPTH),
        Assert(
            credits + arrived[0] + arrived[1] + pushed + in_ring + waiting + freed[0] + freed[1]
            == DEPTH
        ),
        Assert(asked | (ended & ~dut.playing)),
        Assert(~asked | (now <= end)),
        Assert(inside["unpacker.fresh"] | asked),
        # What was read in vain is gone before the last beat is.
        Assert(~ended | ~arrived[0] | pushed),
        Assert(~ended | ~arrived[1] | pushed | (in_ring != 0)),
        Assert(~ended | ~freed[1] | pushed | (in_ring != 0) | waiting),
        Assert(~freed[0] | dut.events.valid),
        Assert((position < BEATS) & (address < BEATS)),
        when(
            peeking.any() | dut.peek,
            ~dut.playing,
        ),
        when(
            peeking[0],
            address == peeked_at,
        ),
        when(
            peeking[1],
            reads_right(made[0].read[0], peeked_at),
        ),
        Assert((peeking & (peeking - 1)) == 0),
    ]
    with m.If(~ended):
        ahead = Signal(range(BEATS + 3))
        past = Signal(range(BEATS + 1))  # images that ended before
        m.d.comb += [
            past.eq(at(ends, position)),
            ahead.eq(position + arrived[0] + arrived[1]),
            Assert((position >= first) & (position < end)),
            Assert(inside["filter.at_end"] == (position == BEATS - 1)),
            Assert(address == Mux(ahead >= BEATS, ahead - BEATS, ahead)),
            Assert(inside["filter.skipping"] == (skip > past)),
            Assert(inside["filter.skip"] == Mux(skip > past, skip - past, 0)),
            Assert(inside["filter.images"] == images - Mux(skip > past, 0, past - skip)),
            Assert(inside["filter.final"] == (inside["filter.images"] == 1)),
            read.eq(position + arrived[1]),
            Assert(given + stored == Mux(position > begin, position - begin, 0)),
            when(
                arrived[1],
                reads_right(made[0].read[1], position),
            ),
        ]
        with m.If(arrived[0]):
            there = Mux(read == BEATS, 0, read)
            m.d.comb += Assert(reads_right(made[0].read[0], there))
    with m.Elif(asked):
        m.d.comb += [
            Assert(now + stored == end),
            Assert(position == Mux(end == BEATS, 0, end)),
        ]

    def holds(item: Any, place: Value) -> Value:
        """Whether an item of the queue is a beat."""
        right = (place != followed) | (item.slots.as_value() == its.as_value())
        return right & (item.last == at(lasts, place))

    following = Signal(range(BEATS + 1))  # the beat behind the one on `events`
    m.d.comb += following.eq(now + dut.events.valid)
    with m.If(asked):
        fresh = (following == begin) | at([1, *lasts], following)
        m.d.comb += Assert(inside["unpacker.fresh"] == fresh)
    m.d.comb += [
        when(
            waiting,
            holds(data.View(layout, inside["item"]), following),
        ),
    ]
    for place in range(DEPTH):
        offset = Signal(range(DEPTH), name=f"offset_{place}")
        m.d.comb += offset.eq(place - head)
        with m.If(offset < in_ring):
            which = (following + waiting + offset)[:4]
            stored_there = inside.word("ring.memory", Const(place, 3))
            m.d.comb += Assert(holds(data.View(layout, stored_there), which))
    m.d.comb += [
        when(
            pushed,
            holds(data.View(layout, inside["payload"]), (now + stored - 1)[:4]),
        ),
        Cover(dut.events.valid & event.last & (given == 1) & (begin == 2) & (skip == 1)),
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
            Mutant("last.eq(self.ends | at_end)", "last.eq(self.ends)"),
            Mutant("Mux(fresh, 0, driven.row)", "driven.row"),
            Mutant("skipping.eq(skip != 1)", "skipping.eq(skip != 0)"),
            Mutant("fresh.eq(packed.last)", "fresh.eq(0)"),
        ),
        slow=True,
    ),
]
