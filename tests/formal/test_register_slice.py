"""Both register slices pass every item once, in order, and lose none while they are stalled."""

from collections.abc import Callable
from typing import Any

from amaranth.asserts import AnySeq
from amaranth.hdl import Assert, Cover, Module, Signal

from allspin.hdl.stream import buffers as source
from tests.formal.proof import Mutant, Opened, Proof


def properties(hdl: Any, every_clock: bool) -> Module:
    m = Module()
    dut = hdl.RegisterSlice(4, every_clock=every_clock)
    m.submodules.dut = inside = Opened(dut)
    m.d.comb += [
        dut.i.valid.eq(AnySeq(1)),
        dut.i.payload.eq(AnySeq(4)),
        dut.o.ready.eq(AnySeq(1)),
    ]
    came = Signal()
    left = Signal()
    m.d.comb += [came.eq(dut.i.valid & dut.i.ready), left.eq(dut.o.valid & dut.o.ready)]

    # The items that are inside, oldest first: what a queue of two places has.
    oldest, newest = Signal(4), Signal(4)
    count = Signal(range(3))
    m.d.sync += count.eq(count + came - left)
    with m.If(left):
        m.d.sync += oldest.eq(newest)
    with m.If(came):
        with m.If(count - left == 0):
            m.d.sync += oldest.eq(dut.i.payload)
        with m.Else():
            m.d.sync += newest.eq(dut.i.payload)

    m.d.comb += Assert(dut.o.valid == (count != 0))
    with m.If(dut.o.valid):
        m.d.comb += Assert(dut.o.payload == oldest)
    if every_clock:
        # What makes the induction close: where the second item is.
        m.d.comb += [Assert(inside["holds"] == (count == 2)), Assert(count <= 2)]
        with m.If(count == 2):
            m.d.comb += Assert(inside["held"] == newest)
        m.d.comb += [Assert(dut.i.ready == (count != 2)), Cover(count == 2)]
    else:
        m.d.comb += [Assert(count <= 1), Assert(dut.i.ready == (count == 0))]

    number = Signal(3)
    m.d.sync += number.eq(number + left)
    m.d.comb += Cover((number == 5) & (dut.o.payload == 9) & dut.o.valid)
    return m


PROOFS = [
    Proof(
        "Register slice, one register",
        source,
        lambda hdl: properties(hdl, every_clock=False),
        depth=2,
        mutants=(
            Mutant("self.i.ready.eq(~self.o.valid)", "self.i.ready.eq(1)"),
            Mutant("self.o.valid.eq(0)", "self.o.valid.eq(1)"),
        ),
    ),
    Proof(
        "Register slice, two registers",
        source,
        lambda hdl: properties(hdl, every_clock=True),
        depth=2,
        mutants=(
            Mutant("self.o.valid.eq(holds | self.i.valid)", "self.o.valid.eq(self.i.valid)"),
            Mutant("holds.eq(holds | self.i.valid)", "holds.eq(self.i.valid)"),
            Mutant("with m.If(~holds):", "with m.If(self.i.valid):"),
        ),
    ),
]


def test_register_slice(prove: Callable[[], None]) -> None:
    prove()
