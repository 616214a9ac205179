"""Logic of the CMOS neurons, which replace a device at the foot of a column.

The engine's neurons (`allspin.hdl.neuron.neuron`) and the price in standard cells
(`allspin.hdl.cost.standard_cells`) use the same blocks.
"""

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib.wiring import In, Out

from allspin.hdl.stream.component import Component


class _Inverter(Component):
    """One inverter, kept apart: mapped alone, it is shared by all that it drives."""

    def __init__(self) -> None:
        super().__init__({"i": In(1), "o": Out(1)})

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        m.d.comb += self.o.eq(~self.i)


class BareGate(Component):
    """Bare CMOS gate: a sign masks the other bits, which is a whole ReLU of integers.

    Combinational: an AND for each bit and an inverter.

    Throughput: combinational.

    Parameters
    ----------
    bits : int
        Width of value and activation, 1 to 8.
    """

    def __init__(self, bits: int) -> None:
        super().__init__(
            {
                # The number's sign.
                "negative": In(1),
                # Its other bits.
                "value": In(bits),
                # The value, or 0.
                "activation": Out(bits),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        m.submodules.inverter = inverter = _Inverter()
        m.d.comb += [
            inverter.i.eq(self.negative),
            self.activation.eq(self.value & inverter.o.replicate(len(self.value))),
        ]


class RegisteredRelu(Component):
    """Registered digital ReLU: an accumulator, a threshold and saturation.

    The activation follows the last term by one clock.

    Throughput: one term per cycle; latency 1.

    Parameters
    ----------
    term_bits : int
        Width of a term, signed.
    sum_bits : int
        Width of the accumulator, signed; it must hold every sum.
    drop : int
        Lowest bits of the sum that are dropped; -1 for a zero below them instead.
    bits : int
        Width of the activation, 1 to 8.
    waits : bool
        True if some clocks have no term; else the block has no `enable`.
    """

    def __init__(
        self, term_bits: int, sum_bits: int, drop: int, bits: int, waits: bool = True
    ) -> None:
        self._drop = drop
        self._sum_bits = sum_bits
        self._waits = waits
        super().__init__(
            {
                # Take the term.
                **({"enable": In(1)} if waits else {}),
                # Term to add.
                "term": In(signed(term_bits)),
                # The term is the first or the last of a sum.
                "first": In(1),
                "last": In(1),
                # Start of the sum: the ReLU's threshold with a minus.
                "start": In(signed(sum_bits)),
                # 0 where the sum is negative, then its bits, and full scale beyond them.
                "activation": Out(bits),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        accumulator = Signal(signed(self._sum_bits), reset_less=True)
        total = Signal.like(accumulator)
        bits = len(self.activation)
        activation = Signal(bits, reset_less=True)
        magnitude = Signal(self._sum_bits - 1 + (self._drop < 0))
        above = Signal(len(magnitude))
        m.d.comb += [
            total.eq(Mux(self.first, self.start, accumulator) + self.term),
            magnitude.eq(total[:-1] << 1 if self._drop < 0 else total[:-1]),
            above.eq(magnitude >> max(self._drop, 0)),
            self.activation.eq(activation),
        ]
        with m.If(self.enable if self._waits else 1):
            m.d.sync += accumulator.eq(total)
            with m.If(self.last):
                m.d.sync += activation.eq(
                    Mux(total[-1], 0, Mux(above[bits:].any(), 2**bits - 1, above[:bits]))
                )


class RoundedRelu(Component):
    """Ideal ReLU: the highest bits, rounded, held at full scale.

    Throughput: one neuron per cycle; latency 1.

    Parameters
    ----------
    current_bits, bits : int
        Width of the current and of the activation, 1 to 8.
    """

    def __init__(self, current_bits: int, bits: int) -> None:
        super().__init__(
            {
                # The current.
                "current": In(current_bits),
                # The activation, one clock later.
                "activation": Out(bits),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        bits = len(self.activation)
        drop = len(self.current) - bits
        register = Signal(bits, reset_less=True)
        rounded = Signal(bits + 1)
        m.d.comb += [
            rounded.eq(self.current[drop:] + (self.current[drop - 1] if drop else 0)),
            self.activation.eq(register),
        ]
        m.d.sync += register.eq(Mux(rounded[-1], 2**bits - 1, rounded))


class TableLogic(Component):
    """Table of a neuron as fixed logic, with a register behind it.

    Throughput: one neuron per cycle; latency 1.

    Parameters
    ----------
    table : sequence of int
        The activation at each current; a power of two of entries.
    bits : int
        Width of the activation, 1 to 8.
    """

    def __init__(self, table: Sequence[int], bits: int) -> None:
        self._table = table
        super().__init__(
            {
                # Entry to read.
                "current": In(range(len(self._table))),
                # The entry, one clock later.
                "activation": Out(bits),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        entry = Signal.like(self.activation)
        register = Signal.like(self.activation, reset_less=True)
        with m.Switch(self.current):
            for place, value in enumerate(self._table):
                with m.Case(place):
                    m.d.comb += entry.eq(value)
        m.d.sync += register.eq(entry)
        m.d.comb += self.activation.eq(register)


class DigitalColumn(Component):
    """Column without devices: a multiplier, and the registered ReLU that sums its products.

    Throughput: one row per cycle.

    Parameters
    ----------
    value_bits, weight_bits : int
        Width of an unsigned value and of a signed weight, 1 to 8 and 2 to 8.
    sum_bits, drop, bits : int
        Widths of the `RegisteredRelu`.
    """

    def __init__(self, value_bits: int, weight_bits: int, sum_bits: int, drop: int, bits: int):
        self._parameters = (value_bits + weight_bits, sum_bits, drop, bits)
        super().__init__(
            {
                # Value of the row.
                "value": In(value_bits),
                # Weight at the cross point.
                "weight": In(signed(weight_bits)),
                # Controls of the `RegisteredRelu`.
                "first": In(1),
                "last": In(1),
                "start": In(signed(sum_bits)),
                "activation": Out(bits),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        m.submodules.relu = relu = RegisteredRelu(*self._parameters, waits=False)
        m.d.comb += [
            relu.term.eq(self.value * self.weight),
            relu.first.eq(self.first),
            relu.last.eq(self.last),
            relu.start.eq(self.start),
            self.activation.eq(relu.activation),
        ]
