# amaranth: UnusedElaboratable=no
"""The CMOS neurons' blocks, and the engine's neurons made of them, by their definitions."""

import random
from typing import Any

import pytest
from hypothesis import example, given, strategies as st

from allspin.hdl.neuron.cmos_neuron import (
    BareGate,
    DigitalColumn,
    RegisteredRelu,
    RoundedRelu,
    TableLogic,
)
from tests.examples import examples
from tests.hdl.driving import put, simulate, step


@pytest.mark.parametrize("bits", [1, 4])
def test_a_bare_gate_is_a_relu_of_twos_complement(bits: int) -> None:
    dut = BareGate(bits)

    async def testbench(ctx: Any) -> None:
        for number in range(-(2**bits), 2**bits):
            put(ctx, dut, negative=number < 0, value=number % 2**bits)
            assert ctx.get(dut.activation) == max(number, 0)

    simulate(dut, testbench, clocked=False)


@examples(10)
@example(drop=-1, bits=8, seed=0)
@given(drop=st.integers(-1, 6), bits=st.integers(1, 8), seed=st.integers(0, 2**32 - 1))
def test_a_registered_relu_sums_its_terms_from_the_threshold(
    drop: int, bits: int, seed: int
) -> None:
    rng = random.Random(seed)
    dut = RegisteredRelu(8, 14, drop, bits)

    async def testbench(ctx: Any) -> None:
        for _ in range(20):
            terms = [rng.randint(-128, 127) for _ in range(rng.randint(1, 12))]
            threshold = rng.choice([0, 100, 2000, sum(terms) - 4100])
            ctx.set(dut.start, -threshold)
            for number, term in enumerate(terms):
                while rng.random() < 0.3:  # a clock without a term
                    await step(
                        ctx, dut, enable=0, term=rng.randint(-128, 127), last=rng.randrange(2)
                    )
                await step(
                    ctx, dut, enable=1, term=term, first=number == 0, last=number == len(terms) - 1
                )
            ctx.set(dut.enable, 0)
            wanted = int((sum(terms) - threshold) / 2.0**drop // 1)
            assert ctx.get(dut.activation) == min(max(wanted, 0), 2**bits - 1)

    simulate(dut, testbench)


def test_a_table_is_looked_up_a_clock_later() -> None:
    table = [3, 0, 7, 7, 1, 2, 5, 4]
    dut = TableLogic(table, 3)

    async def testbench(ctx: Any) -> None:
        for place in (5, 0, 7, 3, 1, 2, 6, 4):
            await step(ctx, dut, current=place)
            assert ctx.get(dut.activation) == table[place]

    simulate(dut, testbench)


@examples(10)
@given(bits=st.integers(1, 8), wider=st.integers(0, 4), seed=st.integers(0, 2**32 - 1))
def test_a_rounded_relu_drops_bits_to_the_nearest_and_holds_at_full_scale(
    bits: int, wider: int, seed: int
) -> None:
    rng = random.Random(seed)
    width = bits + wider
    dut = RoundedRelu(width, bits)

    async def testbench(ctx: Any) -> None:
        for current in (0, 2**width - 1, *(rng.randrange(2**width) for _ in range(30))):
            await step(ctx, dut, current=current)
            wanted = int(current / 2**wider + 0.5)
            assert ctx.get(dut.activation) == min(wanted, 2**bits - 1)

    simulate(dut, testbench)


@examples(10)
@given(
    value_bits=st.integers(1, 8),
    weight_bits=st.integers(2, 8),
    bits=st.integers(1, 8),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_digital_column_is_a_relu_of_a_scalar_product(
    value_bits: int, weight_bits: int, bits: int, seed: int
) -> None:
    rng = random.Random(seed)
    drop = max(-1, value_bits + weight_bits - bits)
    dut = DigitalColumn(value_bits, weight_bits, value_bits + weight_bits + 5, drop, bits)
    top, half = 2**value_bits - 1, 2 ** (weight_bits - 1)
    images = [
        [(rng.randint(0, top), rng.randint(-half, half - 1)) for _ in range(rng.randint(1, 9))]
        for _ in range(12)
    ]
    images += [[(top, half - 1)] * 9, [(top, -half)] * 9]
    starts = [rng.randint(-20, 20) for _ in images]
    found = []

    async def testbench(ctx: Any) -> None:
        for start, rows in zip(starts, images, strict=True):
            ctx.set(dut.start, start)
            for number, (value, weight) in enumerate(rows):
                await step(
                    ctx,
                    dut,
                    value=value,
                    weight=weight,
                    first=number == 0,
                    last=number == len(rows) - 1,
                )
            found.append(ctx.get(dut.activation))

    simulate(dut, testbench)
    sums = [
        start + sum(value * weight for value, weight in rows)
        for start, rows in zip(starts, images, strict=True)
    ]
    assert found == [min(max(int(total / 2.0**drop // 1), 0), 2**bits - 1) for total in sums]
