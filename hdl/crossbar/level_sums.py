"""Sums over states turned into sums over R_AH words, and products with constant factors."""

from amaranth.hdl import Const, Module, Shape, Signal, Value, signed, unsigned
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.stream.component import Component


def signed_digits(factor: int) -> list[tuple[int, int]]:
    """Return the fewest signed powers of two whose sum is a number (its non-adjacent form).

    Parameters
    ----------
    factor : int
        The number.

    Returns
    -------
    list of tuple of int
        Exponent and sign of each power, 1 or -1, the lowest first; empty for 0.

    Examples
    --------
    >>> signed_digits(28)
    [(2, -1), (5, 1)]
    """
    found = []
    exponent = 0
    while factor:
        if factor % 2:
            sign = 2 - factor % 4
            found.append((exponent, sign))
            factor -= sign
        factor //= 2
        exponent += 1
    return found


def times(value: Value, factor: int) -> Value:
    """Multiply a value by a number, without a register.

    Parameters
    ----------
    value : Value
        The value.
    factor : int
        The number, at least 1.
    """
    *lower, (exponent, _) = signed_digits(factor)
    product = value << exponent  # the highest digit of a positive number is positive
    for exponent, sign in lower:
        product = product + (value << exponent) if sign > 0 else product - (value << exponent)
    return product


class LevelSums(Component):
    """Sums over R_AH words from sums over states: ``step * S + lowest * V``, with a register behind
    each addition.

    Throughput: R columns per cycle; latency 1 to 3.

    Parameters
    ----------
    parameters : CrossbarParameters
        Parameters of the crossbar; it has `levels`.

    Attributes
    ----------
    clocks : int
        Registers on the way.
    """

    def __init__(self, parameters: CrossbarParameters) -> None:
        p = self._parameters = parameters
        assert p.levels is not None
        self._step = signed_digits(p.levels.step)
        self._lowest = signed_digits(p.levels.lowest)
        self._depth = max((len(digits) - 1).bit_length() for digits in (self._step, self._lowest))
        self.clocks = self._depth + 1
        super().__init__(
            {
                # Sums of values times states, `neurons_per_clock` of them.
                "states": In(data.ArrayLayout(unsigned(p.lane_bits), p.neurons_per_clock)),
                # The sum of the values.
                "driven": In(unsigned(p.most_driven.bit_length())),
                # Sums of values times R_AH words.
                "sums": Out(data.ArrayLayout(signed(p.sum_bits), p.neurons_per_clock)),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the registers. No reset: consumers of the sums track validity."""
        lowest, sign = self._times(m, self.driven, self._lowest, "driven")
        for number in range(self._parameters.neurons_per_clock):
            own = self.states[number]
            # A step is positive, and so is its highest digit, which begins the sum.
            times_step, _ = self._times(m, own, self._step, f"sum_{number}")
            shape = signed(self._parameters.sum_bits)
            total = Signal(shape, name=f"total_{number}", reset_less=True)
            m.d.sync += total.eq(times_step + lowest if sign > 0 else times_step - lowest)
            m.d.comb += self.sums[number].eq(total)

    def _times(
        self, m: Module, value: Value, digits: list[tuple[int, int]], name: str
    ) -> tuple[Value, int]:
        """Multiply a value by the number of these digits; return the product, `depth` registers
        later, and its sign.
        """
        bits = self._parameters.sum_bits
        # Positive terms first: where two are brought together, the first says the sign.
        terms = [(value << exponent, sign) for exponent, sign in digits]
        for level in range(self._depth):
            terms.sort(key=lambda term: -term[1])
            pairs = [terms[k : k + 2] for k in range(0, len(terms), 2)]
            terms = []
            for number, ((one, sign), *others) in enumerate(pairs):
                total: Value = one
                for other, its in others:
                    total = one + other if its == sign else one - other
                # A column's sum bounds the width: higher bits cancel out.
                shape = total.shape()
                shape = Shape(min(shape.width, bits), shape.signed)
                register = Signal(shape, name=f"{name}_{level}_{number}", reset_less=True)
                m.d.sync += register.eq(total)
                terms.append((register, sign))
        return terms[0] if terms else (Const(0), 1)
