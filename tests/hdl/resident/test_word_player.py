"""Images that the player makes of words, against a decoder of a few plain lines."""

import random
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.resident.packing import pack_words
from allspin.hdl.resident.word_player import WordPlayer
from tests.examples import examples
from tests.hdl.driving import put, simulate, step

KINDS = ("blank", "full", "first", "last", "sparse", "dense")


def image(kind: str, rows: int, bits: int, rng: np.random.Generator) -> np.ndarray:
    share = {"blank": 0.0, "sparse": 0.05, "dense": 0.5}.get(kind, 1.0)
    values = rng.integers(1, 2**bits, rows) * (rng.random(rows) < share)
    if kind in ("first", "last"):
        values[1:] = 0
    return (values[::-1] if kind == "last" else values).astype(np.uint8)


def decode(words: list[int], rows: int, bits: int) -> list[tuple[int, list[int]]]:
    """Labels and values, as the format says."""
    images, size, rest = [], 4 if bits <= 4 else 8, iter(words)
    for label in rest:
        values, group, more = [0] * (rows + 999), 0, True
        while more:
            mapped = next(rest)
            more = mapped >> 15 == 0
            for each in range(15):
                if mapped >> each & 1:
                    word = next(rest)
                    for k in range(16 // size):
                        row = group * (16 // size) + k
                        values[row] = word >> k * size & (1 << size) - 1
                group += 1
        assert not any(values[rows:])
        images.append((label, values[:rows]))
    return images


@examples(40)
@given(
    rows=st.integers(1, 200),
    bits=st.integers(1, 8),
    kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=5),
    seed=st.integers(0, 99),
)
def test_words_hold_labels_and_values(rows: int, bits: int, kinds: list[str], seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = np.stack([image(kind, rows, bits, rng) for kind in kinds])
    labels = rng.integers(0, 2**16, len(kinds))
    words, sizes = pack_words(values, labels, bits)
    assert decode(words.tolist(), rows, bits) == list(
        zip(labels.tolist(), values.tolist(), strict=True)
    )
    assert sizes.sum() == len(words)


def play(
    rows: int, slots: int, bits: int, words: list[int], runs: list[tuple[int, int, int]], seed: int
) -> list[tuple[list[list[int]], list[int], int, int]]:
    """Images, labels, digest and position of each run (first word, images to skip, to stream)."""
    parameters = CrossbarParameters(rows, 1, 1, bits, 4, slots)
    dut = WordPlayer(parameters, len(words))
    rng = random.Random(seed)
    results = []
    images: list[list[int]] = []
    labels: list[int] = []

    async def bench(ctx: Any) -> None:
        for first, skip, count in runs:
            images.clear()
            labels.clear()
            await step(ctx, dut, start=1, first=first, skip=skip, images=count)
            ctx.set(dut.start, 0)
            while ctx.get(dut.playing):
                await ctx.tick()
            results.append(([*images], [*labels], ctx.get(dut.digest), ctx.get(dut.position)))

    async def memory(ctx: Any) -> None:
        late: list[int | None] = [None] * 6
        while True:
            ready = rng.random() < 0.9
            ctx.set(dut.reads.ready, ready)
            asked = ready and ctx.get(dut.reads.valid)
            late.append(ctx.get(dut.reads.payload) % len(words) if asked else None)
            due = late.pop(0)
            put(ctx, dut, comes=due is not None, found=0 if due is None else words[due])
            await ctx.tick()

    async def listen(ctx: Any) -> None:
        values = [0] * 1024
        while True:
            ready = rng.random() < 0.8
            put(ctx, dut.events, ready=ready)
            ctx.set(dut.labels.ready, rng.random() < 0.5)
            if ctx.get(dut.labels.valid):
                labels.append(ctx.get(dut.labels.payload))
            if ready and ctx.get(dut.events.valid):
                event = dut.events.payload
                for number in range(slots):
                    value = ctx.get(event.slots[number].value)
                    if value:
                        row = ctx.get(event.slots[number].row) * slots + number
                        values[row] = value
                if ctx.get(event.last):
                    images.append(values[:rows])
                    values = [0] * 1024
            await ctx.tick()

    simulate(dut, bench, memory, listen)
    return results


@pytest.mark.parametrize(
    ("slots", "bits"), [(1, 4), (2, 4), (4, 4), (8, 4), (4, 1), (1, 8), (2, 5), (8, 7)]
)
def test_the_player_streams_the_images_that_are_asked_for(slots: int, bits: int) -> None:
    rows = 93
    rng = np.random.default_rng(slots * bits)
    values = np.stack([image(kind, rows, bits, rng) for kind in (*KINDS, "sparse")])
    labels = rng.integers(0, 10, len(values))
    words, sizes = pack_words(values, labels, bits)
    starts = [0, *np.cumsum(sizes).tolist()]
    memory = [*words.tolist(), *range(50)]
    runs = [(0, 0, 7), (starts[2], 0, 3), (0, 5, 1), (starts[1], 2, 2)]
    found = play(rows, slots, bits, memory, runs, slots)
    for (first, skip, count), (images, classes, digest, position) in zip(runs, found, strict=True):
        begin = starts.index(first)
        shown = slice(begin + skip, begin + skip + count)
        assert images == values[shown].tolist()
        assert classes == labels[shown].tolist()
        end = starts[begin + skip + count]
        assert digest == zlib.crc32(words[first:end].astype("<u2").tobytes())
        assert position == end


@pytest.mark.parametrize("fill", [0, 0xFFFF, 0x8000, 0x1234])
@pytest.mark.parametrize("run", [(0, 0, 9), (3, 700, 1)])
def test_an_image_and_the_end_come_from_any_memory_contents(
    fill: int, run: tuple[int, int, int]
) -> None:
    ((images, _, _, position),) = play(40, 4, 4, [fill] * 70, [run], 3)
    assert len(images) >= 1
    assert position == 0 or len(images) == run[2]


def test_an_image_that_does_not_end_has_as_many_words_as_one_without_a_blank() -> None:
    rows = 40
    ((images, labels, _, _),) = play(rows, 4, 4, [0] * 70, [(0, 0, 9)], 3)
    longest = len(pack_words(np.ones((1, rows), np.uint8), np.zeros(1, np.uint8), 4)[0])
    assert len(images) == len(labels) == -(-70 // longest)
