"""Counters against counting."""

import random
from typing import Any

import pytest
from amaranth.sim import Simulator

from allspin.hdl.engine.counters import Counters
from allspin.hdl.parameters.crossbar import CrossbarParameters
from allspin.hdl.parameters.engine import EngineParameters
from allspin.hdl.parameters.memory_map import ENGINE


def parameters(memory: str, most: int) -> EngineParameters:
    return EngineParameters(
        tuple(
            CrossbarParameters(
                4, 4, 4, rows_per_clock=most, neurons_per_clock=neurons, memory=memory
            )
            for neurons in (most, most, 1)
        ),
        counter_bits=16,
    )


# An iCE40's are written a clock later.
@pytest.mark.parametrize(("memory", "most"), [("block", 4), ("spram", 1)])
def test_every_counter_counts_its_own_event(memory: str, most: int) -> None:
    dut = Counters(parameters(memory, most))
    assert len(dut.value) == 64  # as a line has bits
    rng = random.Random(5)
    counts = {(ENGINE, 0): 0, (ENGINE, 1): 0}
    counts |= {(layer, line): 0 for layer in range(3) for line in range(2)}

    async def shown(ctx: Any) -> dict[tuple[int, int], int]:
        values = {}
        for layer, line in counts:
            ctx.set(dut.layer, layer)
            ctx.set(dut.line, line)
            await ctx.tick().repeat(dut.loop)
            for _ in range(dut.loop):
                if ctx.get(dut.shown):
                    values[layer, line] = ctx.get(dut.value)
                await ctx.tick()
        return values

    async def stimulus(ctx: Any) -> None:
        for _ in range(300):
            busy, image = rng.getrandbits(1), rng.getrandbits(1)
            row, column = ([rng.randrange(most + 1) for _ in range(3)] for _ in range(2))
            ctx.set(dut.busy, busy)
            ctx.set(dut.image, image)
            ctx.set(dut.row, row)
            ctx.set(dut.column, column)
            await ctx.tick()
            counts[ENGINE, 0] += busy
            counts[ENGINE, 1] += image
            for layer in range(3):
                counts[layer, 0] += row[layer]
                counts[layer, 1] += column[layer]
        for port in (dut.busy, dut.image):
            ctx.set(port, 0)
        for port in (dut.row, dut.column):
            ctx.set(port, [0, 0, 0])
        await ctx.tick()
        assert await shown(ctx) == counts
        ctx.set(dut.clear, 1)
        await ctx.tick()
        ctx.set(dut.clear, 0)
        assert set((await shown(ctx)).values()) == {0}

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(stimulus)
    simulator.run()
