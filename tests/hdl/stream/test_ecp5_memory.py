# amaranth: UnusedElaboratable=no
"""Block RAMs of an ECP5, against a dictionary."""

import random
from typing import Any

import pytest
from amaranth.hdl import (
    Fragment,
    Module,
)

from allspin.hdl.parameters.target import SMALLEST_BLOCK
from allspin.hdl.stream import ecp5_memory
from allspin.hdl.stream.ecp5_memory import LineMemory, WordMemory
from tests.hdl.driving import Ecp5, simulate, step
from tests.hdl.stream.ecp5_cells import Cell


@pytest.fixture(autouse=True)
def models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ecp5_memory, "Instance", Cell)


@pytest.mark.parametrize("rah_bits", [3, 8])
@pytest.mark.parametrize(
    ("lines", "lanes"),
    [(512, 4), (1024, 2), (2048, 1), *((SMALLEST_BLOCK, n) for n in (1, 2, 4)), (128, 2), (7, 4)],
)
def test_words_come_two_clocks_after_their_address(lines: int, lanes: int, rah_bits: int) -> None:
    rng = random.Random(lines + lanes)
    dut = WordMemory(lines, lanes, rah_bits)
    held: dict[tuple[int, int], int] = {}
    some = [0, lines - 1, *(rng.randrange(lines) for _ in range(20))]

    async def testbench(ctx: Any) -> None:
        for _ in range(150):
            line, enables = rng.choice(some), rng.getrandbits(lanes)
            word = rng.randrange(-(2 ** (rah_bits - 1)), 2 ** (rah_bits - 1))
            await step(ctx, dut, write_address=line, write_enable=enables, word=word)
            held.update({(line, lane): word for lane in range(lanes) if enables >> lane & 1})
        ctx.set(dut.write_enable, 0)
        for line in some:
            await step(ctx, dut, address=line)
            await step(ctx, dut, address=rng.choice(some))
            found = [ctx.get(dut.words[lane]) for lane in range(lanes)]
            wanted = [held.get((line, lane)) for lane in range(lanes)]
            assert [f for f, w in zip(found, wanted, strict=True) if w is not None] == [
                w for w in wanted if w is not None
            ]

    simulate(dut, testbench, platform=Ecp5())
    assert len(held) > 12


def test_only_long_memories_take_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds: list[str] = []

    class Counted(Cell):
        def elaborate(self, platform: object) -> Module:
            kinds.append(self.kind)
            return super().elaborate(platform)

    monkeypatch.setattr(ecp5_memory, "Instance", Counted)
    for lines, distributed, found in (
        (128, None, []), (129, None, ["DP16KD"]), (99, False, ["DP16KD"]), (130, True, []),
    ):  # fmt: skip
        kinds.clear()
        Fragment.get(WordMemory(lines, 2, 8, distributed=distributed), Ecp5())
        assert kinds == found


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

    monkeypatch.setattr(ecp5_memory, "Instance", Counted)
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
