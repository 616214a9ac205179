"""The engine's memories from outside: loading them, and reading lines of them back."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.memory_map import CONVERTER, COUNTERS, WEIGHTS
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import BYTE_LAYOUT, BYTES, FETCH_LAYOUT, FETCHES
from allspin.hdl.stream.registers import RegisterSlice

READ_SIGNATURE = wiring.Signature(
    {
        # The line that is read.
        "line": Out(FETCH_LAYOUT),
        # A line is being read; a register.
        "reading": Out(1),
        # If the line is of this layer's R_AH words: drive its row alone, with a value of 1.
        "drive": Out(1),
        # Sums are the line's words, and leave as `words`; a register.
        "collect": Out(1),
        # The row is being driven.
        "taken": In(1),
        # The row's words.
        "words": In(BYTES),
        # The line, if it is of this layer's V-I converters or neurons, from some clocks
        # after it was asked for; else 0.
        "found": In(32),
    }
)
"""Ports that read the memories of a layer."""


class Readback(Component):
    """Reader of lines of any memory, one request after another.

    A row of R_AH words is read the way the physical array is: the row alone is driven with a
    value of 1, and the column sums are its words. All other memories show the line on request.

    Parameters
    ----------
    layers : int
        Number of layers.
    loop : int
        Clocks in which each counter is shown once.
    """

    def __init__(self, layers: int, loop: int) -> None:
        self._loop = loop
        super().__init__(
            {
                # Line to read.
                "fetch": In(FETCHES),
                # The line that is read.
                "fetched": Out(BYTES),
                # Begin no line now.
                "hold": In(1),
                # A line is asked for, or being read.
                "busy": Out(1),
                # The layers.
                "layers": Out(READ_SIGNATURE).array(layers),
                # The line that is read, for the counters.
                "line": Out(FETCH_LAYOUT),
                # The counter that it names, while it is shown.
                "count": In(64),
                "shown": In(1),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        # No path goes straight from a request to its answer: the link's own paths are long, and
        # lines are read seldom. The waiting sums are far from the answers, so both ways have
        # registers.
        m.submodules.requests = requests = RegisterSlice(FETCH_LAYOUT)
        m.submodules.answers = answers = RegisterSlice(BYTE_LAYOUT)
        m.submodules.collected = collected = RegisterSlice(BYTE_LAYOUT)
        wiring.connect(m, wiring.flipped(self.fetch), requests.i)
        wiring.connect(m, answers.o, wiring.flipped(self.fetched))
        fetch = requests.o
        fetched = answers.i
        asked = fetch.payload

        reading = Signal()  # a register, since it goes a long way
        drive = Signal()
        collect = Signal()  # a register, like `reading`
        self._build_layers(m, reading, drive, collect, collected.i)

        bytes_left = Signal(range(9))
        content = Signal(64)  # of the line, its next byte lowest
        counted = Signal()  # a counter is read
        # Chosen beside the waiting, which is long enough.
        found = Signal(32)
        wait = Signal(range(2 * self._loop + 4))
        waited = Signal()
        m.d.comb += self.busy.eq(reading | fetch.valid)
        m.d.sync += [
            found.eq(reduce(or_, (layer.found for layer in self.layers))),
            counted.eq(self.line.memory == COUNTERS),
        ]
        with m.FSM(name="fetch"):
            with m.State("IDLE"):
                m.d.comb += fetch.ready.eq(~self.hold)
                m.d.sync += [self.line.eq(asked), wait.eq(5), bytes_left.eq(1)]
                with m.If(fetch.valid & fetch.ready):
                    m.d.sync += reading.eq(1)
                    m.next = "WAIT"
                    with m.Switch(asked.memory):
                        with m.Case(COUNTERS):
                            m.d.sync += [wait.eq(2 * self._loop + 2), bytes_left.eq(8)]
                        with m.Case(CONVERTER):
                            m.d.sync += bytes_left.eq(4)
                        with m.Case(WEIGHTS):
                            m.next = "TURN"
            with m.State("TURN"):
                m.next = "DRIVE"
            with m.State("DRIVE"):
                m.d.comb += drive.eq(1)
                with m.If(Cat(layer.taken for layer in self.layers).any()):
                    m.d.sync += collect.eq(1)
                    m.next = "SEND"
            with m.State("WAIT"):
                m.d.sync += [wait.eq(wait - 1), waited.eq(wait == 0)]
                with m.If(~counted | self.shown):
                    m.d.sync += content.eq(Mux(counted, self.count, found))
                with m.If(waited):
                    m.next = "SEND"
            with m.State("SEND"):
                m.d.comb += [
                    fetched.valid.eq(1),
                    fetched.payload.data.eq(content[:8]),
                    fetched.payload.last.eq(bytes_left == 1),
                ]
                with m.If(collect):
                    wiring.connect(m, collected.o, fetched)
                with m.If(fetched.valid & fetched.ready):
                    m.d.sync += [content.eq(content >> 8), bytes_left.eq(bytes_left - 1)]
                    with m.If(fetched.payload.last):
                        # The last sums have gone: their byte came through a register.
                        m.d.sync += [reading.eq(0), collect.eq(0)]
                        m.next = "IDLE"

    def _build_layers(
        self,
        m: Module,
        reading: Signal,
        drive: Signal,
        collect: Signal,
        collected: stream.Interface,
    ) -> None:
        """Connect the line to all layers, and take the words of the layer that is read."""
        for layer in self.layers:
            m.d.comb += [
                layer.line.eq(self.line),
                layer.reading.eq(reading),
                layer.drive.eq(drive),
                layer.collect.eq(collect),
                layer.words.ready.eq(collected.ready),
            ]
            with m.If(layer.words.valid):
                m.d.comb += [
                    collected.valid.eq(1),
                    collected.payload.eq(layer.words.payload),
                ]
