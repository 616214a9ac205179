"""Where tiles begin and end, and where their sums start."""

import random
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from allspin.hdl.crossbar.tile_edges import SOONEST, TileEnds, TileStarts, write_clocks
from allspin.hdl.parameters.crossbar import OFFSET_BITS, CrossbarParameters, Tiling
from tests.hdl.driving import put, simulate, step

Beat = tuple[list[int], list[int], bool]
"""Each part's value and tile, and whether the pass ends."""


def some_beats(p: CrossbarParameters, rng: random.Random) -> list[Beat | None]:
    """Passes of tiles in order, with silent beats and clocks without one among them."""
    beats: list[Beat | None] = []
    for _ in range(30):
        tiles = sorted(rng.choices(range(p.tiles), k=rng.randrange(5)))
        passes: list[Beat] = []
        for tile in tiles:
            for _ in range(rng.randrange(1, 4)):
                drives = [rng.randrange(2**p.value_bits) for _ in range(p.rows_per_clock)]
                numbers = [tile if drive else rng.randrange(p.tiles) for drive in drives]
                passes.append((drives, numbers, False))
        silent = [0] * p.rows_per_clock
        if not passes or rng.random() < 0.3:
            passes.append((silent, silent, False))
        *before, (values, numbers, _) = passes
        for beat in [*before, (values, numbers, True)]:
            beats += [None] * rng.choice([0, 0, 2]) + [beat]
    return [*beats, *[None] * 12]


def expected(beats: list[Beat | None]) -> tuple[list[int | None], list[bool]]:
    """Which tile begins with each beat, and whether one is complete in its clock."""
    begins: list[int | None] = [None] * len(beats)
    converts = [False] * (len(beats) + 1)
    current: int | None = None
    for clock, beat in enumerate(beats):
        if beat is None:
            continue
        values, numbers, last = beat
        tiles = {number for value, number in zip(values, numbers, strict=True) if value}
        for tile in tiles:
            if tile != current:
                begins[clock] = tile
                converts[clock] |= current is not None
            current = tile
        if last:
            converts[clock + 1] |= current is not None
            current = None
    return begins, converts[:-1]


@pytest.mark.parametrize(("memory", "clocks"), [("block", SOONEST), ("block", 4), ("ecp5", 3)])
@pytest.mark.parametrize(("rows", "rows_per_clock"), [(20, 1), (61, 4), (7, 2)])
def test_tiles_begin_and_end(rows: int, rows_per_clock: int, memory: str, clocks: int) -> None:
    p = CrossbarParameters(
        rows,
        2,
        2,
        value_bits=1,
        rows_per_clock=rows_per_clock,
        memory=memory,
        tiling=Tiling(8, 4, 0),
    )
    beats = some_beats(p, random.Random(clocks))
    dut = TileEnds(p, clocks)
    said: list[tuple[int, int, int]] = []

    async def testbench(ctx: Any) -> None:
        for beat in beats:
            values, tiles, last = beat or ([1] * rows_per_clock, [0] * rows_per_clock, True)
            put(ctx, dut, taken=beat is not None, values=values, tiles=tiles, last=last)
            said.append((ctx.get(dut.begins), ctx.get(dut.converts), ctx.get(dut.tile)))
            await ctx.tick()

    simulate(dut, testbench)
    begins, converts = expected(beats)
    found = said[clocks:]
    assert [bool(begin) for begin, _, _ in found] == [
        tile is not None for tile in begins[: len(found)]
    ]
    assert [tile for begin, _, tile in found if begin] == [
        tile for tile in begins[: len(found)] if tile is not None
    ]
    assert [bool(convert) for _, convert, _ in found] == converts[: len(found)]
    # A tile of one beat, and one that follows another pass's at once, were among them.
    assert any(one is not None and two is not None for one, two in pairwise(begins)) or rows < 9


@pytest.mark.parametrize("memory", ["block", "ecp5"])
@pytest.mark.parametrize(
    ("rows", "columns", "lanes"), [(50, 7, 7), (20, 7, 3), (8, 9, 2), (9, 1, 1)]
)
def test_each_lane_starts_at_its_converter_s_offset(
    rows: int, columns: int, lanes: int, memory: str
) -> None:
    """Of its column in each group; half a step is added."""
    p = CrossbarParameters(rows, columns, lanes, memory=memory, tiling=Tiling(8, 6, 5, True))
    rng = random.Random(columns)
    half = 2 ** (OFFSET_BITS - 1)
    offsets = np.random.default_rng(rows).integers(-half, half, (p.tiles, columns))
    anew = p.tiles - 1  # this tile is written once more, alone
    dut = TileStarts(p)
    asked = [
        (rng.random() < 0.7, rng.randrange(p.tiles), rng.randrange(p.passes)) for _ in "x" * 60
    ]
    found: list[list[int]] = []

    async def load(ctx: Any, tile: int, lines: np.ndarray) -> None:
        for number, byte in enumerate(lines.astype("<i2").tobytes()):
            while rng.random() < 0.2:
                await step(ctx, dut, valid=0)
            await step(
                ctx,
                dut,
                byte={"first": not number, "tile": tile * (not number), "data": byte},
                valid=1,
            )
        ctx.set(dut.valid, 0)

    async def testbench(ctx: Any) -> None:
        await load(ctx, 0, offsets)
        offsets[anew] = offsets[anew][::-1]
        await load(ctx, anew, offsets[anew:])
        await ctx.tick().repeat(write_clocks(p))
        for begins, tile, group in [*asked, *[(False, 0, 0)] * dut.clocks]:
            put(ctx, dut, begins=begins, place=group * p.tiles + tile)
            found.append([ctx.get(lane) for lane in dut.starts])
            await ctx.tick()

    simulate(dut, testbench)
    for (begins, tile, group), starts in zip(asked, found[dut.clocks :], strict=True):
        for lane, start in enumerate(starts):
            column = group * lanes + lane
            if column < columns:
                assert start == (offsets[tile, column] + 16 if begins else 0)
