"""cocotb test of the model of a MULT18X18D against Python's integers."""

import random

import cocotb
from cocotb.triggers import Timer

ENDS = (0, 1, 0x1FFFF, 0x20000, 0x3FFFF)


def number(bits, signed):
    return bits - (1 << 18) if signed and bits >> 17 else bits


@cocotb.test()
async def it_multiplies_signed_and_unsigned(dut):
    rng = random.Random(cocotb.RANDOM_SEED)
    pairs = [(a, b) for a in ENDS for b in ENDS]
    pairs += [(rng.getrandbits(18), rng.getrandbits(18)) for _ in range(200)]
    for a, b in pairs:
        for signed_a in (0, 1):
            for signed_b in (0, 1):
                dut.a.value, dut.b.value = a, b
                dut.signed_a.value, dut.signed_b.value = signed_a, signed_b
                await Timer(5, "ns")
                product = number(a, signed_a) * number(b, signed_b)
                assert dut.p.value.to_unsigned() == product % (1 << 36), f"{a:#x} * {b:#x}"
