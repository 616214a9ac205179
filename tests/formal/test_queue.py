"""Queue gives back each item once and in order, says when it is empty, and stalls only if full."""

from typing import Any

from amaranth.asserts import AnyConst
from amaranth.hdl import Assert, Cover, Module, Signal

from allspin.hdl.stream import buffers as source
from tests.formal.proof import Mutant, Proof, about, later, moves, when

WIDTH = 2  # of an item, which the queue never looks at


def properties(hdl: Any, depth: int) -> Module:
    m, inside = about(dut := hdl.Queue(WIDTH, depth))
    enters, leaves = moves(dut.i), moves(dut.o)

    # Items are counted as they enter and as they leave; any one of them is followed.
    entered = Signal(range(4 * depth))
    left = Signal.like(entered)
    count = Signal.like(entered)
    m.d.sync += [entered.eq(entered + enters), left.eq(left + leaves)]
    followed = AnyConst(entered.shape())
    inner = Signal()  # it is in the queue
    value = Signal(WIDTH)
    with m.If(enters & (entered == followed)):
        m.d.sync += [inner.eq(1), value.eq(dut.i.payload)]
    with m.If(leaves & (left == followed)):
        m.d.sync += inner.eq(0)

    head, end, place = inside["head"], inside["ring.end"], Signal(range(depth))
    offered = dut.o.valid & (left == followed)
    m.d.comb += [
        count.eq(entered - left),
        place.eq(followed),
        Assert(count <= depth + 1),
        Assert(~dut.o.valid | (count != 0)),
        Assert(dut.empty == (count == 0)),
        Assert(dut.i.ready | (count >= depth)),
        when(inner & offered, dut.o.payload == value),
        # An item is offered a clock after it is counted, and stays until it is taken.
        when(later(m, count != leaves), dut.o.valid),
        # Room stays until an item enters.
        when(later(m, dut.i.ready & ~enters), dut.i.ready),
        # Invariants that close the induction: where each item is.
        Assert(end == entered[: len(end)]),
        Assert(head == (left + dut.o.valid)[: len(head)]),
        Assert(~dut.i.ready | (count - dut.o.valid < depth)),
        when(inner, (followed - left)[: len(entered)] < count),
        when(inner & ~offered, inside.word("ring.memory", place) == value),
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
        "Queue, 32 items",
        source,
        lambda hdl: properties(hdl, 32),
        2,
        MUTANTS[2:],
        cover_depth=80,
    ),
]
