"""TileEnds tell each tile that has a driven row, once: its first beat, and when all have been.

Tiles of a pass come in order, as rows do; in a beat all driven rows are of one tile. Each tile is
followed by itself, where the block keeps the number of the one that is open.
"""

from types import ModuleType

from amaranth.hdl import Assert, Assume, Cat, Const, Cover, Module, Signal

from allspin.hdl.crossbar import tile_ends as source
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.tiling import Tiling
from tests.formal.proof import Mutant, Proof, about, anything, later


def properties(hdl: ModuleType, p: CrossbarParameters, clocks: int) -> Module:
    m, inside = about(dut := hdl.TileEnds(p, clocks))
    tile = Signal(range(p.places))
    m.d.comb += [
        anything(tile),
        Assume(tile < p.places),
        [
            Assume(~value.any() | (own == tile))
            for value, own in zip(dut.values, dut.tiles, strict=True)
        ],
    ]

    # State of a beat when the block looks at it, which may be later.
    ahead = 1 + p.target.wide
    drives = later(m, dut.taken & Cat(value.any() for value in dut.values).any(), ahead)
    ends = later(m, dut.taken & dut.last, ahead)
    tile = later(m, tile, ahead)
    ended = later(m, ends)  # the beat before was its pass's last
    seen = [Signal(name=f"seen_{number}") for number in range(p.places)]  # in this pass
    left = [Signal(name=f"left_{number}") for number in range(p.places)]  # and not complete
    open_, current, begins, completes = inside["open_"], inside["current"], Const(0), Const(0)
    for number, (one_seen, one_left) in enumerate(zip(seen, left, strict=True)):
        here, is_current = drives & (tile == number), current == number
        converts = one_left & (ended | (drives & ~here))
        begins, completes = begins | (here & ~one_seen), completes | converts
        m.d.sync += [
            one_seen.eq((one_seen | here) & ~ends),
            one_left.eq((one_left & ~converts) | here),
        ]
        m.d.comb += [
            Assume(~here | ~Cat(seen[number + 1 :]).any()),
            # Invariants that close the induction: the block's view of the open tile.
            Assert(~open_ | (one_left == is_current)),
            Assert(~open_ | ~is_current | one_seen),
            Assert(~one_seen | (number <= current)),
            Assert(~one_left | ~ended | is_current),
        ]
    said = later(m, Cat(begins, completes, tile), clocks - ahead)
    some_left = Cat(left).any()
    m.d.comb += [
        Assert(dut.begins == said[0]),
        Assert(dut.converts == said[1]),
        Assert(~dut.begins | (dut.tile == said[2:])),
        Assert(open_ == Cat(seen).any()),
        Assert(~(open_ & ended)),
        Assert(current < p.places),
        Assert(inside["complete"] == (ended & some_left)),
        Assert(~some_left | open_ | ended),
        Cover(dut.begins & dut.converts & (dut.tile == p.places - 1)),
        Cover(dut.converts & ~dut.begins & ~some_left),
    ]
    return m


def _proof(rows_per_clock: int, memory: str, clocks: int, *mutants: Mutant) -> Proof:
    p = CrossbarParameters(
        24, 1, 1, 1, rows_per_clock=rows_per_clock, memory=memory, tiling=Tiling(8, 2, 0)
    )
    return Proof(
        f"TileEnds, {memory}, {rows_per_clock} a clock",
        source,
        lambda hdl: properties(hdl, p, clocks),
        depth=6,
        mutants=mutants,
    )


PROOFS = [
    _proof(
        1,
        "block",
        3,
        Mutant("~open_ | (tile != current)", "tile != current"),
        Mutant("(begins & open_) | complete", "begins & open_"),
        Mutant("(open_ | drive) & ~last", "open_ | drive"),
        Mutant("complete.eq((open_ | drive) & last)", "complete.eq(open_ & last)"),
    ),
    _proof(
        2,
        "ecp5",
        4,
        Mutant("Mux(drives[part], tiles[part], 0)", "tiles[part]"),
        Mutant("self.taken & self.last", "self.last"),
        Mutant("driven & self.taken", "driven & self.last"),
    ),
]
