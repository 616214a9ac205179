"""The readout passes every logit once, in order, with the first of the largest so far."""

from typing import Any

from amaranth.hdl import Assert, Assume, Cat, Cover, Module, Mux, Signal

from allspin.hdl.engine import readout as source
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from tests.formal.proof import Mutant, Proof, about, moves, queue_of_two, when

CLASSES = 3


def properties(hdl: Any, memory: str) -> Module:
    layers = CrossbarParameters(2, 2, 2, memory=memory), CrossbarParameters(2, CLASSES, CLASSES)
    m, inside = about(dut := hdl.Readout(EngineParameters(layers)))
    logit, last = dut.sums.payload.sums[0], dut.sums.payload.last
    result = dut.results.payload

    # The best of the image so far, with the last logit that came and without it.
    number, best, winner = Signal(range(CLASSES)), Signal.like(logit), Signal(range(CLASSES))
    number_before, best_before = Signal.like(number), Signal.like(best)
    winner_before, above = Signal.like(winner), (number == 0) | (logit > best)
    came = moves(dut.sums)
    with m.If(came):
        m.d.sync += [
            number_before.eq(number),
            best_before.eq(best),
            winner_before.eq(winner),
            number.eq(Mux(last, 0, number + 1)),
            best.eq(Mux(above, logit, best)),
            winner.eq(Mux(above, number, winner)),
        ]

    # The block keeps a logit, its `last`, and the winner with it.
    item = Cat(logit, last, Mux(above, number, winner))
    oldest, newest, count = queue_of_two(m, came, item, moves(dut.results))
    valid, ends, sum_ = inside["valid"], inside["last"], inside["sum_"]
    waits = Mux(dut.results.valid, newest, oldest)
    counted = Mux(valid, number_before, number)
    rises = (number_before == 0) | (sum_ > best_before)
    m.d.comb += [
        Assume(last == (number == CLASSES - 1)),
        Assert(number < CLASSES),
        when(
            dut.results.valid, count != 0, Cat(result.logit, result.last, result.winner) == oldest
        ),
        Cover(dut.results.valid & result.last & (result.winner == 1) & (result.logit < 0)),
        # Invariants that close the induction: the registers keep the items that came.
        Assert(count == valid + dut.results.valid),
        Assert(inside["class_"] == counted),
        Assert(inside["first"] == (counted == 0)),
        when(
            ~inside["first"],
            inside["best"] == Mux(valid, best_before, best),
            result.winner == Mux(valid, winner_before, winner),
        ),
        when(
            valid,
            Cat(sum_, ends) == waits[: len(logit) + 1],
            best == Mux(rises, sum_, best_before),
            winner == Mux(rises, number_before, winner_before),
            waits[len(logit) + 1 :] == winner,
            ends == (number_before == CLASSES - 1),
            number == Mux(ends, 0, number_before + 1),
        ),
    ]
    if memory == "spram":
        # With slow logic the waiting logit is compared.
        m.d.comb += when(inside["compared"], valid, inside["above"] == (sum_ > inside["best"]))
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
