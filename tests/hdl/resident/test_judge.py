"""Counts of answers and of those that are as labelled, against counting by hand."""

from typing import Any

import numpy as np
import pytest

from allspin.hdl.bench.streams import StreamBench
from allspin.hdl.parameters.engine import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.hdl.resident.player import Judge
from allspin.sim.network.random_networks import random_network
from tests.hdl.driving import put, step

LABELS = 20
CLASSES = 5


@pytest.mark.parametrize("memory", ["block", "ecp5"])
def test_each_run_is_counted_from_its_beginning(memory: str) -> None:
    network = random_network((8, CLASSES), 0)
    dut = Judge(EngineParameters.from_network(network, HardwareProfile(memory=memory)), LABELS)
    bench = StreamBench(dut)
    rng = np.random.default_rng(1)
    labels = rng.integers(0, CLASSES, LABELS).tolist()
    runs = [
        [int(rng.choice([label, rng.integers(CLASSES)])) for label in labels[:count]]
        for count in (LABELS, 0, 7)
    ]
    runs[-1][-1] = labels[len(runs[-1]) - 1]
    # A network of one class may answer in each clock.
    gaps = [rng.integers(0, 3, len(winners)).tolist() for winners in runs]
    seen: list[Any] = []
    clocks = []
    found = []

    async def run(ctx: Any, winners: list[int], waits: list[int]) -> None:
        await step(ctx, dut, clear=1)
        put(ctx, dut, clear=0, count=1)
        clocks.append(0)
        for winner, wait in zip(winners, waits, strict=True):
            for _ in range(wait):
                await ctx.tick()
            await step(ctx, dut, winner=winner, answered=1)
            put(ctx, dut, answered=0, winner=(winner + 1) % CLASSES)
            clocks[-1] += 1 + wait
        while ctx.get(dut.busy):
            await ctx.tick()
            clocks[-1] += 1
        ctx.set(dut.count, 0)
        counts = ctx.get(dut.counts)
        seen.append((counts.answers, counts.correct, counts.cycles))

    async def stimulus(ctx: Any) -> None:
        for place, label in enumerate(labels):
            await step(ctx, dut, place=place, stored=label, write=1)
        await step(ctx, dut, write=0, stored=0)
        for winners, waits in zip(runs, gaps, strict=True):
            await run(ctx, winners, waits)
        for place in range(LABELS):
            ctx.set(dut.address, place)
            await ctx.tick().repeat(2)
            found.append(ctx.get(dut.label))

    bench.run(stimulus)
    hits = [sum(a == b for a, b in zip(winners, labels, strict=False)) for winners in runs]
    assert seen == [
        (len(winners), hit, count) for winners, hit, count in zip(runs, hits, clocks, strict=True)
    ]
    assert found == labels
