"""The V-I converters at the foot of the columns.

A column's Hall voltage becomes the input current of its neuron:
``clamp(((sum * gain) >> shift) - offset, 0, 2**current_bits - 1)``, with a gain and an
offset for each column. The columns come one after another, so one multiplier serves all.
"""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.block_ram import block_memory
from hdl.parameters import CONVERTER, SHIFT, CrossbarParameters, EngineParameters
from hdl.streams import LoadLayout, SumLayout
from sim.network import GAIN_BITS


class CurrentLayout(data.StructLayout):
    """A neuron's input current.

    Members
    -------
    current : unsigned, `current_bits`
        The current.
    last : 1 bit
        The image's last neuron.
    """

    def __init__(self, current_bits: int) -> None:
        super().__init__({"current": current_bits, "last": 1})


class ConverterWord(data.StructLayout):
    """Gain and offset of one column, as the memory holds them."""

    def __init__(self, current_bits: int) -> None:
        super().__init__({"gain": GAIN_BITS, "offset": signed(current_bits + 2)})


class ViConverter(wiring.Component):
    """Column sums in, neurons' input currents out.

    One column a clock, four clocks later.

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine.
    layer : int
        Which layer's columns it serves.

    Attributes
    ----------
    sums : In(stream)
        `SumLayout`, column 0 first.
    currents : Out(stream)
        `CurrentLayout`.
    load : In(stream)
        `LoadLayout`; bytes for the memories CONVERTER and SHIFT are taken, others ignored.
    probe : In(1)
        Show the word of column `column` on `word`, two clocks later. Only while nothing is
        under way.
    column : In
        Which column.
    word : Out(32)
        Gain in the low half, offset in the high half, both 16 bits.
    shift : Out(5)
        The right shift.
    """

    def __init__(self, parameters: EngineParameters, layer: int) -> None:
        self._crossbar: CrossbarParameters = parameters.crossbars[layer]
        self._current_bits = parameters.current_bits
        super().__init__(
            {
                "sums": In(stream.Signature(SumLayout(self._crossbar))),
                "currents": Out(stream.Signature(CurrentLayout(parameters.current_bits))),
                "load": In(stream.Signature(LoadLayout())),
                "probe": In(1),
                "column": In(range(self._crossbar.columns)),
                "word": Out(32),
                "shift": Out(5),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        p = self._crossbar
        word_layout = ConverterWord(self._current_bits)
        m.submodules.words = words = block_memory(word_layout, p.columns)
        write = words.write_port()
        read = words.read_port(domain="comb")

        load = self.load.payload
        low = Signal(24)  # the first three bytes of a word
        byte = Signal(2)
        here = Signal(2)
        line = Signal(range(p.columns + 1))
        here_line = Signal.like(line)
        gain = Signal(16)
        offset = Signal(signed(16))
        m.d.comb += [
            self.load.ready.eq(1),
            here.eq(Mux(load.first, 0, byte)),
            here_line.eq(Mux(load.first, load.address, line)),
            gain.eq(low[:16]),
            offset.eq((low[16:24] | (load.data << 8)).as_signed()),
            write.addr.eq(here_line),
            write.data.gain.eq(gain),
            write.data.offset.eq(offset),
        ]
        with m.If(self.load.valid & (load.memory == CONVERTER)):
            m.d.sync += [byte.eq(here + 1), line.eq(here_line)]
            with m.Switch(here):
                for number in range(3):
                    with m.Case(number):
                        m.d.sync += low[8 * number : 8 * number + 8].eq(load.data)
                with m.Default():
                    m.d.comb += write.en.eq(1)
                    m.d.sync += line.eq(here_line + 1)
        shift = Signal(5, reset_less=True)  # as the other memories: a reset keeps it
        with m.If(self.load.valid & (load.memory == SHIFT)):
            m.d.sync += shift.eq(load.data)

        # Registers: word and sum, product, shifted product, current.
        go = Signal()
        valid = Signal(4)
        last = Signal(4)
        column = Signal(range(p.columns))
        m.d.comb += [
            go.eq(~valid[3] | self.currents.ready),
            self.sums.ready.eq(go),
            read.addr.eq(Mux(self.probe, self.column, column)),
        ]
        word = Signal(word_layout)
        sum_ = Signal(signed(p.sum_bits))
        product = Signal(signed(p.sum_bits + GAIN_BITS))
        product_offset = Signal(signed(self._current_bits + 2))
        shifted = Signal.like(product)
        shifted_offset = Signal.like(product_offset)
        difference = Signal(signed(len(product) + 1))
        top = 2**self._current_bits - 1
        current = Signal(self._current_bits)
        m.d.comb += difference.eq(shifted - shifted_offset)
        with m.If(go):
            m.d.sync += [
                valid.eq((valid << 1) | self.sums.valid),
                last.eq((last << 1) | self.sums.payload.last),
                word.eq(read.data),
                sum_.eq(self.sums.payload.sum),
                product.eq(sum_ * word.gain),
                product_offset.eq(word.offset),
                shifted.eq(product >> shift),
                shifted_offset.eq(product_offset),
                current.eq(
                    Mux(difference < 0, 0, Mux(difference > top, top, difference[: len(current)]))
                ),
            ]
            with m.If(self.sums.valid):
                m.d.sync += column.eq(Mux(self.sums.payload.last, 0, column + 1))
        m.d.comb += [
            self.currents.valid.eq(valid[3]),
            self.currents.payload.last.eq(last[3]),
            self.currents.payload.current.eq(current),
            self.word[:16].eq(word.gain),
            self.word[16:].eq(word.offset),
            self.shift.eq(shift),
        ]
        return m
