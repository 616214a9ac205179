"""Products in the multipliers of an ECP5, against plain arithmetic."""

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

from allspin.hdl.stream import multiplier
from allspin.hdl.stream.multiplier import PART_BITS, PRODUCT_CLOCKS, multiply
from tests.hdl.driving import Ecp5, simulate
from tests.hdl.stream.ecp5_cells import Multiplier


@pytest.mark.parametrize("platform", [None, Ecp5()])
@pytest.mark.parametrize("bits", [1, 11, 16, 17])
@pytest.mark.parametrize(
    ("shape", "multipliers"),
    [
        (signed(2), 1),
        (unsigned(17), 1),
        (signed(18), 1),
        (unsigned(18), 2),
        (signed(19), 2),
        (signed(23), 2),
        (signed(35), 2),
        (signed(36), 3),
    ],
)
def test_a_product(
    monkeypatch: pytest.MonkeyPatch, platform: object, bits: int, shape: Shape, multipliers: int
) -> None:
    monkeypatch.setattr(multiplier, "Instance", Multiplier)
    monkeypatch.setattr(Multiplier, "made", 0)
    m = Module()
    factor, other = Signal(bits), Signal(shape)
    product = multiply(m, platform, factor, other, "product")
    assert Multiplier.made == (multipliers if platform else 0)
    rng = random.Random(bits)
    low, high = (-(2 ** (shape.width - 1)), 2 ** (shape.width - 1) - 1)
    if not shape.signed:
        low, high = 0, 2**shape.width - 1
    pairs = [(one, two) for one in (0, 2**bits - 1) for two in (low, high, 0)]
    pairs += [(rng.randrange(2**bits), rng.randint(low, high)) for _ in range(50)]

    async def testbench(ctx: Any) -> None:
        # One pair a clock.
        for clock in range(len(pairs) + PRODUCT_CLOCKS):
            if clock < len(pairs):
                ctx.set(factor, pairs[clock][0])
                ctx.set(other, pairs[clock][1])
            if clock >= PRODUCT_CLOCKS:
                one, two = pairs[clock - PRODUCT_CLOCKS]
                assert ctx.get(product) == one * two
            await ctx.tick()

    simulate(m, testbench, platform=platform)


@pytest.mark.parametrize("shape", [unsigned(PART_BITS + 1), signed(4)])
def test_a_factor_that_does_not_fit_is_refused(shape: Shape) -> None:
    with pytest.raises(ValueError, match="factor must be unsigned, of 1 to 17 bits, not"):
        multiply(Module(), None, Signal(shape), Signal(4), "product")
