"""Neurons side by side at the foot of a crossbar."""

from amaranth.hdl import Module
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out

from allspin.hdl.neuron.converter import currents_layout
from allspin.hdl.neuron.neuron_kinds import neuron_gateware
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import (
    LOADS,
)


def activations_layout(hidden_bits: int, neurons_per_clock: int) -> data.StructLayout:
    """Return the layout of outputs of `neurons_per_clock` neurons.

    Members
    -------
    activations : array of unsigned, `hidden_bits`
        The outputs. In an image's last beat, entries beyond the last neuron have no meaning.
    last : 1 bit
        The image's last neurons.
    """
    activations = data.ArrayLayout(hidden_bits, neurons_per_clock)
    return data.StructLayout({"activations": activations, "last": 1})


class NeuronArray(Component):
    """Neurons of one kind side by side, `neurons_per_clock` of them, each with its own table.

    Every kind takes and gives in clocks that do not depend on the currents, so the neurons
    go in step and one handshake stands for all.

    Throughput: R neurons per cycle.

    Parameters
    ----------
    parameters : EngineParameters
        Parameters of the whole engine.
    layer : int
        Layer of the neurons.
    """

    def __init__(self, parameters: EngineParameters, layer: int) -> None:
        self._parameters = parameters
        self._at_once = at_once = parameters.crossbars[layer].neurons_per_clock
        currents = currents_layout(parameters.current_bits, at_once)
        activations = activations_layout(parameters.hidden_bits, at_once)
        super().__init__(
            {
                # `currents_layout`.
                "currents": In(stream.Signature(currents)),
                # `activations_layout`.
                "activations": Out(stream.Signature(activations)),
                # Ports of `allspin.hdl.neuron.neuron.neuron_signature`; all tables are loaded
                # alike.
                "load": In(LOADS),
                "probe": In(1),
                "address": In(parameters.current_bits),
                "entry": Out(8),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        gateware = neuron_gateware(self._parameters.neuron)
        neurons = [gateware(self._parameters) for _ in range(self._at_once)]
        for number, neuron in enumerate(neurons):
            m.submodules[f"neuron_{number}"] = neuron
            m.d.comb += [
                neuron.currents.valid.eq(self.currents.valid),
                neuron.currents.payload.current.eq(self.currents.payload.currents[number]),
                neuron.currents.payload.last.eq(self.currents.payload.last),
                self.activations.payload.activations[number].eq(
                    neuron.activations.payload.activation
                ),
                neuron.activations.ready.eq(self.activations.ready),
                neuron.load.valid.eq(self.load.valid),
                neuron.load.payload.eq(self.load.payload),
                neuron.probe.eq(self.probe),
                neuron.address.eq(self.address),
            ]
        first = neurons[0]
        m.d.comb += [
            self.load.ready.eq(first.load.ready),
            self.currents.ready.eq(first.currents.ready),
            self.activations.valid.eq(first.activations.valid),
            self.activations.payload.last.eq(first.activations.payload.last),
            self.entry.eq(first.entry),
        ]
