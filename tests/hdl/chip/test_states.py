"""The memory of the states against a list."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, strategies as st

from allspin.hdl.chip import states
from allspin.hdl.chip.states import StateMemory
from tests.examples import examples
from tests.hdl.driving import step
from tests.hdl.streams import StreamBench

STATE_BITS = 7
BANK = 64


@pytest.fixture(autouse=True, scope="module")
def small_banks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(states, "BANK_LINES", BANK)
        yield


@examples(10)
@given(
    # One bank, two, and five: one step of choosing between banks, and two.
    cells=st.sampled_from([BANK - 1, BANK + 1, 4 * BANK + 7]),
    banked=st.booleans(),
    stall=st.sampled_from([0.0, 0.3]),
    seed=st.integers(0, 2**16),
)
def test_all_states_come_again_in_order_and_the_next_time_those_that_were_changed(
    cells: int, banked: bool, stall: float, seed: int
) -> None:
    rng = random.Random(seed)
    kept = [(rng.getrandbits(STATE_BITS), rng.getrandbits(1)) for _ in range(cells)]
    memory = StateMemory(STATE_BITS, cells, banked)
    bench = StreamBench(memory)

    async def write(ctx: Any, address: int) -> None:
        state, polarity = kept[address]
        await step(
            ctx, memory, write=1, address=address, state={"state": state, "polarity": polarity}
        )
        ctx.set(memory.write, 0)

    async def read(ctx: Any, items: int) -> list[tuple[int, int]]:
        # A written word is in its place two clocks later.
        await ctx.tick().repeat(2)
        await step(ctx, memory, restart=1)
        ctx.set(memory.restart, 0)
        found = []
        while len(found) < items:
            ctx.set(memory.states.ready, rng.random() >= stall)
            _, _, taken, item = await ctx.tick().sample(
                memory.states.valid & memory.states.ready, memory.states.payload
            )
            if taken:
                found.append((item.state, item.polarity))
        ctx.set(memory.states.ready, 0)
        return found

    async def stimulus(ctx: Any) -> None:
        for address in rng.sample(range(cells), cells):
            await write(ctx, address)
        # A restart in the middle begins again at the first.
        assert await read(ctx, cells // 3) == kept[: cells // 3]
        assert await read(ctx, cells) == kept
        for address in rng.sample(range(cells), 20):
            kept[address] = (kept[address][0] ^ 1, 1 - kept[address][1])
            await write(ctx, address)
        assert await read(ctx, cells) == kept

    bench.run(stimulus)


@pytest.mark.parametrize("banked", [False, True])
def test_one_state_a_clock(banked: bool) -> None:
    memory = StateMemory(STATE_BITS, 3 * BANK, banked)
    bench = StreamBench(memory)
    clocks: list[int] = []
    bench.take(memory.states, 100, clocks=clocks)
    bench.run()
    assert clocks[99] - clocks[0] == 99
