"""The V-I converter of one column at a time."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.stream.component import Component
from allspin.sim.network.layer import GAIN_BITS

STAGES = 12
"""Registers from a column's sum to its current; three fewer on a part with multipliers."""


def converter_word(current_bits: int) -> data.StructLayout:
    """Return the layout of a column's gain and offset in memory."""
    return data.StructLayout({"gain": GAIN_BITS, "offset": signed(current_bits + 2)})


class ColumnConverter(Component):
    """V-I converter of one column: ``clamp(((sum * gain) >> shift) - offset + noise, 0,
    2**current_bits - 1)``.

    No stage does more than one addition, or, on a part with multipliers to spare, one
    multiplication.

    Throughput: one column per cycle; latency 12, or 9 on an FPGA with multipliers.

    Parameters
    ----------
    parameters : EngineParameters
        Parameters of the whole engine.
    layer : int
        Layer of the columns.

    Attributes
    ----------
    stages : int
        Clocks of `go` from a sum to its current.
    """

    def __init__(self, parameters: EngineParameters, layer: int) -> None:
        self._current_bits = parameters.current_bits
        self._multiplies = parameters.target.multipliers > 0
        self._noisy = parameters.noisy
        self._turned = parameters.turned(layer) > 0
        self.stages = STAGES - 3 if self._multiplies else STAGES
        word = converter_word(parameters.current_bits)
        super().__init__(
            {
                # Enable of all registers.
                "go": In(1),
                # The column's sum.
                "sum": In(signed(parameters.amplified_bits(layer))),
                # The column's word, out of a memory without a register; behind one where words are
                # turned.
                "read": In(word),
                # Noise that is added to the current; where neurons have noise at each use.
                "noise": In(signed(parameters.use_bits if parameters.noisy else 1)),
                # The right shift; it does not change while anything is under way.
                "shift": In(5),
                # `read`, two clocks later.
                "word": Out(word),
                # The neuron's input current.
                "current": Out(parameters.current_bits),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the registers. No reset: consumers of a current track validity."""
        bits = self._current_bits

        def registered(value: Any, name: str, *, steps: int = 1) -> Any:
            for step in range(steps):
                register = Signal(value.shape(), name=f"{name}_{step}", reset_less=True)
                with m.If(self.go):
                    m.d.sync += register.eq(value)
                value = register
            return value

        # A block RAM's output comes late: it gets a register to itself.
        word = registered(self.read, "word", steps=2 - self._turned)
        held = registered(self.sum, "sum", steps=2)
        if self._multiplies:
            terms = [registered(held * word.gain, "product")]
        else:
            # Two bits of the gain at a time, then their sums, two at a time.
            terms = []
            for low in range(0, GAIN_BITS, 2):
                digit = word.gain[low : low + 2]
                term = Mux(digit[0], held, 0) + (Mux(digit[1], held, 0) << 1)
                terms.append(registered(term, f"term_{low}"))
        spacing = 2
        while len(terms) > 1:
            rest = [registered(terms[-1], f"partial_{spacing}_rest")] if len(terms) % 2 else []
            terms = [
                registered(low + (high << spacing), f"partial_{spacing}_{place}")
                for place, (low, high) in enumerate(zip(terms[::2], terms[1::2], strict=False))
            ]
            terms += rest
            spacing *= 2
        # The shift: four ways, four ways, two ways.
        coarse = registered(terms[0] >> (self.shift & 0b11000), "coarse")
        medium = registered(coarse >> (self.shift & 0b00110), "medium")
        fine = registered(medium >> self.shift[0], "fine")
        # Values beyond this are clamped alike, for any noise and offset.
        width = bits + (8 if self._noisy else 4)
        low = -(2 ** (width - 1))
        high = 2 ** (width - 1) - 1
        bounded = registered(
            Mux(fine < low, low, Mux(fine > high, high, fine[:width].as_signed())), "bounded"
        )
        # The offset's way is as long: all stages but the word's two and those that follow here.
        offset = word.offset
        steps = self.stages - 4
        if self._noisy:
            noise = registered(self.noise, "noise", steps=2)
            offset = registered(offset - noise, "threshold")
            steps -= 1
        difference = registered(bounded - registered(offset, "offset", steps=steps), "difference")
        top = 2**bits - 1
        clamped = Mux(difference < 0, 0, Mux(difference > top, top, difference[:bits]))
        m.d.comb += [self.word.eq(word), self.current.eq(registered(clamped, "current"))]
