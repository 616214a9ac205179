"""What is instantiated on an ECP5, in models of its cells, against arithmetic and a dictionary.

The cells' models in Verilog are run with the whole engine (`tests/boards/gates`); these here are
of the same data sheets, and quick.
"""

import random
from typing import Any

import pytest
from amaranth.hdl import (
    Cat,
    Const,
    Elaboratable,
    Fragment,
    Module,
    Mux,
    Shape,
    Signal,
    signed,
    unsigned,
)
from amaranth.lib.memory import Memory

from allspin.hdl.parameters.target import SMALLEST_BLOCK
from allspin.hdl.stream import ecp5
from allspin.hdl.stream.ecp5 import WordMemory, add_or_begin, add_or_start, copies, times_digit
from tests.hdl.driving import Ecp5, simulate, step


class Cell(Elaboratable):
    """A cell's model, in place of an instance."""

    def __init__(self, kind: str, **ports: Any) -> None:
        self.kind = kind
        self.ports = ports

    def elaborate(self, platform: object) -> Module:
        m = Module()
        {"TRELLIS_FF": self.flip_flop, "CCU2C": self.carries, "DP16KD": self.memory}[self.kind](m)
        return m

    def pin(self, name: str) -> Any:
        return self.ports[f"i_{name}"]

    def flip_flop(self, m: Module) -> None:
        m.d.sync += self.ports["o_Q"].eq(self.pin("DI"))

    def carries(self, m: Module) -> None:
        """FPGA-TN-02200: of each half a table of four inputs, and one of two for the carry."""
        carry = self.pin("CIN")
        for half in range(2):
            table = self.ports[f"p_INIT{half}"]
            a, b, c, d = (self.pin(f"{name}{half}") for name in "ABCD")
            propagates = Signal(name=f"propagates_{half}")
            generates = Signal(name=f"generates_{half}")
            following = Signal(name=f"carry_{half}")
            m.d.comb += [
                propagates.eq(table.bit_select(Cat(a, b, c, d), 1)),
                generates.eq(table.bit_select(Cat(a, b), 1)),
                self.ports[f"o_S{half}"].eq(propagates ^ carry),
                following.eq(Mux(propagates, carry, generates)),
            ]
            carry = following
        m.d.comb += self.ports["o_COUT"].eq(carry)

    def memory(self, m: Module) -> None:
        """FPGA-TN-02204: written through A and read through B, with an output register."""
        width = self.ports["p_DATA_WIDTH_A"]
        assert width == self.ports["p_DATA_WIDTH_B"]
        assert self.ports["p_REGMODE_B"] == "OUTREG"
        unit = {9: 3, 18: 4, 36: 5}[width]
        parts = width // 9
        m.submodules.memory = memory = Memory(shape=width, depth=2 ** (14 - unit), init=[])
        write, read = memory.write_port(granularity=9), memory.read_port(domain="comb")
        chosen = {side: Cat(self.pin(f"CS{side}{n}") for n in range(3)) == 0 for side in "AB"}
        written = [self.pin(f"DI{side}{bit}") for side in "AB" for bit in range(18)]
        addresses = {side: Cat(self.pin(f"AD{side}{bit}") for bit in range(14)) for side in "AB"}
        enables = addresses["A"][:parts] if parts > 1 else Const(1, 1)
        writes = self.pin("WEA") & self.pin("CEA") & chosen["A"]
        word, output = Signal(width), Signal(width)
        m.d.comb += [
            write.addr.eq(addresses["A"][unit:]),
            write.data.eq(Cat(written)[:width]),
            write.en.eq(Mux(writes, enables, 0)),
            read.addr.eq(addresses["B"][unit:]),
        ]
        with m.If(self.pin("CEB") & chosen["B"] & ~self.pin("WEB")):
            m.d.sync += word.eq(read.data)
        with m.If(self.pin("OCEB")):
            m.d.sync += output.eq(word)
        for reset in ("RSTA", "RSTB"):
            with m.If(self.pin(reset)):
                m.d.sync += output.eq(0)
        sides = "AB" if width == 36 else "B"
        outputs = [f"o_DO{side}{bit}" for side in sides for bit in range(18)]
        for name, bit in zip(outputs, output, strict=False):
            m.d.comb += self.ports[name].eq(bit)


@pytest.fixture(autouse=True)
def cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ecp5, "Instance", Cell)


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

    monkeypatch.setattr(ecp5, "Instance", Counted)
    for lines, distributed, found in (
        (128, None, []), (129, None, ["DP16KD"]), (99, False, ["DP16KD"]), (130, True, []),
    ):  # fmt: skip
        kinds.clear()
        Fragment.get(WordMemory(lines, 2, 8, distributed=distributed), Ecp5())
        assert kinds == found
