"""cocotb test of the model of a routed multiplier against Python's integers."""

import random

import cocotb
from cocotb.triggers import Timer


async def clock(dut):
    """One edge of the clock."""
    dut.clk.value = 1
    await Timer(1, "ns")
    dut.clk.value = 0
    await Timer(1, "ns")


@cocotb.test()
async def products_and_sums_are_those_of_integers(dut):
    rng = random.Random(1)
    edges = [-(1 << 15), -1, 0, 1, (1 << 15) - 1]
    dut.clk.value = 0
    for number in range(300):
        a, b, c = (
            rng.choice(edges) if number % 3 == 0 else rng.randrange(-(1 << 15), 1 << 15)
            for _ in range(3)
        )
        d = rng.randrange(1 << 16)
        for pin, value in (("a", a), ("b", b), ("c", c), ("d", d)):
            getattr(dut, pin).value = value & 0xFFFF
        await clock(dut)
        # A is behind a register, and so is the sum; the product and B are not.
        assert dut.product.value.to_unsigned() == ((a & 0xFFFF) * b) & 0xFFFFFFFF
        await clock(dut)
        assert dut.total.value.to_unsigned() == ((c << 16) + d + a * b) & 0xFFFFFFFF
