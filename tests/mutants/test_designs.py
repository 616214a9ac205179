"""What is one design after Yosys has been over it, and what is not."""

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Module, Signal

from tests.mutants.designs import optimise

pytestmark = pytest.mark.long


def text(width=8, init=0, less=False, resets=True) -> str:
    """The RTLIL of a register of a sum or a difference."""
    m = Module()
    a, b, o = Signal(8), Signal(8), Signal(8)
    kept = Signal(width, init=init, reset_less=not resets)
    m.d.sync += kept.eq(a - b if less else a + b)
    m.d.comb += o.eq(kept[:8])
    return rtlil.convert(m, ports=[a, b, o], emit_src=False)


def test_a_bit_that_nothing_reads_is_no_difference():
    assert text(width=10) != text()
    assert optimise(text(width=10)) == optimise(text())


def test_what_can_be_told_is_another():
    assert optimise(text(less=True)) != optimise(text())
    for resets in (False, True):
        assert optimise(text(init=5, resets=resets)) != optimise(text(resets=resets))


def test_what_yosys_cannot_read_is_left_as_it_is():
    assert optimise("no RTLIL") == "no RTLIL"
