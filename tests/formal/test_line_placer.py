"""A LinePlacer gives each line once its last word has come, with the states of all of them.

The CellPlacer is proved by itself: here words come at the places that it gives, column by column,
and a row may begin at any time. The proof follows the word of one column, any.
"""

from types import ModuleType
from typing import Any

from amaranth.asserts import AnySeq
from amaranth.hdl import Assert, Assume, Cover, Module, Signal

from allspin.hdl.crossbar import line_placer as source
from allspin.hdl.crossbar.cell_placer import CellPlacer
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.uniform_levels import UniformLevels
from tests.formal.proof import (
    Mutant,
    Proof,
    about,
    anything,
    later,
    number_below,
    pick,
    stand_in,
    when,
)


class Placed(CellPlacer):
    """In place of a CellPlacer: words are placed from outside."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self.outside = outside = Signal.like(self.place.as_value())
        self.comes, self.ends = Signal(), Signal()
        m.d.comb += [
            self.place.as_value().eq(outside),
            self.valid.eq(self.comes),
            self.completes.eq(self.ends),
        ]
        return m


def properties(hdl: ModuleType, p: CrossbarParameters) -> Module:
    levels: Any = p.levels
    placers = stand_in(hdl, "CellPlacer", Placed)
    m, _ = about(dut := hdl.LinePlacer(p))
    [placer] = placers

    # Place of each column's words, and their line.
    columns = range(p.columns)
    lines = [(c // p.lanes, c % p.lanes // p.bank_lanes) for c in columns]
    numbers = [sorted(set(lines)).index(line) for line in lines]
    ends = [numbers[c] not in numbers[c + 1 :] for c in columns]
    lanes = [c % p.lanes % p.bank_lanes for c in columns]

    column, last = Signal(range(p.columns)), Signal(range(p.columns))
    mine = number_below(m, p.columns)
    state, want = Signal(p.word_bits), Signal(p.word_bits)
    place: Any = Signal(placer.place.shape())
    before: Any = Signal.like(place)
    some = Signal()  # a word has come
    follows = placer.comes & (column == mine)
    with m.If(placer.comes):
        m.d.sync += [some.eq(1), last.eq(column), before.eq(place)]
    with m.If(follows):
        m.d.sync += state.eq(want)
    m.d.comb += [
        anything(column),
        anything(place),
        anything(want),
        placer.outside.eq(place),
        placer.comes.eq(AnySeq(1)),
        placer.ends.eq(pick(ends, column)),
        Assume(column < p.columns),
        Assume((column == 0) | (some & (column == last + 1))),
        Assume(place.lane == pick(lanes, column)),
        Assume(want < levels.count),
        Assume(~follows | (place.word == levels.lowest + levels.step * want)),
        Assert(last < p.columns),
        Assert(dut.valid == later(m, placer.comes & pick(ends, column))),
        when(some, *(dut.place[name] == before[name] for name in ("part", "bank", "address"))),
        when(
            some & (pick(numbers, last) == pick(numbers, mine)) & (last >= mine),
            dut.place.states[pick(lanes, mine)] == state,
        ),
        Cover(dut.valid & (last == p.columns - 1) & (state == levels.count - 1)),
    ]
    return m


PROOFS = [
    Proof(
        f"LinePlacer, {name}",
        source,
        lambda hdl, p=p: properties(hdl, p),
        depth=1,
        mutants=(
            Mutant("placer.valid & placer.completes", "placer.valid"),
            Mutant("[placer.place.lane].eq(state)", "[0].eq(state)"),
            Mutant("state.eq(number)", "state.eq(0)"),
        ),
    )
    for name, p in (
        (
            "block RAM",
            CrossbarParameters(
                3, 11, lanes=6, value_bits=2, rows_per_clock=2, levels=UniformLevels(10, 28, -126)
            ),
        ),
        (
            "ECP5",
            CrossbarParameters(
                3, 13, lanes=7, value_bits=2, memory="ecp5", levels=UniformLevels(100, 2, -99)
            ),
        ),
    )
]
