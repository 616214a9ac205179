"""What drives the generator of noise in tests: bytes that are written, images, what is taken."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from allspin.hdl.chip.programmer import Variation


async def write(ctx: Any, dut: Variation, told: Iterable[tuple[int, int, bytes]]) -> None:
    """Write (layer, memory, bytes) in their order; each byte is taken at once."""
    for layer, memory, content in told:
        for number, byte in enumerate(content):
            ctx.set(
                dut.load.payload,
                {
                    "layer": layer, "memory": memory, "first": number == 0,
                    "address": 0, "data": byte,
                },
            )  # fmt: skip
            ctx.set(dut.load.valid, 1)
            assert ctx.get(dut.load.ready)
            await ctx.tick()
    ctx.set(dut.load.valid, 0)


async def show(ctx: Any, dut: Variation, numbers: Iterable[int]) -> None:
    """Begin images of these numbers."""
    for number in numbers:
        ctx.set(dut.numbers.payload, number)
        ctx.set(dut.numbers.valid, 1)
        await ctx.tick().until(dut.numbers.ready)
        ctx.set(dut.numbers.valid, 0)


def take(
    port: Any, keep: Callable[[Any], None], rng: np.random.Generator, stall: float
) -> Callable[[Any], Any]:
    """A process that keeps what a stream brings, and is not ready in so many clocks."""

    async def process(ctx: Any) -> None:
        ready = True
        ctx.set(port.ready, ready)
        async for _, _, valid, payload in ctx.tick().sample(port.valid, port.payload):
            if valid and ready:
                keep(payload)
            ready = rng.random() >= stall
            ctx.set(port.ready, ready)

    return process
