"""Outputs of the engine: logits and winners, and counters against counting."""

import random
from typing import Any

import pytest

from allspin.hdl.engine.counters import EngineCounters
from allspin.hdl.engine.under_way import UnderWay
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import ENGINE
from tests.hdl.driving import put, simulate, step


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
    dut = EngineCounters(parameters(memory, most))
    assert len(dut.value) == 64  # as a line has bits
    rng = random.Random(5)
    counts = {(ENGINE, 0): 0, (ENGINE, 1): 0}
    counts |= {(layer, line): 0 for layer in range(3) for line in range(2)}

    async def shown(ctx: Any) -> dict[tuple[int, int], int]:
        values = {}
        for layer, line in counts:
            put(ctx, dut, layer=layer, line=line)
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
            await step(ctx, dut, busy=busy, image=image, row=row, column=column)
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
        await step(ctx, dut, clear=1)
        ctx.set(dut.clear, 0)
        assert set((await shown(ctx)).values()) == {0}

    simulate(dut, stimulus)


def test_an_image_is_under_way_from_its_first_event_to_the_clock_after_its_last_logit() -> None:
    dut = UnderWay()
    rng = random.Random(3)
    seen = set()

    async def stimulus(ctx: Any) -> None:
        begun = complete = gone = 0
        leaves = within = False
        for _ in range(2000):
            crowd = rng.random() < 0.7  # several at a time, and then a gap
            for _ in range(rng.randrange(1, 6)):
                expected = begun > gone or leaves
                assert ctx.get(dut.any) == expected
                seen.add(min(begun - gone, 3) if expected else -1)
                enters, last = rng.random() < 0.6 * crowd, rng.random() < 0.5
                # An image's last logit comes some clocks after its last event.
                leaves = rng.random() < (0.2 if crowd else 0.6) and complete > gone
                await step(ctx, dut, enters=enters, last=last, leaves=leaves)
                gone += leaves
                complete += enters and last
                begun += enters and not within
                within = not last if enters else within

    simulate(dut, stimulus)
    assert seen == {-1, 0, 1, 2, 3}
