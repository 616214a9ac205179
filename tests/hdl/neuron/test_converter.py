"""The V-I converter against Python's own integers."""

import random
from typing import Any

import pytest
from hypothesis import given, strategies as st

from allspin.hdl.neuron.converter import ViConverter
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import CONVERTER, SHIFT, TABLE
from allspin.hdl.parameters.profile import VariationParameters
from allspin.sim.network.layer_kinds import DENSE, Convolution
from tests.examples import examples
from tests.hdl.driving import loads, put, send_at_once
from tests.hdl.streams import StreamBench


def engine(
    columns: int,
    current_bits: int = 8,
    rows: int = 300,
    at_once: int = 1,
    memory: str = "block",
    noisy: bool = False,
    positions: int = 1,
) -> EngineParameters:
    kinds = (Convolution((positions, 1, rows), (1, 1)), DENSE) if positions > 1 else ()
    return EngineParameters(
        (
            CrossbarParameters(
                rows, columns, min(columns, 8), neurons_per_clock=at_once, memory=memory
            ),
            CrossbarParameters(columns * positions, 3, 3, rows_per_clock=at_once),
        ),
        kinds=kinds,
        neuron_per="position",
        current_bits=current_bits,
        variation=VariationParameters() if noisy else None,
    )


def current(value: int, gain: int, offset: int, shift: int, bits: int, noise: int = 0) -> int:
    # An arithmetic shift is a floor division by a power of two.
    return max(0, min(2**bits - 1, value * gain // 2**shift - offset + noise))


def converter_bytes(gains: list[int], offsets: list[int]) -> bytes:
    return b"".join(
        gain.to_bytes(2, "little") + offset.to_bytes(2, "little", signed=True)
        for gain, offset in zip(gains, offsets, strict=True)
    )


def convert(
    p: EngineParameters,
    gains: list[int],
    offsets: list[int],
    shift: int,
    images: list[list[int]],
    *,
    noises: list[list[int]] | None = None,
    stall: float = 0.0,
    seed: int = 0,
) -> list[tuple[int, int]]:
    dut = ViConverter(p, 0)
    at_once = p.crossbars[0].neurons_per_clock
    bench = StreamBench(dut, stall=stall, seed=seed)

    async def stimulus(ctx: Any) -> None:
        await send_at_once(ctx, dut.load, loads(0, CONVERTER, converter_bytes(gains, offsets)))
        await send_at_once(ctx, dut.load, loads(0, SHIFT, bytes([shift])))
        await send_at_once(ctx, dut.load, loads(0, TABLE, bytes(20)))  # somebody else's
        rng = random.Random(seed)
        for number, image in enumerate(images):
            for first in range(0, len(image), at_once):
                while rng.random() < stall:
                    await ctx.tick()
                sums = image[first : first + at_once]
                sums += [0] * (at_once - len(sums))
                last = first + at_once >= len(image)
                put(ctx, dut.sums, payload={"sums": sums, "last": last}, valid=1)
                for place, noise in enumerate(noises[number][first:][:at_once] if noises else []):
                    ctx.set(dut.noise[place], noise)
                await ctx.tick().until(dut.sums.ready)
                ctx.set(dut.sums.valid, 0)

    taken = bench.take(dut.currents, sum(-(-len(image) // at_once) for image in images))
    bench.run(stimulus)
    columns = p.crossbars[0].columns
    currents, image = [], []
    for together, last in taken:
        image += together
        if last:
            currents += [(value, int(n == columns - 1)) for n, value in enumerate(image[:columns])]
            image = []
    return currents


@examples(20)
@given(
    columns=st.integers(1, 9),
    bits=st.integers(4, 12),
    shift=st.integers(0, 31),
    at_once=st.sampled_from([1, 2, 4]),
    memory_and_positions=st.sampled_from(
        [("block", 1), ("spram", 1), ("ecp5", 1), ("ecp5", 3), ("block", 2)]
    ),
    noisy=st.booleans(),
    stall=st.sampled_from([0.0, 0.4]),
    seed=st.integers(0, 2**32 - 1),
)
def test_currents_of_any_sum(
    columns: int,
    bits: int,
    shift: int,
    at_once: int,
    memory_and_positions: tuple[str, int],
    noisy: bool,
    stall: float,
    seed: int,
) -> None:
    rng = random.Random(seed)
    memory, positions = memory_and_positions
    p = engine(columns, bits, at_once=at_once, memory=memory, noisy=noisy, positions=positions)
    neurons = columns * positions
    gains = [rng.choice([0, 1, 1023, rng.randrange(1024)]) for _ in range(neurons)]
    low, high = -(2 ** (bits + 1)), 2 ** (bits + 1) - 1
    offsets = [rng.choice([low, high, 0, rng.randint(low, high)]) for _ in range(neurons)]
    width = p.crossbars[0].sum_bits
    spread = min(width - 1, max(2, shift))
    images = [
        [
            rng.choice([-(2 ** (width - 1)), 2 ** (width - 1) - 1, -1, rng.getrandbits(spread)])
            for _ in range(columns)
        ]
        for _ in range(5)
    ]
    noises = [[0] * columns for _ in images]
    if noisy:
        most = 2 ** (p.use_bits - 1)
        noises = [
            [rng.choice([-most, most - 1, 1, rng.randrange(-most, most)]) for _ in image]
            for image in images
        ]
    wanted = [
        (current(value, gains[use], offsets[use], shift, bits, noise[n]), int(n == columns - 1))
        for number, (image, noise) in enumerate(zip(images, noises, strict=True))
        for n, value in enumerate(image)
        for use in [number % positions * columns + n]
    ]
    found = convert(
        p,
        gains,
        offsets,
        shift,
        images,
        noises=noises if noisy else None,
        stall=stall,
        seed=seed,
    )
    assert found == wanted


@pytest.mark.parametrize(("at_once", "positions"), [(1, 1), (4, 1), (2, 2)])
def test_a_word_can_be_written_alone_and_shown(at_once: int, positions: int) -> None:
    p = engine(6 // positions, at_once=at_once, positions=positions)
    dut = ViConverter(p, 0)
    bench = StreamBench(dut)
    seen = []

    async def stimulus(ctx: Any) -> None:
        gains, offsets = [1, 2, 3, 4, 5, 6], [-1, -2, -3, 4, 5, -512]
        await send_at_once(ctx, dut.load, loads(0, CONVERTER, converter_bytes(gains, offsets)))
        await send_at_once(ctx, dut.load, loads(0, CONVERTER, converter_bytes([777], [-333]), 2))
        ctx.set(dut.probe, 1)
        for column in range(6):
            ctx.set(dut.column, column)
            await ctx.tick().repeat(2)
            seen.append(ctx.get(dut.word))

    bench.run(stimulus)
    wanted = converter_bytes([1, 2, 777, 4, 5, 6], [-1, -2, -333, 4, 5, -512])
    assert b"".join(word.to_bytes(4, "little") for word in seen) == wanted
