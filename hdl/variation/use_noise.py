"""The neurons' cycle-to-cycle noise: a current for each use, drawn by the image's number.

The integers are those of `allspin.sim.chip.chip.ColumnNoise.on_currents`: a normal value of purpose
NEURON_USE times the layer's spread, rounded. They are drawn ahead, as soon as an image's
number is known, so that the V-I converters need not wait.
"""

from amaranth.hdl import Cat, Module, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.memory_map import USE_NOISE
from allspin.hdl.parameters import CrossbarParameters, EngineParameters
from allspin.hdl.stream.layouts import LoadLayout, NoiseLayout
from allspin.hdl.stream.queue import Queue
from allspin.hdl.variation.draw_unit import DrawInterface, DrawSignature
from allspin.hdl.variation.normal import PipelinedNormal
from allspin.hdl.variation.speck import PipelinedSpeck
from allspin.sim.chip.chip import USE_BITS
from allspin.sim.chip.generator import FRACTION_BITS, SEED_BITS, Purpose
from allspin.sim.chip.generator import USE_BITS as IMAGE_BITS
from allspin.sim.chip.speck import WORD_BITS

AHEAD = 64
"""Beats that may be drawn and not yet taken; more than a pipelined draw takes clocks."""
SPREAD_BYTES = 4
DROPPED_BITS = FRACTION_BITS + USE_BITS
SETTLE = 40
"""Clocks that a draw takes at most, pipelined."""


class BeatLayout(data.StructLayout):
    """Whose noise is drawn.

    Members
    -------
    number : 32 bits
        The image's number.
    column : unsigned
        The first column of the beat.
    """

    def __init__(self, crossbar: CrossbarParameters) -> None:
        column = range(crossbar.columns + crossbar.neurons_per_clock)
        super().__init__({"number": IMAGE_BITS, "column": column})


class PipelinedNoise(wiring.Component):
    """Draw a beat a clock.

    Parameters
    ----------
    parameters, layer
        As of `UseNoise`.

    Attributes
    ----------
    seed : In(32)
        The chip.
    spread : In(signed)
        One standard deviation.
    begun : In(1)
        An image's beats begin in the next clock.
    beats : In(stream)
        `BeatLayout`.
    made, noise : Out
        A beat's noise, for one clock.
    """

    seed: Signal
    spread: Signal
    begun: Signal
    beats: stream.Interface
    made: Signal
    noise: data.View

    def __init__(self, parameters: EngineParameters, layer: int) -> None:
        self._layer = layer
        super().__init__(
            {
                "seed": In(SEED_BITS),
                "spread": In(signed(parameters.use_spread_bits + 1)),
                "begun": In(1),
                "beats": In(stream.Signature(BeatLayout(parameters.crossbars[layer]))),
                "made": Out(1),
                "noise": Out(NoiseLayout(parameters, layer)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the generator."""
        m = Module()
        lanes = len(self.noise)
        m.submodules.speck = speck = PipelinedSpeck(((Purpose.NEURON_USE,),) * lanes, 0)
        beat = self.beats.payload
        # Keys are of a chip and of 65,536 images; new ones wait for what is under way.
        keyed_seed = Signal(SEED_BITS)
        keyed_lot = Signal(IMAGE_BITS - WORD_BITS)
        lot = beat.number[WORD_BITS:]
        keyed = Signal()
        same_seed = Signal()  # compared ahead: seeds change long before an image comes
        fits = Signal()
        fit = Signal()
        settling = Signal(range(SETTLE + 1))
        checking = Signal()
        m.d.comb += [
            fits.eq(keyed & same_seed & (keyed_lot == lot)),
            speck.seed.eq(self.seed),
            speck.layer.eq(self._layer),
            speck.number.eq(lot),
            self.beats.ready.eq(fit & speck.keyed),
            speck.valid.eq(self.beats.valid & self.beats.ready),
            speck.draws.row.eq(beat.number[:WORD_BITS]),
        ]
        with m.If(speck.valid):
            m.d.sync += settling.eq(SETTLE)
        with m.Elif(settling != 0):
            m.d.sync += settling.eq(settling - 1)
        m.d.sync += [checking.eq(self.begun), same_seed.eq(keyed_seed == self.seed)]
        with m.If(self.begun):
            m.d.sync += fit.eq(0)
        with m.Elif(checking):
            m.d.sync += [fit.eq(fits), keyed.eq(fits)]
        with m.Elif(~fit & ~keyed & (settling == 0)):
            m.d.comb += speck.rekey.eq(1)
            m.d.sync += [keyed.eq(1), keyed_seed.eq(self.seed), keyed_lot.eq(lot), fit.eq(1)]

        for lane in range(lanes):
            m.submodules[f"normal_{lane}"] = normal = PipelinedNormal(len(self.spread), 0)
            m.d.comb += [
                speck.draws.columns[lane].eq(beat.column + lane),
                normal.valid.eq(speck.done),
                normal.bits.eq(speck.bits[lane]),
                normal.spread.eq(self.spread),
                self.noise[lane].eq(rounded(normal.product)),
            ]
            if lane == 0:
                m.d.comb += self.made.eq(normal.done)
        return m


class UseNoise(wiring.Component):
    """The noise of one hidden layer.

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine.
    layer : int
        Which layer's neurons it serves.

    Attributes
    ----------
    seed : In(32)
        The chip.
    load : In(stream)
        `LoadLayout`; the layer's bytes for the memory USE_NOISE are taken, others ignored.
    numbers : In(stream)
        The number of each image, before or while it is under way.
    passed : Out(stream)
        The same, for the next hidden layer; where there is one.
    noise : Out(stream)
        `NoiseLayout`: what each beat of an image's columns gets.
    unit : Out(`DrawSignature`)
        The generator; where it is iterative.
    """

    seed: Signal
    load: stream.Interface
    numbers: stream.Interface
    noise: stream.Interface
    passed: stream.Interface
    unit: DrawInterface

    def __init__(self, parameters: EngineParameters, layer: int) -> None:
        assert parameters.variation is not None
        self._parameters = parameters
        self._layer = layer
        self._last = layer == len(parameters.crossbars) - 2
        self._iterative = parameters.variation.iterative_noise
        ports = {
            "seed": In(SEED_BITS),
            "load": In(stream.Signature(LoadLayout())),
            "numbers": In(stream.Signature(IMAGE_BITS)),
            "noise": Out(stream.Signature(NoiseLayout(parameters, layer))),
        }
        if not self._last:
            ports["passed"] = Out(stream.Signature(IMAGE_BITS))
        if self._iterative:
            ports["unit"] = Out(DrawSignature(parameters.spread_bits))
        super().__init__(ports)

    def elaborate(self, platform: object) -> Module:
        """Build the noise."""
        m = Module()
        p = self._parameters
        crossbar = p.crossbars[self._layer]
        load = self.load.payload
        loaded = Signal(8 * SPREAD_BYTES, reset_less=True)
        spread = Signal(signed(p.use_spread_bits + 1))
        m.d.comb += [
            self.load.ready.eq(1),
            # What is wider than this the host does not send.
            spread.eq(loaded[: p.use_spread_bits]),
        ]
        with m.If(self.load.valid & (load.layer == self._layer) & (load.memory == USE_NOISE)):
            m.d.sync += loaded.eq(Cat(loaded[8:], load.data))

        # A block RAM may be anywhere, where nearly all are taken.
        nearby = crossbar.target.distributed_ram
        m.submodules.queue = queue = Queue(self.noise.p.shape(), AHEAD, distributed=nearby)
        wiring.connect(m, queue.o, wiring.flipped(self.noise))
        ahead = Signal(range(AHEAD + 1))  # beats asked for and not yet taken
        room = ~ahead[-1]  # it is a power of two, and never more
        beats, begun = self._elaborate_beats(m, crossbar, room)
        left = Signal()  # one was taken; a register, for the queue may be across the part
        m.d.sync += [
            left.eq(self.noise.valid & self.noise.ready),
            ahead.eq(ahead + (beats.valid & beats.ready) - left),
        ]
        if self._iterative:
            self._draw(m, beats, spread, queue)
            return m
        m.submodules.drawn = drawn = PipelinedNoise(p, self._layer)
        wiring.connect(m, beats, drawn.beats)
        m.d.comb += [
            drawn.seed.eq(self.seed),
            drawn.spread.eq(spread),
            drawn.begun.eq(begun),
            queue.i.valid.eq(drawn.made),
            queue.i.p.eq(drawn.noise),
        ]
        return m

    def _elaborate_beats(
        self, m: Module, crossbar: CrossbarParameters, room: Value
    ) -> tuple[stream.Interface, Signal]:
        """Beats whose noise is to be drawn: all of an image, then those of the next.

        Returns
        -------
        tuple
            A stream of `BeatLayout`, and whether an image's beats begin in the next clock.
        """
        beats = stream.Signature(BeatLayout(crossbar)).create()
        begun = Signal()
        number = Signal(IMAGE_BITS)
        lanes = crossbar.neurons_per_clock
        column = Signal.like(beats.payload.column)
        active = Signal()
        m.d.comb += [
            beats.valid.eq(active & room),
            beats.payload.number.eq(number),
            beats.payload.column.eq(column),
        ]
        with m.If(beats.valid & beats.ready):
            m.d.sync += column.eq(column + lanes)
            with m.If(column + lanes >= crossbar.columns):
                m.d.sync += active.eq(0)

        # The next image's number may come while this one's noise is drawn.
        waiting = Signal()
        next_number = Signal(IMAGE_BITS, reset_less=True)
        may_begin = Signal(init=1)
        m.d.comb += [
            self.numbers.ready.eq(~waiting | begun),
            begun.eq(waiting & ~active & may_begin),
        ]
        with m.If(self.numbers.ready):
            m.d.sync += [waiting.eq(self.numbers.valid), next_number.eq(self.numbers.payload)]
        with m.If(begun):
            m.d.sync += [number.eq(next_number), column.eq(0), active.eq(1)]
        if not self._last:
            m.d.comb += may_begin.eq(~self.passed.valid | self.passed.ready)
            with m.If(self.passed.ready):
                m.d.sync += self.passed.valid.eq(0)
            with m.If(begun):
                m.d.sync += [self.passed.valid.eq(1), self.passed.payload.eq(next_number)]
        return beats, begun

    def _draw(self, m: Module, beats: stream.Interface, spread: Signal, queue: Queue) -> None:
        """Draw with the unit that all share."""
        draw, number = self.unit.draws.payload, beats.payload.number
        m.d.comb += [
            self.unit.draws.valid.eq(beats.valid),
            beats.ready.eq(self.unit.draws.ready),
            draw.layer.eq(self._layer),
            draw.purpose.eq(Purpose.NEURON_USE),
            draw.row.eq(number[:WORD_BITS]),
            draw.column.eq(beats.payload.column),
            draw.number.eq(number[WORD_BITS:]),
            self.unit.spreads[0].eq(spread),
            queue.i.valid.eq(self.unit.made),
            queue.i.p[0].eq(rounded(self.unit.product)),
        ]


def rounded(product: Value) -> Value:
    """A product without its fraction bits, halves up."""
    return (product + (1 << DROPPED_BITS - 1)) >> DROPPED_BITS
