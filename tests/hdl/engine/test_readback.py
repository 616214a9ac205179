"""Loads: every byte once, to whom it is for; nothing is settled too early."""

from collections import Counter
from typing import Any

import pytest

from allspin.hdl.engine.loads import Loads
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import ENGINE, STATES, TABLE, WEIGHTS
from allspin.hdl.parameters.profile import HardwareProfile, VariationParameters
from allspin.sim.network.random_network import random_network
from tests.hdl.driving import simulate
from tests.hdl.streams import StreamBench

SETTLE = 6


def loads(variation: VariationParameters | None, memory: str = "block") -> Loads:
    network = random_network((4, 3, 3, 2), 1, states=4)
    return Loads(
        EngineParameters.from_network(network, HardwareProfile(variation=variation, memory=memory)),
        SETTLE,
    )


@pytest.mark.parametrize("memory", ["block", "ecp5"])
def test_each_byte_goes_to_its_layer_or_to_the_programmer_in_order(memory: str) -> None:
    places = [(0, WEIGHTS), (1, STATES), (1, TABLE), (2, STATES), (2, WEIGHTS), (ENGINE, STATES)]
    sent = [
        {"layer": layer, "memory": memory, "first": n % 3 == 0, "address": n, "data": n}
        for n in range(240)
        for layer, memory in [places[n * n % 7 % 6]]
    ]
    assert len(Counter((byte["layer"], byte["memory"]) for byte in sent)) > 3
    dut = loads(VariationParameters(4, 1), memory)
    bench = StreamBench(dut, stall=0.5, seed=1)
    bench.put(dut.load, sent)
    of_states = [tuple(b.values()) for b in sent if b["memory"] == STATES and b["layer"] != ENGINE]
    states = bench.take(dut.states, len(of_states))
    others: list[tuple[Any, ...]] = []
    ports = dut.valid, dut.layers, dut.byte
    comes = dut.load.valid & dut.load.ready
    comes &= (dut.load.payload.memory == STATES) & (dut.load.payload.layer != ENGINE)
    goes = dut.states.valid & dut.states.ready

    async def watch(ctx: Any) -> None:
        async for _, _, valid, layers, byte in ctx.tick().sample(*ports):
            if valid:
                others.append((byte.layer, byte.memory, byte.first, byte.address, byte.data))
                assert layers == (1 << byte.layer) & 0b111
            else:
                assert layers == 0

    async def wait(ctx: Any) -> None:
        """As long as a state is held back, not every byte is in its memory."""
        held = 0
        async for _, _, came, went, loading in ctx.tick().sample(comes, goes, dut.loading):
            assert loading or not held
            held += came - went

    bench.play(watch)
    bench.play(wait)
    bench.run()
    assert [tuple(byte) for byte in states] == of_states
    rest = [tuple(b.values()) for b in sent if b["memory"] != STATES or b["layer"] == ENGINE]
    assert others == rest


@pytest.mark.parametrize(
    ("variation", "memory"),
    [(None, "block"), (VariationParameters(4, 1), "block"), (VariationParameters(4, 1), "ecp5")],
)
@pytest.mark.parametrize("who", ["a byte", "the Programmer"])
def test_what_waits_is_let_go_when_the_last_byte_has_settled(
    variation: VariationParameters | None, memory: str, who: str
) -> None:
    dut = loads(variation, memory)
    lengths = []

    async def stimulus(ctx: Any) -> None:
        busy = dut.load.valid if who == "a byte" else dut.programming
        for clocks in (1, 3):
            assert not ctx.get(dut.loading)
            ctx.set(busy, 1)
            await ctx.tick().repeat(clocks)
            ctx.set(busy, 0)
            length = 0
            while ctx.get(dut.loading):
                length += 1
                await ctx.tick()
            lengths.append(length)

    simulate(dut, stimulus)
    # A byte is in its register a clock after it came, and then settles.
    assert lengths == [SETTLE + (who == "a byte")] * 2
