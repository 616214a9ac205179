"""Helpers of tests of blocks: ports by name, payloads that are offered, lines of memories."""

import random
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from amaranth.hdl import Fragment
from amaranth.sim import Simulator

from allspin.hdl.chip.variation import Variation
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import CONVERTER, SHIFT, TABLE, TILE_OFFSETS, WEIGHTS
from allspin.sim.network.network import Network
from tests.hdl.streams import StreamBench

NOISE_PATIENCE = 30_000
"""Clocks for all noise of some images to be drawn."""


class Ecp5:
    """Enough of a platform to be elaborated for."""

    family = "ecp5"


def simulate(
    dut: Any, testbench: Any, *beside: Any, platform: object = None, clocked: bool = True
) -> None:
    """Run a testbench to its end, with others beside it for as long."""
    simulator = Simulator(Fragment.get(dut, platform))
    if clocked:
        simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    for each in beside:
        simulator.add_testbench(each, background=True)
    simulator.run()


def put(ctx: Any, dut: Any, **ports: Any) -> None:
    """Set ports by their names."""
    for name, value in ports.items():
        ctx.set(getattr(dut, name), value)


async def step(ctx: Any, dut: Any, **ports: Any) -> None:
    """Set ports by their names, and let a clock pass."""
    put(ctx, dut, **ports)
    await ctx.tick()


async def send(
    ctx: Any, port: Any, payloads: Iterable[Any], stalls: Callable[[], bool] = lambda: False
) -> None:
    """Offer payloads to a stream one after another, each until it is taken."""
    for payload in payloads:
        while stalls():
            await ctx.tick()
        put(ctx, port, payload=payload, valid=1)
        await ctx.tick().until(port.ready)
        ctx.set(port.valid, 0)


async def send_at_once(ctx: Any, port: Any, payloads: Iterable[Any]) -> None:
    """Offer payloads to a stream that takes one in every clock."""
    for payload in payloads:
        put(ctx, port, payload=payload, valid=1)
        assert ctx.get(port.ready)
        await ctx.tick()
    ctx.set(port.valid, 0)


def loads(layer: int, memory: int, content: Iterable[int], address: int = 0) -> list[Any]:
    """Bytes for a memory as payloads of `LOAD_LAYOUT`."""
    return [
        {"layer": layer, "memory": memory, "first": not number, "address": address, "data": byte}
        for number, byte in enumerate(content)
    ]


async def read_line(ctx: Any, dut: Any, stalls: Callable[[], bool] = lambda: False) -> bytes:
    """The line that the engine gives next; its bytes are not always taken at once."""
    line = bytearray()
    while True:
        willing = not stalls()
        ctx.set(dut.fetched.ready, willing)
        _, _, valid, byte = await ctx.tick().sample(dut.fetched.valid, dut.fetched.payload)
        if valid and willing:
            line.append(byte.data)
            if byte.last:
                ctx.set(dut.fetched.ready, 0)
                return bytes(line)


def memories(network: Network) -> dict[tuple[int, int], bytes]:
    """Return the content of each memory of a network's engine, as ``docs/protocol.md`` has it."""
    content = {}
    for number, layer in enumerate(network.layers):
        content[number, WEIGHTS] = layer.words.tobytes()
        if layer.converter is not None:
            pairs = np.stack([layer.converter.gains, layer.converter.offsets], axis=1)
            content[number, CONVERTER] = pairs.astype("<i2").tobytes()
            content[number, SHIFT] = bytes([layer.converter.shift])
        if layer.table is not None:
            content[number, TABLE] = layer.table.tobytes()
        if layer.adc is not None and layer.adc.offsets is not None:
            content[number, TILE_OFFSETS] = layer.adc.offsets.astype("<i2").tobytes()
    return content


class Driven:
    """Engine, or a block with its ports, in Amaranth's simulator.

    Parameters
    ----------
    dut : Component
        The block has the streams ``events``, ``load``, ``fetch`` and ``fetched``, and ``idle``.
    stall : float
        Share of clocks in which a side of a stream is not ready.
    seed : int
        Seed of the stalls.
    """

    def __init__(self, dut: Any, *, stall: float = 0.0, seed: int = 0) -> None:
        self.dut = dut
        self.bench = StreamBench(dut, stall=stall, seed=seed)
        self.stall = stall
        self.random = random.Random(seed)

    def stalls(self) -> bool:
        """Return True if a side is not ready in this clock."""
        return self.random.random() < self.stall

    async def until_idle(self, ctx: Any) -> None:
        """Wait for all that is under way."""
        while not ctx.get(self.dut.idle):
            await ctx.tick()

    async def load(
        self, ctx: Any, layer: int, memory: int, content: bytes, address: int = 0
    ) -> None:
        """Write lines of a memory from an address on."""
        await send_at_once(ctx, self.dut.load, loads(layer, memory, content, address))

    async def ask(self, ctx: Any, layer: int, memory: int, address: int) -> None:
        """Ask for a line of a memory."""
        await send(ctx, self.dut.fetch, [{"layer": layer, "memory": memory, "address": address}])

    async def fetch(self, ctx: Any, layer: int, memory: int, address: int) -> bytes:
        """Read a line of a memory."""
        await self.ask(ctx, layer, memory, address)
        return await read_line(ctx, self.dut, self.stalls)

    async def program(self, ctx: Any, network: Network) -> None:
        """Load all that a network is."""
        for (layer, memory), content in memories(network).items():
            await self.load(ctx, layer, memory, content)


def take(
    port: Any, keep: Callable[[Any], None], rng: np.random.Generator, stall: float
) -> Callable[[Any], Any]:
    """Return a process that keeps a stream's items, and stalls in a share of clocks."""

    async def process(ctx: Any) -> None:
        ready = True
        ctx.set(port.ready, ready)
        async for _, _, valid, payload in ctx.tick().sample(port.valid, port.payload):
            if valid and ready:
                keep(payload)
            ready = rng.random() >= stall
            ctx.set(port.ready, ready)

    return process


def draw_noise(
    parameters: EngineParameters,
    told: Iterable[tuple[int, int, bytes]],
    numbers: list[int],
    expected: list[int],
    *,
    stall: float,
    seed: int,
) -> list[list[Any]]:
    """Return the noise of each layer for images of these numbers.

    Parameters
    ----------
    parameters : EngineParameters
        Parameters of the gateware that makes chips.
    told : iterable of (int, int, bytes)
        Layer, memory and bytes that are written before, in their order.
    numbers : list of int
        Numbers of the images.
    expected : list of int
        Number of payloads of each layer.
    stall : float
        Share of clocks in which a layer is not ready.
    seed : int
        Seed of the stalls.
    """
    dut = Variation(parameters)
    rng = np.random.default_rng(seed)
    taken: list[list[Any]] = [[] for _ in expected]

    async def load(ctx: Any) -> None:
        for layer, memory, content in told:
            await send_at_once(ctx, dut.load, loads(layer, memory, content))
        await send(ctx, dut.numbers, numbers)
        for _ in range(NOISE_PATIENCE):
            if list(map(len, taken)) == expected:
                break
            await ctx.tick()
        await ctx.tick().repeat(100)

    both = zip(dut.noises, taken, strict=True)
    simulate(dut, load, *(take(port, one.append, rng, stall) for port, one in both))
    assert list(map(len, taken)) == expected
    return taken
