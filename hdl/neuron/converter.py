"""The V-I converters at the foot of the columns.

A column's Hall voltage becomes the input current of its neuron:
``clamp(((sum * gain) >> shift) - offset, 0, 2**current_bits - 1)``, with a gain and an
offset for each column. The columns come one after another, `neurons_per_clock` at a time,
so that many multipliers serve all.
"""

from typing import Any

from amaranth.hdl import Array, Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from allspin.hdl.neuron.column_converter import ColumnConverter, converter_word
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import CONVERTER, SHIFT
from allspin.hdl.stream.block_memory import block_memory
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import LOADS, amplified_layout, noise_layout


def current_layout(current_bits: int) -> data.StructLayout:
    """Return the layout of a neuron's input current.

    Members
    -------
    current : unsigned, `current_bits`
        The current.
    last : 1 bit
        The image's last neuron.
    """
    return data.StructLayout({"current": current_bits, "last": 1})


def currents_layout(current_bits: int, neurons_per_clock: int) -> data.StructLayout:
    """Return the layout of input currents of `neurons_per_clock` neurons.

    Members
    -------
    currents : array of unsigned, `current_bits`
        Input currents. In an image's last beat, entries beyond the last neuron have no meaning.
    last : 1 bit
        The image's last neurons.
    """
    currents = data.ArrayLayout(current_bits, neurons_per_clock)
    return data.StructLayout({"currents": currents, "last": 1})


class ViConverter(Component):
    """V-I converters: gain, shift, offset and clamp turn column sums into input currents.

    A beat of `neurons_per_clock` columns a clock, each through a `ColumnConverter`. Column c has
    its word in memory c modulo `neurons_per_clock`. Where each position has neurons of its own, use
    u of the image has its word in memory u modulo `neurons_per_clock`, and where a position's first
    use may be in any memory, a beat's words are turned behind a register.

    Throughput: R columns per cycle; latency 12, or 9 on an FPGA with multipliers.

    Parameters
    ----------
    parameters : EngineParameters
        Parameters of the whole engine.
    layer : int
        Layer of the columns.

    Attributes
    ----------
    noise : In
        The uses of `noise_layout`: noise that is added to the currents of these sums before they
        are clamped; where neurons have noise at each use.
    """

    def __init__(self, parameters: EngineParameters, layer: int) -> None:
        self._parameters = parameters
        self._layer = layer
        self._crossbar: CrossbarParameters = parameters.crossbars[layer]
        at_once = self._crossbar.neurons_per_clock
        ports = {
            # `amplified_layout`, column 0 first.
            "sums": In(stream.Signature(amplified_layout(parameters, layer))),
            "currents": Out(stream.Signature(currents_layout(parameters.current_bits, at_once))),
            # Bytes for the memories CONVERTER and SHIFT are taken, others ignored.
            "load": In(LOADS),
            # Show the word of column `column` on `word`, two clocks later; only while no sum is
            # under way.
            "probe": In(1),
            # Column, or use.
            "column": In(range(parameters.neurons(layer))),
            # Gain in the low half, offset in the high half, both 16 bits.
            "word": Out(32),
            # The right shift.
            "shift": Out(5),
        }
        if parameters.noisy:
            ports["noise"] = In(noise_layout(parameters, layer)["uses"].shape)
        super().__init__(ports)

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        p = self._crossbar
        at_once = p.neurons_per_clock
        count = self._parameters.neurons(self._layer)
        rest = self._parameters.turned(self._layer)
        lines = -(-count // at_once)
        words = []
        columns = []
        for number in range(at_once):
            word = converter_word(self._parameters.current_bits)
            distributed = p.target.distributes(lines * word.size)
            memory = block_memory(word, lines, distributed=distributed)
            m.submodules[f"words_{number}"] = memory
            words.append(memory)
            column = ColumnConverter(self._parameters, self._layer)
            m.submodules[f"column_{number}"] = column
            columns.append(column)
        shift = Signal(5, reset_less=True)  # as the other memories: a reset keeps it
        self._build_load(m, words, shift)

        go = Signal()
        valid = Signal(columns[0].stages)
        last = Signal.like(valid)
        line = Signal(range(lines))
        at_once_bits = (at_once - 1).bit_length()
        low = Signal(at_once_bits)  # the first memory of a beat
        m.d.comb += [
            go.eq(~valid[-1] | self.currents.ready),
            self.sums.ready.eq(go),
            self.currents.valid.eq(valid[-1]),
            self.currents.payload.last.eq(last[-1]),
            self.shift.eq(shift),
        ]
        with m.If(go):
            m.d.sync += [
                valid.eq((valid << 1) | self.sums.valid),
                last.eq((last << 1) | self.sums.payload.last),
            ]
            with m.If(self.sums.valid):
                if rest:
                    use = Cat(low, line)
                    ends = Mux(use == count - rest, 0, use + rest)
                    m.d.sync += use.eq(Mux(self.sums.payload.last, ends, use + at_once))
                else:
                    ends = self.sums.payload.last if count == p.columns else line == lines - 1
                    m.d.sync += line.eq(Mux(ends, 0, line + 1))
        reads = []
        for memory in words:
            read = memory.read_port(domain="comb")
            reads.append(read)
        found = [read.data for read in reads]
        if rest:
            found = self._build_turn(m, go, found, Mux(self.probe, 0, low))
        for number, (read, column, word) in enumerate(zip(reads, columns, found, strict=True)):
            here = line + (low > number) if rest else line
            m.d.comb += [
                read.addr.eq(Mux(self.probe, self.column[at_once_bits:], here)),
                column.go.eq(go),
                column.read.eq(word),
                column.sum.eq(self.sums.payload.sums[number]),
                column.shift.eq(shift),
                self.currents.payload.currents[number].eq(column.current),
            ]
            if self._parameters.noisy:
                m.d.comb += column.noise.eq(self.noise[number])
            with m.If(self.column[:at_once_bits] == number):
                m.d.comb += [
                    self.word[:16].eq(column.word.gain),
                    self.word[16:].eq(column.word.offset),
                ]

    def _build_turn(self, m: Module, go: Signal, found: list[Any], turn: Value) -> list[Any]:
        """Return the words of a beat whose first word is in memory `turn`, a clock later."""
        turns = Signal(turn.shape())
        kept = [
            Signal.like(word, name=f"kept_{k}", reset_less=True) for k, word in enumerate(found)
        ]
        with m.If(go):
            m.d.sync += [
                turns.eq(turn),
                *(own.eq(word) for own, word in zip(kept, found, strict=True)),
            ]
        return [Array(kept[lane:] + kept[:lane])[turns] for lane in range(len(kept))]

    def _build_load(self, m: Module, words: list[Memory], shift: Signal) -> None:
        """Load four bytes into a column's word, and one into the shift."""
        load = self.load.payload
        low = Signal(24)  # the first three bytes of a word
        byte = Signal(2)
        here = Signal(2)
        line = Signal(range(self._parameters.neurons(self._layer) + 1))
        here_line = Signal.like(line)
        offset = Signal(signed(16))
        complete = Signal()
        m.d.comb += [
            self.load.ready.eq(1),
            here.eq(Mux(load.first, 0, byte)),
            here_line.eq(Mux(load.first, load.address, line)),
            offset.eq((low[16:24] | (load.data << 8)).as_signed()),
        ]
        with m.If(self.load.valid & (load.memory == CONVERTER)):
            m.d.sync += [byte.eq(here + 1), line.eq(here_line)]
            with m.Switch(here):
                for number in range(3):
                    with m.Case(number):
                        m.d.sync += low[8 * number : 8 * number + 8].eq(load.data)
                with m.Default():
                    m.d.comb += complete.eq(1)
                    m.d.sync += line.eq(here_line + 1)
        at_once_bits = (len(words) - 1).bit_length()
        # Loaded in the same way as the neurons' tables.
        written = m.d.sync if self._crossbar.target.wide else m.d.comb
        for number, memory in enumerate(words):
            write = memory.write_port()
            written += [
                write.addr.eq(here_line[at_once_bits:]),
                write.data.gain.eq(low[:16]),
                write.data.offset.eq(offset),
                write.en.eq(complete & (here_line[:at_once_bits] == number)),
            ]
        with m.If(self.load.valid & (load.memory == SHIFT)):
            m.d.sync += shift.eq(load.data)
