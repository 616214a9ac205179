"""The neurons' cycle-to-cycle noise: a current for each use, drawn by the image's number.

The integers are those of `allspin.sim.chip.chip.ColumnNoise.on_currents`: a normal value of purpose
NEURON_USE times the layer's spread, rounded. They are drawn ahead, as soon as an image's
number is known, so that the V-I converters need not wait.
"""

from amaranth.hdl import Cat, Module, Signal, Value, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.link.queue import Queue
from allspin.hdl.memory_map import USE_NOISE
from allspin.hdl.parameters import EngineParameters
from allspin.hdl.stream.layouts import LoadLayout, NoiseLayout
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
        self._lanes = parameters.crossbars[layer].neurons_per_clock
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
        nearby = p.crossbars[self._layer].target.distributed_ram
        m.submodules.queue = queue = Queue(self.noise.p.shape(), AHEAD, distributed=nearby)
        wiring.connect(m, queue.o, wiring.flipped(self.noise))
        number = Signal(IMAGE_BITS)
        column = Signal(range(p.crossbars[self._layer].columns + self._lanes))
        active = Signal()
        ask, asked = Signal(), Signal()
        ahead = Signal(range(AHEAD + 1))  # beats asked for and not yet taken
        room = Signal()
        left = Signal()  # one was taken; a register, for the queue may be across the part
        m.d.comb += [
            asked.eq(active & room & ask),
            room.eq(~ahead[-1]),  # it is a power of two, and never more
        ]
        m.d.sync += [
            left.eq(self.noise.valid & self.noise.ready),
            ahead.eq(ahead + asked - left),
        ]
        with m.If(asked):
            m.d.sync += column.eq(column + self._lanes)
            with m.If(column + self._lanes >= p.crossbars[self._layer].columns):
                m.d.sync += active.eq(0)

        # The next image's number may come while this one's noise is drawn.
        waiting = Signal()
        next_number = Signal(IMAGE_BITS, reset_less=True)
        may_begin = Signal()
        taken = Signal()
        m.d.comb += [
            self.numbers.ready.eq(~waiting | taken),
            taken.eq(waiting & ~active & may_begin),
        ]
        with m.If(self.numbers.ready):
            m.d.sync += [waiting.eq(self.numbers.valid), next_number.eq(self.numbers.p)]
        with m.If(taken):
            m.d.sync += [number.eq(next_number), column.eq(0), active.eq(1)]
        if self._last:
            m.d.comb += may_begin.eq(1)
        else:
            m.d.comb += may_begin.eq(~self.passed.valid | self.passed.ready)
            with m.If(self.passed.ready):
                m.d.sync += self.passed.valid.eq(0)
            with m.If(taken):
                m.d.sync += [self.passed.valid.eq(1), self.passed.p.eq(next_number)]

        if self._iterative:
            self._elaborate_iterative(m, queue, number, column, spread, active & room, ask)
        else:
            self._elaborate_pipelined(m, queue, number, column, spread, asked, ask, taken)
        return m

    def _elaborate_iterative(
        self,
        m: Module,
        queue: Queue,
        number: Signal,
        column: Signal,
        spread: Signal,
        wanted: Value,
        ask: Signal,
    ) -> None:
        """Draw with the unit that all share."""
        draw = self.unit.draws.payload
        m.d.comb += [
            self.unit.draws.valid.eq(wanted),
            ask.eq(self.unit.draws.ready),
            draw.layer.eq(self._layer),
            draw.purpose.eq(Purpose.NEURON_USE),
            draw.row.eq(number[:WORD_BITS]),
            draw.column.eq(column),
            draw.number.eq(number[WORD_BITS:]),
            self.unit.spreads[0].eq(spread),
            queue.i.valid.eq(self.unit.made),
            queue.i.p[0].eq(rounded(self.unit.product)),
        ]

    def _elaborate_pipelined(
        self,
        m: Module,
        queue: Queue,
        number: Signal,
        column: Signal,
        spread: Signal,
        asked: Signal,
        ask: Signal,
        taken: Signal,
    ) -> None:
        """Draw a beat a clock."""
        m.submodules.speck = speck = PipelinedSpeck(((Purpose.NEURON_USE,),) * self._lanes, 0)
        # Keys are of a chip and of 65,536 images; new ones wait for what is under way.
        keyed_seed = Signal(SEED_BITS)
        keyed_lot = Signal(IMAGE_BITS - WORD_BITS)
        lot = number[WORD_BITS:]
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
            ask.eq(fit & speck.keyed),
            speck.valid.eq(asked),
            speck.draws.row.eq(number[:WORD_BITS]),
        ]
        m.d.comb += [speck.draws.columns[lane].eq(column + lane) for lane in range(self._lanes)]
        with m.If(asked):
            m.d.sync += settling.eq(SETTLE)
        with m.Elif(settling != 0):
            m.d.sync += settling.eq(settling - 1)
        m.d.sync += [checking.eq(taken), same_seed.eq(keyed_seed == self.seed)]
        with m.If(taken):
            m.d.sync += fit.eq(0)
        with m.Elif(checking):
            m.d.sync += [fit.eq(fits), keyed.eq(fits)]
        with m.Elif(~fit & ~keyed & (settling == 0)):
            m.d.comb += speck.rekey.eq(1)
            m.d.sync += [keyed.eq(1), keyed_seed.eq(self.seed), keyed_lot.eq(lot), fit.eq(1)]

        normals = [
            PipelinedNormal(self._parameters.use_spread_bits + 1, 0) for _ in range(self._lanes)
        ]
        for lane, normal in enumerate(normals):
            m.submodules[f"normal_{lane}"] = normal
            m.d.comb += [
                normal.valid.eq(speck.done),
                normal.bits.eq(speck.bits[lane]),
                normal.spread.eq(spread),
                queue.i.p[lane].eq(rounded(normal.product)),
            ]
        m.d.comb += queue.i.valid.eq(normals[0].done)


def rounded(product: Value) -> Value:
    """A product without its fraction bits, halves up."""
    return (product + (1 << DROPPED_BITS - 1)) >> DROPPED_BITS
