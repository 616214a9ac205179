"""TileEnds tell each tile that has a driven row, once: its first beat, and when all have been.

Tiles of a pass come in order, as rows do; in a beat all driven rows are of one tile. Each tile is
followed by itself, where the block keeps the number of the one that is open.
"""

from collections.abc import Callable
from types import ModuleType

from amaranth.asserts import AnySeq
from amaranth.hdl import Assert, Assume, Cat, Cover, Module, Signal, Value

from allspin.hdl.crossbar import tile_edges as source
from allspin.hdl.parameters.crossbar import CrossbarParameters, Tiling
from tests.formal.proof import Mutant, Opened, Proof


def delayed(m: Module, value: Value, clocks: int, name: str) -> Value:
    """A value some clocks later."""
    for clock in range(clocks):
        register = Signal(value.shape(), name=f"{name}_{clock}")
        m.d.sync += register.eq(value)
        value = register
    return value


def properties(hdl: ModuleType, p: CrossbarParameters, clocks: int) -> Module:
    m = Module()
    dut = hdl.TileEnds(p, clocks)
    m.submodules.dut = inside = Opened(dut)
    tile, drives = Signal(range(p.places)), Signal()
    m.d.comb += [
        dut.taken.eq(AnySeq(1)),
        dut.last.eq(AnySeq(1)),
        tile.eq(AnySeq(len(tile))),
        Assume(tile < p.places),
        drives.eq(dut.taken & Cat(value.any() for value in dut.values).any()),
    ]
    for value, own in zip(dut.values, dut.tiles, strict=True):
        m.d.comb += [
            value.eq(AnySeq(len(value))),
            own.eq(AnySeq(len(own))),
            Assume(~value.any() | (own == tile)),
        ]

    # What is known of a beat when the block looks at it, which may be later.
    ahead = 1 + p.target.wide
    drives = delayed(m, drives, ahead, "drives")
    ends = delayed(m, dut.taken & dut.last, ahead, "ends")
    tile = delayed(m, tile, ahead, "tile")
    seen = [Signal(name=f"seen_{number}") for number in range(p.places)]  # in this pass
    left = [Signal(name=f"left_{number}") for number in range(p.places)]  # and not complete
    ended = Signal()  # the beat before was its pass's last
    begins = Cat(drives & (tile == number) & ~seen[number] for number in range(p.places))
    converts = Cat(
        left[number] & (ended | (drives & (tile != number))) for number in range(p.places)
    )
    m.d.sync += ended.eq(ends)
    for number in range(p.places):
        here = drives & (tile == number)
        m.d.comb += Assume(~here | ~Cat(seen[number + 1 :]).any())
        m.d.sync += [
            seen[number].eq((seen[number] | here) & ~ends),
            left[number].eq((left[number] & ~converts[number]) | here),
        ]

    said = delayed(m, Cat(begins.any(), converts.any(), tile), clocks - ahead, "said")
    m.d.comb += [
        Assert(dut.begins == said[0]),
        Assert(dut.converts == said[1]),
        Assert(~dut.begins | (dut.tile == said[2:])),
    ]

    # What makes the induction close: what the block knows of the tile that is open.
    open_, current = inside["open_"], inside["current"]
    some_left = Cat(left).any()
    m.d.comb += [
        Assert(open_ == Cat(seen).any()),
        Assert(~(open_ & ended)),
        Assert(current < p.places),
        Assert(inside["complete"] == (ended & some_left)),
        Assert(~some_left | open_ | ended),
    ]
    for number in range(p.places):
        here = current == number
        m.d.comb += [
            Assert(~open_ | (left[number] == here)),
            Assert(~open_ | ~here | seen[number]),
            Assert(~seen[number] | (number <= current)),
            Assert(~left[number] | ~ended | here),
        ]
    m.d.comb += [
        Cover(dut.begins & dut.converts & (dut.tile == p.places - 1)),
        Cover(dut.converts & ~dut.begins & ~some_left),
    ]
    return m


def _proof(
    rows_per_clock: int, memory: str, clocks: int, *mutants: Mutant, slow: bool = False
) -> Proof:
    p = CrossbarParameters(
        24, 1, 1, 1, rows_per_clock=rows_per_clock, memory=memory, tiling=Tiling(8, 2, 0)
    )
    return Proof(
        f"TileEnds, {memory}, {rows_per_clock} a clock",
        source,
        lambda hdl: properties(hdl, p, clocks),
        depth=6,
        mutants=mutants,
        slow=slow,
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
        slow=True,
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


def test_tile_ends(prove: Callable[[], None]) -> None:
    prove()
