"""What is one design after Yosys has been over it, and what is not."""

from functools import partial

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Module, Signal

from tests.mutants.designs import optimise

pytestmark = pytest.mark.long


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


def with_a_difference(m, a, b, o):
    kept = Signal(8)
    m.d.sync += kept.eq(a - b)
    m.d.comb += o.eq(kept)


def with_another_start(m, a, b, o):
    kept = Signal(8, init=1)
    m.d.sync += kept.eq(a + b)
    m.d.comb += o.eq(kept)


def test_a_bit_that_nothing_reads_is_no_difference():
    assert text(with_a_wider_register) != text(plain)
    assert optimise(text(with_a_wider_register)) == optimise(text(plain))


def without_reset(m, a, b, o, init=0):
    kept = Signal(8, init=init, reset_less=True)
    m.d.sync += kept.eq(a + b)
    m.d.comb += o.eq(kept)


def test_what_a_register_without_reset_begins_with_is_a_difference():
    one, two = (text(partial(without_reset, init=init)) for init in (0, 5))
    assert optimise(one) != optimise(two)


@pytest.mark.parametrize("build", [with_a_difference, with_another_start])
def test_what_can_be_told_is_another(build):
    assert optimise(text(build)) != optimise(text(plain))


def test_what_yosys_cannot_read_is_left_as_it_is():
    assert optimise("no RTLIL") == "no RTLIL"
