"""Loaders: bytes from the link become words of the memories of resident images."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.memory_map import (
    ENGINE,
    LABELS,
    RESIDENT_BEATS,
    RESIDENT_RUN,
)
from allspin.hdl.parameters.profile import SDRAM_LINE_BYTES
from allspin.hdl.parameters.sdram_parameters import SdramParameters
from allspin.hdl.resident.beat_memory import packed_layout
from allspin.hdl.resident.sdram import request_layout
from allspin.hdl.stream.buffers import Queue
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import (
    IMAGE_BITS,
    LOAD_LAYOUT,
    LOADS,
)

RUN_BYTES = 16
"""Bytes of the line of `RESIDENT_RUN`."""

IMAGES_BYTES = 2

NUMBER_BYTES = 4
"""Bytes at the line's begin: number of images to run, and number of the first one."""

CLASS_BYTES = 2
"""Bytes of a label's line."""

WRITES = 32
"""Words that wait while an SDRAM refreshes and opens a row; they come every other clock."""


class Loader(Component):
    """Assemble the bytes of beats, labels and orders of runs.

    Parameters
    ----------
    crossbar : CrossbarParameters
        Parameters of the crossbar.
    beat_bytes : int
        Bytes of a beat's line.
    """

    def __init__(self, crossbar: CrossbarParameters, beat_bytes: int) -> None:
        self._beat_bytes = beat_bytes
        super().__init__(
            {
                # Bytes of other memories are ignored; `ready` is always set.
                "load": In(LOADS),
                # Line to write.
                "address": Out(16),
                # Write `beat` into the line.
                "beat_written": Out(1),
                "beat": Out(packed_layout(crossbar)),
                # Write `label` into the line.
                "label_written": Out(1),
                # A class.
                "label": Out(16),
                # Run the first `images` images.
                "start": Out(1),
                # Number of images.
                "images": Out(16),
                # Number of the first image, which selects the noise of its neurons.
                "number": Out(IMAGE_BITS),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the loader."""
        # Registers end the link's logic here, since the transfer of a byte is known late.
        came = Signal()
        byte = Signal(LOAD_LAYOUT)
        load = Signal(LOAD_LAYOUT)
        beats = Signal()
        labels = Signal()
        order = Signal()
        own = came & (byte.layer == ENGINE)
        memory = byte.memory
        m.d.comb += self.load.ready.eq(1)
        m.d.sync += [
            came.eq(self.load.valid),
            byte.eq(self.load.payload),
            load.eq(byte),
            beats.eq(own & (memory == RESIDENT_BEATS)),
            labels.eq(own & (memory == LABELS)),
            order.eq(own & (memory == RESIDENT_RUN)),
        ]

        number = Signal(range(max(RUN_BYTES, self._beat_bytes)))  # place of the byte in its line
        here = Signal.like(number)
        line = Signal(16)
        ended = Signal()  # the previous byte was its line's last
        ends = Signal()
        m.d.comb += [
            here.eq(Mux(load.first, 0, number)),
            ends.eq(
                (beats & (here == self._beat_bytes - 1))
                | (labels & (here == CLASS_BYTES - 1))
                | (order & (here == RUN_BYTES - 1))
            ),
            self.address.eq(line),
        ]
        m.d.sync += [
            self.beat_written.eq(beats & ends),
            self.label_written.eq(labels & ends),
        ]
        with m.If(beats | labels | order):
            m.d.sync += [
                number.eq(Mux(ends, 0, here + 1)),
                ended.eq(ends),
                line.eq(Mux(load.first, load.address, line + ended)),
            ]
        with m.If(beats), m.Switch(here):
            for place, slot in enumerate(self.beat.slots):
                with m.Case(2 * place):
                    m.d.sync += slot.distance.eq(load.data)
                with m.Case(2 * place + 1):
                    m.d.sync += slot.value.eq(load.data)
            with m.Default():
                m.d.sync += self.beat.last.eq(load.data)
        with m.If(labels):
            m.d.sync += self.label.eq(Cat(self.label[8:], load.data))
        self._build_run(m, order, here, load.data)

    def _build_run(self, m: Module, comes: Signal, here: Value, byte: Value) -> None:
        """Build the order of a run.

        A clock later than other lines, since an image's number waits far away, where noise is
        drawn: the field of a byte is then known from registers.
        """
        data = Signal(8)
        of_images = Signal()
        of_number = Signal()
        ordered = Signal()
        m.d.sync += [
            data.eq(byte),
            of_images.eq(comes & (here < IMAGES_BYTES)),
            of_number.eq(comes & (here >= IMAGES_BYTES) & (here < IMAGES_BYTES + NUMBER_BYTES)),
            ordered.eq(comes & (here == RUN_BYTES - 1)),
            self.start.eq(ordered),
        ]
        with m.If(of_images):
            m.d.sync += self.images.eq(Cat(self.images[8:], data))
        with m.If(of_number):
            m.d.sync += self.number.eq(Cat(self.number[8:], data))


class WordLoader(Loader):
    """Assemble the bytes of an SDRAM's words and of orders of runs.

    Parameters
    ----------
    sdram : SdramParameters
        The memory.
    """

    def __init__(self, sdram: SdramParameters) -> None:
        self._sdram = sdram
        Component.__init__(
            self,
            {
                # Ports of the `Loader`.
                "load": In(LOADS),
                "start": Out(1),
                "images": Out(16),
                "number": Out(IMAGE_BITS),
                # Words to write, at most one in two clocks.
                "writes": Out(stream.Signature(request_layout(sdram))),
                # A word waits.
                "busy": Out(1),
            },
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the loader."""
        layout = request_layout(self._sdram)
        m.submodules.queue = queue = Queue(layout, WRITES, distributed=True)
        wiring.connect(m, queue.o, wiring.flipped(self.writes))
        load = self.load.payload
        request = Signal(layout, name="request")
        size = self._sdram.width // 8  # bytes of a word
        words = Signal(name="words")
        order = Signal(name="order")
        full = Signal(name="full")
        byte = Signal(LOAD_LAYOUT, name="byte")
        place = Signal(16 + (SDRAM_LINE_BYTES - 1).bit_length())  # place of the next byte
        here = Signal.like(place)
        own = self.load.valid & (load.layer == ENGINE)
        m.d.comb += [
            self.load.ready.eq(1),
            here.eq(Mux(byte.first, byte.address * SDRAM_LINE_BYTES, place)),
            queue.i.payload.eq(request),
            queue.i.valid.eq(full),
            self.busy.eq(~queue.empty | full | words),
        ]
        m.d.sync += [
            words.eq(own & (load.memory == RESIDENT_BEATS)),
            order.eq(own & (load.memory == RESIDENT_RUN)),
            byte.eq(load),
            full.eq(words & here[: size.bit_length() - 1].all()),
        ]
        with m.If(words | order):
            m.d.sync += place.eq(here + 1)
        with m.If(words):
            m.d.sync += [
                request.word.eq(Cat(request.word[8:], byte.data)),
                request.address.eq(here[size.bit_length() - 1 :]),
                request.write.eq(1),
            ]
        self._build_run(m, order, here[:8], byte.data)
