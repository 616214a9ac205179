"""Sums of a PipelinedDeparture set out at a fixed distance from their pass's end, and never meet.

The proof of the columns shows that the sums are right, and arrive.
"""

from types import ModuleType

from amaranth.asserts import AnySeq
from amaranth.hdl import Assert, Cover, Module, Mux, Signal

from allspin.hdl.crossbar import departure as source
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from tests.formal.proof import Mutant, Proof, about, later, when

AHEAD = 4


def properties(hdl: ModuleType, lanes: int, columns: int) -> Module:
    p = CrossbarParameters(1, columns, lanes=lanes, memory="ecp5", pipelined=True)
    m, inside = about(dut := hdl.PipelinedDeparture(p, AHEAD))
    whole, final = p.drains
    begins = dut.begins
    may = Signal(range(max(p.drains) + 1))  # that may still set out without a look
    m.d.comb += begins.eq(~dut.busy & AnySeq(1))

    # Sums of the pass that ended last that have been announced, and all of its sums.
    told, count, ends = Signal(range(max(p.drains) + 1)), Signal.like(may), Signal()
    open_ = told != count
    now = Mux(begins, 0, told)
    total = Mux(begins, Mux(dut.final, final, whole), count)
    tells, closes = Signal(), Signal()
    m.d.comb += [
        tells.eq(begins | open_),
        closes.eq(tells & Mux(begins, dut.final, ends) & (now + 1 == total)),
    ]
    with m.If(tells):
        m.d.sync += told.eq(now + 1)
    with m.If(begins):
        m.d.sync += [count.eq(total), ends.eq(dut.final)]
    promised = Mux(dut.credits_ahead, whole if whole > final else final, may)
    m.d.sync += may.eq(promised - (dut.taken & (promised != 0)))
    m.d.comb += [
        # Each sum takes a place that was promised, and passes end in order.
        Assert(dut.taken == tells),
        Assert(~dut.taken | (promised != 0)),
        Assert(~(begins & open_)),
        Assert(dut.busy == (open_ | ~dut.credits_ahead)),
        # Sums set out at a fixed distance, the image's last among them.
        Assert(dut.sets_out == later(m, tells, AHEAD)),
        Assert(dut.last == later(m, closes, AHEAD)),
        # Invariants that close the induction: where everything is.
        Assert(told <= count),
        Assert(count <= max(p.drains)),
        Assert(inside["left"] == (count - told)[: len(inside["left"])]),
        when(open_, inside["image_ends"] == ends, may >= count - told),
        Assert(~open_ | (count - told < max(p.drains))),
        Cover(dut.sets_out & dut.last & begins),
    ]
    for clock in range(AHEAD):
        m.d.comb += [
            Assert(inside["way"][clock] == later(m, tells, clock + 1)),
            Assert(inside["lasts"][clock] == later(m, closes, clock + 1)),
        ]
    return m


def _proof(lanes: int, columns: int, *more: Mutant) -> Proof:
    return Proof(
        f"PipelinedDeparture, {columns} columns, {lanes} lanes",
        source,
        lambda hdl: properties(hdl, lanes, columns),
        depth=AHEAD + 1,
        mutants=(Mutant("self.busy.eq((left != 0) |", "self.busy.eq("), *more),
    )


PROOFS = [
    _proof(3, 3, Mutant("image_ends & (left == 1)", "left == 1")),
    _proof(3, 5, Mutant("final - 1, whole - 1", "whole - 1, whole - 1")),
]
