"""An item that set out finds a place in a Reservation, and comes out once, in order and in time."""

from types import ModuleType

from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Assert, Cover, Module, Mux, Signal

from allspin.hdl.stream import buffers as source
from tests.formal.proof import Mutant, Proof, about, later, moves, when

DEPTH = 4
AHEAD = 1


def properties(hdl: ModuleType) -> Module:
    m, inside = about(dut := hdl.Reservation(2, DEPTH, ahead=AHEAD))

    # An item is on its way for any time, or no time. `promised` items may set out without a credit.
    under_way = Signal(range(2 * DEPTH))
    promised = Signal(range(AHEAD + 1))
    may, left = Signal.like(promised), moves(dut.waiting)
    m.d.comb += [
        may.eq(Mux(dut.credits_ahead & (promised == 0) & AnySeq(1), AHEAD, promised)),
        dut.taken.eq((dut.credit | (may != 0)) & AnySeq(1)),
        dut.arrives.eq((under_way + dut.taken != 0) & AnySeq(1)),
    ]

    # Items are counted modulo twice the depth; the proof follows one item, any.
    came = Signal(range(2 * DEPTH))
    went, held, stored = Signal.like(came), Signal.like(came), Signal.like(came)
    marked = AnyConst(came.shape())
    kept = Signal(2)
    still = Signal(range(4))
    m.d.sync += [
        under_way.eq(under_way + dut.taken - dut.arrives),
        promised.eq(may - (dut.taken & (may != 0))),
        came.eq(came + dut.arrives),
        went.eq(went + left),
        still.eq(Mux(dut.taken | left | dut.arrives, 0, still + (still != 3))),
    ]
    with m.If(dut.arrives & (came == marked)):
        m.d.sync += kept.eq(dut.payload)

    valid, head, tail = dut.waiting.valid, inside["head"], inside["ring.end"]
    free = Signal(range(-4 * DEPTH, DEPTH + 1))
    m.d.comb += [
        held.eq(came - went),
        # The output register is one more place behind the ring.
        Assert(held <= DEPTH + valid),
        Assert(valid == (later(m, came) != went)),
        when(valid & (went == marked), dut.waiting.payload == kept),
        # Without traffic a credit comes as soon as three places are free.
        when(still == 3, dut.credit == (under_way + held - valid + 3 <= DEPTH)),
        # Invariants that close the induction: where everything is.
        stored.eq(tail - head),
        free.eq(DEPTH - under_way - stored),
        Assert(tail == came),
        Assert(head == (went + valid)[: len(head)]),
        Assert(free >= promised),
        Assert(free + inside["taken"] - inside["freed"] + 1 == inside["credits"]),
        Assert(inside["some"] == (head != tail)),
        when(
            (marked - head)[: len(head)] < stored,
            inside.word("ring.memory", marked[: len(head) - 1]) == kept,
        ),
        Cover(stored == DEPTH),
        Cover((stored == DEPTH - 1) & (promised != 0)),
    ]
    return m


PROOFS = [
    Proof(
        "Reservation",
        source,
        properties,
        depth=3,
        mutants=(
            Mutant("LATE = 2", "LATE = 1", depth=12),
            Mutant("credits > self._ahead + LATE", "credits >= self._ahead + LATE"),
            Mutant("credits - taken + freed", "credits - taken"),
            Mutant("following != ring.end", "head != ring.end"),
        ),
    ),
]
