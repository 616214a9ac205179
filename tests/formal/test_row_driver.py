"""A RowDriver drives the row of each activation that is not zero, once, and no other row."""

from collections.abc import Callable
from types import ModuleType

from amaranth.asserts import AnySeq
from amaranth.hdl import Assert, Assume, Cover, Module, Mux, Signal

from allspin.hdl.neuron import neuron_array as source
from allspin.hdl.parameters.crossbar import CrossbarParameters
from allspin.hdl.parameters.engine import EngineParameters
from tests.formal.proof import Mutant, Opened, Proof

ROWS = 5


def properties(hdl: ModuleType, at_once: int) -> Module:
    m = Module()
    parameters = EngineParameters(
        (
            CrossbarParameters(1, ROWS, lanes=ROWS, value_bits=1, neurons_per_clock=at_once),
            CrossbarParameters(ROWS, 2, lanes=2, value_bits=2, rows_per_clock=at_once),
        )
    )
    dut = hdl.RowDriver(parameters, 0)
    m.submodules.dut = inside = Opened(dut)
    beat, event = dut.activations.payload, dut.events.payload
    came, left = Signal(), Signal()
    m.d.comb += [
        dut.activations.valid.eq(AnySeq(1)),
        beat.as_value().eq(AnySeq(len(beat.as_value()))),
        dut.events.ready.eq(AnySeq(1)),
        came.eq(dut.activations.valid & dut.activations.ready),
        left.eq(dut.events.valid & dut.events.ready),
    ]

    # An image is `ROWS` neurons' activations, of which `first` is the lowest of a beat.
    first = Signal(range(ROWS + at_once))
    last = Signal()
    m.d.comb += [last.eq(first + at_once >= ROWS), Assume(beat.last == last)]
    with m.If(came):
        m.d.sync += first.eq(Mux(last, 0, first + at_once))

    # Each beat becomes an event in the clock in which it is taken, or is silent.
    silent = ~last
    for slot in range(at_once):
        silent &= (beat.activations[slot] == 0) | (first + slot >= ROWS)
    with m.If(dut.activations.valid & ~silent):
        m.d.comb += Assert(dut.events.valid & (left == came) & (event.last == last))
    with m.Else():
        m.d.comb += Assert(~dut.events.valid)
    with m.If(dut.activations.valid & silent):
        m.d.comb += Assert(dut.activations.ready)
    with m.If(dut.events.valid):
        for slot in range(at_once):
            driven = event.slots[slot]
            there = first + slot < ROWS
            m.d.comb += [
                Assert(driven.row * at_once + slot < ROWS),
                Assert(driven.value == Mux(there, beat.activations[slot], 0)),
                Assert(~there | (driven.row * at_once + slot == first + slot)),
            ]

    # What makes the induction close: where the rows are counted.
    m.d.comb += [
        Assert(inside["row"] * at_once == first),
        Assert(first < ROWS),
        Cover(left & last & (beat.activations[0] == 0)),
        Cover(came & silent & (first == at_once)),
    ]
    return m


def _proof(at_once: int, *more: Mutant) -> Proof:
    return Proof(
        f"RowDriver, {at_once} a clock",
        source,
        lambda hdl: properties(hdl, at_once),
        depth=1,
        mutants=(
            Mutant("self.events.ready | ~drives", "self.events.ready"),
            Mutant("self.events.ready | ~drives", "self.events.ready | drives"),
            Mutant("Cat(values).any() | beat.last", "Cat(values).any()"),
            Mutant("row.eq(Mux(beat.last, 0, row + 1))", "row.eq(row + 1)"),
            Mutant("self.activations.valid & self.activations.ready", "self.activations.valid"),
            *more,
        ),
    )


PROOFS = [
    _proof(1),
    _proof(
        2,
        Mutant("beat.activations[slot] if slot < in_last", "beat.activations[slot] if True"),
        Mutant("here = row if slot < in_last", "here = row if True"),
        Mutant("row if slot < in_last else Mux(beat.last, 0, row)", "0"),
    ),
]


def test_row_driver(prove: Callable[[], None]) -> None:
    prove()
