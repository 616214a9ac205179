"""TileStarts give each lane what was written last for its column in the tile that begins.

The offset of one converter is followed, whichever it is. No tile begins while bytes are on their
way to the memories.
"""

from collections.abc import Callable, Sequence
from types import ModuleType

from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import (
    Array,
    Assert,
    Assume,
    Cat,
    Const,
    Cover,
    Module,
    Mux,
    Signal,
    Value,
    signed,
)

from allspin.hdl.crossbar import tile_edges as source
from allspin.hdl.parameters.crossbar import OFFSET_BITS, CrossbarParameters, Tiling
from tests.formal.proof import Mutant, Opened, Proof


def chain(m: Module, value: Value, clocks: int, name: str) -> list[Value]:
    """A value, and what it was each of so many clocks ago."""
    found = [value]
    for clock in range(clocks):
        register = Signal(value.shape(), name=f"{name}_{clock}")
        m.d.sync += register.eq(found[-1])
        found.append(register)
    return found


def of(values: Sequence[int], index: Value) -> Value:
    return Array(Const(value, 8) for value in values)[index]


def properties(hdl: ModuleType, p: CrossbarParameters) -> Module:
    m = Module()
    tiling = p.tiling
    assert tiling is not None
    dut = hdl.TileStarts(p)
    m.submodules.dut = inside = Opened(dut)
    byte = dut.byte
    m.d.comb += [
        dut.valid.eq(AnySeq(1)),
        byte.as_value().eq(AnySeq(len(byte.as_value()))),
        dut.begins.eq(AnySeq(1)),
        dut.place.eq(AnySeq(len(dut.place))),
        Assume(dut.place < p.places),
    ]

    # Bytes come in the order of tiles, columns, and low and high.
    tile, column, high = Signal(range(p.tiles + 1)), Signal(range(p.columns)), Signal()
    low = Signal(8)
    next_tile, next_column, next_high = Signal.like(tile), Signal.like(column), Signal()
    ends = column == p.columns - 1
    offset = Signal(signed(OFFSET_BITS))
    m.d.comb += [
        tile.eq(Mux(byte.first, byte.tile, next_tile)),
        column.eq(Mux(byte.first, 0, next_column)),
        high.eq(~byte.first & next_high),
        offset.eq(low | byte.data << 8),
        Assume(~dut.valid | (tile < p.tiles)),
    ]
    with m.If(dut.valid):
        m.d.sync += [
            next_tile.eq(tile + (high & ends)),
            next_column.eq(Mux(high, Mux(ends, 0, column + 1), column)),
            next_high.eq(~high),
        ]
        with m.If(~high):
            m.d.sync += low.eq(byte.data)

    # The one that is followed, as soon as it is in its memory.
    mine_tile, mine_column = Signal(range(p.tiles)), Signal(range(p.columns))
    mine_lane, mine_place = Signal(range(p.lanes)), Signal(range(p.places))
    groups = [column // p.lanes for column in range(p.columns)]
    lanes = [column % p.lanes for column in range(p.columns)]
    m.d.comb += [
        mine_tile.eq(AnyConst(len(mine_tile))),
        mine_column.eq(AnyConst(len(mine_column))),
        Assume(mine_tile < p.tiles),
        Assume(mine_column < p.columns),
        mine_lane.eq(of(lanes, mine_column)),
        mine_place.eq(of(groups, mine_column) * p.tiles + mine_tile),
    ]
    # The layer's own register is counted there, where the way is long.
    way = source.write_clocks(p) - p.target.wide
    writes = chain(m, dut.valid & high, way, "writes")
    mine = chain(m, writes[0] & (tile == mine_tile) & (column == mine_column), way - 1, "mine")
    offsets = chain(m, offset, way - 1, "offset")
    stored, known = Signal(signed(tiling.start_bits)), Signal()
    with m.If(mine[-1]):
        m.d.sync += [stored.eq(offsets[-1].as_signed() + tiling.start), known.eq(1)]

    # What is asked for, and what is given.
    asks = chain(m, Cat(dut.begins, dut.begins & (dut.place == mine_place)), dut.clocks, "asks")
    was = chain(m, stored, dut.clocks, "stored")
    m.d.comb += Assume(~dut.begins | ~(dut.valid | Cat(writes).any()))
    with m.If(~asks[-1][0]):
        m.d.comb += Assert(~dut.starts.as_value().any())
    with m.If(asks[-1][1] & known):
        m.d.comb += Assert(Array(dut.starts)[mine_lane] == was[-1].as_signed())

    # What makes the induction close: where the next byte belongs, and what is in the memories.
    m.d.comb += [
        Assert(next_column < p.columns),
        Assert(inside["placer.next_high"] == next_high),
        Assert(inside["placer.next_tile"] == next_tile),
        Assert(inside["placer.next_column"] == next_column),
        Assert(inside["placer.next_lane"] == of(lanes, next_column)),
        Assert(inside["placer.next_base"] == of(groups, next_column) * p.tiles),
        Assert(~next_high | (inside["placer.low"] == low)),
    ]
    for lane in range(p.lanes):
        with m.If(known & (mine_lane == lane)):
            m.d.comb += Assert(inside.word(f"lane_{lane}", mine_place).as_signed() == stored)
    m.d.comb += Cover(
        asks[-1][1] & known & (mine_column == p.columns - 1) & (mine_tile == p.tiles - 1)
    )
    return m


def _proof(memory: str, *mutants: Mutant, slow: bool = False) -> Proof:
    p = CrossbarParameters(16, 3, 2, 1, memory=memory, tiling=Tiling(8, 4, 2, offsets=True))
    return Proof(
        f"TileStarts, {memory}",
        source,
        lambda hdl: properties(hdl, p),
        depth=8,
        cover_depth=16,
        mutants=mutants,
        slow=slow,
    )


PROOFS = [
    _proof(
        "block",
        Mutant('here["column"] == p.columns - 1', 'here["column"] == p.columns'),
        Mutant('here["lane"] == p.lanes - 1', 'here["lane"] == p.lanes'),
        Mutant('here["base"] + p.tiles', 'here["base"] + 1'),
        Mutant("offset + p.tiling.start", "offset"),
        Mutant("(write_here.lane == lane)", "(write_here.lane == 0)"),
        Mutant("Cat(low, byte.data)", "Cat(byte.data, low)"),
        Mutant('start = byte.tile if name == "tile" else 0', "start = 0", depth=16),
        slow=True,
    ),
    _proof(
        "ecp5",
        Mutant("Mux(ask.begins, read.data, 0)", "read.data"),
        Mutant('here["tile"] + 1', 'here["tile"]', depth=20),
    ),
]


def test_tile_starts(prove: Callable[[], None]) -> None:
    prove()
