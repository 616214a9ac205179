"""The neurons at the foot of a crossbar: as many side by side as sums leave it in a clock."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream

from allspin.hdl.neuron.converter import currents_layout
from allspin.hdl.neuron.neuron import neuron_gateware
from allspin.hdl.parameters.crossbar import CrossbarParameters
from allspin.hdl.parameters.engine import EngineParameters
from allspin.hdl.stream.buffers import Component, In, Out
from allspin.hdl.stream.layouts import LOADS, event_layout


def activations_layout(hidden_bits: int, neurons_per_clock: int) -> data.StructLayout:
    """Outputs of `neurons_per_clock` neurons.

    Members
    -------
    activations : array of unsigned, `hidden_bits`
        The outputs. In an image's last beat, those beyond the last neuron mean nothing.
    last : 1 bit
        The image's last neurons.
    """
    activations = data.ArrayLayout(hidden_bits, neurons_per_clock)
    return data.StructLayout({"activations": activations, "last": 1})


class NeuronArray(Component):
    """`neurons_per_clock` neurons of one kind side by side, each with its own table.

    Every kind takes and gives in clocks that do not depend on the currents, so the neurons
    go in step and one handshake stands for all.

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine.
    layer : int
        Whose neurons they are.
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
                # As of `allspin.hdl.neuron.neuron.neuron_signature`; all tables are loaded alike.
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


class RowDriver(Component):
    """Turn activations into the next crossbar's events: a zero row is never driven.

    A beat of silent neurons is left out, except an image's last. No delay.

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine.
    layer : int
        Which layer's neurons drive; the events are for the crossbar of ``layer + 1``.
    """

    def __init__(self, parameters: EngineParameters, layer: int) -> None:
        self._crossbar: CrossbarParameters = parameters.crossbars[layer + 1]
        activations = activations_layout(parameters.hidden_bits, self._crossbar.rows_per_clock)
        super().__init__(
            {
                # `activations_layout`.
                "activations": In(stream.Signature(activations)),
                "events": Out(stream.Signature(event_layout(self._crossbar))),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        beat = self.activations.payload
        row = Signal(range(self._crossbar.part_rows))
        drives = Signal()
        in_last = (self._crossbar.rows - 1) % self._crossbar.rows_per_clock + 1
        values = [
            beat.activations[slot] if slot < in_last else Mux(beat.last, 0, beat.activations[slot])
            for slot in range(self._crossbar.rows_per_clock)
        ]
        m.d.comb += [
            drives.eq(Cat(values).any() | beat.last),
            self.events.valid.eq(self.activations.valid & drives),
            self.activations.ready.eq(self.events.ready | ~drives),
            self.events.payload.last.eq(beat.last),
        ]
        for slot, value in enumerate(values):
            # There need not be such a row in the part beyond the last neuron.
            here = row if slot < in_last else Mux(beat.last, 0, row)
            m.d.comb += [
                self.events.payload.slots[slot].row.eq(here),
                self.events.payload.slots[slot].value.eq(value),
            ]
        with m.If(self.activations.valid & self.activations.ready):
            m.d.sync += row.eq(Mux(beat.last, 0, row + 1))
