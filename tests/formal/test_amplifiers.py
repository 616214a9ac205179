"""Amplifiers of a hidden layer: each beat of sums leaves once, in order, with its noise."""

from types import ModuleType

from amaranth.hdl import Assert, Cover, Module, Signal, Value

from allspin.hdl.neuron import neuron_array as source
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import VariationParameters
from allspin.hdl.stream.layouts import amplified_layout, noise_layout, sum_layout
from tests.formal.proof import Mutant, Proof, about, moves, when
from tests.formal.stand_ins import offer

PARAMETERS = EngineParameters(
    (
        CrossbarParameters(3, 4, 4, value_bits=1, rah_bits=2, neurons_per_clock=2),
        CrossbarParameters(4, 2, 2, value_bits=1, rah_bits=2, rows_per_clock=2),
    ),
    current_bits=4,
    variation=VariationParameters(sum_noise=True),
)


def properties(hdl: ModuleType) -> Module:
    m, _ = about(dut := hdl.Amplifiers(PARAMETERS, 0))
    offer(m, dut.sums)

    # What is inside is one beat at most: as it came, and its noise of that clock.
    full = Signal()
    beat = Signal(sum_layout(PARAMETERS.crossbars[0]))
    added = Signal(noise_layout(PARAMETERS, 0))
    wanted = Signal(amplified_layout(PARAMETERS, 0))
    comes, leaves = moves(dut.sums), moves(dut.amplified)
    with m.If(comes):
        m.d.sync += [full.eq(1), beat.eq(dut.sums.payload), added.eq(dut.noise)]
    with m.Elif(leaves):
        m.d.sync += full.eq(0)
    m.d.comb += [
        wanted.last.eq(beat.last),
        [to.eq(one + two) for to, one, two in zip(wanted.sums, beat.sums, added.sums, strict=True)],
        Assert(dut.amplified.valid == full),
        Assert((~full | dut.amplified.ready) == dut.sums.ready),
        when(
            full,
            Value.cast(dut.amplified.payload) == Value.cast(wanted),
            Value.cast(dut.uses) == Value.cast(added.uses),
        ),
        Cover(comes & leaves),
        Cover(full & ~leaves & dut.sums.valid),
    ]
    return m


PROOFS = [
    Proof(
        "Amplifiers",
        source,
        properties,
        depth=2,
        mutants=(
            Mutant("~self.amplified.valid | self.amplified.ready", "~self.amplified.valid"),
            Mutant("found.sums[lane] + self.noise", "found.sums[lane] - self.noise"),
            Mutant("given.last.eq(found.last)", "given.last.eq(0)"),
        ),
    ),
]
