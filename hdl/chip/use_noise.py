"""Noise at each use: of a layer's neurons and sums, and of the last layer's sums behind it.

The integers are those of `allspin.sim.chip.noise.ColumnNoise`: normal values of purpose
NEURON_USE and READ times a spread, rounded. They are drawn ahead, as soon as an image's number is
known, so that V-I converters and amplifiers need not wait. One pipeline draws all of them in turn:
of each beat of columns the noise of its neurons, then, if sums have any, that of its sums; and at
an image's end that of the last layer's sums, if this is the layer before it.
"""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.chip.draw_unit import draw_signature
from allspin.hdl.chip.pipelined_noise import NoiseKind, PipelinedNoise, beat_layout
from allspin.hdl.chip.speck import LAYER_BITS
from allspin.hdl.chip.sum_errors import DROPPED_BITS, SumErrors, load_spread
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import USE_NOISE
from allspin.hdl.stream.buffers import Queue
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import IMAGE_BITS, LOADS, NUMBERS, noise_layout
from allspin.sim.chip.generator import SEED_BITS, Purpose
from allspin.sim.chip.speck import WORD_BITS

AHEAD = 64
"""Beats that may be drawn and not yet taken; more than a pipelined draw takes clocks."""


class NoiseQueue(Component):
    """Queue of noise that is drawn ahead, with credits for the requests.

    With look-up tables each column has a queue of its own. All queues move together, and an address
    has to reach one column's tables only.

    Throughput: one beat per cycle.

    Parameters
    ----------
    parameters, layer
        Noise as in `noise_layout`.
    """

    def __init__(self, parameters: EngineParameters, layer: int) -> None:
        # A block RAM may be anywhere, where nearly all are taken.
        self._nearby = parameters.crossbars[layer].target.distributed_ram
        layout = noise_layout(parameters, layer)
        super().__init__(
            {
                # A beat is asked for; only while `credit`.
                "asked": In(1),
                # The queue has room for one more.
                "credit": Out(1),
                # A beat of noise has been drawn.
                "made": In(1),
                "payload": In(layout),
                # `noise_layout`, in order.
                "noise": Out(stream.Signature(layout)),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the queue."""
        fields = [self.payload[name] for name in self.payload.shape().members]
        given = [self.noise.payload[name] for name in self.noise.payload.shape().members]
        columns = len(fields[0])
        each = 1 if self._nearby else columns
        for first in range(0, columns, each):
            here = [
                (field[column], out[column])
                for field, out in zip(fields, given, strict=True)
                for column in range(first, first + each)
            ]
            coming = Cat(field for field, _ in here)
            queue = Queue(len(coming), AHEAD, distributed=self._nearby)
            m.submodules[f"queue_{first}"] = queue
            m.d.comb += [
                queue.i.valid.eq(self.made),
                queue.i.payload.eq(coming),
                Cat(out for _, out in here).eq(queue.o.payload),
                queue.o.ready.eq(self.noise.ready),
                self.noise.valid.eq(queue.o.valid),
            ]
        ahead = Signal(range(AHEAD + 1))  # beats asked for and not yet taken
        left = Signal()  # one was taken; a register, for the queue may be across the part
        m.d.comb += self.credit.eq(~ahead[-1])  # it is a power of two, and never more
        m.d.sync += [
            left.eq(self.noise.valid & self.noise.ready),
            ahead.eq(ahead + self.asked - left),
        ]


class UseNoiseBlock(Component):
    """Noise of each use of one hidden layer, or of the only one, and of the last layer behind it.

    Throughput: one beat per cycle from the pipeline, or one neuron per 23 cycles.

    Parameters
    ----------
    parameters : EngineParameters
        Parameters of the whole engine.
    layer : int
        Layer that the block serves.

    Attributes
    ----------
    passed : Out(stream)
        Numbers for the next hidden layer; the last block has none.
    noise : Out(stream)
        `noise_layout`: noise of each beat of an image's columns; of a hidden layer.
    last_noise : Out(stream)
        The same of the last layer; where its sums have noise and no hidden layer is behind this
        one.
    unit : Out(`draw_signature`)
        The generator; where it is iterative.
    """

    def __init__(self, parameters: EngineParameters, layer: int) -> None:
        assert parameters.variation is not None
        self._parameters = parameters
        self._layer = layer
        self._behind = len(parameters.crossbars) - 1
        self._hidden = layer < self._behind
        self._last = layer >= self._behind - 1
        self._reads_last = self._last and parameters.noisy_sums
        self._iterative = parameters.variation.iterative_noise
        ports = {
            # The chip.
            "seed": In(SEED_BITS),
            # The layers' bytes for the memories USE_NOISE, SUM_NOISE and AMPLIFIERS are taken,
            # others ignored.
            "load": In(LOADS),
            # The number of each image, before or while it is under way.
            "numbers": In(NUMBERS),
        }
        if self._hidden:
            ports["noise"] = Out(stream.Signature(noise_layout(parameters, layer)))
        if self._reads_last:
            ports["last_noise"] = Out(stream.Signature(noise_layout(parameters, self._behind)))
        if not self._last:
            ports["passed"] = Out(NUMBERS)
        if self._iterative:
            ports["unit"] = Out(draw_signature(parameters.spread_bits))
        if parameters.general:
            # Last hidden layer of a general machine; layers behind it get no image.
            ports["route"] = In(LAYER_BITS)
        super().__init__(ports)

    def build(self, m: Module, platform: object) -> None:
        """Build the noise."""
        p = self._parameters
        loaded = load_spread(m, self.load, self._layer, USE_NOISE)
        spread = Signal(signed(p.use_spread_bits + 1))
        # The host sends no wider spread.
        m.d.comb += spread.eq(loaded[: p.use_spread_bits])

        queues, errors = self._build_parts(m)
        beats, begun = self._build_beats(m, queues, errors)
        if self._iterative:
            self._draw(m, beats, spread, queues[NoiseKind.USE])
            return
        m.submodules.drawn = drawn = PipelinedNoise(p, self._layer)
        wiring.connect(m, beats, drawn.beats)
        m.d.comb += [drawn.seed.eq(self.seed), drawn.begun.eq(begun), drawn.spreads[0].eq(spread)]
        if p.general:
            # A layer behind the route gets no image, so its draws serve the last layer.
            m.d.comb += drawn.layer.eq(self.route if self._last else self._layer)
        for kind, of_sums in errors.items():
            made = drawn.made & (drawn.kind == kind)
            m.d.comb += [
                drawn.spreads[kind].eq(of_sums.spread),
                of_sums.valid.eq(made),
                *(one.eq(two) for one, two in zip(of_sums.products, drawn.products, strict=False)),
            ]
        if NoiseKind.LAST in errors:
            queue = queues[NoiseKind.LAST]
            of_sums = errors[NoiseKind.LAST]
            m.d.comb += [queue.made.eq(of_sums.made), queue.payload.sums[0].eq(of_sums.errors[0])]
        if self._hidden:
            self._give_uses(m, drawn, queues[NoiseKind.USE], errors.get(NoiseKind.READ))

    def _build_parts(
        self, m: Module
    ) -> tuple[dict[NoiseKind, NoiseQueue], dict[NoiseKind, SumErrors]]:
        """Build the queues of neurons and of the last layer, and the spreads of sums."""
        p = self._parameters
        queues = {}
        errors = {}
        if self._hidden:
            m.submodules.queue = queues[NoiseKind.USE] = NoiseQueue(p, self._layer)
            wiring.connect(m, queues[NoiseKind.USE].noise, wiring.flipped(self.noise))
            if p.noisy_sums:
                m.submodules.errors = errors[NoiseKind.READ] = SumErrors(p, self._layer)
        if self._reads_last:
            m.submodules.last_queue = queues[NoiseKind.LAST] = NoiseQueue(p, self._behind)
            wiring.connect(m, queues[NoiseKind.LAST].noise, wiring.flipped(self.last_noise))
            m.submodules.last_errors = errors[NoiseKind.LAST] = SumErrors(p, self._behind)
        for of_sums in errors.values():
            m.d.comb += [
                of_sums.load.payload.eq(self.load.payload),
                of_sums.load.valid.eq(self.load.valid),
            ]
        return queues, errors

    def _give_uses(
        self, m: Module, drawn: PipelinedNoise, queue: NoiseQueue, of_sums: SumErrors | None
    ) -> None:
        """Put the noise of neurons into its queue, with that of the same columns' sums."""
        uses = [rounded(product) for product in drawn.products]
        if of_sums is None:
            m.d.comb += [
                queue.made.eq(drawn.made),
                *(one.eq(use) for one, use in zip(queue.payload.uses, uses, strict=True)),
            ]
            return
        # A beat's sums are drawn a clock after its uses, or later, and made two clocks later.
        late = Signal(2)
        made = drawn.made & (drawn.kind == NoiseKind.USE)
        m.d.sync += late.eq(Cat(made, late))
        for number, (value, use) in enumerate(zip(queue.payload.uses, uses, strict=True)):
            first = Signal.like(value, name=f"use_{number}", reset_less=True)
            held = Signal.like(value, name=f"held_{number}", reset_less=True)
            with m.If(made):
                m.d.sync += first.eq(use)
            with m.If(late[0]):
                m.d.sync += held.eq(first)
            m.d.comb += value.eq(held)
        m.d.comb += queue.made.eq(Mux(of_sums.on, of_sums.made, late[1]))
        for value, error in zip(queue.payload.sums, of_sums.errors, strict=True):
            m.d.comb += value.eq(Mux(of_sums.on, error, 0))

    def _build_beats(
        self, m: Module, queues: dict[NoiseKind, NoiseQueue], errors: dict[NoiseKind, SumErrors]
    ) -> tuple[stream.Interface, Signal]:
        """Build the counters of beats whose noise is drawn: all beats of an image, then the next
        image's.

        Returns
        -------
        tuple
            A stream of `beat_layout`, and whether an image's beats begin in the next clock.
        """
        beats = stream.Signature(beat_layout(self._parameters, self._layer)).create()
        begun = Signal()
        number = Signal(IMAGE_BITS)
        column = Signal.like(beats.payload.column)
        kind = Signal.like(beats.payload.kind)
        active = Signal()
        credit = Signal()
        taken = Signal()
        m.d.comb += [
            beats.valid.eq(active & credit),
            beats.payload.number.eq(number),
            beats.payload.column.eq(column),
            beats.payload.kind.eq(kind),
            taken.eq(beats.valid & beats.ready),
        ]
        begins = self._build_order(m, (column, kind, active, credit, taken), queues, errors)

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
            m.d.sync += [number.eq(next_number), column.eq(0), active.eq(begins)]
            if self._parameters.general:
                last = NoiseKind.LAST in errors
                with m.If(self.route < self._layer):
                    m.d.sync += active.eq(errors[NoiseKind.LAST].on if last else 0)
                    if last:
                        m.d.sync += kind.eq(NoiseKind.LAST)
                if last:
                    with m.Else():
                        m.d.sync += kind.eq(NoiseKind.USE)
        if not self._last:
            m.d.comb += may_begin.eq(~self.passed.valid | self.passed.ready)
            with m.If(self.passed.ready):
                m.d.sync += self.passed.valid.eq(0)
            with m.If(begun):
                m.d.sync += [self.passed.valid.eq(1), self.passed.payload.eq(next_number)]
        return beats, begun

    def _build_order(
        self,
        m: Module,
        place: tuple[Signal, Signal, Signal, Signal, Signal],
        queues: dict[NoiseKind, NoiseQueue],
        errors: dict[NoiseKind, SumErrors],
    ) -> Value:
        """Build the choice of the next draw; `place` is column, kind, active, credit and taken.

        Returns
        -------
        Value
            True if an image needs any draw.
        """
        column, kind, active, credit, taken = place
        lanes = self._parameters.crossbars[self._layer].neurons_per_clock
        last = errors[NoiseKind.LAST].on if NoiseKind.LAST in errors else Const(0)
        read = errors[NoiseKind.READ].on if NoiseKind.READ in errors else Const(0)
        if not self._hidden:
            m.d.comb += kind.eq(NoiseKind.LAST)
            begins: Value = last
        else:
            begins = Const(1)
            # The credit for a beat's sums is that for its uses.
            uses = queues[NoiseKind.USE]
            here = kind == NoiseKind.USE
            m.d.comb += [credit.eq(~here | uses.credit), uses.asked.eq(taken & here)]
            with m.If(taken & here & read):
                m.d.sync += kind.eq(NoiseKind.READ)
            with m.Elif(taken & (kind != NoiseKind.LAST)):
                m.d.sync += [column.eq(column + lanes), kind.eq(NoiseKind.USE)]
                over = self._build_end(m, column)
                with m.If(over):
                    m.d.sync += [column.eq(0), active.eq(last)]
                    with m.If(last):
                        m.d.sync += kind.eq(NoiseKind.LAST)
        if NoiseKind.LAST in errors:
            sums = queues[NoiseKind.LAST]
            here = kind == NoiseKind.LAST
            m.d.comb += sums.asked.eq(taken & here)
            with m.If(here):
                m.d.comb += credit.eq(sums.credit)
            with m.If(taken & here):
                m.d.sync += column.eq(column + 1)
                with m.If(column == self._parameters.classes - 1):
                    m.d.sync += active.eq(0)
                    if self._hidden:
                        m.d.sync += kind.eq(NoiseKind.USE)
        return begins

    def _build_end(self, m: Module, column: Signal) -> Value:
        """Step from position to position, in the clock of a beat; return a bit for the last
        position.
        """
        crossbar = self._parameters.crossbars[self._layer]
        uses = self._parameters.uses(self._layer)
        lanes = crossbar.neurons_per_clock
        columns = crossbar.columns
        rest = columns % lanes
        if uses == columns or not rest:
            return column + lanes >= uses
        # A position begins with a beat of its own.
        within = Signal(range(columns))
        ends = Signal()
        m.d.comb += ends.eq(within + lanes >= columns)
        m.d.sync += within.eq(within + lanes)
        with m.If(ends):
            m.d.sync += [within.eq(0), column.eq(column + rest)]
        return ends & (column + rest == uses)

    def _draw(self, m: Module, beats: stream.Interface, spread: Signal, queue: NoiseQueue) -> None:
        """Draw with the unit that all share."""
        draw = self.unit.draws.payload
        number = beats.payload.number
        m.d.comb += [
            self.unit.draws.valid.eq(beats.valid),
            beats.ready.eq(self.unit.draws.ready),
            draw.layer.eq(self._layer),
            draw.purpose.eq(Purpose.NEURON_USE),
            draw.row.eq(number[:WORD_BITS]),
            draw.column.eq(beats.payload.column),
            draw.number.eq(number[WORD_BITS:]),
            self.unit.spreads[0].eq(spread),
            queue.made.eq(self.unit.made),
            queue.payload.uses[0].eq(rounded(self.unit.product)),
        ]


def rounded(product: Value) -> Value:
    """Drop a product's fraction bits, halves up."""
    return (product + (1 << DROPPED_BITS - 1)) >> DROPPED_BITS
