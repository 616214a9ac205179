"""Sums of columns in tiles: each tile's conversion is added, of the beats of that tile alone.

TileEnds and the conversion itself are proved by themselves: here a beat begins a tile when it
drives rows of another than the one that is open, and what is converted is said again below. Any
words come, a clock after their beat.
"""

from types import ModuleType
from typing import Any
from unittest.mock import patch

from amaranth.hdl import Array, Assert, Assume, Const, Cover, Module, Mux, Signal, Value, signed
from amaranth.lib import data

from allspin.hdl.crossbar import columns as source
from allspin.hdl.crossbar import conversions
from allspin.hdl.crossbar.columns import FLAGS
from allspin.hdl.crossbar.tile_edges import TileEnds
from allspin.hdl.parameters.crossbar import CrossbarParameters, Tiling
from tests.formal.proof import Mutant, Opened, Proof

WORDS = 1
"""Clocks from a beat to its words."""


class Told(TileEnds):
    """In place of TileEnds: what it says comes from outside."""

    def __init__(self, parameters: CrossbarParameters, clocks: int) -> None:
        super().__init__(parameters, clocks)
        self.clocks = clocks
        self.said = [Signal(name=name) for name in ("says_begins", "says_converts")]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += [self.begins.eq(self.said[0]), self.converts.eq(self.said[1])]
        return m


def converted(tiling: Tiling, sum_: Value, width: int) -> Value:
    """Of a sum with its half step."""
    top = 1 << tiling.bits - 1
    read = sum_ >> tiling.shift
    return Mux(read >= top, top - 1, Mux(read < -top, -top, read))[:width].as_signed()


def later(m: Module, value: Value | int, clocks: int, name: str) -> Value:
    value = Value.cast(value)
    for clock in range(clocks):
        register = Signal(value.shape(), name=f"{name}_{clock}")
        m.d.sync += register.eq(value)
        value = register
    return value


def properties(hdl: ModuleType, p: CrossbarParameters) -> Module:
    m = Module()
    tiling = p.tiling
    assert tiling is not None
    parts, lanes, step = range(p.rows_per_clock), range(p.lanes), p.neurons_per_clock
    told: list[Told] = []

    def made(parameters: CrossbarParameters, clocks: int) -> Told:
        told.append(Told(parameters, clocks))
        return told[-1]

    dut = hdl.PortableColumns(p, WORDS)
    with patch.object(hdl, "TileEnds", made):
        m.submodules.dut = inside = Opened(dut)
    [ends] = told
    beat, sums = dut.passes.payload, dut.sums
    taken, leaves = Signal(), Signal()
    m.d.comb += [
        taken.eq(dut.passes.valid & dut.passes.ready),
        leaves.eq(sums.valid & sums.ready),
    ]

    # A beat where its products are there.
    clocks = 3 + (len(parts) > 1)
    m.d.comb += Assert(Const(ends.clocks == clocks, 1))
    flags: list[Any] = [Signal(FLAGS, name="flags")]
    m.d.comb += [
        flags[0].valid.eq(taken),
        flags[0].last.eq(beat.last),
        flags[0].final.eq(beat.final),
    ]
    names = ["read", "word", "product", *["rows"] * (len(parts) > 1), "tile", "conversion"]
    closing: Value = Signal()
    for clock, name in enumerate(names, 1):
        flag: Any = Signal(FLAGS, name=f"flags_{clock}")
        own: Any = data.View(FLAGS, inside[name])
        m.d.sync += flag.eq(flags[-1])
        m.d.comb += [
            Assert(own.valid == flag.valid),
            Assert(~flag.valid | (own.as_value() == flag.as_value())),
            Assert(~(flag.valid & flag.last) | ~closing),
        ]
        closing = closing | (flag.valid & flag.last)
        flags.append(flag)
    here, behind, leaving = flags[clocks], flags[clocks + 1], flags[clocks + 2]
    tile = later(m, beat.tiles[0], clocks, "tiles")
    values = [later(m, beat.values[part], WORDS, f"values_{part}") for part in parts]
    drives = Signal()
    m.d.comb += drives.eq(here.valid & later(m, beat.values.as_value().any(), clocks, "drives"))
    terms = [
        later(
            m,
            sum((dut.words[part][lane] * values[part] for part in parts[1:]),
                dut.words[0][lane] * values[0]),
            clocks - WORDS,
            f"term_{lane}",
        )
        for lane in lanes
    ]  # fmt: skip

    # Tiles and their sums, and each pass's sum of conversions.
    open_, current, ended = Signal(), Signal.like(beat.tiles[0]), Signal()
    begins, completes = Signal(), Signal()
    m.d.comb += [
        begins.eq(drives & (~open_ | (tile != current))),
        completes.eq(begins & open_),
        ends.said[0].eq(begins),
        ends.said[1].eq(completes | ended),
        dut.bare.eq(0),
    ]
    m.d.sync += [
        open_.eq((open_ | drives) & ~(here.valid & here.last)),
        ended.eq((open_ | drives) & here.valid & here.last),
    ]
    with m.If(drives):
        m.d.sync += current.eq(tile)
    width = p.tile_widths.conversion
    results = []
    for lane in lanes:
        sum_ = Signal(signed(p.tile_widths.running), name=f"tile_sum_{lane}")
        grown = Signal.like(sum_, name=f"grown_{lane}")
        total = Signal(signed(p.lane_bits), name=f"total_{lane}")
        result = Signal.like(total, name=f"result_{lane}")
        so_far, whole = Signal.like(total, name=f"so_far_{lane}"), Signal.like(total)
        m.d.comb += [
            grown.eq(Mux(begins, tiling.start, sum_) + Mux(drives, terms[lane], 0)),
            so_far.eq(total + Mux(completes, converted(tiling, sum_, width), 0)),
            whole.eq(so_far + Mux(open_ | drives, converted(tiling, grown, width), 0)),
        ]
        m.d.sync += [sum_.eq(grown), total.eq(so_far)]
        with m.If(here.valid & here.last):
            m.d.sync += [total.eq(0), result.eq(whole)]
        results.append(result)

        # What makes the induction close: what is converted, and what is added already.
        own_sum = inside[f"conversions.sum_{lane}"]
        conversion = inside[f"conversions.conversion_{lane}"]
        added, on_its_way = Signal.like(total), Signal.like(total)
        pending = Mux(ended, converted(tiling, sum_, width), 0)
        meant = Mux(behind.valid & behind.last, result - pending, total)
        m.d.comb += [
            added.eq(Mux(leaving.valid & leaving.last, result, meant)),
            on_its_way.eq(inside[f"accumulators.sum_{lane}"] + conversion),
            Assert(~(open_ | ended) | (own_sum == sum_)),
            Assert(~((behind.valid & behind.last) | (leaving.valid & leaving.last)) | (total == 0)),
            Assert(added == on_its_way),
        ]
    m.d.comb += [
        Assert(~ended | (behind.valid & behind.last)),
        Assert(~(open_ & ended)),
    ]

    # A pass's sums wait for those before them to leave.
    waits, column, final = Signal(), Signal(range(p.lanes + step)), Signal()
    count = Mux(final, p.columns - (p.passes - 1) * p.lanes, p.lanes)
    gone = leaves & (column + step >= count)
    age = Signal(range(clocks + 4))
    m.d.sync += waits.eq((waits & ~gone) | (taken & beat.last))
    with m.If(taken & beat.last):
        m.d.sync += [age.eq(1), final.eq(beat.final)]
    with m.Elif(age != clocks + 3):
        m.d.sync += age.eq(age + 1)
    with m.If(leaves):
        m.d.sync += column.eq(Mux(gone, 0, column + step))
    left = inside["left"]
    m.d.comb += [
        Assert(dut.passes.ready == (~beat.last | ~waits)),
        Assert(sums.valid == (waits & (age == clocks + 3))),
        Assert(waits == (closing | (left != 0))),
        Assert(~closing | ((left == 0) & (column == 0))),
        Assert((left == 0) | ((left == count - column) & (column < count))),
        Assert((left == 0) | (inside["image_ends"] == final)),
        Assert(waits | (column == 0)),
        Assert((column & (step - 1)) == 0),
    ]
    for clock in range(1, clocks + 3):
        flag = flags[clock]
        ends_here = flag.valid & flag.last
        m.d.comb += Assert(~ends_here | ((age == clock) & (flag.final == final)))
    with m.If(left != 0):
        m.d.comb += Assert(~behind.last | ~behind.valid)
        for lane in lanes:
            for out in range(0, p.lanes - lane, step):
                with m.If((column == out) & (lane < left)):
                    shadow = inside[f"accumulators.shadow_{lane}"]
                    m.d.comb += Assert(shadow == results[out + lane])
    with m.If(sums.valid):
        m.d.comb += Assert(sums.payload.last == (final & (column + step >= count)))
        for number in range(step):
            with m.If(column + number < count):
                expected = Array(results)[column + number] << tiling.shift
                m.d.comb += Assert(sums.payload.sums[number] == expected)
    m.d.comb += [
        Assume(~taken | (beat.tiles[0] < p.tiles)),
        Cover(leaves & sums.payload.last & (sums.payload.sums[0] == -(3 << tiling.shift))),
    ]
    return m


def _proof(name: str, p: CrossbarParameters, *mutants: Mutant, slow: bool = False) -> Proof:
    return Proof(
        f"Columns in tiles, {name}",
        source,
        lambda hdl: properties(hdl, p),
        depth=5,
        mutants=mutants,
        slow=slow,
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
        slow=True,
    ),
]
