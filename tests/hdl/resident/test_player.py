"""Images from the memory of beats against those that were packed, and their results, counted."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.hdl.resident import beat_memory, player as player_module
from allspin.hdl.resident.beat_memory import BeatMemory, EcpBeatMemory
from allspin.hdl.resident.judge import Judge
from allspin.hdl.resident.player import BeatPlayer
from allspin.sim.network.random_network import random_network
from tests.examples import examples
from tests.hdl.driving import put, step
from tests.hdl.resident.slow_code import Line, pack_image
from tests.hdl.streams import StreamBench

KINDS = ("blank", "full", "first", "last", "sparse", "dense")


def image(kind: str, rows: int, bits: int, rng: np.random.Generator) -> list[int]:
    """Row values of an image."""
    match kind:
        case "blank":
            share = 0.0
        case "sparse":
            share = 0.03
        case "dense":
            share = 0.5
        case _:
            share = 1.0
    values = rng.integers(1, 2**bits, rows) * (rng.random(rows) < share)
    if kind == "first":
        values[1:] = 0
    if kind == "last":
        values[:-1] = 0
    return values.tolist()


class Player:
    """A player in Amaranth's simulator, its memory written through its port."""

    def __init__(
        self,
        parameters: CrossbarParameters,
        lines: list[Line],
        beats: int,
        *,
        stall: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.dut = BeatPlayer(parameters, beats)
        self.bench = StreamBench(self.dut, stall=stall, seed=seed)
        self.lines = lines
        self.slots = parameters.rows_per_clock

    async def write(self, ctx: Any) -> None:
        dut = self.dut
        for place, (*parts, last) in enumerate(self.lines):
            ctx.set(dut.place, place)
            for number in range(self.slots):
                put(
                    ctx,
                    dut.stored.slots[number],
                    distance=parts[2 * number],
                    value=parts[2 * number + 1],
                )
            ctx.set(dut.stored.last, last)
            await step(ctx, dut, write=1)
        ctx.set(dut.write, 0)
        await ctx.tick().repeat(dut.settling)

    async def play(self, ctx: Any, first: int, skip: int, images: int) -> int:
        dut = self.dut
        await step(ctx, dut, first=first, skip=skip, images=images, start=1)
        ctx.set(dut.start, 0)
        assert ctx.get(dut.playing)
        while ctx.get(dut.playing):
            await ctx.tick()
        return ctx.get(dut.position)


def driven(events: list[Any], slots: int, rows: int) -> list[list[int]]:
    """The images that events drive."""
    images = []
    values = [0] * (-(-rows // slots) * slots)
    for beat, last in events:
        for slot, (line, value) in enumerate(beat):
            values[line * slots + slot] += value
        if last:
            assert not any(values[rows:])
            images.append(values[:rows])
            values = [0] * len(values)
    assert not any(values)
    return images


@examples(10)
@given(
    slots=st.sampled_from([1, 2, 4]),
    rows=st.integers(4, 100),
    bits=st.integers(1, 8),
    kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=6),
    stall=st.sampled_from([0.0, 0.3]),
    spare=st.sampled_from([0, 1, 50]),
    seed=st.integers(0, 2**32 - 1),
    plan=st.lists(st.tuples(st.integers(0, 5), st.integers(1, 6)), min_size=1, max_size=4),
)
def test_images_come_as_they_were_packed(
    slots: int,
    rows: int,
    bits: int,
    kinds: list[str],
    stall: float,
    spare: int,
    seed: int,
    plan: list[tuple[int, int]],
) -> None:
    parameters = CrossbarParameters(rows, 5, 5, value_bits=bits, rows_per_clock=slots)
    rng = np.random.default_rng(seed)
    images = [image(kind, rows, bits, rng) for kind in kinds]
    packed = [pack_image(values, slots, bits) for values in images]
    starts = np.cumsum([0, *map(len, packed)]).tolist()
    lines = [line for image in packed for line in image]
    player = Player(parameters, lines, len(lines) + spare, stall=stall, seed=seed)
    expected: list[int] = []
    ways: list[tuple[int, int, int, int]] = []
    for skip, count in plan:
        skip = min(skip, len(images) - 1)
        count = min(count, len(images) - skip)
        # From the start, and the same from where the image lies.
        ways.append((0, skip, count, starts[skip + count]))
        ways.append((starts[skip], 0, count, starts[skip + count]))
        expected += [*range(skip, skip + count)] * 2
    ended = []

    async def stimulus(ctx: Any) -> None:
        await player.write(ctx)
        for first, skip, count, _ in ways:
            ended.append(await player.play(ctx, first, skip, count))

    beats = sum(len(packed[number]) for number in expected)
    events = player.bench.take(player.dut.events, beats)
    player.bench.run(stimulus, patience=20_000)
    assert driven(events, slots, rows) == [images[number] for number in expected]
    assert ended == [end % (len(lines) + spare) for *_, end in ways]


@pytest.mark.parametrize("kind", [BeatMemory, EcpBeatMemory])
@pytest.mark.parametrize("slots", [1, 2, 8])
def test_a_beat_leaves_each_clock(slots: int, kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the memory takes the longest: with many small blocks."""
    monkeypatch.setattr(player_module, "BeatMemory", kind)
    monkeypatch.setattr(beat_memory, "COLUMN_LINES", 16)
    parameters = CrossbarParameters(64, 5, 5, rows_per_clock=slots)
    rng = np.random.default_rng(slots)
    kinds = ("full", "blank", "dense", "first", "full", "last")
    images = [image(kind, 64, 4, rng) for kind in kinds]
    lines = [line for values in images for line in pack_image(values, slots, 4)]
    player = Player(parameters, lines, 512)

    async def stimulus(ctx: Any) -> None:
        await player.write(ctx)
        await player.play(ctx, 0, 0, 6)

    clocks: list[int] = []
    events = player.bench.take(player.dut.events, len(lines), clocks=clocks)
    player.bench.run(stimulus)
    assert driven(events, slots, 64) == images
    assert np.diff(clocks).tolist() == [1] * (len(lines) - 1)


@pytest.mark.parametrize(("rows", "lasts"), [(40, [0] * 9 + [1]), (4, [0, 0, 0, 1] * 2 + [0, 1])])
def test_an_image_comes_and_ends_with_any_memory_contents(rows: int, lasts: list[int]) -> None:
    """A memory without any last beat, asked for more images than it could hold."""
    parameters = CrossbarParameters(rows, 5, 5, rows_per_clock=2)
    player = Player(parameters, [(1, 1, 0, 3, 0)] * 10, 10)

    async def stimulus(ctx: Any) -> None:
        await player.write(ctx)
        await player.play(ctx, 0, 0, 65535)
        await player.play(ctx, 0, 65535, 1)
        await player.play(ctx, 9, 0, 2)

    events = player.bench.take(player.dut.events, 12)
    player.bench.run(stimulus)
    assert [last for _, last in events] == [*lasts, 1, 1]


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
