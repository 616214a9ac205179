"""On an ECP5: each pass's sums are those of the conversions that come for it, whoever stalls it.

FastConversions and TileEnds are proved by themselves: here any conversions come, and those of a
pass are those up to the clock in which its last beat's is due. The Reservation is too: it says at
any time whether it is open; that it is filled as it asks is part of the proof. A reset may come at
any time, and leaves conversions on their way.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any
from unittest.mock import patch

from amaranth.asserts import AnySeq
from amaranth.hdl import (
    Assert,
    Cat,
    Const,
    Cover,
    Module,
    Mux,
    ResetInserter,
    Signal,
    Value,
    signed,
)

from allspin.hdl.crossbar import columns, departure, ecp5_cells
from allspin.hdl.crossbar import fast_columns as source
from allspin.hdl.crossbar.conversions import FastConversions
from allspin.hdl.crossbar.fast_columns import Lane
from allspin.hdl.parameters.crossbar import CrossbarParameters, Tiling
from tests.formal.proof import Mutant, Opened, Proof, when
from tests.formal.stand_ins import Waiting
from tests.formal.test_tiled_columns import Told


class Converted(FastConversions):
    """In place of FastConversions: any conversions."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self.any = Signal.like(self.conversions.as_value())
        m.d.comb += self.conversions.as_value().eq(self.any)
        return m


def properties(hdl: ModuleType, p: CrossbarParameters) -> Module:
    m = Module()
    tiling = p.tiling
    assert tiling is not None
    found: dict[type, Any] = {}

    def kept(kind: type) -> Callable[..., Any]:
        def make(*args: Any, **options: Any) -> Any:
            found[kind] = kind(*args, **options)
            return found[kind]

        return make

    words = ecp5_cells.Ecp5Cells.clocks
    dut = hdl.FastColumns(p, words)
    with (
        patch.object(hdl, "FastConversions", kept(Converted)),
        patch.object(hdl, "Reservation", kept(Waiting)),
        patch.object(columns, "TileEnds", kept(Told)),
    ):
        m.submodules.dut = inside = Opened(dut)
    conversions, ends, reservation = found[Converted], found[Told], found[Waiting]
    # By the proofs of both, the last conversion of a pass comes so late, and that of the next one
    # later.
    lane_clocks = words + Lane(p).clocks
    due = lane_clocks - 1 + Converted.clocks
    deep = due + 1  # the sums have it then
    beat, arrives = dut.passes.payload, reservation.arrives
    taken = Signal()
    m.d.comb += [
        Assert(Const(ends.clocks == lane_clocks - 2, 1)),
        conversions.any.eq(AnySeq(len(conversions.any))),
        taken.eq(dut.passes.valid & dut.passes.ready),
    ]
    lanes, step = range(p.lanes), p.neurons_per_clock
    age = Signal(range(deep + 1))  # since a reset
    m.d.sync += age.eq(Mux(age == deep, age, age + 1))

    # The last beats on their way.
    last: list[Value] = [taken & beat.last]
    final: list[Value] = [beat.final]
    for clock in range(1, deep + 1):
        last.append(Signal(name=f"flag_last_{clock}"))
        final.append(Signal(name=f"flag_final_{clock}"))
        m.d.sync += [last[clock].eq(last[clock - 1]), final[clock].eq(final[clock - 1])]
        m.d.comb += [
            Assert(inside[f"last_{clock}"] == last[clock]),
            Assert(~last[clock] | (inside[f"final_{clock}"] == final[clock])),
            Assert((age >= clock) | ~last[clock]),
        ]
    closing = Cat(last[1:]).any()

    # Sums of conversions; passes whose sums wait, of which one may still come.
    waiting, column = Signal(range(3)), Signal(range(p.lanes + step))
    finals = [Signal(name=f"model_final_{place}") for place in range(2)]
    sums = [
        [Signal(signed(p.lane_bits), name=f"model_sum_{place}_{lane}") for lane in lanes]
        for place in range(2)
    ]
    count = Mux(finals[0], p.columns - (p.passes - 1) * p.lanes, p.lanes)
    gone = arrives & (column + step >= count)
    remain = Signal.like(waiting)
    m.d.comb += [
        remain.eq(waiting - gone),
        Assert(~arrives | (waiting != 0)),
        Assert(~last[0] | (remain < 2)),
        Assert(waiting <= 2),
        Assert((waiting == 0) | (column < count)),
        Assert((waiting != 0) | (column == 0)),
        Assert((column & (step - 1)) == 0),
    ]
    m.d.sync += waiting.eq(remain + last[0])
    with m.If(arrives):
        m.d.sync += column.eq(Mux(gone, 0, column + step))
    with m.If(gone):
        m.d.sync += [finals[0].eq(finals[1])]
        m.d.sync += [one.eq(two) for one, two in zip(*sums, strict=True)]
    for place in range(2):
        with m.If(last[0] & (remain == place)):
            m.d.sync += finals[place].eq(final[0])
    afters = []
    for lane in lanes:
        sum_ = Signal(signed(p.lane_bits), name=f"model_sum_{lane}")
        after = Signal.like(sum_, name=f"model_after_{lane}")
        begins = last[deep] | (age < deep)
        m.d.comb += after.eq(Mux(begins, 0, sum_) + conversions.conversions[lane])
        m.d.sync += sum_.eq(after)
        for place in range(2):
            with m.If(last[due] & (remain == place + 1)):
                m.d.sync += sums[place][lane].eq(after)
        afters.append(sum_)
        m.d.comb += [
            when(
                age >= 3,
                inside[f"accumulators.sum_{lane}"] == sum_,
            ),
        ]

    # What the Reservation asks for: nothing sets out that may not, and all arrives.
    ahead = reservation.ahead
    left_open, set_out = reservation.check(m)
    with m.If(arrives):
        m.d.comb += Assert(reservation.payload.last == (finals[0] & (column + step >= count)))
        for number in range(step):
            with m.If(column + number < count):
                for lane in lanes:
                    with m.If(column + number == lane):
                        shifted = sums[0][lane] << tiling.shift
                        m.d.comb += Assert(reservation.payload.sums[number] == shifted)

    # What makes the induction close: what is in the shadow, and what of it has set out.
    busy, left, promised = (inside[f"departure.{name}"] for name in ("busy", "left", "promised"))
    draining = Signal()
    m.d.comb += [
        Assert(dut.passes.ready == (~beat.last | ~busy)),
        draining.eq((left != 0) | set_out[1] | set_out[2]),
        Assert(age <= deep),
        Assert(~draining | (age == deep)),
    ]
    earlier: Value = Const(0)
    for clock in range(1, deep + 1):
        with m.If(last[clock]):
            m.d.comb += [
                Assert(~earlier & busy),
                Assert(left <= max(0, deep - 1 - clock) * step),
                Assert((left == 0) | promised),
                Assert(final[clock] == Mux(draining, finals[1], finals[0])),
            ]
            if clock == deep:
                m.d.comb += Assert(~set_out[1])
                for lane in lanes:
                    own = Mux(draining, sums[1][lane], sums[0][lane])
                    m.d.comb += Assert(afters[lane] == own)
        earlier = earlier | last[clock]
    flush = inside["flush"]
    turns = [last[clock] | (age < clock) for clock in (deep - 1, deep)]
    leaves = range(-(-p.lanes // 4))
    m.d.comb += [
        Assert(flush == (Const(2 ** len(flush) - 1) << age)[: len(flush)]),
        when(
            age >= 1,
            inside["accumulators.turn_branch_0"] == turns[0],
            inside["accumulators.shift_branch_0"] == set_out[1],
        ),
    ]
    with m.If(age >= 2):
        for leaf in leaves:
            m.d.comb += [
                Assert(inside[f"accumulators.turn_leaf_0_{leaf}"] == turns[1]),
                Assert(inside[f"accumulators.shift_leaf_0_{leaf}"] == set_out[2]),
            ]
    out = [column + step * set_out[2], column + step * (set_out[2] + set_out[1])]
    [ends_image] = (s for s in inside.named("last") if len(s) == 2)
    [under_way] = (s for s in inside.named("arrives") if s is not arrives)
    m.d.comb += [
        Assert(waiting == draining + closing),
        Assert(~closing | (column == 0) | draining),
        Assert(~busy | closing | ((left != 0) & ~promised)),
        Assert(busy | (left == 0) | (promised & (left <= ahead * step))),
        Assert(~promised | ((left != 0) & (left <= left_open * step))),
        Assert(~set_out[2] | (ends_image[1] == (finals[0] & (column + step >= count)))),
        Assert(~set_out[1] | (ends_image[0] == (finals[0] & (out[0] + step >= count)))),
        Assert(~set_out[1] | (out[0] < count)),
        Assert(under_way == Cat(set_out[1], set_out[2])),
    ]
    with m.If(draining):
        m.d.comb += Assert(left == Mux(out[1] < count, count - out[1], 0))
        for lane in lanes:
            for first in range(0, p.lanes - lane, step):
                with m.If((column == first) & (first + lane < count)):
                    shadow = inside[f"accumulators.shadow_{lane}"]
                    m.d.comb += Assert(shadow == sums[0][first + lane])
    m.d.comb += [
        when(
            left != 0,
            inside["departure.image_ends"] == finals[0],
        ),
    ]

    top, reset = Module(), Signal()
    top.submodules.properties = ResetInserter(reset)(m)
    again = Signal()
    with top.If(reset & closing):
        top.d.sync += again.eq(1)
    top.d.comb += [
        reset.eq(AnySeq(1)),
        Cover(again & arrives & reservation.payload.last & (waiting == 2)),
    ]
    return top


def _proof(p: CrossbarParameters, *mutants: Mutant) -> Proof:
    return Proof(
        f"FastColumns in tiles, {p.lanes} lanes, {p.neurons_per_clock} a clock",
        source,
        lambda hdl: properties(hdl, p),
        depth=3,
        cover_depth=40,
        mutants=mutants,
        parts=(departure,),
        slow=True,
    )


PROOFS = [
    _proof(
        CrossbarParameters(16, 3, 2, 1, rah_bits=2, memory="ecp5", tiling=Tiling(8, 2, 1)),
        Mutant("clocks - 1 + tiles.clocks", "clocks + tiles.clocks", depth=20),
        Mutant("init=2 ** (term_clock - 1) - 1", "init=2 ** (term_clock - 3) - 1", depth=20),
        Mutant("self, tiles, clocks - 2)", "self, tiles, clocks - 1)"),
    ),
    _proof(
        CrossbarParameters(
            16,
            4,
            4,
            1,
            rah_bits=2,
            rows_per_clock=2,
            neurons_per_clock=2,
            memory="ecp5",
            tiling=Tiling(8, 2, 1),
        ),
        Mutant("one << p.tiling.shift", "one", depth=24),
    ),
]
