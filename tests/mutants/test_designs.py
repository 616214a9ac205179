"""What is one design after Yosys has been over it, and what is not."""

import operator

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Module, Signal

from tests.mutants.designs import optimise

pytestmark = pytest.mark.long


def text(width=8, init=0, change=operator.add, reset_less=False) -> str:
    """A register of a sum, and what is read of it."""
    m = Module()
    a, b, o = Signal(8), Signal(8), Signal(8)
    kept = Signal(width, init=init, reset_less=reset_less)
    m.d.sync += kept.eq(change(a, b))
    m.d.comb += o.eq(kept[:8])
    return rtlil.convert(m, ports=[a, b, o], emit_src=False)


def test_a_bit_that_nothing_reads_is_no_difference():
    assert text(width=10) != text()
    assert optimise(text(width=10)) == optimise(text())


@pytest.mark.parametrize(
    "changed", [{"change": operator.sub}, {"init": 1}, {"init": 5, "reset_less": True}]
)
def test_what_can_be_told_is_another(changed):
    same = {name: value for name, value in changed.items() if name == "reset_less"}
    assert optimise(text(**changed)) != optimise(text(**same))


def test_what_yosys_cannot_read_is_left_as_it_is():
    assert optimise("no RTLIL") == "no RTLIL"
