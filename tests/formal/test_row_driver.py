"""A RowDriver drives the row of each activation that is not zero, once, and no other row."""

from types import ModuleType

from amaranth.hdl import Assert, Assume, Cover, Module, Mux, Signal

from allspin.hdl.neuron import row_driver as source
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from tests.formal.proof import Mutant, Proof, about, moves, when

ROWS = 5


def properties(hdl: ModuleType, at_once: int) -> Module:
    parameters = EngineParameters(
        (
            CrossbarParameters(1, ROWS, lanes=ROWS, value_bits=1, neurons_per_clock=at_once),
            CrossbarParameters(ROWS, 2, lanes=2, value_bits=2, rows_per_clock=at_once),
        )
    )
    m, inside = about(dut := hdl.RowDriver(parameters, 0))
    beat, event = dut.activations.payload, dut.events.payload
    valid, came, left = dut.activations.valid, moves(dut.activations), moves(dut.events)

    # An image is `ROWS` neurons' activations, of which `first` is the lowest of a beat.
    first = Signal(range(ROWS + at_once))
    last = first + at_once >= ROWS
    with m.If(came):
        m.d.sync += first.eq(Mux(last, 0, first + at_once))

    # Each beat becomes an event in the clock in which it is taken, or is silent.
    silent = ~last
    for slot in range(at_once):
        there = first + slot < ROWS
        silent &= (beat.activations[slot] == 0) | ~there
        driven = event.slots[slot]
        row = driven.row * at_once + slot
        m.d.comb += when(
            dut.events.valid,
            row < ROWS,
            driven.value == Mux(there, beat.activations[slot], 0),
            ~there | (row == first + slot),
        )
    m.d.comb += [
        Assume(beat.last == last),
        Assert(dut.events.valid == (valid & ~silent)),
        when(valid & ~silent, (left == came) & (event.last == last)),
        when(valid & silent, dut.activations.ready),
        # Invariants that close the induction: where the rows are counted.
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
