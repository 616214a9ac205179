"""A Walk gives each place that is set once, in its walk, and no other.

A Queue, which is proved by itself, is here one place, empty for as long as it likes.
"""

from types import ModuleType

from amaranth.asserts import AnySeq
from amaranth.hdl import Assert, Assume, Cover, Module, Mux, Signal

from allspin.hdl.convolution import walk as source
from allspin.hdl.stream.buffers import Queue
from tests.formal.proof import Mutant, Proof, about, moves, number_below, pick, stand_in, when

LANES, BITS, TAG = 2, 2, 1


class OnePlace(Queue):
    """In place of a Queue."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        holds, willing = Signal(), AnySeq(1)
        item = Signal.like(self.i.payload)
        m.d.comb += [
            self.i.ready.eq(~holds & willing),
            self.o.valid.eq(holds),
            self.o.payload.eq(item),
        ]
        with m.If(moves(self.i)):
            m.d.sync += [holds.eq(1), item.eq(self.i.payload)]
        with m.Elif(self.o.ready):
            m.d.sync += holds.eq(0)
        return m


def properties(hdl: ModuleType) -> Module:
    stand_in(hdl, "Queue", OnePlace)
    m, _ = about(dut := hdl.Walk(LANES, BITS, TAG))
    came, left = moves(dut.masks), moves(dut.steps)
    mask, step = dut.masks.payload, dut.steps.payload

    # The proof follows any walk, mask, lane and place: if it is set, and if it was given. A mask's
    # tag is its number in its walk.
    walk, tag = number_below(m, 3), number_below(m, 2**TAG)
    lane, place = number_below(m, LANES), number_below(m, BITS)
    entered, gone, number = Signal(2), Signal(2), Signal(TAG)
    is_set, given = Signal(), Signal()
    own = pick(step.lanes, lane)
    drives, at, of = own[0], own[1 : 1 + BITS - 1], own[-TAG:]
    gives = left & (gone == walk) & drives & (at == place) & (of == tag)
    with m.If(came):
        m.d.sync += [
            number.eq(Mux(mask.last, 0, number + 1)),
            entered.eq(entered + mask.last),
        ]
        with m.If((entered == walk) & (number == tag)):
            m.d.sync += is_set.eq(pick(mask.places, lane).bit_select(place, 1))
    m.d.sync += [gone.eq(gone + (left & step.last)), given.eq(given | gives)]
    m.d.comb += [
        Assume(mask.tag == number),
        Assume(mask.last | (number != 2**TAG - 1)),
        Assume(~came | (entered != 3)),
        when(gives, is_set & ~given),
        when(left & step.last & (gone == walk), is_set == (given | gives)),
        Assert(~left | (gone < entered) | (gone == entered)),
        Assert(~(left & step.last) | (gone != entered)),
        Cover((gone == 2) & given),
        Cover(left & step.last & ~step.lanes[0].drives & ~step.lanes[1].drives),
    ]
    return m


PROOFS = [
    Proof(
        "Walk",
        source,
        properties,
        depth=11,
        bounded="two walks pass through the lanes",
        mutants=(
            Mutant("holds & ends & ~further", "holds & ~further"),
            Mutant("queue.o.payload.last & ~several", "~several"),
            Mutant("~(queue.o.valid & several)", "~queue.o.valid"),
            Mutant("has[number].eq(~empty[number])", "has[number].eq(rest[0])"),
            Mutant("(~ends | closes)", "(~ends | ends)"),
            Mutant("(some | masks.payload.last)", "some"),
            Mutant("more | others | (one & other)", "more | others"),
            Mutant("left ^ rest", "rest"),
        ),
        command="prove",
    ),
]
