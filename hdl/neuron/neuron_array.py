"""What is at the foot of a crossbar: amplifiers, the neurons side by side, and the row driver."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.neuron.converter import currents_layout
from allspin.hdl.neuron.neuron import neuron_gateware
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import AMPLIFIERS, SUM_NOISE, EngineParameters
from allspin.hdl.stream.buffers import Component, Reservation, block_memory, later
from allspin.hdl.stream.ecp5_lines import multiply
from allspin.hdl.stream.layouts import (
    LOADS,
    amplified_layout,
    event_layout,
    noise_layout,
    sum_layout,
)

GAIN_BITS = 14
"""Width of a share of the gain, signed: less than the gain itself. With it, unsigned."""
SHARE_BITS = 13
"""Its fraction bits."""
LINE_BYTES = 8
CLOCKS = 5
"""From a sum to its amplified one: noise, three for the product, rounding."""
UNDER_WAY = 16
"""Sums that may be in the amplifiers or wait behind them: more than their registers."""


class Amplifiers(Component):
    """Those of a hidden layer: noise is added to the sums of a beat, a clock later.

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine.
    layer : int
        Whose columns they serve.
    """

    def __init__(self, parameters: EngineParameters, layer: int) -> None:
        noise = noise_layout(parameters, layer)
        super().__init__(
            {
                "sums": In(stream.Signature(sum_layout(parameters.crossbars[layer]))),
                # `noise_layout`: what these columns get.
                "noise": In(noise),
                "amplified": Out(stream.Signature(amplified_layout(parameters, layer))),
                # The neurons' part of the noise, with `amplified`.
                "uses": Out(noise["uses"].shape),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        given, found = self.amplified.payload, self.sums.payload
        m.d.comb += self.sums.ready.eq(~self.amplified.valid | self.amplified.ready)
        with m.If(self.sums.ready):
            m.d.sync += [
                self.amplified.valid.eq(self.sums.valid),
                given.last.eq(found.last),
                self.uses.eq(self.noise.uses),
                *(
                    given.sums[lane].eq(found.sums[lane] + self.noise.sums[lane])
                    for lane in range(len(found.sums))
                ),
            ]


class LastAmplifiers(Component):
    """Those of the last layer: noise is added to each sum, and its gain turned, a sum a clock.

    In hidden layers an amplifier's gain is a factor of its V-I converter's. The last layer has
    none, so there the sum itself is turned: ``sum + ((sum * share + 2**12) >> 13)``, which is
    ``(sum * (2**13 + share) + 2**12) >> 13``.

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        self._crossbar: CrossbarParameters = parameters.crossbars[-1]
        self._target = parameters.target
        layer = len(parameters.crossbars) - 1
        super().__init__(
            {
                "sums": In(stream.Signature(sum_layout(self._crossbar))),
                "noise": In(stream.Signature(noise_layout(parameters, layer))),
                # `LOAD_LAYOUT`, of this layer alone: bytes for SUM_NOISE and AMPLIFIERS are taken,
                # others ignored.
                "load": In(LOADS),
                "amplified": Out(stream.Signature(amplified_layout(parameters, layer))),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        on, gain = self._build_load(m)
        given = self.amplified.payload
        width = signed(len(Value.cast(given.sums[0])))
        # Whoever waits for the logits is far away, and nothing here has to stop for it.
        m.submodules.reservation = reservation = Reservation(
            given.shape(), UNDER_WAY, distributed=self._target.distributed_ram
        )
        wiring.connect(m, reservation.waiting, wiring.flipped(self.amplified))
        found = self.sums.payload
        credit = reservation.credit & (self.noise.valid | ~on)
        m.d.comb += [
            self.sums.ready.eq(credit),
            reservation.taken.eq(self.sums.valid & credit),
            self.noise.ready.eq(reservation.taken & on),
        ]
        noise = Mux(on, self.noise.payload.sums[0], 0)
        noisy = Signal(width)
        m.d.sync += noisy.eq(found.sums[0] + noise)
        product = multiply(m, platform, gain, noisy, "product")
        half = later(m, product + (1 << SHARE_BITS - 1), "half")
        m.d.comb += [
            reservation.arrives.eq(later(m, reservation.taken, "valid", CLOCKS, guarded=True)),
            reservation.payload.last.eq(later(m, found.last, "last", CLOCKS)),
            reservation.payload.sums[0].eq(half >> SHARE_BITS),
        ]

    def _build_load(self, m: Module) -> tuple[Signal, Signal]:
        """What was loaded: whether there is noise, and the gain of the sum that is taken.

        The gain comes a clock later. It is a factor, as wide as the share of it that is kept; where
        nothing was written it is 1.
        """
        load = self.load.payload
        on = Signal(reset_less=True)  # as memories: a reset keeps it
        low = Signal(8, reset_less=True)
        byte = Signal(range(LINE_BYTES))
        class_ = Signal(range(self._crossbar.columns + 1))
        m.submodules.gains = gains = block_memory(
            signed(GAIN_BITS), self._crossbar.columns, distributed=self._target.distributed_ram
        )
        write, read = gains.write_port(), gains.read_port(domain="comb")
        taken = self.load.valid & (load.memory == AMPLIFIERS)
        m.d.comb += [
            self.load.ready.eq(1),
            write.addr.eq(class_),
            write.data.eq(Cat(low, load.data)),
            write.en.eq(taken & ~load.first & (byte == LINE_BYTES - 1)),
        ]
        with m.If(self.load.valid & (load.memory == SUM_NOISE)):
            m.d.sync += on.eq(load.data[-1])  # the last byte's is the one that stays
        with m.If(taken):
            m.d.sync += [low.eq(load.data), byte.eq(byte + 1)]
            with m.If(load.first):
                m.d.sync += [byte.eq(1), class_.eq(load.address)]
            with m.Elif(byte == LINE_BYTES - 1):
                m.d.sync += class_.eq(class_ + 1)

        place = Signal(range(self._crossbar.columns))
        found = Signal(signed(GAIN_BITS), reset_less=True)
        gain = Signal(GAIN_BITS)
        m.d.comb += [read.addr.eq(place), gain.eq(found ^ (1 << SHARE_BITS))]
        m.d.sync += found.eq(read.data)
        with m.If(self.sums.valid & self.sums.ready):
            m.d.sync += place.eq(Mux(self.sums.payload.last, 0, place + 1))
        return on, gain


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
        Which layer's neurons drive; the events are for the crossbar of ``layer + 1``, or the
        channels of a map's pixel.
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
            # There need not be such a row in the part beyond the last neuron.
            here = row if slot < in_last else Mux(beat.last, 0, row)
            m.d.comb += [
                self.events.payload.slots[slot].row.eq(here),
                self.events.payload.slots[slot].value.eq(value),
            ]
        with m.If(self.activations.valid & self.activations.ready):
            m.d.sync += row.eq(Mux(beat.last, 0, row + 1))
