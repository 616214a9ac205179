"""Queue gives back each item once and in order, says when it is empty, and stalls only if full."""

from collections.abc import Callable
from typing import Any

from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Assert, Cover, Module, Signal

from allspin.hdl.stream import buffers as source
from tests.formal.proof import Mutant, Opened, Proof

WIDTH = 2  # of an item, which the queue never looks at


def properties(hdl: Any, depth: int) -> Module:
    m = Module()
    dut = hdl.Queue(WIDTH, depth)
    m.submodules.dut = inside = Opened(dut)
    m.d.comb += [
        dut.i.valid.eq(AnySeq(1)),
        dut.i.payload.eq(AnySeq(WIDTH)),
        dut.o.ready.eq(AnySeq(1)),
    ]
    enters = Signal()
    leaves = Signal()
    m.d.comb += [enters.eq(dut.i.valid & dut.i.ready), leaves.eq(dut.o.valid & dut.o.ready)]

    # Items are counted as they enter and as they leave; any one of them is followed.
    entered = Signal(range(4 * depth))
    left = Signal.like(entered)
    count = Signal.like(entered)
    m.d.sync += [entered.eq(entered + enters), left.eq(left + leaves)]
    m.d.comb += count.eq(entered - left)
    followed = AnyConst(entered.shape())
    inner = Signal()  # it is in the queue
    value = Signal(WIDTH)
    with m.If(enters & (entered == followed)):
        m.d.sync += [inner.eq(1), value.eq(dut.i.payload)]
    with m.If(leaves & (left == followed)):
        m.d.sync += inner.eq(0)

    m.d.comb += [
        Assert(count <= depth + 1),
        Assert(~dut.o.valid | (count != 0)),
        Assert(dut.empty == (count == 0)),
        Assert(dut.i.ready | (count >= depth)),
    ]
    with m.If(dut.o.valid & inner & (left == followed)):
        m.d.comb += Assert(dut.o.payload == value)
    # What is there is offered a clock after it is counted, and stays until it is taken.
    due = Signal()
    m.d.sync += due.eq(count != leaves)
    m.d.comb += Assert(dut.o.valid | ~due)

    # Where there is room, it stays until an item enters.
    room = Signal()
    m.d.sync += room.eq(dut.i.ready & ~enters)
    m.d.comb += Assert(dut.i.ready | ~room)

    # What makes the induction close: where each item is.
    place = Signal(range(depth))
    m.d.comb += [
        place.eq(followed),
        Assert(inside["ring.end"] == entered[: len(inside["ring.end"])]),
        Assert(inside["head"] == (left + dut.o.valid)[: len(inside["head"])]),
        Assert(~dut.i.ready | (count - dut.o.valid < depth)),
    ]
    with m.If(inner):
        offset = (followed - left)[: len(entered)]
        m.d.comb += Assert(offset < count)
        with m.If(~(dut.o.valid & (left == followed))):
            m.d.comb += Assert(inside.word("ring.memory", place) == value)

    m.d.comb += [
        Cover(count == depth + 1),
        Cover((left == depth + 2) & (count == 0)),
        Cover(leaves & enters & (count == depth)),
    ]
    return m


MUTANTS = (
    Mutant("(following ^ self.start) != self._depth", "following != self.start"),
    Mutant("self.arrives,\n", "0,\n"),
    Mutant("self.empty.eq((ring.end == head) & ~self.o.valid)", "self.empty.eq(ring.end == head)"),
    Mutant("with m.If(~o.valid | o.ready):", "with m.If(1):"),
    Mutant("item.eq(found), o.valid.eq(more)", "item.eq(found), o.valid.eq(1)"),
)

PROOFS = [
    Proof("Queue, 2 items", source, lambda hdl: properties(hdl, 2), 2, MUTANTS),
    Proof(
        "Queue, 32 items", source, lambda hdl: properties(hdl, 32), 2, MUTANTS[2:], cover_depth=80
    ),
]


def test_queue(prove: Callable[[], None]) -> None:
    prove()
