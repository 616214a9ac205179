"""A conversion is the sum of a tile's products, in steps, rounded and clamped, or the bare sum.

Sums are bounded by a tile's rows. Rows are either read or converted: `bare` is stable long before
and after.
"""

from types import ModuleType
from typing import Any

from amaranth.asserts import AnyConst
from amaranth.hdl import Assert, Assume, Const, Cover, Module, Mux, Signal, Value, signed

from allspin.hdl.crossbar import conversions as source
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.tiling import OFFSET_BITS, Tiling
from tests.formal.proof import Mutant, Proof, about, anything, later, when

TREE = 2
"""Clocks by which the fast one is told of beats before their terms."""
LANE = 1
"""Lane that is followed, of two."""


def is_conversion(tiling: Tiling, code: Value, sum_: Value) -> Value:
    """Return whether a code is the conversion of a sum that has its half step, or its start."""
    step, top = 1 << tiling.shift, 1 << tiling.bits - 1
    low = code << tiling.shift
    return (
        ((low <= sum_) | (code == -top))
        & ((sum_ < low + step) | (code == top - 1))
        & (code >= -top)
        & (code < top)
    )


def properties(hdl: ModuleType, p: CrossbarParameters, *, fast: bool) -> Module:
    tiling: Any = p.tiling
    m, inside = about(dut := (hdl.FastConversions if fast else hdl.Conversions)(p))
    term, code = dut.terms[LANE], dut.conversions[LANE]
    bare, start = Signal(), Signal(signed(tiling.start_bits))
    m.d.comb += [bare.eq(AnyConst(1)), dut.bare.eq(bare), start.eq(tiling.start)]
    # The fast form gets its control signals early, and a clock without a beat adds 0.
    early = TREE if fast else 0
    begins, converts = later(m, dut.begins, early), later(m, dut.converts, early)
    adds = Const(1) if fast else dut.adds
    if tiling.offsets:
        offset = Signal(signed(OFFSET_BITS))
        m.d.comb += [
            anything(offset),
            start.eq(Mux(bare | ~begins, 0, tiling.start + offset)),
            anything(dut.starts),
            dut.starts[LANE].eq(start),
        ]

    # Sum of the tile: within the bounds of its rows, with its start.
    half = 1 << p.rah_bits - 1
    most = min(p.tile_rows, p.rows) * (2**p.value_bits - 1)
    top = 1 << tiling.bits - 1
    run, first = Signal(signed(p.tile_widths.running + 2)), Signal.like(start)
    known = Signal()  # a tile has begun
    here, sum_ = Signal.like(run), Signal(signed(max(len(run), len(first)) + 1))
    with m.If(adds & (known | begins)):
        begun = Mux(begins, Mux(bare, 0, start), first)
        m.d.sync += [run.eq(here), first.eq(begun), known.eq(1)]
    extreme = (1 << OFFSET_BITS - 1) * tiling.offsets
    due, was = later(m, converts, dut.clocks - early), later(m, sum_, dut.clocks - early)
    m.d.comb += [
        here.eq(Mux(begins, 0, run) + term),
        sum_.eq(run + first),
        Assume(~adds | ~(known | begins) | ((here >= -most * half) & (here <= most * (half - 1)))),
        Assume(~converts | known),
        # A bare tile is a beat.
        Assume(~bare | begins | ~adds | (term == 0)),
        Assume(~bare | ~known | ((run >= -half) & (run < half))),
        Assume(~begins | adds),
        Assert(due | (code == 0)),
        when(due & ~bare, is_conversion(tiling, code, was)),
        when(due & bare, code == was),
        # Invariants that close the induction: the block's sum is this one.
        when(
            known,
            (run >= -most * half) & (run <= most * (half - 1)),
            inside[f"sum_{LANE}"] == sum_,
            bare | (first >= tiling.start - extreme),
            bare | (first <= tiling.start + max(extreme - 1, 0)),
        ),
        Assert(~bare | (first == 0)),
        Cover(due & ~bare & (code == -top) & (was < -most)),
        Cover(due & ~bare & (code == top - 1)),
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
