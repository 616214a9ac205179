"""Sums and products in one carry chain of an ECP5.

On other platforms each function describes the same arithmetic plainly: simulators get that form,
and tests compare the instances with it.
"""

from typing import Any

from amaranth.hdl import (
    Const,
    Instance,
    Module,
    Mux,
    Shape,
    Signal,
    Value,
)

from allspin.hdl.stream.ecp5_copies import is_ecp5

PAIR = Const(0x7888, 16)
"""Function of a carry cell: (A and B) plus (C and D)."""
KEEP = Const(0x5AAA, 16)
"""Function of a carry cell: A plus (C and D)."""
BEGIN = Const(0x556A, 16)
"""Function of a carry cell: A plus ((B and C) or D)."""


def _chain(m: Module, init: Const, a: Any, b: Any, c: Any, d: Any, total: Signal) -> None:
    """Build a carry chain over columns of bits: `total` adds the function `init` of each column."""
    width = len(total)
    carry: Value = Const(0, 1)
    for low in range(0, width, 2):
        outputs = [total[low], total[low + 1] if low + 1 < width else Signal(name="unused")]
        following = Signal(name="carry")
        ports = {}
        for half in range(2):
            bit = min(low + half, width - 1)
            ports |= {
                f"i_A{half}": a[bit],
                f"i_B{half}": b[bit],
                f"i_C{half}": c[bit],
                f"i_D{half}": d[bit],
                f"o_S{half}": outputs[half],
            }
        m.submodules += Instance(
            "CCU2C",
            p_INIT0=init,
            p_INIT1=init,
            p_INJECT1_0="NO",
            p_INJECT1_1="NO",
            i_CIN=carry,
            o_COUT=following,
            **ports,
        )
        carry = following


def _bits(value: Value, width: int) -> list[Value]:
    """Extend a value's bits: a signed value's by its sign."""
    beyond = value[-1] if value.shape().signed else Const(0, 1)
    return [value[bit] if bit < len(value) else beyond for bit in range(width)]


def times_digit(m: Module, platform: Any, word: Value, digit: Value, name: str) -> Signal:
    """Multiply a word by an unsigned digit of one or two bits, in one carry chain.

    A word of one bit needs no carry chain.
    """
    width = len(word) + len(digit)
    product = Signal(Shape(width, word.shape().signed), name=name)
    if len(word) == 1 and not word.shape().signed:
        m.d.comb += product.eq(Mux(word, digit, 0))
        return product
    if not is_ecp5(platform) or len(digit) == 1:
        m.d.comb += product.eq(word * digit)
        return product
    zero = Const(0, 1)
    _chain(
        m,
        PAIR,
        _bits(word, width),
        [digit[0]] * width,
        [zero, *_bits(word, width - 1)],
        [digit[1]] * width,
        product,
    )
    return product


def add_or_start(
    m: Module, platform: Any, term: Value, sum_: Value, start: Value, name: str
) -> Signal:
    """Add a term to a running sum, or take the term alone where `start` is set, in one carry
    chain.
    """
    total = Signal(sum_.shape(), name=name)
    if not is_ecp5(platform):
        with m.If(start):
            m.d.comb += total.eq(term)
        with m.Else():
            m.d.comb += total.eq(sum_ + term)
        return total
    width = len(total)
    keep = Signal(name=f"{name}_keep")
    m.d.comb += keep.eq(~start)
    _chain(
        m,
        KEEP,
        _bits(term, width),
        [Const(0, 1)] * width,
        _bits(sum_, width),
        [keep] * width,
        total,
    )
    return total


def add_or_begin(
    m: Module,
    platform: Any,
    term: Value,
    sum_: Value,
    begin: Value,
    start: Value,
    name: str,
) -> Signal:
    """Add a term to a running sum, or to a start where `begin` is set, in one carry chain.

    `start` must be 0 where `begin` is not set; it is a signed value.
    """
    total = Signal(sum_.shape(), name=name)
    if not is_ecp5(platform):
        m.d.comb += total.eq(Mux(begin, start.as_signed(), sum_) + term)
        return total
    width = len(total)
    keep = Signal(name=f"{name}_keep")
    m.d.comb += keep.eq(~begin)
    _chain(
        m,
        BEGIN,
        _bits(term, width),
        [keep] * width,
        _bits(sum_, width),
        _bits(start, width),
        total,
    )
    return total
