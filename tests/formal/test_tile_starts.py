"""TileStarts give each lane the last written start of its column in the tile that begins.

The proof follows the offset of one converter, any. No tile begins while bytes are on their way to
the memories.
"""

from types import ModuleType
from typing import Any

from amaranth.hdl import (
    Array,
    Assert,
    Assume,
    Cat,
    Cover,
    Module,
    Mux,
    Signal,
    signed,
)

from allspin.hdl.crossbar import tile_starts as source
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.tiling import OFFSET_BITS, Tiling
from tests.formal.proof import Mutant, Proof, about, later, number_below, pick, when


def properties(hdl: ModuleType, p: CrossbarParameters) -> Module:
    tiling: Any = p.tiling
    m, inside = about(dut := hdl.TileStarts(p))
    byte = dut.byte

    # Bytes come in the order of tiles, columns, and low and high.
    low = Signal(8)
    next_tile, next_column, next_high = (
        Signal(range(p.tiles + 1)), Signal(range(p.columns)), Signal()
    )  # fmt: skip
    tile, column = Mux(byte.first, byte.tile, next_tile), Mux(byte.first, 0, next_column)
    high, ends = ~byte.first & next_high, column == p.columns - 1
    with m.If(dut.valid):
        m.d.sync += [
            next_tile.eq(tile + (high & ends)),
            next_column.eq(Mux(high, Mux(ends, 0, column + 1), column)),
            next_high.eq(~high),
            low.eq(Mux(high, low, byte.data)),
        ]

    # The one that is followed, as soon as it is in its memory.
    mine_tile, mine_column = number_below(m, p.tiles), number_below(m, p.columns)
    groups = [column // p.lanes for column in range(p.columns)]
    lanes = [column % p.lanes for column in range(p.columns)]
    mine_lane, mine_place = Signal(range(p.lanes)), Signal(range(p.places))
    # The way includes the layer's own register, where the way is long.
    way = source.write_clocks(p) - p.target.wide
    writes = [later(m, dut.valid & high, clock) for clock in range(way + 1)]
    mine = later(m, writes[0] & (tile == mine_tile) & (column == mine_column), way - 1)
    offset = later(m, low | byte.data << 8, way - 1, shape=OFFSET_BITS)
    stored, known = Signal(signed(tiling.start_bits)), Signal()
    with m.If(mine):
        m.d.sync += [stored.eq(offset.as_signed() + tiling.start), known.eq(1)]

    # Request, and output.
    asks = later(m, Cat(dut.begins, dut.begins & (dut.place == mine_place)), dut.clocks)
    m.d.comb += [
        mine_lane.eq(pick(lanes, mine_column)),
        mine_place.eq(pick(groups, mine_column) * p.tiles + mine_tile),
        Assume(dut.place < p.places),
        Assume(~dut.valid | (tile < p.tiles)),
        Assume(~dut.begins | ~(dut.valid | Cat(writes).any())),
        when(~asks[0], ~dut.starts.as_value().any()),
        when(
            asks[1] & known,
            Array(dut.starts)[mine_lane] == later(m, stored, dut.clocks),
        ),
        # Invariants that close the induction: the place of the next byte, and the content of the
        # memories.
        Assert(next_column < p.columns),
        Assert(inside["placer.next_high"] == next_high),
        Assert(inside["placer.next_tile"] == next_tile),
        Assert(inside["placer.next_column"] == next_column),
        Assert(inside["placer.next_lane"] == pick(lanes, next_column)),
        Assert(inside["placer.next_base"] == pick(groups, next_column) * p.tiles),
        Assert(~next_high | (inside["placer.low"] == low)),
        [
            when(
                known & (mine_lane == lane),
                inside.word(f"lane_{lane}", mine_place).as_signed() == stored,
            )
            for lane in range(p.lanes)
        ],
        Cover(asks[1] & known & (mine_column == p.columns - 1) & (mine_tile == p.tiles - 1)),
    ]
    return m


def _proof(memory: str, *mutants: Mutant) -> Proof:
    p = CrossbarParameters(16, 3, 2, 1, memory=memory, tiling=Tiling(8, 4, 2, offsets=True))
    return Proof(
        f"TileStarts, {memory}",
        source,
        lambda hdl: properties(hdl, p),
        depth=8,
        cover_depth=16,
        mutants=mutants,
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
    ),
    _proof(
        "ecp5",
        Mutant("Mux(ask.begins, read.data, 0)", "read.data"),
        Mutant('here["tile"] + 1', 'here["tile"]', depth=20),
    ),
]
