"""Lane of a crossbar at an ECP5's speed: one carry chain between two registers."""

from amaranth.hdl import Module, Shape, Signal, Value, unsigned
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from allspin.hdl.crossbar.columns import terms_layout
from allspin.hdl.crossbar.crossbar import word_shape
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.ecp5_chains import times_digit
from allspin.hdl.stream.registers import later


def driven_term(parameters: CrossbarParameters) -> Shape:
    """Return the shape of the sum of a beat's values."""
    p = parameters
    return unsigned(p.value_bits + (p.rows_per_clock - 1).bit_length())


class Lane(Component):
    """Term of one column in a beat: the sum of its rows' products.

    Throughput: one beat per cycle; latency 2 to 7.

    Parameters
    ----------
    parameters : CrossbarParameters
        Parameters of the crossbar.

    Attributes
    ----------
    clocks : int
        Clocks from a word to its product.
    """

    def __init__(self, parameters: CrossbarParameters) -> None:
        p = self._parameters = parameters
        parts = p.rows_per_clock
        digits = -(-p.value_bits // 2)
        # The word's register, the products', and one behind each level of the two trees of sums.
        self.clocks = 2 + (parts - 1).bit_length() + (digits - 1).bit_length()
        super().__init__(
            {
                # A word of each part.
                "words": In(data.ArrayLayout(word_shape(p), parts)),
                # Values of the parts' rows, a clock later.
                "values": In(data.ArrayLayout(p.value_bits, parts)),
                # The sum of their products, `clocks` behind the words.
                "term": Out(terms_layout(p).elem_shape),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the registers. They have no reset: terms under way flow out behind one."""
        p = self._parameters

        parts = range(p.rows_per_clock)
        words = [later(m, self.words[part], f"word_{part}") for part in parts]
        # Digits of two bits of the values: first the parts' products for each digit.
        terms: list[Value] = []
        for low in range(0, p.value_bits, 2):
            products: list[Value] = []
            for part, word in enumerate(words):
                digit = self.values[part][low : low + 2]
                chain = times_digit(m, platform, word, digit, f"chain_{part}_{low}")
                products.append(later(m, chain, f"product_{part}_{low}"))
            while len(products) > 1:
                count = len(products) // 2
                products = [
                    later(m, products[2 * k] + products[2 * k + 1], f"rows_{count}_{low}_{k}")
                    for k in range(count)
                ]
            terms += products
        spacing = 2
        while len(terms) > 1:
            rest = [later(m, terms[-1], f"digits_{spacing}_rest")] if len(terms) % 2 else []
            terms = [
                later(m, terms[k] + (terms[k + 1] << spacing), f"digits_{spacing}_{k}")
                for k in range(0, len(terms) - 1, 2)
            ]
            terms += rest
            spacing *= 2
        m.d.comb += self.term.eq(terms[0])


class Driven(Component):
    """Sum of a beat's values, as late as a `Lane`'s term.

    Throughput: one beat per cycle.

    Parameters
    ----------
    parameters : CrossbarParameters
        Parameters of the crossbar.
    clocks : int
        From the values to their sum.
    """

    def __init__(self, parameters: CrossbarParameters, clocks: int) -> None:
        p = self._parameters = parameters
        self._clocks = clocks
        super().__init__(
            {
                # Values of the parts' rows.
                "values": In(data.ArrayLayout(p.value_bits, p.rows_per_clock)),
                # Their sum.
                "term": Out(driven_term(p)),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the registers. They have no reset, as in a `Lane`."""
        terms: list[Value] = [self.values[k] for k in range(self._parameters.rows_per_clock)]
        for clock in range(self._clocks):
            pairs = [terms[k : k + 2] for k in range(0, len(terms), 2)]
            terms = []
            for number, (term, *others) in enumerate(pairs):
                total = term + others[0] if others else term
                name = f"driven_{clock}_{number}"
                register = Signal(total.shape(), name=name, reset_less=True)
                m.d.sync += register.eq(total)
                terms.append(register)
        m.d.comb += self.term.eq(terms[0])
