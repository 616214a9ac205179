"""Both register slices pass every item once, in order, and lose no item while they are stalled."""

from typing import Any

from amaranth.hdl import Assert, Cover, Module, Signal

from allspin.hdl.stream import registers as source
from tests.formal.proof import Mutant, Proof, about, moves, queue_of_two, when


def properties(hdl: Any, every_clock: bool) -> Module:
    m, inside = about(dut := hdl.RegisterSlice(4, every_clock=every_clock))
    came, left, number = moves(dut.i), moves(dut.o), Signal(3)
    oldest, newest, count = queue_of_two(m, came, dut.i.payload, left)
    m.d.sync += number.eq(number + left)
    m.d.comb += [
        Assert(dut.o.valid == (count != 0)),
        when(dut.o.valid, dut.o.payload == oldest),
        Assert(count <= 1 + every_clock),
        Assert(dut.i.ready == (count != 1 + every_clock)),
        Cover((number == 5) & (dut.o.payload == 9) & dut.o.valid),
    ]
    if every_clock:
        # Invariants that close the induction: where the second item is.
        m.d.comb += [
            Assert(inside["holds"] == (count == 2)),
            when(count == 2, inside["held"] == newest),
            Cover(count == 2),
        ]
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
