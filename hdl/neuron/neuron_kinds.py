"""Kinds of neurons: by a table, ideal ReLU, CMOS; each is found by its name.

Kinds with a table share the gateware of a table; others have their own under
`register_gateware`.
"""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from amaranth.hdl import Module, Mux, Signal

from allspin.hdl.neuron.cmos_neuron import BareGate, RegisteredRelu, RoundedRelu
from allspin.hdl.neuron.neuron import CellBlock, Currents, NeuronGateware
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import TABLE
from allspin.hdl.stream.block_memory import block_memory
from allspin.sim.errors import UserError
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import NEURONS as KINDS

NEURONS: dict[str, type[NeuronGateware]] = {}
"""The gateware of each kind of neuron that has its own, by its name."""

Block = TypeVar("Block", bound=type[NeuronGateware])


def register_gateware(name: str) -> Callable[[Block], Block]:
    """Make a class the gateware of a kind of neuron; a decorator.

    Parameters
    ----------
    name : str
        The kind's name. A kind with a table needs no gateware of its own: it has `TableNeuron`'s,
        unless it is given another here.
    """

    def register(block: Block) -> Block:
        NEURONS[name] = block
        return block

    return register


def neuron_gateware(name: str) -> type[NeuronGateware]:
    """Return the gateware of a kind of neuron.

    Parameters
    ----------
    name : str
        A name in `allspin.sim.network.neuron.NEURONS`.

    Raises
    ------
    UserError
        If it has neither a table nor gateware of its own.
    """
    if name in NEURONS:
        return NEURONS[name]
    if KINDS[name].has_table:
        return TableNeuron
    raise UserError(
        f"the neuron {name} has no table and no gateware: run it on golden, or register a class "
        "for it with allspin.register_gateware"
    )


def check_gateware(parameters: EngineParameters) -> None:
    """Refuse an engine whose neurons have no gateware, before any block is built.

    Raises
    ------
    UserError
        If it has hidden layers, and their neuron has neither a table nor gateware of its own.
    """
    if len(parameters.crossbars) > 1:
        neuron_gateware(parameters.neuron)


class TableNeuron(NeuronGateware):
    """Neuron of any kind with a table, such as the SOT-ReLU: activation against current, loaded at
    run time.

    Throughput: one neuron per cycle; latency 2, on an ECP5 3.
    """

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
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
        # Bytes and addresses come from far, so registers lie before the table.
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
        m.d.comb += [
            read.addr.eq(address),
            self.activations.valid.eq(valid[-1]),
            self.activations.payload.last.eq(last[-1]),
            self.activations.payload.activation.eq(entry),
            self.entry.eq(entry),
        ]


@register_gateware("relu")
class ReluGateware(NeuronGateware):
    """Ideal ReLU: the current's most significant bits, rounded, held at full scale.

    Throughput: one neuron per cycle; latency 1.
    """

    @classmethod
    def cells(cls, network: Network, currents: Currents) -> CellBlock:
        """See `NeuronGateware.cells`."""
        return CellBlock(
            RoundedRelu(network.current_bits, network.hidden_bits), {"current": currents}, True
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        p = self._parameters
        current = self.currents.payload.current
        drop = p.current_bits - p.hidden_bits
        rounded = Signal(p.hidden_bits + 1)
        m.d.comb += [
            self.load.ready.eq(1),
            rounded.eq(current[drop:] + (current[drop - 1] if drop else 0)),
        ]
        self._give(m, Mux(rounded[-1], 2**p.hidden_bits - 1, rounded))


@register_gateware("cmos-bare")
class CmosBareGateware(NeuronGateware):
    """Bare gate: the current's highest bit lets the bits below it pass.

    Throughput: one neuron per cycle; latency 1.
    """

    @classmethod
    def cells(cls, network: Network, currents: Currents) -> CellBlock:
        """See `NeuronGateware.cells`."""
        half = 2 ** (network.current_bits - 1)
        drop = network.current_bits - network.hidden_bits
        below = ((currents % half) << 1) >> drop
        stimulus = {"negative": (currents < half).astype(np.int64), "value": below}
        return CellBlock(BareGate(network.hidden_bits), stimulus, False)

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        p = self._parameters
        current = self.currents.payload.current
        m.submodules.gate = gate = BareGate(p.hidden_bits)
        # The highest bits below the sign; a zero follows where the current has too few.
        value = (current << 1)[: p.current_bits][-p.hidden_bits :]
        m.d.comb += [
            self.load.ready.eq(1),
            gate.negative.eq(~current[-1]),
            gate.value.eq(value),
        ]
        self._give(m, gate.activation)


@register_gateware("cmos-relu")
class CmosReluGateware(NeuronGateware):
    """Registered digital ReLU, with one current a use to accumulate.

    Throughput: one neuron per cycle; latency 1.
    """

    @classmethod
    def cells(cls, network: Network, currents: Currents) -> CellBlock:
        """See `NeuronGateware.cells`."""
        bits = network.current_bits + 1
        drop = network.current_bits - network.hidden_bits - 1
        ones = np.ones_like(currents)
        stimulus = {
            "term": currents,
            "first": ones,
            "last": ones,
            "start": -ones * 2 ** (network.current_bits - 3),
        }
        relu = RegisteredRelu(bits, bits, drop, network.hidden_bits, waits=False)
        return CellBlock(relu, stimulus, True)

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
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
