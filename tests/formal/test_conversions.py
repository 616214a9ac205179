"""A conversion is what a tile's products sum to, in steps, rounded and clamped, or as it is.

Sums are at most what a tile's rows can bring about. Rows are either read or converted: `bare`
stands for long before and behind.
"""

from collections.abc import Callable
from types import ModuleType

from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Assert, Assume, Cover, Module, Mux, Signal, Value, signed

from allspin.hdl.crossbar import sums as source
from allspin.hdl.parameters.crossbar import OFFSET_BITS, CrossbarParameters, Tiling
from tests.formal.proof import Mutant, Opened, Proof

TREE = 2
"""Clocks by which the fast one is told of beats before their terms."""
LANE = 1
"""Which one is followed, of two."""


def is_conversion(tiling: Tiling, code: Value, sum_: Value) -> Value:
    """Whether a code is the conversion of a sum that has its half step, or its start."""
    step, top = 1 << tiling.shift, 1 << tiling.bits - 1
    low = code << tiling.shift
    return (
        ((low <= sum_) | (code == -top))
        & ((sum_ < low + step) | (code == top - 1))
        & (code >= -top)
        & (code < top)
    )


def properties(hdl: ModuleType, p: CrossbarParameters, *, fast: bool) -> Module:
    m = Module()
    tiling = p.tiling
    assert tiling is not None
    dut = (hdl.FastConversions if fast else hdl.Conversions)(p)
    m.submodules.dut = inside = Opened(dut)
    term, conversion = dut.terms[LANE], dut.conversions[LANE]
    bare, begins, converts = Signal(), Signal(), Signal()
    start = Signal(signed(tiling.start_bits))
    m.d.comb += [
        bare.eq(AnyConst(1)),
        begins.eq(AnySeq(1)),
        converts.eq(AnySeq(1)),
        dut.terms.as_value().eq(AnySeq(len(dut.terms.as_value()))),
        dut.bare.eq(bare),
        dut.begins.eq(begins),
        dut.converts.eq(converts),
        start.eq(tiling.start),
    ]
    adds: Value = Signal()
    if fast:
        # A clock without a beat adds nothing.
        m.d.comb += adds.eq(1)
        begins, converts = (_later(m, one, TREE) for one in (begins, converts))
    else:
        m.d.comb += [adds.eq(AnySeq(1)), dut.adds.eq(adds)]
    if tiling.offsets:
        anything = Signal(signed(OFFSET_BITS))
        m.d.comb += [
            anything.eq(AnySeq(OFFSET_BITS)),
            start.eq(Mux(bare | ~begins, 0, tiling.start + anything)),
            dut.starts.as_value().eq(AnySeq(len(dut.starts.as_value()))),
            dut.starts[LANE].eq(start),
        ]

    # What the tile sums to: between what its rows can bring about, with its start.
    half = 1 << p.rah_bits - 1
    most = min(p.tile_rows, p.rows) * (2**p.value_bits - 1)
    run, first = Signal(signed(p.tile_widths.running + 2)), Signal.like(start)
    known = Signal()  # a tile has begun
    here, here_first = Signal.like(run), Signal.like(first)
    m.d.comb += [
        here.eq(Mux(begins, 0, run) + term),
        here_first.eq(Mux(begins, Mux(bare, 0, start), first)),
        Assume(~adds | ~(known | begins) | ((here >= -most * half) & (here <= most * (half - 1)))),
        Assume(~converts | known),
        # A bare tile is a beat.
        Assume(~bare | begins | ~adds | (term == 0)),
        Assert(~known | ((run >= -most * half) & (run <= most * (half - 1)))),
    ]
    if not fast:
        m.d.comb += Assume(~begins | adds)
    with m.If(adds & (known | begins)):
        m.d.sync += [run.eq(here), first.eq(here_first), known.eq(1)]
    m.d.comb += Assume(~bare | ~known | ((run >= -half) & (run < half)))

    sum_ = Signal(signed(max(len(run), len(first)) + 1))
    offset = (1 << OFFSET_BITS - 1) * tiling.offsets
    m.d.comb += [
        sum_.eq(run + first),
        # What makes the induction close: the block's sum is this one.
        Assert(~known | (inside[f"sum_{LANE}"] == sum_)),
        Assert(~known | bare | (first >= tiling.start - offset)),
        Assert(~known | bare | (first <= tiling.start + max(offset - 1, 0))),
        Assert(~bare | (first == 0)),
    ]
    due, was = converts, sum_
    for clock in range(dut.clocks - TREE * fast):
        due = _later(m, due, 1)
        later = Signal.like(sum_, name=f"sum_{clock}")
        m.d.sync += later.eq(was)
        was = later
    code = conversion
    m.d.comb += [
        Assert(due | (code == 0)),
        Assert(~due | bare | is_conversion(tiling, code, was)),
        Assert(~due | ~bare | (code == was)),
        Cover(due & ~bare & (code == -(1 << tiling.bits - 1)) & (was < -most)),
        Cover(due & ~bare & (code == (1 << tiling.bits - 1) - 1)),
        Cover(due & bare & (code == -half)),
    ]
    return m


def _proof(name: str, tiling: Tiling, *mutants: Mutant, fast: bool) -> Proof:
    p = CrossbarParameters(8, 2, 2, value_bits=1, rah_bits=2, tiling=tiling)
    return Proof(
        f"{'FastConversions' if fast else 'Conversions'}, {name}",
        source,
        lambda hdl: properties(hdl, p, fast=fast),
        depth=6,
        mutants=mutants,
        slow=not tiling.offsets,
    )


PROOFS = [
    _proof(
        "2 bits",
        Tiling(8, 2, 2),
        Mutant("Mux(self.begins, Mux(self.bare, 0, start), sum_)", "Mux(self.bare, 0, sum_)"),
        Mutant("read >= top", "read > top"),
        Mutant("conversion.eq(-top)", "conversion.eq(1 - top)"),
        Mutant("conversion.eq(top - 1)", "conversion.eq(top)"),
        Mutant("conversion.eq(0)", "conversion.eq(conversion)"),
        fast=False,
    ),
    _proof(
        "8 bits, offsets",
        Tiling(8, 8, 2, offsets=True),
        Mutant("self.starts[lane] if tiling.offsets", "self.starts[0] if tiling.offsets"),
        Mutant("conversion.eq(sum_)", "conversion.eq(read)"),
        fast=False,
    ),
    _proof(
        "2 bits",
        Tiling(8, 2, 2),
        Mutant("self.begins & ~self.bare", "self.begins"),
        Mutant("~bare & over.any() & ~over.all()", "~bare & over.any()"),
        Mutant("Cat(~sign if bit < top else sign", "Cat(sign if bit < top else ~sign"),
        Mutant("& converts.replicate(width)", "& bare.replicate(width)"),
        fast=True,
    ),
    _proof(
        "8 bits, offsets",
        Tiling(8, 8, 2, offsets=True),
        Mutant("Mux(bare, bits(0), bits(tiling.shift))", "bits(tiling.shift)"),
        Mutant("[tiling.shift + top :]", "[tiling.shift + top + 1 :]"),
        fast=True,
    ),
]


def test_conversions(prove: Callable[[], None]) -> None:
    prove()


def _later(m: Module, value: Value, clocks: int) -> Value:
    for _ in range(clocks):
        register = Signal.like(value)
        m.d.sync += register.eq(value)
        value = register
    return value
