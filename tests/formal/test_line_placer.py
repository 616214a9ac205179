"""A LinePlacer gives each line once its last word has come, with the states of all of them.

The CellPlacer is proved by itself: here words come at the places that it gives, column by column,
and a row may begin at any time. The word of one column is followed, whichever it is.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any
from unittest.mock import patch

from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Array, Assert, Assume, Const, Cover, Module, Signal, Value

from allspin.hdl.crossbar import placers as source
from allspin.hdl.crossbar.placers import CellPlacer
from allspin.hdl.parameters.crossbar import CrossbarParameters, UniformLevels
from tests.formal.proof import Mutant, Opened, Proof


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
    m = Module()
    assert p.levels is not None
    placers: list[Placed] = []

    def placed(parameters: CrossbarParameters) -> Placed:
        placers.append(Placed(parameters))
        return placers[-1]

    dut = hdl.LinePlacer(p)
    with patch.object(hdl, "CellPlacer", placed):
        m.submodules.dut = Opened(dut)
    [placer] = placers

    # Where each column's words go, and which line of all.
    columns = range(p.columns)
    lines = [(c // p.lanes, c % p.lanes // p.bank_lanes) for c in columns]
    numbers = [sorted(set(lines)).index(line) for line in lines]
    ends = [numbers[c] not in numbers[c + 1 :] for c in columns]
    lanes = [c % p.lanes % p.bank_lanes for c in columns]

    def of(values: Any, index: Value) -> Value:
        return Array(Const(value, 8) for value in values)[index]

    column, last = Signal(range(p.columns)), Signal(range(p.columns))
    some = Signal()  # a word has come
    place: Any = Signal(placer.place.shape())
    m.d.comb += [
        column.eq(AnySeq(len(column))),
        place.as_value().eq(AnySeq(len(place.as_value()))),
        placer.outside.eq(place.as_value()),
        placer.comes.eq(AnySeq(1)),
        placer.ends.eq(of(ends, column)),
        Assume(column < p.columns),
        Assume((column == 0) | (some & (column == last + 1))),
        Assume(place.lane == of(lanes, column)),
        Assert(last < p.columns),
    ]
    mine = Signal(range(p.columns))
    m.d.comb += [mine.eq(AnyConst(len(mine))), Assume(mine < p.columns)]
    state, want = Signal(p.word_bits), Signal(p.word_bits)
    m.d.comb += Assume(want < p.levels.count)
    m.d.comb += want.eq(AnySeq(len(want)))
    follows = placer.comes & (column == mine)
    m.d.comb += Assume(~follows | (place.word == p.levels.lowest + p.levels.step * want))
    due = Signal()
    before: Any = Signal.like(place)
    m.d.sync += due.eq(placer.comes & of(ends, column))
    with m.If(placer.comes):
        m.d.sync += [some.eq(1), last.eq(column), before.eq(place)]
    with m.If(follows):
        m.d.sync += state.eq(want)
    m.d.comb += Assert(dut.valid == due)
    with m.If(some):
        m.d.comb += [
            Assert(dut.place[name] == before[name]) for name in ("part", "bank", "address")
        ]
        with m.If((of(numbers, last) == of(numbers, mine)) & (last >= mine)):
            m.d.comb += Assert(dut.place.states[of(lanes, mine)] == state)
    m.d.comb += Cover(dut.valid & (last == p.columns - 1) & (state == p.levels.count - 1))
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


def test_line_placer(prove: Callable[[], None]) -> None:
    prove()
