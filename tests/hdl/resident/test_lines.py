"""Bytes of lines, and the words that are made of them."""

from typing import Any

from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import ENGINE, LABELS, RESIDENT_BEATS, RESIDENT_RUN
from allspin.hdl.parameters.profile import HardwareProfile, ResidentParameters
from allspin.hdl.resident.loaders import Loader
from allspin.sim.network.random_network import random_network
from tests.hdl.driving import loads, send_at_once
from tests.hdl.streams import StreamBench


def test_bytes_become_lines_of_the_memories_that_they_are_for() -> None:
    """Lines of three memories in turn, one that ends too early, and one of somebody else's."""
    parameters = EngineParameters.from_network(
        random_network((20, 4, 3), 5), HardwareProfile(resident=ResidentParameters(9, 9))
    )
    dut = Loader(parameters.crossbars[0], parameters.beat_bytes)
    bench = StreamBench(dut)
    bursts = [
        (ENGINE, RESIDENT_BEATS, 4, bytes([1, 2, 0, 3, 4, 1])),
        (ENGINE, LABELS, 7, bytes([9])),
        (ENGINE, LABELS, 2, bytes([1, 2, 3, 4])),
        (ENGINE, RESIDENT_BEATS, 1, bytes([9, 9])),
        (ENGINE, RESIDENT_BEATS, 0, bytes([5, 6, 1])),
        (0, RESIDENT_BEATS, 5, bytes([7, 7, 1])),
        (ENGINE, RESIDENT_RUN, 0, bytes([8])),
        (ENGINE, RESIDENT_RUN, 0, bytes(range(1, 17))),
        (ENGINE, LABELS, 8, bytes([5, 6])),
    ]
    written: list[Any] = []

    async def watch(ctx: Any) -> None:
        async for _ in ctx.tick():
            if ctx.get(dut.beat_written):
                beat = ctx.get(dut.beat)
                slot = beat.slots[0]
                written.append((ctx.get(dut.address), slot.distance, slot.value, beat.last))
            if ctx.get(dut.label_written):
                written.append((ctx.get(dut.address), ctx.get(dut.label)))
            if ctx.get(dut.start):
                written.append(("run", ctx.get(dut.images), ctx.get(dut.number)))

    async def stimulus(ctx: Any) -> None:
        for layer, memory, address, content in bursts:
            for number, payload in enumerate(loads(layer, memory, content, address)):
                await send_at_once(ctx, dut.load, [payload])
                # A byte may come in each clock, or not.
                if layer != ENGINE or number % 2:
                    await ctx.tick()
        await ctx.tick().repeat(5)

    bench.play(watch)
    bench.run(stimulus)
    assert written == [
        (4, 1, 2, 0),
        (5, 3, 4, 1),
        (2, 0x0201),
        (3, 0x0403),
        (0, 5, 6, 1),
        ("run", 0x0201, 0x06050403),
        (8, 0x0605),
    ]
