"""Row driver: activations of one layer become events of the next crossbar."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out

from allspin.hdl.neuron.neuron_array import activations_layout
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import (
    event_layout,
)


class RowDriver(Component):
    """Row driver: activations become the next crossbar's events, and a zero row is never driven.

    A beat of silent neurons is left out, except an image's last.

    Throughput: R neurons per cycle; no latency.

    Parameters
    ----------
    parameters : EngineParameters
        Parameters of the whole engine.
    layer : int
        Layer whose neurons drive; the events are for the crossbar of ``layer + 1``, or the channels
        of a map's pixel.
    """

    def __init__(self, parameters: EngineParameters, layer: int) -> None:
        self._crossbar = parameters.driven(layer)
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
            # The part may have no such row beyond the last neuron.
            here = row if slot < in_last else Mux(beat.last, 0, row)
            m.d.comb += [
                self.events.payload.slots[slot].row.eq(here),
                self.events.payload.slots[slot].value.eq(value),
            ]
        with m.If(self.activations.valid & self.activations.ready):
            m.d.sync += row.eq(Mux(beat.last, 0, row + 1))
