"""The engine: crossbars and neurons of all layers, overlapped.

While image n is in the first crossbar, image n - 1 is in its neurons and the second
crossbar, and so on. The steady-state cost of an image is the slowest stage's, not the sum.
"""

from itertools import chain

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.chip.programmer import Variation
from allspin.hdl.chip.speck import LAYER_BITS
from allspin.hdl.convolution.between import Flatten
from allspin.hdl.convolution.window import Window
from allspin.hdl.engine.layer import EngineLayer
from allspin.hdl.engine.readback import Loads, Readback
from allspin.hdl.parameters.engine_parameters import (
    COUNTERS,
    ENGINE,
    SHAPE,
    SHAPE_BYTES,
    EngineParameters,
)
from allspin.hdl.stream.buffers import Component, RegisterSlice, block_memory
from allspin.hdl.stream.layouts import (
    BYTES,
    FETCHES,
    IMAGE_BITS,
    LOADS,
    NUMBERS,
    amplified_layout,
    event_layout,
    result_layout,
)


class Engine(Component):
    """An event-driven crossbar inference engine of any number of layers.

    Parameters
    ----------
    parameters : EngineParameters
        Sizes and widths.

    Attributes
    ----------
    numbers : In(stream)
        Each image's number, before its first event or while it is under way, in their order;
        where neurons have noise at each use.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        self.parameters = parameters
        ports = {
            "events": In(stream.Signature(event_layout(parameters.image))),
            # Each image's logits, class by class, in the order of the images.
            "results": Out(stream.Signature(result_layout(parameters))),
            # Bytes for the memories; only while `idle`. Images and reads wait until they are in
            # their places.
            "load": In(LOADS),
            # A line to read; only while `idle`. Images wait until it is read.
            "fetch": In(FETCHES),
            # The line's bytes.
            "fetched": Out(BYTES),
            # No image is under way, no line is being read and no chip is being made.
            "idle": Out(1),
            # What happens in this clock, for timelines; layer k has bits 4k to 4k + 3: an event is
            # taken, it is an image's last, a sum is taken, it is an image's last.
            "activity": Out(4 * len(parameters.crossbars)),
        }
        if parameters.numbered:
            ports["numbers"] = In(NUMBERS)
        super().__init__(ports)

    def build(self, m: Module, platform: object) -> None:
        """Build the engine."""
        p = self.parameters
        layers = [EngineLayer(p, number) for number in range(len(p.crossbars))]
        settle = 1 + max(layer.write_clocks for layer in layers)
        m.submodules.loads = loads = Loads(p, settle)
        m.submodules.counters = counters = EngineCounters(p)
        m.submodules.readback = readback = Readback(len(layers), counters.loop)
        m.submodules.under_way = under_way = UnderWay()
        m.submodules.readout = readout = Readout(p)
        shape = None
        if p.general:
            m.submodules.shape = shape = Shape(p)
            m.d.comb += [
                shape.load.payload.eq(loads.byte),
                shape.load.valid.eq(loads.valid),
                readout.classes.eq(shape.classes),
            ]
        wiring.connect(m, wiring.flipped(self.load), loads.load)
        wiring.connect(m, wiring.flipped(self.fetch), readback.fetch)
        wiring.connect(m, readback.fetched, wiring.flipped(self.fetched))
        wiring.connect(m, layers[-1].out, readout.sums)
        wiring.connect(m, readout.results, wiring.flipped(self.results))

        making = Signal()  # bytes of a chip are on their way
        variation = None if p.variation is None else self._build_variation(m, loads, making)
        for number, layer in enumerate(layers):
            m.submodules[f"layer_{number}"] = layer
            wiring.connect(m, readback.layers[number], layer.read)
            m.d.comb += [
                layer.load.payload.eq(loads.byte),
                layer.load.valid.eq(loads.layers[number]),
                counters.row[number].eq(layer.rows),
                counters.column[number].eq(layer.columns),
                self.activity[4 * number : 4 * number + 4].eq(layer.activity),
            ]
            if number > 0 and (shape is None or number < len(layers) - 1):
                self._connect(m, layers[number - 1].out, layer.events, number)
            if variation is not None:
                m.d.comb += [
                    layer.programs.eq(variation.valid & (variation.layer == number)),
                    layer.word.eq(variation.word),
                ]
                if number < len(variation.noises):
                    wiring.connect(m, variation.noises[number], layer.noise)

        if shape is not None:
            self._build_route(m, shape, layers)
            if variation is not None:
                m.d.comb += variation.route.eq(shape.route)
        first, stalled, leaves = layers[0].events, Signal(), Signal()
        if window := p.window(0):
            m.submodules.window_0 = image = Window(window)
            wiring.connect(m, image.events, first)
            first = image.map
        m.d.comb += [
            stalled.eq(readback.busy | loads.loading),
            first.payload.eq(self.events.payload),
            first.valid.eq(self.events.valid & ~stalled),
            self.events.ready.eq(first.ready & ~stalled),
            under_way.enters.eq(self.events.valid & self.events.ready),
            under_way.last.eq(self.events.payload.last),
            under_way.leaves.eq(leaves),
            leaves.eq(self.results.valid & self.results.ready & self.results.payload.last),
            counters.image.eq(leaves),
            counters.busy.eq(under_way.any | under_way.enters),
            counters.clear.eq(loads.valid & (loads.byte.memory == COUNTERS)),
            counters.layer.eq(readback.line.layer),
            counters.line.eq(readback.line.address),
            readback.count.eq(counters.value),
            readback.shown.eq(counters.shown),
            readback.hold.eq(loads.loading),
            self.idle.eq(~under_way.any & ~readback.busy & ~making),
        ]

    def _connect(
        self, m: Module, given: stream.Interface, events: stream.Interface, number: int
    ) -> None:
        """What a layer gives, to the crossbar of the next one, `number`."""
        window, own = self.parameters.window(number), self.parameters.map(number - 1)
        if window is not None:
            m.submodules[f"window_{number}"] = seen = Window(window)
            wiring.connect(m, given, seen.map)
            given = seen.events
        elif own is not None:
            m.submodules[f"flatten_{number}"] = flat = Flatten(own)
            wiring.connect(m, given, flat.pixels)
            given = flat.events
        wiring.connect(m, given, events)

    def _build_route(self, m: Module, shape: "Shape", layers: list[EngineLayer]) -> None:
        """The last hidden layer's events to the last crossbar, whichever layer that is.

        The layers between have no events, and so none that would go there too.
        """
        last = layers[-1].events
        for number, layer in enumerate(layers[:-1]):
            given = layer.out
            with m.If(shape.route == number):
                m.d.comb += [
                    last.valid.eq(given.valid),
                    given.ready.eq(last.ready),
                    last.payload.last.eq(given.payload.last),
                ]
                for here, there in zip(last.payload.slots, given.payload.slots, strict=True):
                    m.d.comb += [here.row.eq(there.row), here.value.eq(there.value)]
                if number < len(layers) - 2:
                    m.d.comb += layers[number + 1].events.valid.eq(0)

    def _build_variation(self, m: Module, loads: Loads, making: Signal) -> Variation:
        """What makes chips, between what is loaded and the layers."""
        p = self.parameters
        m.submodules.variation = variation = Variation(p)
        wiring.connect(m, loads.states, variation.states)
        m.d.comb += [
            variation.load.payload.eq(loads.byte),
            variation.load.valid.eq(loads.valid),
            loads.programming.eq(variation.busy),
            making.eq(loads.loading),
        ]
        if p.numbered:
            # From the link; one comes with each image.
            m.submodules.numbers = numbers = RegisterSlice(IMAGE_BITS)
            wiring.connect(m, wiring.flipped(self.numbers), numbers.i)
            wiring.connect(m, numbers.o, variation.numbers)
        return variation


class Readout(Component):
    """Pass the logits on and keep the lowest class with the largest one.

    One class a clock, two clocks later; where logic is slow, comparing takes a clock of its own
    and a class two. Softmax is the host's: it does not change the winner.

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        self._parameters = parameters
        ports = {
            "sums": In(
                stream.Signature(amplified_layout(parameters, len(parameters.crossbars) - 1))
            ),
            "results": Out(stream.Signature(result_layout(parameters))),
        }
        if parameters.general:
            # Those that may win: the first ones.
            ports["classes"] = In(CLASS_BITS)
        super().__init__(ports)

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        # A register first: the comparison is long enough without the way from the crossbar.
        sum_ = Signal.like(self.sums.payload.sums[0], reset_less=True)
        last = Signal(reset_less=True)
        valid = Signal()
        class_ = Signal(range(self._parameters.classes))
        result = self.results.payload
        best = Signal.like(sum_)
        better = Signal()
        first = Signal(init=1)  # class 0 comes; a register, for the same reason
        compared = Signal()  # where logic is slow: with the sum that waits
        # Strictly greater, so that of equal classes the lowest wins.
        takes = ~self.results.valid | self.results.ready
        if self._parameters.target.slow_clock:
            above = Signal()
            m.d.comb += better.eq(first | above)
            m.d.sync += [above.eq(sum_ > best), compared.eq(valid)]
            with m.If(self.results.ready):
                m.d.sync += self.results.valid.eq(0)
            takes &= compared | ~valid
        else:
            m.d.comb += better.eq(first | (sum_ > best))
        wins: Value = better
        if self._parameters.general:
            # Those behind the last class do not.
            spare = Signal()
            wins = better & ~spare
            with m.If(takes & valid):
                m.d.sync += spare.eq(~last & (spare | (class_ + 1 == self.classes)))
        with m.If(takes):
            if self._parameters.target.slow_clock:
                m.d.sync += compared.eq(0)
            m.d.comb += self.sums.ready.eq(1)
            m.d.sync += [
                sum_.eq(self.sums.payload.sums[0]),
                last.eq(self.sums.payload.last),
                valid.eq(self.sums.valid),
                self.results.valid.eq(valid),
            ]
            with m.If(valid):
                m.d.sync += [
                    result.logit.eq(sum_),
                    result.last.eq(last),
                    class_.eq(Mux(last, 0, class_ + 1)),
                    first.eq(last),
                ]
                with m.If(wins):
                    m.d.sync += [best.eq(sum_), result.winner.eq(class_)]


CLASS_BITS = 16


class Shape(Component):
    """What of a general machine a network has: its last hidden layer, and its classes.

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine: all of it, until something else is written.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        last = len(parameters.crossbars) - 1
        super().__init__(
            {
                # Bytes for the memory SHAPE are taken, others ignored.
                "load": In(LOADS),
                # Layer whose events are the last crossbar's.
                "route": Out(LAYER_BITS, init=last - 1),  # pyright: ignore[reportCallIssue]  # the stubs leave init out
                "classes": Out(CLASS_BITS, init=parameters.classes),  # pyright: ignore[reportCallIssue]
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the registers."""
        load = self.load.payload
        line = Cat(self.route, Signal(8 - LAYER_BITS), self.classes)
        assert len(line) == 8 * SHAPE_BYTES
        m.d.comb += self.load.ready.eq(1)
        with m.If(self.load.valid & (load.layer == ENGINE) & (load.memory == SHAPE)):
            m.d.sync += line.eq(Cat(line[8:], load.data))


class EngineCounters(Component):
    """Count what the engine does.

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine.

    Notes
    -----
    All counters lie in one memory and are visited in turn by one adder; what happens between
    two visits is kept in a few bits each. Forty bits of adder for each counter would be a
    tenth of an iCE40.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        self._parameters = parameters
        layers = len(parameters.crossbars)
        super().__init__(
            {
                # At least one image is under way in this clock.
                "busy": In(1),
                # An image's result is complete in this clock.
                "image": In(1),
                # Layer by layer: how many rows are driven, and how many columns' sums are taken
                # (their neurons are used), as many as are in a clock.
                "row": In(data.ArrayLayout(range(parameters.most_at_once + 1), layers)),
                "column": In(data.ArrayLayout(range(parameters.most_at_once + 1), layers)),
                # Set all counters to zero.
                "clear": In(1),
                # Layer whose counters are shown, or `ENGINE`.
                "layer": In(4),
                # Which of its two counters, as ``docs/protocol.md`` numbers them.
                "line": In(1),
                # That counter, while it is `shown`.
                "value": Out(64),
                # Once in each `loop`; after one of clocks in which nothing happens, all is counted.
                "shown": Out(1),
            }
        )

    @property
    def loop(self) -> int:
        """Clocks in which all counters are visited."""
        return 2 * 2 * (len(self._parameters.crossbars) + 1)  # reading a counter, and adding to it

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        layers = len(self._parameters.crossbars)
        of_layers = ([self.row[layer], self.column[layer]] for layer in range(layers))
        events: list[Value] = [*chain(*of_layers), self.busy, self.image]
        slots = len(events)

        m.submodules.counts = counts = block_memory(self._parameters.counter_bits, slots)
        read = counts.read_port(domain="comb")
        write = counts.write_port()
        slot = Signal(range(slots))
        chosen = Signal(range(slots))
        adds = Signal()  # the second clock of a visit
        stale = Signal(range(slots + 1), init=slots)  # visits to counters that start from zero
        stored = Signal(self._parameters.counter_bits)
        most = self._parameters.most_at_once * (self.loop + 1)
        recent = [Signal(range(most + 1), name=f"recent_{number}") for number in range(slots)]
        grabbed = Signal(range(most + 1))
        total = Signal(self._parameters.counter_bits)
        m.d.comb += [
            chosen.eq(Mux(self.layer == ENGINE, 2 * layers, self.layer << 1) + self.line),
            read.addr.eq(slot),
            total.eq(Mux(stale != 0, 0, stored) + grabbed),
        ]
        # An iCE40's adder takes most of a clock, so its sum leaves from a register; another counter
        # is read meanwhile.
        leaves = m.d.sync if self._parameters.target.slow_clock else m.d.comb
        leaves += [
            write.addr.eq(slot),
            write.data.eq(total),
            write.en.eq(adds),
            self.value.eq(total),
            self.shown.eq(adds & (slot == chosen)),
        ]
        for number, (sum_, more) in enumerate(zip(recent, events, strict=True)):
            # A register, since what happens in a clock is known late in it.
            seen = Signal.like(more, name=f"seen_{number}")
            m.d.sync += [seen.eq(more), sum_.eq(sum_ + seen)]
            with m.If(~adds & (slot == number)):
                m.d.sync += [sum_.eq(seen), grabbed.eq(sum_)]
            with m.If(self.clear):
                m.d.sync += [seen.eq(0), sum_.eq(0)]
        m.d.sync += [adds.eq(~adds), stored.eq(read.data)]
        with m.If(adds):
            m.d.sync += slot.eq(Mux(slot == slots - 1, 0, slot + 1))
            with m.If(stale != 0):
                m.d.sync += stale.eq(stale - 1)
        with m.If(self.clear):
            m.d.sync += [grabbed.eq(0), stale.eq(slots)]


# Images under way: from the first event taken to the last logit given.


class UnderWay(Component):
    """Tell whether any image is under way."""

    def __init__(self) -> None:
        super().__init__(
            {
                # An event is taken; if so, it is its image's last.
                "enters": In(1),
                "last": In(1),
                # An image's last logit is given.
                "leaves": In(1),
                # An image is under way, the one whose first event is being taken not counted.
                "any": Out(1),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        arriving = Signal()
        count = Signal(24)
        none = Signal(init=1)
        # Counted a clock late: whether an event is taken is known late in its clock.
        entered, left = Signal(), Signal()
        m.d.comb += self.any.eq(arriving | entered | ~none)
        m.d.sync += [
            entered.eq(self.enters & self.last),
            left.eq(self.leaves),
            count.eq(count + entered - left),
        ]
        with m.If(self.enters):
            m.d.sync += arriving.eq(~self.last)
        with m.If(entered):
            m.d.sync += none.eq(0)
        with m.Elif(left):
            m.d.sync += none.eq(count == 1)
