"""What is one design after Yosys has been over it, and what is not."""

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Module, Signal

from tests.mutants.designs import optimise


def text(build) -> str:
    m = Module()
    a, b, o = Signal(8), Signal(8), Signal(8)
    build(m, a, b, o)
    return rtlil.convert(m, ports=[a, b, o], emit_src=False)


def plain(m, a, b, o):
    kept = Signal(8)
    m.d.sync += kept.eq(a + b)
    m.d.comb += o.eq(kept)


def with_a_wider_register(m, a, b, o):
    kept = Signal(10)
    m.d.sync += kept.eq(a + b)
    m.d.comb += o.eq(kept[:8])


def with_two_copies(m, a, b, o):
    copies = [Signal(8, attrs={"keep": 1}, name=f"copy_{number}") for number in range(2)]
    m.d.sync += [copy.eq(a + b) for copy in copies]
    m.d.comb += o.eq(halves(copies))


def halves(copies):
    return copies[0][:4] | copies[1][4:] << 4


def with_a_difference(m, a, b, o):
    kept = Signal(8)
    m.d.sync += kept.eq(a - b)
    m.d.comb += o.eq(kept)


def with_another_start(m, a, b, o):
    kept = Signal(8, init=1)
    m.d.sync += kept.eq(a + b)
    m.d.comb += o.eq(kept)


@pytest.mark.parametrize("build", [with_a_wider_register, with_two_copies])
def test_what_costs_and_is_never_wrong_is_the_same(build):
    assert text(build) != text(plain)
    assert optimise(text(build)) == optimise(text(plain))


@pytest.mark.parametrize("build", [with_a_difference, with_another_start])
def test_what_can_be_told_is_another(build):
    assert optimise(text(build)) != optimise(text(plain))


def test_what_yosys_cannot_read_is_left_as_it_is():
    assert optimise("no RTLIL") == "no RTLIL"
