"""The neurons at the foot of the columns, visited one after another.

A kind has one class, found by its name (`neuron_gateware`): kinds with a table share that of a
table, others have their own under `register_gateware`. All take a stream of input currents and
give a stream of activations.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Module, Mux, Signal, ValueLike
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.neuron.cmos_neuron import BareGate, RegisteredRelu, RoundedRelu, TableLogic
from allspin.hdl.neuron.converter import current_layout
from allspin.hdl.parameters.engine_parameters import TABLE, EngineParameters
from allspin.hdl.stream.buffers import Component, block_memory
from allspin.hdl.stream.layouts import LOADS
from allspin.sim.errors import UserError
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import NEURONS as KINDS

# A neuron's logic alone, as standard cells take it: without the engine around it.

Currents = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CellBlock:
    """A block that makes an activation of a current, and how a current reaches its ports.

    Attributes
    ----------
    component : Component
        The block; its port ``activation`` gives the answer.
    stimulus : dict of ndarray of int64
        What each input is driven with, by its name: shape (uses, neurons), a use a clock.
    registered : bool
        Whether the activation is there a clock later; else at once.
    """

    component: wiring.Component
    stimulus: dict[str, Currents]
    registered: bool


def activation_layout(hidden_bits: int) -> data.StructLayout:
    """A neuron's output.

    Members
    -------
    activation : unsigned, `hidden_bits`
        The output.
    last : 1 bit
        The image's last neuron.
    """
    return data.StructLayout({"activation": hidden_bits, "last": 1})


def neuron_signature(parameters: EngineParameters) -> wiring.Signature:
    """What every kind of neuron has."""
    return wiring.Signature(
        {
            # `current_layout`, one neuron after another.
            "currents": In(stream.Signature(current_layout(parameters.current_bits))),
            # `activation_layout`, in the same order.
            "activations": Out(stream.Signature(activation_layout(parameters.hidden_bits))),
            # Bytes for the memory TABLE are taken where there is a table.
            "load": In(LOADS),
            # Show entry `address` of the table on `entry`, three clocks later; only while
            # nothing is under way.
            "probe": In(1),
            # Which entry.
            "address": In(parameters.current_bits),
            # The entry; 0 where there is no table.
            "entry": Out(8),
        }
    )


class NeuronGateware(Component):
    """The gateware of a kind of neuron: a stream of currents in, one of activations out.

    Every kind takes and gives in clocks that do not depend on the currents, so that neurons side
    by side go in step. A kind defines ``build``, and `cells` if it can be priced in cells.

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        self._parameters = parameters
        super().__init__(neuron_signature(parameters))

    @classmethod
    def cells(cls, network: Network, currents: Currents) -> CellBlock:
        """The neuron's logic for standard cells: by default its table, as logic that never changes.

        Parameters
        ----------
        network : Network
            Whose hidden neuron it is.
        currents : ndarray of int64, shape (uses, neurons)
            Input currents that it is driven with.
        """
        table = network.neuron.table(network.current_bits, network.hidden_bits)
        logic = TableLogic(table.tolist(), network.hidden_bits)
        return CellBlock(logic, {"current": currents}, True)

    def _give(self, m: Module, activation: ValueLike) -> None:
        """What is made of a current at once, a clock later."""
        with m.If(~self.activations.valid | self.activations.ready):
            m.d.comb += self.currents.ready.eq(1)
            m.d.sync += [
                self.activations.valid.eq(self.currents.valid),
                self.activations.payload.last.eq(self.currents.payload.last),
                self.activations.payload.activation.eq(activation),
            ]


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
    """The gateware of a kind of neuron.

    Parameters
    ----------
    name : str
        Of `allspin.sim.network.neuron.NEURONS`.

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
    """Refuse an engine whose neurons cannot be made, before any of it is.

    Raises
    ------
    UserError
        If it has hidden layers, and their neuron has neither a table nor gateware of its own.
    """
    if len(parameters.crossbars) > 1:
        neuron_gateware(parameters.neuron)


class TableNeuron(NeuronGateware):
    """The SOT-ReLU, or any kind with a table: activation against current, loaded at run time.

    One neuron per clock, two clocks later (the table's own register and one behind it); on a
    wide part three (a register before the table).
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
        m.d.comb += [
            read.addr.eq(address),
            self.activations.valid.eq(valid[-1]),
            self.activations.payload.last.eq(last[-1]),
            self.activations.payload.activation.eq(entry),
            self.entry.eq(entry),
        ]


@register_gateware("relu")
class ReluGateware(NeuronGateware):
    """The ideal ReLU: the current's most significant bits, rounded, held at full scale.

    One neuron per clock, one clock later.
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
    """The bare gate: the current's highest bit lets the bits below it pass.

    One neuron per clock, one clock later (the engine's register: the gate has none).
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
        # The highest bits below the sign, with a zero behind them where there are too few.
        value = (current << 1)[: p.current_bits][-p.hidden_bits :]
        m.d.comb += [
            self.load.ready.eq(1),
            gate.negative.eq(~current[-1]),
            gate.value.eq(value),
        ]
        self._give(m, gate.activation)


@register_gateware("cmos-relu")
class CmosReluGateware(NeuronGateware):
    """The registered digital ReLU, with one current a use to accumulate.

    One neuron per clock, one clock later.
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
