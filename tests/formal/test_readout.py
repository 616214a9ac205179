"""The readout passes every logit once, in order, with the first of the largest so far."""

from collections.abc import Callable
from typing import Any

from amaranth.asserts import AnySeq
from amaranth.hdl import Assert, Assume, Cat, Cover, Module, Mux, Signal, Value

from allspin.hdl.engine import readout as source
from allspin.hdl.parameters.crossbar import CrossbarParameters
from allspin.hdl.parameters.engine import EngineParameters
from tests.formal.proof import Mutant, Opened, Proof

CLASSES = 3


def properties(hdl: Any, memory: str) -> Module:
    m = Module()
    layers = CrossbarParameters(2, 2, 2, memory=memory), CrossbarParameters(2, CLASSES, CLASSES)
    dut = hdl.Readout(EngineParameters(layers))
    m.submodules.dut = inside = Opened(dut)
    sums = Value.cast(dut.sums.payload)
    logit, last = dut.sums.payload.sums[0], dut.sums.payload.last
    result = dut.results.payload
    m.d.comb += [
        dut.sums.valid.eq(AnySeq(1)),
        sums.eq(AnySeq(len(sums))),
        dut.results.ready.eq(AnySeq(1)),
    ]

    # The best of the image so far, with the last logit that came and without it.
    number, best, winner = Signal(range(CLASSES)), Signal.like(logit), Signal(range(CLASSES))
    number_before, best_before = Signal.like(number), Signal.like(best)
    winner_before, above = Signal.like(winner), Signal()
    came, left = dut.sums.valid & dut.sums.ready, dut.results.valid & dut.results.ready
    m.d.comb += [
        Assume(last == (number == CLASSES - 1)),
        Assert(number < CLASSES),
        above.eq((number == 0) | (logit > best)),
    ]
    with m.If(came):
        m.d.sync += [
            number_before.eq(number),
            best_before.eq(best),
            winner_before.eq(winner),
            number.eq(Mux(last, 0, number + 1)),
        ]
        with m.If(above):
            m.d.sync += [best.eq(logit), winner.eq(number)]

    # What is inside, the oldest first: logit, whether it is the last, and the winner with it.
    item = Cat(logit, last, Mux(above, number, winner))
    oldest, newest, count = Signal(len(item)), Signal(len(item)), Signal(range(3))
    m.d.sync += count.eq(count + came - left)
    with m.If(left):
        m.d.sync += oldest.eq(newest)
    with m.If(came):
        with m.If(count - left == 0):
            m.d.sync += oldest.eq(item)
        with m.Else():
            m.d.sync += newest.eq(item)
    with m.If(dut.results.valid):
        m.d.comb += [
            Assert(count != 0),
            Assert(Cat(result.logit, result.last, result.winner) == oldest),
        ]
    m.d.comb += Cover(dut.results.valid & result.last & (result.winner == 1) & (result.logit < 0))

    # What makes the induction close: what the registers keep of what came.
    valid, ends = inside["valid"], inside["last"]
    waits = Mux(dut.results.valid, newest, oldest)
    counted = Mux(valid, number_before, number)
    m.d.comb += [
        Assert(count == valid + dut.results.valid),
        Assert(inside["class_"] == counted),
        Assert(inside["first"] == (counted == 0)),
    ]
    with m.If(~inside["first"]):
        m.d.comb += [
            Assert(inside["best"] == Mux(valid, best_before, best)),
            Assert(result.winner == Mux(valid, winner_before, winner)),
        ]
    with m.If(valid):
        rises = (number_before == 0) | (inside["sum_"] > best_before)
        m.d.comb += [
            Assert(Cat(inside["sum_"], ends) == waits[: len(logit) + 1]),
            Assert(best == Mux(rises, inside["sum_"], best_before)),
            Assert(winner == Mux(rises, number_before, winner_before)),
            Assert(waits[len(logit) + 1 :] == winner),
            Assert(ends == (number_before == CLASSES - 1)),
            Assert(number == Mux(ends, 0, number_before + 1)),
        ]
    if memory == "spram":
        # Where logic is slow, what is compared is the logit that waits.
        m.d.comb += Assert(~inside["compared"] | valid)
        with m.If(inside["compared"]):
            m.d.comb += Assert(inside["above"] == (inside["sum_"] > inside["best"]))
    return m


PROOFS = [
    Proof(
        "Readout",
        source,
        lambda hdl: properties(hdl, "block"),
        depth=2,
        mutants=(
            Mutant("first | (sum_ > best)", "first | (sum_ >= best)"),
            Mutant("Mux(last, 0, class_ + 1)", "class_ + 1"),
        ),
    ),
    Proof(
        "Readout, slow logic",
        source,
        lambda hdl: properties(hdl, "spram"),
        depth=2,
        mutants=(
            Mutant("takes &= compared | ~valid", "takes &= 1"),
            Mutant("m.d.sync += compared.eq(0)", "m.d.sync += compared.eq(1)"),
            Mutant("self.results.valid.eq(0)", "self.results.valid.eq(1)"),
        ),
    ),
]


def test_readout(prove: Callable[[], None]) -> None:
    prove()
