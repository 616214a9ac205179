"""Carry chains and copied registers of an ECP5, against plain arithmetic."""

import random
from typing import Any

import pytest
from amaranth.hdl import (
    Module,
    Shape,
    Signal,
    signed,
    unsigned,
)

from allspin.hdl.stream import ecp5_chains, ecp5_copies
from allspin.hdl.stream.ecp5_chains import add_or_begin, add_or_start, times_digit
from allspin.hdl.stream.ecp5_copies import copies
from tests.hdl.driving import Ecp5, simulate
from tests.hdl.stream.ecp5_cells import Cell


@pytest.fixture(autouse=True)
def models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ecp5_chains, "Instance", Cell)
    monkeypatch.setattr(ecp5_copies, "Instance", Cell)


@pytest.mark.parametrize("digit_bits", [1, 2])
@pytest.mark.parametrize(
    "shape", [signed(2), signed(7), signed(8), unsigned(1), unsigned(2), unsigned(4), unsigned(7)]
)
def test_a_digit_s_product(shape: Shape, digit_bits: int) -> None:
    m = Module()
    word, digit = Signal(shape), Signal(digit_bits)
    product = times_digit(m, Ecp5(), word, digit, "product")
    assert len(product) == shape.width + digit_bits
    m.d.sync += Signal().eq(0)
    half = 2 ** (shape.width - 1)

    async def testbench(ctx: Any) -> None:
        for one in range(-half, half) if shape.signed else range(2 * half):
            for other in range(2**digit_bits):
                ctx.set(word, one)
                ctx.set(digit, other)
                assert ctx.get(product) == one * other

    simulate(m, testbench, platform=Ecp5())


@pytest.mark.parametrize(
    ("shape", "term_bits", "sum_bits", "start_bits"),
    [
        *((shape, *bits, 0) for shape in (signed, unsigned) for bits in ((5, 12), (8, 13), (1, 2))),
        *((signed, *bits) for bits in ((5, 12, 4), (8, 12, 12), (2, 12, 12), (12, 12, 2))),
    ],
)
def test_a_sum_goes_on_or_starts(
    shape: Any, term_bits: int, sum_bits: int, start_bits: int
) -> None:
    """At 0, or somewhere."""
    rng = random.Random(sum_bits)
    m = Module()
    term, sum_, starts = Signal(shape(term_bits)), Signal(shape(sum_bits)), Signal()
    start = Signal(signed(max(start_bits, 1)))
    if start_bits:
        total = add_or_begin(m, Ecp5(), term, sum_, starts, start, "total")
    else:
        total = add_or_start(m, Ecp5(), term, sum_, starts, "total")
    m.d.sync += Signal().eq(0)
    below = shape is signed  # half of their range is below 0
    lowest = -below * 2 ** (sum_bits - 1)

    def drawn(bits: int) -> int:
        return rng.getrandbits(bits) - (below * 2**bits) // 2

    async def testbench(ctx: Any) -> None:
        for _ in range(300):
            one, other, first = drawn(term_bits), drawn(sum_bits), drawn(start_bits)
            begins = rng.getrandbits(1)
            first *= begins and start_bits > 0
            for signal, value in ((term, one), (sum_, other), (starts, begins), (start, first)):
                ctx.set(signal, value)
            wanted = one + (first if begins else other)
            assert ctx.get(total) == (wanted - lowest) % 2**sum_bits + lowest

    simulate(m, testbench, platform=Ecp5())


def test_copies_follow_a_clock_later() -> None:
    m = Module()
    value = Signal(5)
    made = copies(m, Ecp5(), value, 3, "copy")
    assert len(made) == 3

    async def testbench(ctx: Any) -> None:
        for number in (3, 31, 0, 17):
            ctx.set(value, number)
            await ctx.tick()
            assert [ctx.get(copy) for copy in made] == [number] * 3

    simulate(m, testbench, platform=Ecp5())
