"""A dense, weight-stationary array of 8-bit multiply-accumulate units.

A design without spin devices: each unit keeps the weights of one column in a memory of its
own, and every row of an image passes by, whether it is driven or not. The array serves to be
measured beside the crossbar, and is no part of the engine.
"""

from dataclasses import dataclass

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.checks import keep_in_range
from allspin.hdl.stream.block_memory import block_memory
from allspin.hdl.stream.component import Component
from allspin.sim.network.layer_kinds import MAX_LINES


@dataclass(frozen=True)
class MacParameters:
    """An array for one layer.

    Parameters
    ----------
    rows, columns : int
        Size of the layer, 1 to 65535 each; each column has a unit.
    value_bits, weight_bits : int
        Width of an unsigned value and of a signed weight, 2 to 8.
    """

    rows: int
    columns: int
    value_bits: int = 8
    weight_bits: int = 8

    def __post_init__(self) -> None:
        lines, bits = (1, MAX_LINES), (2, 8)
        keep_in_range(self, rows=lines, columns=lines, value_bits=bits, weight_bits=bits)

    @property
    def sum_bits(self) -> int:
        """Width of a signed sum, sized for the worst case."""
        worst = self.rows * (2**self.value_bits - 1) * 2 ** (self.weight_bits - 1)
        return (worst - 1).bit_length() + 1


class MacArray(Component):
    """All columns of a layer, a row per clock.

    An image is one value for each row, in order, zeros too. Its sums come column by column
    while the next image's rows already pass by; an image's last row waits until the sums of
    the image before are gone. The first sum is valid four clocks after the last row was taken.

    Parameters
    ----------
    parameters : MacParameters
        Size and widths.
    """

    def __init__(self, parameters: MacParameters) -> None:
        self._parameters = parameters
        sums = data.StructLayout({"sum": signed(parameters.sum_bits), "last": 1})
        weights = data.StructLayout(
            {
                "row": range(parameters.rows),
                "column": range(parameters.columns),
                "weight": signed(parameters.weight_bits),
            }
        )
        super().__init__(
            {
                # One row's value after another.
                "values": In(stream.Signature(parameters.value_bits)),
                # A column's sum, column 0 first, and whether it is the image's last.
                "sums": Out(stream.Signature(sums)),
                # Weights to store; `ready` is always set. Must not be used while an image is under
                # way.
                "weights": In(stream.Signature(weights)),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the array."""
        p = self._parameters
        weight = self.weights.payload
        m.d.comb += self.weights.ready.eq(1)

        row = Signal(range(p.rows))
        last = Signal()
        left = Signal(range(p.columns + 1))  # sums still to be given
        valid = Signal(3)  # the memories' output, weights, products
        final = Signal(3)
        take = Signal()
        m.d.comb += [
            last.eq(row == p.rows - 1),
            self.values.ready.eq(~last | ((left == 0) & ~final.any())),
            take.eq(self.values.valid & self.values.ready),
        ]
        m.d.sync += [
            valid.eq(valid << 1 | take),
            final.eq(final << 1 | (take & last)),
        ]
        with m.If(take):
            m.d.sync += row.eq(Mux(last, 0, row + 1))
        read_value = Signal(p.value_bits, reset_less=True)
        value = Signal(p.value_bits, reset_less=True)
        m.d.sync += [read_value.eq(self.values.payload), value.eq(read_value)]

        fresh = Signal(init=1)  # the next product starts a new sum
        give = Signal()
        m.d.comb += give.eq(self.sums.valid & self.sums.ready)
        with m.If(valid[2]):
            m.d.sync += fresh.eq(final[2])
        width = signed(p.sum_bits)
        shadow = [
            Signal(width, name=f"shadow_{column}", reset_less=True) for column in range(p.columns)
        ]
        for column in range(p.columns):
            m.submodules[f"weights_{column}"] = memory = block_memory(signed(p.weight_bits), p.rows)
            write = memory.write_port()
            read = memory.read_port(domain="comb")
            read_weight = Signal(
                signed(p.weight_bits), name=f"read_weight_{column}", reset_less=True
            )
            here = Signal(signed(p.weight_bits), name=f"weight_{column}", reset_less=True)
            product = Signal(
                signed(p.weight_bits + p.value_bits), name=f"product_{column}", reset_less=True
            )
            sum_ = Signal(width, name=f"sum_{column}", reset_less=True)
            total = Signal(width, name=f"total_{column}")
            m.d.comb += [
                write.addr.eq(weight.row),
                write.data.eq(weight.weight),
                write.en.eq(self.weights.valid & (weight.column == column)),
                read.addr.eq(row),
                total.eq(Mux(fresh, 0, sum_) + product),
            ]
            m.d.sync += [
                read_weight.eq(read.data),
                here.eq(read_weight),
                product.eq(here * value),
            ]
            with m.If(valid[2]):
                m.d.sync += sum_.eq(total)
            with m.If(valid[2] & final[2]):
                m.d.sync += shadow[column].eq(total)
            with m.Elif(give):
                if column + 1 < p.columns:
                    m.d.sync += shadow[column].eq(shadow[column + 1])
        with m.If(valid[2] & final[2]):
            m.d.sync += left.eq(p.columns)
        with m.Elif(give):
            m.d.sync += left.eq(left - 1)
        m.d.comb += [
            self.sums.valid.eq(left != 0),
            self.sums.payload.sum.eq(shadow[0]),
            self.sums.payload.last.eq(left == 1),
        ]
