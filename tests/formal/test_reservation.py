"""What set out finds a place in a Reservation, and comes out once, in order and in time."""

from collections.abc import Callable
from types import ModuleType

from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Assert, Cover, Module, Mux, Signal

from allspin.hdl.stream import buffers as source
from tests.formal.proof import Mutant, Opened, Proof

DEPTH = 4
AHEAD = 1


def properties(hdl: ModuleType) -> Module:
    m = Module()
    dut = hdl.Reservation(2, DEPTH, ahead=AHEAD)
    m.submodules.dut = inside = Opened(dut)

    # What sets out is on its way for any time, in none too. `promised` may set out without a look.
    under_way = Signal(range(2 * DEPTH))
    promised = Signal(range(AHEAD + 1))
    may = Signal.like(promised)
    left = Signal()
    m.d.comb += [
        may.eq(Mux(dut.credits_ahead & (promised == 0) & AnySeq(1), AHEAD, promised)),
        dut.taken.eq((dut.credit | (may != 0)) & AnySeq(1)),
        dut.arrives.eq((under_way + dut.taken != 0) & AnySeq(1)),
        dut.payload.eq(AnySeq(2)),
        dut.waiting.ready.eq(AnySeq(1)),
        left.eq(dut.waiting.valid & dut.waiting.ready),
    ]
    m.d.sync += [
        under_way.eq(under_way + dut.taken - dut.arrives),
        promised.eq(may - (dut.taken & (may != 0))),
    ]

    # Items are counted modulo twice the depth, and one of them, whichever, is remembered.
    came = Signal(range(2 * DEPTH))
    came_before = Signal.like(came)
    went = Signal.like(came)
    inside_now = Signal.like(came)
    marked = AnyConst(came.shape())
    kept = Signal(2)
    m.d.sync += [came.eq(came + dut.arrives), came_before.eq(came), went.eq(went + left)]
    m.d.comb += inside_now.eq(came - went)
    with m.If(dut.arrives & (came == marked)):
        m.d.sync += kept.eq(dut.payload)
    m.d.comb += [
        # Behind the ring there is one more place.
        Assert(inside_now <= DEPTH + dut.waiting.valid),
        Assert(dut.waiting.valid == (came_before != went)),
    ]
    with m.If(dut.waiting.valid & (went == marked)):
        m.d.comb += Assert(dut.waiting.payload == kept)

    # Where nothing moves, there is a credit as soon as three places are free.
    still = Signal(range(4))
    m.d.sync += still.eq(Mux(dut.taken | left | dut.arrives, 0, still + (still != 3)))
    with m.If(still == 3):
        m.d.comb += Assert(dut.credit == (under_way + inside_now - dut.waiting.valid + 3 <= DEPTH))

    # What makes the induction close: where everything is.
    head, tail = inside["head"], inside["ring.end"]
    stored = Signal.like(came)
    free = Signal(range(-4 * DEPTH, DEPTH + 1))
    m.d.comb += [
        stored.eq(tail - head),
        free.eq(DEPTH - under_way - stored),
        Assert(tail == came),
        Assert(head == (went + dut.waiting.valid)[: len(head)]),
        Assert(free >= promised),
        Assert(free + inside["taken"] - inside["freed"] + 1 == inside["credits"]),
        Assert(inside["some"] == (head != tail)),
    ]
    with m.If((marked - head)[: len(head)] < stored):
        m.d.comb += Assert(inside.word("ring.memory", marked[: len(head) - 1]) == kept)

    m.d.comb += [Cover(stored == DEPTH), Cover((stored == DEPTH - 1) & (promised != 0))]
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


def test_reservation(prove: Callable[[], None]) -> None:
    prove()
