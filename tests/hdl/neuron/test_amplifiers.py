"""The amplifiers against Python's own integers."""

import random

import pytest
from hypothesis import given, strategies as st

from allspin.hdl.neuron.amplifiers import Amplifiers, LastAmplifiers
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import AMPLIFIERS, SUM_NOISE, USE_NOISE
from allspin.hdl.parameters.profile import VariationParameters
from tests.examples import examples
from tests.hdl.driving import loads, send, send_at_once
from tests.hdl.streams import StreamBench


def engine(classes, value_bits=4, at_once=1, memory="block"):
    return EngineParameters(
        (
            CrossbarParameters(300, 9, 9, neurons_per_clock=at_once, memory=memory),
            CrossbarParameters(
                9, classes, classes, value_bits, rows_per_clock=at_once, memory=memory
            ),
        ),
        variation=VariationParameters(sum_noise=True),
    )


def extremes(rng, bits):
    """A signed number, often as large as can be."""
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return rng.choice([low, high, -1, 0, rng.randint(low, high)])


def amplify(p, images, noises, gains, *, on, stall, seed):
    dut = LastAmplifiers(p)
    bench = StreamBench(dut, stall=stall, seed=seed)

    async def load(ctx):
        start = b"\1\2\3\4\5\6"
        content = b"".join(start + gain.to_bytes(2, "little", signed=True) for gain in gains)
        # Bytes for other memories come between.
        for told in (
            loads(1, USE_NOISE, bytes(4)),
            loads(1, SUM_NOISE, [255, 255, 255, 127 + 128 * on]),
            loads(1, AMPLIFIERS, content[8 * half :], half),
            loads(1, AMPLIFIERS, content[: 8 * half]),
        ):
            await send_at_once(ctx, dut.load, told)
        await ctx.tick()
        for image in images:
            sums = [{"sums": [one], "last": n == len(image) - 1} for n, one in enumerate(image)]
            await send(ctx, dut.sums, sums, lambda: rng.random() < stall)

    rng = random.Random(seed)
    half = len(gains) // 2
    if on:
        bench.put(dut.noise, [{"sums": [noise]} for image in noises for noise in image])
    taken = bench.take(dut.amplified, sum(map(len, images)))
    bench.run(load)
    return taken


@examples(10)
@given(
    classes=st.integers(1, 7),
    value_bits=st.sampled_from([1, 4, 8]),
    memory=st.sampled_from(["block", "ecp5"]),
    on=st.booleans(),
    stall=st.sampled_from([0.0, 0.4]),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_last_layers_sums(classes, value_bits, memory, on, stall, seed):
    rng = random.Random(seed)
    p = engine(classes, value_bits, memory=memory)
    bits = p.crossbars[1].sum_bits, p.sum_noise_bits(1)
    images = [[extremes(rng, bits[0]) for _ in range(classes)] for _ in range(7)]
    noises = [[extremes(rng, bits[1]) if on else 0 for _ in range(classes)] for _ in images]
    gains = [max(-8191, extremes(rng, 14)) for _ in range(classes)]
    taken = amplify(p, images, noises, gains, on=on, stall=stall, seed=seed)

    def turned(value, noise, gain):
        return value + noise + ((value + noise) * gain * 2 + 2**13) // 2**14

    assert taken == [
        ((turned(*one),), int(place == classes - 1))
        for image, noise in zip(images, noises, strict=True)
        for place, one in enumerate(zip(image, noise, gains, strict=True))
    ]


def test_it_never_waits_for_noise_that_it_has():
    p = engine(6)
    clocks = []
    dut = LastAmplifiers(p)
    bench = StreamBench(dut)
    bench.put(dut.sums, [{"sums": [n], "last": n % 6 == 5} for n in range(60)])
    bench.take(dut.amplified, 60, clocks=clocks)
    bench.run()
    # A sum a clock, but where room is counted.
    assert clocks[-1] - clocks[0] < 80


@pytest.mark.parametrize("stall", [0.0, 0.5])
@pytest.mark.parametrize("at_once", [1, 4])
def test_hidden_sums_get_noise_and_uses_go_with_them(at_once, stall):
    rng = random.Random(at_once)
    p = engine(3, at_once=at_once)
    dut = Amplifiers(p, 0)
    bits = p.crossbars[0].sum_bits, p.sum_noise_bits(0), p.use_bits
    beats = [[[extremes(rng, width) for _ in range(at_once)] for width in bits] for _ in range(40)]
    bench = StreamBench(dut, stall=stall, seed=3)
    uses = []

    async def stimulus(ctx):
        for number, (sums, noise, use) in enumerate(beats):
            while rng.random() < stall:
                await ctx.tick()
            ctx.set(dut.sums.payload, {"sums": sums, "last": number % 3 == 0})
            ctx.set(dut.noise, {"sums": noise, "uses": use})
            ctx.set(dut.sums.valid, 1)
            await ctx.tick().until(dut.sums.ready)
            ctx.set(dut.sums.valid, 0)

    async def watch(ctx):
        port = dut.amplified
        async for _, _, valid, ready, use in ctx.tick().sample(port.valid, port.ready, dut.uses):
            if valid and ready:
                uses.append([int(one) for one in use])

    bench.play(watch)
    taken = bench.take(dut.amplified, len(beats))
    bench.run(stimulus)
    assert taken == [
        (tuple(a + b for a, b in zip(sums, noise, strict=True)), int(number % 3 == 0))
        for number, (sums, noise, _) in enumerate(beats)
    ]
    assert uses == [use for _, _, use in beats]
