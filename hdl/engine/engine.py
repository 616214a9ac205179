"""The engine: crossbars and neurons of all layers, overlapped.

While image n is in the first crossbar, image n - 1 is in its neurons and the second
crossbar, and so on. The steady-state cost of an image is the slowest stage's, not the sum.
"""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.chip.variation import Variation
from allspin.hdl.convolution.flatten import Flatten
from allspin.hdl.convolution.window import Window
from allspin.hdl.engine.counters import EngineCounters
from allspin.hdl.engine.layer import EngineLayer
from allspin.hdl.engine.loads import Loads
from allspin.hdl.engine.readback import Readback
from allspin.hdl.engine.readout import Readout
from allspin.hdl.engine.shape import NetworkShape
from allspin.hdl.engine.under_way import UnderWay
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import COUNTERS
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import (
    BYTES,
    FETCHES,
    IMAGE_BITS,
    LOADS,
    NUMBERS,
    event_layout,
    result_layout,
)
from allspin.hdl.stream.registers import RegisterSlice


class Engine(Component):
    """Event-driven crossbar inference engine of any number of layers, which overlap.

    Throughput: that of the slowest stage.

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
            # Bytes of the line.
            "fetched": Out(BYTES),
            # No image is under way, no line is being read and no chip is being made.
            "idle": Out(1),
            # Events of this clock, for timelines; layer k has bits 4k to 4k + 3: an event is taken,
            # it is an image's last, a sum is taken, it is an image's last.
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
            m.submodules.shape = shape = NetworkShape(p)
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
        first = layers[0].events
        stalled = Signal()
        leaves = Signal()
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
        """Connect the output of a layer to the crossbar of the next one, `number`."""
        window = self.parameters.window(number)
        own = self.parameters.map(number - 1)
        tiling = self.parameters.crossbars[number].tiling
        if window is not None:
            m.submodules[f"window_{number}"] = seen = Window(window)
            wiring.connect(m, given, seen.map)
            given = seen.events
        elif own is not None:
            m.submodules[f"flatten_{number}"] = flat = Flatten(
                own, 0 if tiling is None else tiling.rows
            )
            wiring.connect(m, given, flat.pixels)
            given = flat.events
        wiring.connect(m, given, events)

    def _build_route(self, m: Module, shape: NetworkShape, layers: list[EngineLayer]) -> None:
        """Connect the last hidden layer of a general machine to the last crossbar.

        The layers between get no events, so they give none either.
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
        """Build the blocks that make chips, between the loaded bytes and the layers."""
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
