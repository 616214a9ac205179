"""On an ECP5 each pass's sums are the sums of its conversions, under any stalls.

FastConversions and TileEnds are proved by themselves: here any conversions come, and those of a
pass are those up to the clock in which its last beat's is due. The Reservation is too: it says at
any time whether it is open; that it is filled as it asks is part of the proof. A reset may come at
any time, and leaves conversions on their way.
"""

from types import ModuleType
from typing import Any
from unittest.mock import patch

from amaranth.asserts import AnySeq
from amaranth.hdl import (
    Assert,
    Const,
    Cover,
    Module,
    Mux,
    ResetInserter,
    Signal,
    signed,
)

from allspin.hdl.crossbar import (
    cells,
    columns,
    conversions,
    departure,
    fast_columns as source,
    lane as lane_source,
)
from allspin.hdl.crossbar.conversions import FastConversions
from allspin.hdl.crossbar.lane import Lane
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.tiling import Tiling
from tests.formal.crossbar_model import Departures, SumQueue
from tests.formal.proof import Mutant, Proof, about, anything, later, moves, pick, stand_in, when
from tests.formal.stand_ins import Waiting
from tests.formal.test_tiled_columns import Told


class Converted(FastConversions):
    """In place of FastConversions: any conversions."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += anything(self.conversions)
        return m


def properties(hdl: ModuleType, p: CrossbarParameters) -> Module:
    tiling: Any = p.tiling
    converted = stand_in(hdl, "FastConversions", Converted)
    reserved = stand_in(hdl, "Reservation", Waiting)
    words = cells.Ecp5Cells.clocks
    dut = hdl.FastColumns(p, words)
    with patch.object(columns, "TileEnds"):
        told = stand_in(columns, "TileEnds", Told)
        m, inside = about(dut)
    [conversions], [ends], [reservation] = converted, told, reserved
    # By the proofs of both, the last conversion of a pass comes so late, and that of the next one
    # later.
    lane_clocks = words + Lane(p).clocks
    due = lane_clocks - 1 + Converted.clocks
    deep = due + 1  # the sums have it then
    beat, arrives = dut.passes.payload, reservation.arrives
    taken = moves(dut.passes)

    # The last beats on their way, and sums of conversions.
    last = [later(m, taken & beat.last, clock) for clock in range(deep + 1)]
    final = [later(m, beat.final, clock) for clock in range(deep + 1)]
    shapes = [signed(p.lane_bits)] * p.lanes
    queue = SumQueue(m, p, 2, last[0], beat.final, arrives, shapes)
    departures = Departures(m, inside, "", p, reservation, queue, deep)
    age = departures.age
    sums = []
    for lane, conversion in enumerate(conversions.conversions):
        sum_ = Signal(shapes[lane], name=f"model_sum_{lane}")
        after = Signal.like(sum_, name=f"model_after_{lane}")
        m.d.comb += [
            after.eq(Mux(last[deep] | (age < deep), 0, sum_) + conversion),
            when(age >= 3, inside[f"accumulators.sum_{lane}"] == sum_),
        ]
        m.d.sync += sum_.eq(after)
        for place, places in enumerate(queue.sums):
            with m.If(last[due] & (queue.remain == place + 1)):
                m.d.sync += places[lane].eq(after)
        sums.append(sum_)
    m.d.comb += [
        Assert(Const(ends.clocks == lane_clocks - 2, 1)),
        Assert(dut.passes.ready == (~beat.last | ~departures.busy)),
        when(arrives, reservation.payload.last == (queue.final[0] & queue.ends)),
        [
            when(
                arrives & (queue.column + number < queue.count),
                found == (pick(queue.sums[0], queue.column + number) << tiling.shift),
            )
            for number, found in enumerate(reservation.payload.sums)
        ],
    ]

    # Invariants that close the induction: the content of the shadow, and the sums of it that have
    # set out.
    for clock in range(1, deep + 1):
        m.d.comb += [
            Assert(inside[f"last_{clock}"] == last[clock]),
            Assert(~last[clock] | (inside[f"final_{clock}"] == final[clock])),
            Assert((age >= clock) | ~last[clock]),
        ]
        departures.follow(clock, last[clock], final[clock], sums if clock == deep else [])
    departures.close()

    top, reset = Module(), Signal()
    top.submodules.properties = ResetInserter(reset)(m)
    again = Signal()
    top.d.sync += again.eq(again | (reset & departures.closing))
    top.d.comb += [
        reset.eq(AnySeq(1)),
        Cover(again & arrives & reservation.payload.last & (queue.waiting == 2)),
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
        parts=(conversions, departure, lane_source),
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
