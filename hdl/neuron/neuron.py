"""The neurons at the foot of the columns, visited one after another.

Each kind has one class here, found by its name in `NEURONS`; all take a stream of input
currents and give a stream of activations.
"""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.memory_map import TABLE
from allspin.hdl.neuron.cmos_neuron import BareGate, RegisteredRelu
from allspin.hdl.neuron.converter import CurrentLayout
from allspin.hdl.parameters import EngineParameters
from allspin.hdl.stream.block_ram import block_memory
from allspin.hdl.stream.layouts import LoadLayout


class ActivationLayout(data.StructLayout):
    """A neuron's output.

    Members
    -------
    activation : unsigned, `hidden_bits`
        The output.
    last : 1 bit
        The image's last neuron.
    """

    def __init__(self, hidden_bits: int) -> None:
        super().__init__({"activation": hidden_bits, "last": 1})


class NeuronSignature(wiring.Signature):
    """What every kind of neuron has.

    Members
    -------
    currents : In(stream)
        `CurrentLayout`, one neuron after another.
    activations : Out(stream)
        `ActivationLayout`, in the same order.
    load : In(stream)
        `LoadLayout`; bytes for the memory TABLE are taken where there is a table.
    probe : In(1)
        Show entry `address` of the table on `entry`, three clocks later; only while nothing
        is under way.
    address : In(current_bits)
        Which entry.
    entry : Out(8)
        The entry; 0 where there is no table.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        super().__init__(
            {
                "currents": In(stream.Signature(CurrentLayout(parameters.current_bits))),
                "activations": Out(stream.Signature(ActivationLayout(parameters.hidden_bits))),
                "load": In(stream.Signature(LoadLayout())),
                "probe": In(1),
                "address": In(parameters.current_bits),
                "entry": Out(8),
            }
        )


class Neuron(wiring.Component):
    """What every kind of neuron begins with; `NeuronSignature` describes its ports.

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine.
    """

    currents: stream.Interface
    activations: stream.Interface
    load: stream.Interface
    probe: Signal
    address: Signal
    entry: Signal

    def __init__(self, parameters: EngineParameters) -> None:
        self._parameters = parameters
        super().__init__(NeuronSignature(parameters))


class SotNeuron(Neuron):
    """The SOT-ReLU as a table of R_AH against current, loaded at run time.

    One neuron a clock, two clocks later (the table's own register and one behind it); on a
    wide part three (a register before the table).

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine.
    """

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        p = self._parameters
        m.submodules.table = table = block_memory(p.hidden_bits, 2**p.current_bits)
        write = table.write_port()
        read = table.read_port(domain="comb")

        load = self.load.payload
        line = Signal(p.current_bits)
        here = Signal(p.current_bits)
        loads = Signal()
        m.d.comb += [
            self.load.ready.eq(1),
            here.eq(Mux(load.first, load.address, line)),
            loads.eq(self.load.valid & (load.memory == TABLE)),
        ]
        with m.If(loads):
            m.d.sync += line.eq(here + 1)
        # What is written and what is asked come from far: there are registers before the table.
        wide = p.target.wide
        written = m.d.sync if wide else m.d.comb
        written += [write.addr.eq(here), write.data.eq(load.data), write.en.eq(loads)]

        go = Signal()
        stages = 3 if wide else 2
        valid = Signal(stages)
        last = Signal(stages)
        address = Signal(p.current_bits)
        read_entry = Signal(p.hidden_bits)
        entry = Signal(p.hidden_bits)
        m.d.comb += [
            go.eq(~valid[-1] | self.activations.ready),
            self.currents.ready.eq(go),
            address.eq(Mux(self.probe, self.address, self.currents.payload.current)),
        ]
        with m.If(go):
            m.d.sync += [
                valid.eq((valid << 1) | self.currents.valid),
                last.eq((last << 1) | self.currents.payload.last),
                read_entry.eq(read.data),
                entry.eq(read_entry),
            ]
        if wide:
            held = Signal.like(address)
            with m.If(go):
                m.d.sync += held.eq(address)
            address = held
        m.d.comb += read.addr.eq(address)
        m.d.comb += [
            self.activations.valid.eq(valid[-1]),
            self.activations.payload.last.eq(last[-1]),
            self.activations.payload.activation.eq(entry),
            self.entry.eq(entry),
        ]
        return m


class ReluNeuron(Neuron):
    """The ideal ReLU: the current's most significant bits, rounded, held at full scale.

    One neuron a clock, one clock later.

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine.
    """

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        p = self._parameters
        current = self.currents.payload.current
        drop = p.current_bits - p.hidden_bits
        rounded = Signal(p.hidden_bits + 1)
        m.d.comb += self.load.ready.eq(1)
        m.d.comb += rounded.eq(current[drop:] + (current[drop - 1] if drop else 0))
        with m.If(~self.activations.valid | self.activations.ready):
            m.d.comb += self.currents.ready.eq(1)
            m.d.sync += [
                self.activations.valid.eq(self.currents.valid),
                self.activations.payload.last.eq(self.currents.payload.last),
                self.activations.payload.activation.eq(
                    Mux(rounded[-1], 2**p.hidden_bits - 1, rounded)
                ),
            ]
        return m


class CmosBareNeuron(Neuron):
    """The bare gate: the current's highest bit lets the bits below it pass.

    One neuron a clock, one clock later (the engine's register: the gate has none).

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine.
    """

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        p = self._parameters
        current = self.currents.payload.current
        m.submodules.gate = gate = BareGate(p.hidden_bits)
        # The highest bits below the sign, with a zero behind them where there are too few.
        value = (current << 1)[: p.current_bits][-p.hidden_bits :]
        m.d.comb += [
            self.load.ready.eq(1),
            gate.negative.eq(~current[-1]),
            gate.value.eq(value),
        ]
        with m.If(~self.activations.valid | self.activations.ready):
            m.d.comb += self.currents.ready.eq(1)
            m.d.sync += [
                self.activations.valid.eq(self.currents.valid),
                self.activations.payload.last.eq(self.currents.payload.last),
                self.activations.payload.activation.eq(gate.activation),
            ]
        return m


class CmosReluNeuron(Neuron):
    """The registered digital ReLU, with one current a use to accumulate.

    One neuron a clock, one clock later.

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine.
    """

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        p = self._parameters
        bits = p.current_bits + 1
        m.submodules.relu = relu = RegisteredRelu(
            bits, bits, p.current_bits - p.hidden_bits - 1, p.hidden_bits
        )
        m.d.comb += [
            self.load.ready.eq(1),
            relu.term.eq(self.currents.payload.current),
            relu.start.eq(-(2 ** (p.current_bits - 3))),
            relu.first.eq(1),
            relu.last.eq(1),
            self.activations.payload.activation.eq(relu.activation),
        ]
        with m.If(~self.activations.valid | self.activations.ready):
            m.d.comb += [self.currents.ready.eq(1), relu.enable.eq(1)]
            m.d.sync += [
                self.activations.valid.eq(self.currents.valid),
                self.activations.payload.last.eq(self.currents.payload.last),
            ]
        return m


class CmosSigmoidNeuron(SotNeuron):
    """A sigmoid by table: the table is another, the block the same."""


NEURONS = {
    "sot": SotNeuron,
    "relu": ReluNeuron,
    "cmos-bare": CmosBareNeuron,
    "cmos-relu": CmosReluNeuron,
    "cmos-sigmoid": CmosSigmoidNeuron,
}
"""The gateware of each kind of neuron, by its name."""
