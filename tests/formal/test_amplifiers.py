"""Amplifiers: each beat of sums leaves once, in order, with its noise.

The last layer's amplifiers multiply each sum by its class's gain too. The proof follows one class,
any. The factors side by side stand for the product: `tests/hdl/stream/test_multiplier.py`
multiplies.
"""

from types import ModuleType

from amaranth.hdl import Assert, Assume, Cat, Cover, Module, Mux, Signal, Value, signed

from allspin.hdl.neuron import amplifiers as source
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import AMPLIFIERS, SUM_NOISE
from allspin.hdl.parameters.profile import VariationParameters
from allspin.hdl.stream.buffers import Reservation
from allspin.hdl.stream.layouts import amplified_layout, noise_layout, sum_layout
from allspin.hdl.stream.multiplier import PRODUCT_CLOCKS
from tests.formal.proof import Mutant, Proof, about, later, moves, number_below, stand_in, when
from tests.formal.stand_ins import of_anything, offer

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

    # At most one beat is inside: as it came, with its noise of that clock.
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


def last(hdl: ModuleType) -> Module:
    def side_by_side(m: Module, _: object, factor: Value, other: Value, name: str) -> Value:
        return later(m, Cat(factor, other).as_signed(), PRODUCT_CLOCKS)

    stand_in(hdl, "multiply", side_by_side)
    queues = stand_in(hdl, "Reservation", of_anything(Reservation))
    m, inside = about(dut := hdl.LastAmplifiers(PARAMETERS))
    [queue] = queues
    offer(m, dut.sums)
    offer(m, dut.noise)

    # Loaded bytes: eight for a class, of which the last two are its share of the gain.
    load, classes = dut.load.payload, PARAMETERS.classes
    mine, line, before = number_below(m, classes), Signal(range(classes + 1)), Signal(8)
    place, share, noisy = Signal(3), Signal(signed(14)), Signal()
    own = dut.load.valid & (load.memory == AMPLIFIERS)
    with m.If(dut.load.valid & (load.memory == SUM_NOISE)):
        m.d.sync += noisy.eq(load.data[7])
    with m.If(own):
        m.d.sync += [before.eq(load.data), place.eq(Mux(load.first, 1, place + 1))]
    with m.If(own & load.first):
        m.d.sync += line.eq(load.address)
    with m.Elif(own & (place == 7)):
        m.d.sync += line.eq(line + 1)
        with m.If(line == mine):
            m.d.sync += share.eq(Cat(before, load.data))

    # A sum's class is its place in its image.
    comes, class_ = moves(dut.sums), Signal(range(classes))
    with m.If(comes):
        m.d.sync += class_.eq(Mux(dut.sums.payload.last, 0, class_ + 1))
    total = Signal.like(dut.amplified.payload.sums[0])
    product = Cat((2**13 + share)[:14], total).as_signed()
    followed = later(m, comes & (class_ == mine), 5)
    found = queue.payload
    m.d.comb += [
        total.eq(dut.sums.payload.sums[0] + Mux(noisy, dut.noise.payload.sums[0], 0)),
        Assume(~own | load.first | (line < classes)),  # the loader counts no further line
        Assert(dut.load.ready),
        Assert(comes == (dut.sums.valid & queue.credit & (dut.noise.valid | ~noisy))),
        Assert(queue.taken == comes),
        Assert(moves(dut.noise) == (comes & noisy)),
        Assert(queue.arrives == later(m, comes, 5)),
        when(queue.arrives, found.last == later(m, dut.sums.payload.last, 5)),
        when(followed, found.sums[0] == later(m, product + 2**12, 5) >> 13),
        Assert(dut.amplified.valid == queue.waiting.valid),
        Assert(dut.amplified.ready == queue.waiting.ready),
        Assert(Value.cast(dut.amplified.payload) == Value.cast(queue.waiting.payload)),
        # Invariants that close the induction.
        Assert(inside["on"] == noisy),
        Assert(inside["low"] == before),
        Assert(inside["byte"] == place),
        Assert(inside["class_"] == line),
        Assert(inside["place"] == class_),
        Assert(inside.word("gains", mine) == Value.cast(share)),
        Cover(followed & (share == -5) & (found.sums[0] == -3)),
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
    Proof(
        "LastAmplifiers",
        source,
        last,
        depth=7,
        mutants=(
            Mutant("(self.noise.valid | ~on)", "self.noise.valid"),
            Mutant("Mux(on, self.noise", "Mux(~on, self.noise"),
            Mutant("product + (1 << SHARE_BITS - 1)", "product", depth=16),
            Mutant("place.eq(Mux(self.sums.payload.last, 0, place + 1))", "place.eq(place + 1)"),
        ),
    ),
]
