"""Products in blocks that multiply: an ECP5's for wide factors, an iCE40UP5K's for lanes."""

from collections.abc import Iterator
from typing import Any

from amaranth.hdl import (
    Cat,
    Const,
    Instance,
    Module,
    Signal,
    Value,
    signed,
    unsigned,
)
from amaranth.lib.wiring import In, Out

from allspin.hdl.stream.component import Component
from allspin.hdl.stream.ecp5_copies import is_ecp5
from allspin.hdl.stream.registers import later

FACTOR_BITS = 18
"""Width of a multiplier's factors, signed."""
PART_BITS = FACTOR_BITS - 1
"""Bits of an unsigned factor, and of each part but the last of a wide one."""
PRODUCT_CLOCKS = 3
"""From factors to their product: registers before and behind the multipliers, which lie in few
rows of the part, and one where the products of a wide factor's parts are added."""


def multiply(m: Module, platform: Any, factor: Value, other: Value, name: str) -> Signal:
    """Multiply two values; the product comes `PRODUCT_CLOCKS` later, on an ECP5 from its
    multipliers.

    Parameters
    ----------
    m : Module
        Module that gets the multipliers and registers.
    platform : Platform or None
        Platform of the elaboration.
    factor : Value
        Unsigned factor of at most `PART_BITS`.
    other : Value
        The other factor, of any width.
    name : str
        Name of the signals.

    Raises
    ------
    ValueError
        If the factor is signed, or too wide.
    """
    if factor.shape().signed or len(factor) > PART_BITS:
        raise ValueError(f"factor must be unsigned, of 1 to {PART_BITS} bits, not {factor.shape()}")
    if not other.shape().signed:
        other = Cat(other, Const(0, 1)).as_signed()
    near = later(m, factor, f"{name}_factor")
    far = later(m, other, f"{name}_other")
    parts = [(0, far)]
    if is_ecp5(platform):
        parts = list(_parts(far))
    total: Value = Const(0)
    for low, part in parts:
        found: Value = near * part
        if is_ecp5(platform):
            found = _multiplier(m, near, part, f"{name}_{low}")
        total = total + (later(m, found, f"{name}_part_{low}") << low)
    product = Signal(signed(len(near) + len(far)), name=name, reset_less=True)
    m.d.sync += product.eq(total)
    return product


def _parts(value: Value) -> Iterator[tuple[int, Value]]:
    """Yield parts of a signed value that each fit a multiplier, with their lowest bits' places."""
    low = 0
    while len(value) - low > FACTOR_BITS:
        yield low, value[low : low + PART_BITS]
        low += PART_BITS
    yield low, value[low:].as_signed()


def _multiplier(m: Module, factor: Value, part: Value, name: str) -> Signal:
    """Build a multiplier of signed factors without registers of its own."""
    whole = Signal(signed(2 * FACTOR_BITS), name=name)
    pins: dict[str, Value] = {}
    for pin, value in (("A", factor), ("B", part)):
        extended = Signal(signed(FACTOR_BITS), name=f"{name}_{pin.lower()}")
        m.d.comb += extended.eq(value)
        pins |= {f"i_{pin}{bit}": extended[bit] for bit in range(FACTOR_BITS)}
        pins |= {f"i_SIGNED{pin}": Const(1, 1), f"i_SOURCE{pin}": Const(0, 1)}
    pins |= {f"i_C{bit}": Const(0, 1) for bit in range(FACTOR_BITS)}
    pins |= {f"o_P{bit}": whole[bit] for bit in range(2 * FACTOR_BITS)}
    m.submodules[f"multiplier_{name}"] = Instance("MULT18X18D", **pins)
    product = Signal(signed(len(factor) + len(part) + 1), name=f"{name}_product")
    m.d.comb += product.eq(whole)
    return product


CONVERTER_MULTIPLIERS = 2
"""Multipliers of the V-I converter behind the first crossbar; lanes of that crossbar use the
others."""


class Multiplier(Component):
    """Product of a word and a value in a multiplier of the part.

    Throughput: one product per cycle; latency 1.

    Parameters
    ----------
    word_bits : int
        Width of the word, signed.
    value_bits : int
        Width of the value, unsigned.
    """

    def __init__(self, word_bits: int, value_bits: int) -> None:
        super().__init__(
            {
                # The factors.
                "word": In(signed(word_bits)),
                "value": In(unsigned(value_bits)),
                # Their product.
                "product": Out(signed(word_bits + value_bits)),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        product = Signal.like(self.product, reset_less=True)
        m.d.sync += product.eq(self.word * self.value)
        m.d.comb += self.product.eq(product)
