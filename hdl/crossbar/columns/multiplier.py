"""A product in a block that multiplies, where a part has a few of them to give away.

The V-I converter takes two; of an iCE40UP5K's eight, six lanes of words get one each, which
spares ninety LUTs a lane. Synthesis finds these products by the name of this block.
"""

from amaranth.hdl import Module, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

CONVERTER_MULTIPLIERS = 2
"""What the V-I converter behind the first crossbar takes; the others are for that one's lanes."""


class Multiplier(wiring.Component):
    """A word times a value, a clock later.

    Parameters
    ----------
    word_bits : int
        Width of the word, signed.
    value_bits : int
        Width of the value, unsigned.

    Attributes
    ----------
    word, value : In
        The factors.
    product : Out(signed)
        Their product.
    """

    word: Signal
    value: Signal
    product: Signal

    def __init__(self, word_bits: int, value_bits: int) -> None:
        super().__init__(
            {
                "word": In(signed(word_bits)),
                "value": In(unsigned(value_bits)),
                "product": Out(signed(word_bits + value_bits)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        product = Signal.like(self.product, reset_less=True)
        m.d.sync += product.eq(self.word * self.value)
        m.d.comb += self.product.eq(product)
        return m
