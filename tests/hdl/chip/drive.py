"""What drives the generator of noise in tests: bytes that are written, images, what is taken."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from allspin.hdl.chip.programmer import Variation
from tests.hdl.driving import loads, send_at_once


async def write(ctx: Any, dut: Variation, told: Iterable[tuple[int, int, bytes]]) -> None:
    """Write (layer, memory, bytes) in their order; each byte is taken at once."""
    for layer, memory, content in told:
        await send_at_once(ctx, dut.load, loads(layer, memory, content))


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
