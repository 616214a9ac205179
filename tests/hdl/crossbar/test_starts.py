"""Where tiles' sums start: bytes in, and each lane's start when its tile begins."""

import random
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from allspin.hdl.crossbar.tile_edges import TileStarts, write_clocks
from allspin.hdl.parameters.crossbar import OFFSET_BITS, CrossbarParameters, Tiling


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
                ctx.set(dut.valid, 0)
                await ctx.tick()
            ctx.set(dut.byte, {"first": not number, "tile": tile * (not number), "data": byte})
            ctx.set(dut.valid, 1)
            await ctx.tick()
        ctx.set(dut.valid, 0)

    async def testbench(ctx: Any) -> None:
        await load(ctx, 0, offsets)
        offsets[anew] = offsets[anew][::-1]
        await load(ctx, anew, offsets[anew:])
        await ctx.tick().repeat(write_clocks(p))
        for begins, tile, group in [*asked, *[(False, 0, 0)] * dut.clocks]:
            ctx.set(dut.begins, begins)
            ctx.set(dut.place, group * p.tiles + tile)
            found.append([ctx.get(lane) for lane in dut.starts])
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    for (begins, tile, group), starts in zip(asked, found[dut.clocks :], strict=True):
        for lane, start in enumerate(starts):
            column = group * lanes + lane
            if column < columns:
                assert start == (offsets[tile, column] + 16 if begins else 0)
