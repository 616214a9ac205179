"""Sums of columns in tiles: each tile's conversion is added, of the beats of that tile alone.

TileEnds and the conversion itself are proved by themselves: here a beat begins a tile when it
drives rows of a new tile, and a plain formula below converts. Any words come, a clock after their
beat.
"""

from types import ModuleType
from typing import Any

from amaranth.hdl import Assert, Assume, Const, Cover, Module, Mux, Signal, Value, signed
from amaranth.lib import data

from allspin.hdl.crossbar import columns as source, conversions
from allspin.hdl.crossbar.columns import FLAGS
from allspin.hdl.crossbar.tile_ends import TileEnds
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.tiling import Tiling
from tests.formal.crossbar_model import SumQueue, check_shadow
from tests.formal.proof import Mutant, Proof, about, later, moves, pick, stand_in, when

WORDS = 1
"""Clocks from a beat to its words."""


class Told(TileEnds):
    """Stand-in for TileEnds, driven from outside."""

    def __init__(self, parameters: CrossbarParameters, clocks: int) -> None:
        super().__init__(parameters, clocks)
        self.clocks = clocks
        self.said = [Signal(name=name) for name in ("says_begins", "says_converts")]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += [self.begins.eq(self.said[0]), self.converts.eq(self.said[1])]
        return m


def converted(tiling: Tiling, sum_: Value, width: int) -> Value:
    """Return the conversion of a sum with its half step."""
    top = 1 << tiling.bits - 1
    read = sum_ >> tiling.shift
    return Mux(read >= top, top - 1, Mux(read < -top, -top, read))[:width].as_signed()


def properties(hdl: ModuleType, p: CrossbarParameters) -> Module:
    tiling: Any = p.tiling
    parts = range(p.rows_per_clock)
    told = stand_in(hdl, "TileEnds", Told)
    m, inside = about(dut := hdl.PortableColumns(p, WORDS))
    [ends] = told
    beat, sums = dut.passes.payload, dut.sums
    taken, leaves = moves(dut.passes), moves(dut.sums)
    starts = taken & beat.last

    # A beat at the stage of its products.
    clocks = 3 + (len(parts) > 1)
    first: Any = Signal(FLAGS, name="flags")
    flags: list[Any] = [first]
    m.d.comb += [
        Assert(Const(ends.clocks == clocks, 1)),
        first.valid.eq(taken),
        first.last.eq(beat.last),
        first.final.eq(beat.final),
    ]
    queue = SumQueue(m, p, 1, starts, beat.final, leaves, [signed(p.lane_bits)] * p.lanes)
    age = Signal(range(clocks + 4))
    m.d.sync += age.eq(Mux(starts, 1, Mux(age == clocks + 3, age, age + 1)))
    names = ["read", "word", "product", *["rows"] * (len(parts) > 1), "tile", "conversion"]
    closing: Value = Const(0)
    for clock, name in enumerate(names, 1):
        flag: Any = Signal(FLAGS, name=f"flags_{clock}")
        own: Any = data.View(FLAGS, inside[name])
        ends_here = flag.valid & flag.last
        m.d.sync += flag.eq(flags[-1])
        m.d.comb += [
            Assert(own.valid == flag.valid),
            Assert(~flag.valid | (own.as_value() == flag.as_value())),
            when(ends_here, ~closing, (age == clock) & (flag.final == queue.final[0])),
        ]
        closing = closing | ends_here
        flags.append(flag)
    here, behind, leaving = flags[clocks : clocks + 3]
    tile = later(m, beat.tiles[0], clocks)
    values = [later(m, beat.values[part], WORDS) for part in parts]
    drives = here.valid & later(m, beat.values.as_value().any(), clocks)
    last, closed = here.valid & here.last, behind.valid & behind.last

    # Tiles and their sums, and each pass's sum of conversions.
    open_, current, ended = Signal(), Signal.like(beat.tiles[0]), Signal()
    begins = drives & (~open_ | (tile != current))
    completes = begins & open_
    m.d.sync += [
        open_.eq((open_ | drives) & ~last),
        ended.eq((open_ | drives) & last),
        current.eq(Mux(drives, tile, current)),
    ]
    left = inside["left"]
    m.d.comb += [
        ends.said[0].eq(begins),
        ends.said[1].eq(completes | ended),
        dut.bare.eq(0),
        Assume(~taken | (beat.tiles[0] < p.tiles)),
        Assert(~ended | closed),
        Assert(~(open_ & ended)),
        # A pass's sums wait for those before them to leave.
        Assert(dut.passes.ready == (~beat.last | (queue.waiting == 0))),
        Assert(sums.valid == ((queue.waiting != 0) & (age == clocks + 3))),
        Assert((queue.waiting != 0) == (closing | (left != 0))),
        Assert(~closing | ((left == 0) & (queue.column == 0))),
        when(
            left != 0,
            (left == queue.count - queue.column) & (queue.column < queue.count),
            inside["image_ends"] == queue.final[0],
            ~closed,
        ),
        when(sums.valid, sums.payload.last == (queue.final[0] & queue.ends)),
        [
            when(
                sums.valid & (queue.column + number < queue.count),
                found == pick(queue.sums[0], queue.column + number) << tiling.shift,
            )
            for number, found in enumerate(sums.payload.sums)
        ],
        Cover(leaves & sums.payload.last & (sums.payload.sums[0] == -(3 << tiling.shift))),
    ]
    check_shadow(m, inside, "accumulators.", p, queue, lambda at: left > at - queue.column)
    width = p.tile_widths.conversion
    for lane, result in enumerate(queue.sums[0]):
        sum_ = Signal(signed(p.tile_widths.running), name=f"tile_sum_{lane}")
        grown = Signal.like(sum_, name=f"grown_{lane}")
        total, so_far, whole = (
            Signal.like(result, name=f"{name}_{lane}") for name in ("total", "so_far", "whole")
        )
        term = later(m, sum(dut.words[part][lane] * values[part] for part in parts), clocks - WORDS)
        m.d.sync += [sum_.eq(grown), total.eq(Mux(last, 0, so_far))]
        with m.If(last):
            m.d.sync += result.eq(whole)

        # Invariants that close the induction: the conversions, and those that are added already.
        added, on_its_way = Signal.like(total), Signal.like(total)
        pending = Mux(ended, converted(tiling, sum_, width), 0)
        all_of_it = leaving.valid & leaving.last
        m.d.comb += [
            grown.eq(Mux(begins, tiling.start, sum_) + Mux(drives, term, 0)),
            so_far.eq(total + Mux(completes, converted(tiling, sum_, width), 0)),
            whole.eq(so_far + Mux(open_ | drives, converted(tiling, grown, width), 0)),
            added.eq(Mux(all_of_it, result, Mux(closed, result - pending, total))),
            on_its_way.eq(
                inside[f"accumulators.sum_{lane}"] + inside[f"conversions.conversion_{lane}"]
            ),
            when(open_ | ended, inside[f"conversions.sum_{lane}"] == sum_),
            when(closed | all_of_it, total == 0),
            Assert(added == on_its_way),
        ]
    return m


def _proof(name: str, p: CrossbarParameters, *mutants: Mutant) -> Proof:
    return Proof(
        f"Columns in tiles, {name}",
        source,
        lambda hdl: properties(hdl, p),
        depth=5,
        mutants=mutants,
        parts=(conversions,),
    )


PROOFS = [
    _proof(
        "2 lanes of 3",
        CrossbarParameters(16, 3, 2, value_bits=1, rah_bits=3, tiling=Tiling(8, 3, 1)),
        Mutant("ends.eq(final.valid & final.last)", "ends.eq(stages[-2].valid & stages[-2].last)"),
        Mutant("stages[clocks - 1].valid", "stages[clocks - 2].valid"),
        Mutant("clocks = len(products.stages)", "clocks = len(products.stages) + 1"),
        Mutant("sum_ << p.tiling.shift", "sum_"),
    ),
    _proof(
        "two rows and neurons per clock",
        CrossbarParameters(
            16,
            3,
            2,
            value_bits=1,
            rah_bits=2,
            rows_per_clock=2,
            neurons_per_clock=2,
            tiling=Tiling(8, 2, 1),
        ),
        Mutant("conversions.conversions, Const(1)", "conversions.conversions, adds"),
    ),
]
