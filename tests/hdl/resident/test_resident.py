"""Resident images in front of an engine, against the golden model."""

import struct
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from hypothesis import given, strategies as st

from allspin.hdl.engine.engine import Engine
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import (
    ENGINE,
    LABELS,
    RESIDENT_BEATS,
    RESIDENT_LOGITS,
    RESIDENT_RUN,
    WEIGHTS,
)
from allspin.hdl.parameters.profile import HardwareProfile, ResidentParameters
from allspin.hdl.resident.resident import Resident
from allspin.hdl.stream.component import Component
from allspin.sim.network import reference
from allspin.sim.network.network import Network
from allspin.sim.network.random_network import random_images, random_network
from tests.examples import examples
from tests.hdl.driving import Driven, loads, send
from tests.hdl.resident.slow_code import Line, pack_image

STREAMS = ("events", "results", "load", "fetch", "fetched")

# Lanes are a multiple of the slots, or all columns.
SLOTS_AND_LANES = [(1, None), (1, 4), (2, None), (2, 4), (4, None), (4, 4), (8, None)]


class ResidentEngine(Component):
    """An engine behind the block, with the link's end of its ports."""

    def __init__(self, parameters: EngineParameters) -> None:
        self.parameters = parameters
        self.resident = Resident(parameters)
        members = self.resident.signature.members
        super().__init__({name: members[f"link_{name}"] for name in (*STREAMS, "idle")})

    def build(self, m: Module, platform: object) -> None:
        m.submodules.resident = resident = self.resident
        m.submodules.engine = engine = Engine(self.parameters)
        for name in STREAMS:
            wiring.connect(m, getattr(resident, name), getattr(engine, name))
            wiring.connect(
                m, wiring.flipped(getattr(self, name)), getattr(resident, f"link_{name}")
            )
        m.d.comb += [resident.idle.eq(engine.idle), self.idle.eq(resident.link_idle)]


class Machine(Driven):
    """Drives it in Amaranth's simulator, as the dispatcher does."""

    def __init__(
        self,
        network: Network,
        images: npt.NDArray[np.uint8],
        labels: list[int],
        *,
        slots: int = 1,
        lanes: int | None = None,
        memory: str = "block",
        stall: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.network = network
        self.labels = labels
        self.trace = reference.trace(network, images)
        self.logits = self.trace[-1].sums
        self.classes = np.argmax(self.logits, axis=1).tolist()
        self.beats: list[Line] = []
        for values in self.trace[0].inputs:
            self.beats += pack_image(values.tolist(), slots, network.pixel_bits)
        self.parameters = EngineParameters.from_network(
            network,
            HardwareProfile(
                lanes=lanes,
                rows_per_clock=slots,
                memory=memory,
                resident=ResidentParameters(len(self.beats), len(images)),
            ),
        )
        super().__init__(ResidentEngine(self.parameters), stall=stall, seed=seed)

    async def load(
        self, ctx: Any, layer: int, memory: int, content: bytes, address: int = 0
    ) -> None:
        await self.until_idle(ctx)
        await send(ctx, self.dut.load, loads(layer, memory, content, address))
        # The dispatcher looks two clocks after the last byte.
        await ctx.tick()
        await self.until_idle(ctx)

    async def ask(self, ctx: Any, layer: int, memory: int, address: int) -> None:
        await self.until_idle(ctx)
        await super().ask(ctx, layer, memory, address)

    async def keep(self, ctx: Any) -> None:
        lines = b"".join(bytes(beat) for beat in self.beats)
        await self.load(ctx, ENGINE, RESIDENT_BEATS, lines)
        labels = struct.pack(f"<{len(self.labels)}H", *self.labels)
        await self.load(ctx, ENGINE, LABELS, labels)

    async def run(self, ctx: Any, images: int) -> tuple[int, int, int]:
        await self.load(ctx, ENGINE, RESIDENT_RUN, struct.pack("<H14x", images))
        return struct.unpack("<IIQ", await self.fetch(ctx, ENGINE, RESIDENT_RUN, 0))

    def answer(self, number: int) -> bytes:
        """Answer that the link would give to an image."""
        width = self.parameters.logit_bytes
        return b"".join(
            int(logit).to_bytes(width, "little", signed=True) for logit in self.logits[number]
        ) + struct.pack("<H", self.classes[number])


@examples(4)
@given(
    slots_and_lanes=st.sampled_from(SLOTS_AND_LANES),
    rows=st.integers(4, 25),
    hidden=st.integers(1, 6),
    memory=st.sampled_from(["block", "ecp5"]),
    stall=st.sampled_from([0.0, 0.4]),
    seed=st.integers(0, 2**32 - 1),
    order=st.lists(st.integers(0, 5), max_size=5),
)
def test_counts_and_logits_are_the_golden_models(
    slots_and_lanes: tuple[int, int | None],
    rows: int,
    hidden: int,
    memory: str,
    stall: float,
    seed: int,
    order: list[int],
) -> None:
    slots, lanes = slots_and_lanes
    network = random_network((rows, hidden, 3), seed)
    images = random_images(network, 6, seed).reshape(6, rows)
    images[1] = 0
    images[2] = 255
    images[3, 1:] = 0
    images[4, :-1] = 0
    labels = np.random.default_rng(seed).integers(0, 3, 6).tolist()
    machine = Machine(
        network, images, labels, slots=slots, lanes=lanes, memory=memory, stall=stall, seed=seed
    )
    seen: list[Any] = []

    async def stimulus(ctx: Any) -> None:
        await machine.program(ctx, network)
        await machine.keep(ctx)
        seen.append(await machine.run(ctx, 6))
        seen.append([await machine.fetch(ctx, ENGINE, RESIDENT_LOGITS, n) for n in order])
        seen.append(await machine.run(ctx, 4))
        lines = [
            await machine.fetch(ctx, ENGINE, RESIDENT_BEATS, n) for n in range(len(machine.beats))
        ]
        seen.append(lines)
        seen.append([await machine.fetch(ctx, ENGINE, LABELS, n) for n in range(6)])
        seen.append(await machine.fetch(ctx, 1, WEIGHTS, hidden - 1))
        seen.append(await machine.run(ctx, 0))

    leaked = []

    async def watch(ctx: Any) -> None:
        async for _, _, valid in ctx.tick().sample(machine.dut.results.valid):
            leaked.extend([valid] * valid)

    machine.bench.play(watch)
    machine.bench.run(stimulus, patience=50_000)
    hits = [class_ == label for class_, label in zip(machine.classes, labels, strict=True)]
    assert seen[0][:2] == (6, sum(hits))
    assert len(machine.beats) <= seen[0][2]
    assert seen[1] == [machine.answer(number) for number in order]
    assert seen[2][:2] == (4, sum(hits[:4]))
    assert seen[3] == [bytes(beat) for beat in machine.beats]
    assert seen[4] == [struct.pack("<H", label) for label in labels]
    assert seen[5] == network.layers[1].words[hidden - 1].tobytes()
    assert seen[6][:2] == (0, 0)
    assert leaked == []


def test_images_that_are_kept_anew_begin_where_they_are_now() -> None:
    """The start of the next image is remembered from one question to the next."""
    network = random_network((20, 4, 3), 5)
    images = np.zeros((6, 20), dtype=np.uint8)
    images[:3] = 255
    one = Machine(network, images, [0] * 6)
    # The same number of beats, and each image elsewhere.
    two = Machine(network, images[::-1], [0] * 6)
    assert len(one.beats) == len(two.beats)
    answers = []

    async def stimulus(ctx: Any) -> None:
        await one.program(ctx, network)
        await one.keep(ctx)
        answers.append(await one.fetch(ctx, ENGINE, RESIDENT_LOGITS, 2))
        lines = b"".join(bytes(beat) for beat in two.beats)
        await one.load(ctx, ENGINE, RESIDENT_BEATS, lines)
        answers.append(await one.fetch(ctx, ENGINE, RESIDENT_LOGITS, 3))
        answers.append(await one.fetch(ctx, ENGINE, RESIDENT_LOGITS, 5))

    one.bench.run(stimulus, patience=20_000)
    assert answers == [one.answer(2), two.answer(3), two.answer(5)]


@pytest.mark.parametrize("slots", [1, 2, 8])
def test_an_image_costs_its_beats(slots: int) -> None:
    """Wide images, so that the first crossbar is the slowest stage."""
    network = random_network((64, 4, 3), 3)
    images = np.full((12, 64), 255, dtype=np.uint8)
    machine = Machine(network, images, [0] * 12, slots=slots)
    counts = []

    async def stimulus(ctx: Any) -> None:
        await machine.program(ctx, network)
        await machine.keep(ctx)
        counts.append(await machine.run(ctx, 12))

    machine.bench.run(stimulus, patience=50_000)
    filling = counts[0][2] - 12 * 64 // slots
    assert 0 < filling < 60
