"""A layer shows its inputs and outputs, clock by clock."""

from typing import Any

import pytest

from allspin.hdl.engine.layer import EngineLayer
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile, VariationParameters
from allspin.sim.network.random_network import random_network
from tests.hdl.streams import StreamBench

IMAGES, CLASSES = 3, 4


@pytest.mark.parametrize("memory", ["block", "ecp5"])
@pytest.mark.parametrize("amplified", [False, True])
def test_the_last_layers_sums_are_told_when_the_readout_takes_them(
    memory: str, amplified: bool
) -> None:
    network = random_network((5, 3, CLASSES), 1, states=4)
    variation = VariationParameters(4, sum_noise=True) if amplified else None
    profile = HardwareProfile(variation=variation, memory=memory)
    dut = EngineLayer(EngineParameters.from_network(network, profile), 1)
    bench = StreamBench(dut, stall=0.3, seed=2)
    slots = [{"row": 1, "value": 2}]
    bench.put(dut.events, [{"slots": slots, "last": 1} for _ in range(IMAGES)])
    told: list[int] = []
    given: list[int] = []

    async def watch(ctx: Any) -> None:
        ports = dut.activity, dut.out.valid & dut.out.ready, dut.out.payload.last
        async for _, _, activity, left, last in ctx.tick().sample(*ports):
            told.append(activity >> 2)
            given.append(left | (left & last) << 1)

    bench.play(watch)
    taken = bench.take(dut.out, IMAGES * CLASSES)
    bench.run()
    assert told == given
    assert [last for _, last in taken] == [0, 0, 0, 1] * IMAGES
