# amaranth: UnusedElaboratable=no
"""Lines in a block RAM of an ECP5 and products in its multipliers, in models of these cells."""

import random
from typing import Any

import pytest
from amaranth.hdl import Cat, Elaboratable, Module, Mux, Shape, Signal, signed, unsigned

from allspin.hdl.stream import ecp5, ecp5_lines as ecp5_multiplier
from allspin.hdl.stream.ecp5_lines import PART_BITS, PRODUCT_CLOCKS, LineMemory, multiply
from tests.hdl.driving import Ecp5, simulate, step
from tests.hdl.stream.test_ecp5 import Cell


@pytest.mark.parametrize(
    ("lines", "bits", "distributed"),
    [(512, 36, False), (98, 35, False), (513, 16, False), (2048, 9, False), (40, 36, True)],
)
def test_a_line_comes_two_clocks_after_its_address(
    lines: int, bits: int, distributed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks: list[str] = []

    class Counted(Cell):
        def __init__(self, kind: str, **ports: Any) -> None:
            super().__init__(kind, **ports)
            blocks.append(kind)

    monkeypatch.setattr(ecp5, "Instance", Counted)
    rng = random.Random(lines)
    dut = LineMemory(lines, bits, distributed=distributed)
    some = [0, lines - 1, *(rng.randrange(lines) for _ in range(20))]
    held = {line: rng.getrandbits(bits) for line in some}

    async def testbench(ctx: Any) -> None:
        for line, written in held.items():
            for write, content in ((1, written), (0, rng.getrandbits(bits))):
                await step(ctx, dut, write_address=line, write=write, written=content)
        for line in some:
            await step(ctx, dut, address=line)
            await step(ctx, dut, address=rng.choice(some))
            assert ctx.get(dut.line) == held[line]

    simulate(dut, testbench, platform=Ecp5())
    assert blocks == ([] if distributed else ["DP16KD"])


class Multiplier(Elaboratable):
    """FPGA-TN-02205: 18 bits times 18, each signed or not, without registers by default."""

    made = 0

    def __init__(self, kind: str, **ports: Any) -> None:
        assert kind == "MULT18X18D"
        assert not any(name.startswith("p_") for name in ports)
        self.ports = ports
        type(self).made += 1

    def factor(self, pin: str) -> Any:
        bits = Cat(self.ports[f"i_{pin}{bit}"] for bit in range(18))
        sign = bits[-1] & self.ports[f"i_SIGNED{pin}"]
        return Cat(bits, sign).as_signed()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        product = Signal(signed(36))
        # A factor that came from the neighbour would be no product.
        wrong = self.ports["i_SOURCEA"] | self.ports["i_SOURCEB"]
        m.d.comb += product.eq(Mux(wrong, 0, self.factor("A") * self.factor("B")))
        m.d.comb += [self.ports[f"o_P{bit}"].eq(product[bit]) for bit in range(36)]
        return m


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
    monkeypatch.setattr(ecp5_multiplier, "Instance", Multiplier)
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
