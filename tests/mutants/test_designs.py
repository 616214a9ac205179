"""Designs that are equal after Yosys has optimised them, and designs that are not."""

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


def test_an_unread_bit_is_no_difference():
    assert text(width=10) != text()
    assert optimise(text(width=10)) == optimise(text())


def test_another_operation_or_initial_value_is_a_difference():
    assert optimise(text(less=True)) != optimise(text())
    for resets in (False, True):
        assert optimise(text(init=5, resets=resets)) != optimise(text(resets=resets))


def test_text_that_yosys_cannot_read_is_left_as_it_is():
    assert optimise("no RTLIL") == "no RTLIL"
