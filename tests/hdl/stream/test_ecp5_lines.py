"""Lines in a block RAM of an ECP5, in the model of its cell, against a dictionary."""

import random
from typing import Any

import pytest

from allspin.hdl.stream import ecp5
from allspin.hdl.stream.ecp5_lines import LineMemory
from tests.hdl.stream.test_ecp5 import Cell, simulate


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
                ctx.set(dut.write_address, line)
                ctx.set(dut.write, write)
                ctx.set(dut.written, content)
                await ctx.tick()
        for line in some:
            ctx.set(dut.address, line)
            await ctx.tick()
            ctx.set(dut.address, rng.choice(some))
            await ctx.tick()
            assert ctx.get(dut.line) == held[line]

    simulate(dut, testbench)
    assert blocks == ([] if distributed else ["DP16KD"])
