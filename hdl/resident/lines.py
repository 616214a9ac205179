"""Lines of the resident images' memories, as the link writes and reads them."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import (
    ENGINE,
    LABELS,
    RESIDENT_BEATS,
    RESIDENT_LOGITS,
    RESIDENT_RUN,
)
from allspin.hdl.parameters.profile import SDRAM_LINE_BYTES
from allspin.hdl.parameters.sdram_parameters import SdramParameters
from allspin.hdl.resident.beat_memory import packed_layout
from allspin.hdl.resident.player import counts_layout
from allspin.hdl.resident.sdram import request_layout
from allspin.hdl.stream.buffers import Queue
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import (
    BYTE_LAYOUT,
    BYTES,
    FETCHES,
    IMAGE_BITS,
    LOAD_LAYOUT,
    LOADS,
    result_layout,
)
from allspin.hdl.stream.registers import RegisterSlice

RUN_BYTES = 16
"""Bytes of the line of `RESIDENT_RUN`."""
IMAGES_BYTES = 2
NUMBER_BYTES = 4
"""How it begins: how many images to run, and the first one's number."""
CLASS_BYTES = 2
"""Bytes of a label's line."""
WRITES = 32
"""Words that wait while an SDRAM refreshes and opens a row: they come every other clock."""


class Loader(Component):
    """Make words of the bytes that come for this block's memories.

    Parameters
    ----------
    crossbar : CrossbarParameters
        Of the crossbar that is fed.
    beat_bytes : int
        Bytes of a beat's line.
    """

    def __init__(self, crossbar: CrossbarParameters, beat_bytes: int) -> None:
        self._beat_bytes = beat_bytes
        super().__init__(
            {
                # Other memories' bytes are ignored, and `ready` is always set.
                "load": In(LOADS),
                # Line that is written.
                "address": Out(16),
                # Write `beat` there.
                "beat_written": Out(1),
                "beat": Out(packed_layout(crossbar)),
                # Write `label` there.
                "label_written": Out(1),
                # A class.
                "label": Out(16),
                # Run the first `images` images.
                "start": Out(1),
                # How many.
                "images": Out(16),
                # Number of the first of them, which the noise of its neurons is drawn by.
                "number": Out(IMAGE_BITS),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the loader."""
        # Registers, so that the link's logic ends here: whether a byte is taken is known late.
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

        number = Signal(range(max(RUN_BYTES, self._beat_bytes)))  # of the byte in its line
        here = Signal.like(number)
        line = Signal(16)
        ended = Signal()  # the byte before was its line's last
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
        """Take the line that orders a run.

        A clock later than the others, since an image's number waits far away, where noise is
        drawn: which of the two a byte belongs to is in registers by then.
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
    """Make an SDRAM's words of the bytes that come for it, and take the order of a run.

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
                # As of the `Loader`.
                "load": In(LOADS),
                "start": Out(1),
                "images": Out(16),
                "number": Out(IMAGE_BITS),
                # Words to write, at most one in two clocks.
                "writes": Out(stream.Signature(request_layout(sdram))),
                # One waits.
                "busy": Out(1),
            },
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the loader."""
        layout = request_layout(self._sdram)
        m.submodules.queue = queue = Queue(layout, WRITES, distributed=True)
        wiring.connect(m, queue.o, wiring.flipped(self.writes))
        load, request = self.load.payload, Signal(layout, name="request")
        size = self._sdram.width // 8  # bytes of a word
        words, order = Signal(name="words"), Signal(name="order")
        full, byte = Signal(name="full"), Signal(LOAD_LAYOUT, name="byte")
        place = Signal(16 + (SDRAM_LINE_BYTES - 1).bit_length())  # of the next byte
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


def held_layout(parameters: EngineParameters) -> data.StructLayout:
    """A line that is sent byte by byte.

    Members
    -------
    line
        What is left of it, the next byte lowest.
    left : unsigned
        Bytes behind that one.
    final : 1 bit
        The answer ends with the line.
    """
    size = max(RUN_BYTES, parameters.beat_bytes)
    return data.StructLayout({"line": 8 * size, "left": range(size), "final": 1})


class ResidentReader(Component):
    """Answer the requests for lines of this block, and pass the others on to the engine.

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine.
    beats : int
        Beats that fit.
    """

    def __init__(self, parameters: EngineParameters, beats: int) -> None:
        self._parameters = parameters
        # Of the words that a run has read from an SDRAM, and of the logits that came of them.
        self._digested = parameters.resident is not None and parameters.resident.sdram is not None
        digest = {"digest": In(32), "logits": In(32)} if self._digested else {}
        super().__init__(
            {
                # Requests and answers: `FETCH_LAYOUT`, `BYTE_LAYOUT`.
                "link_fetch": In(FETCHES),
                "link_fetched": Out(BYTES),
                # The engine's part of them.
                "fetch": Out(FETCHES),
                "fetched": In(BYTES),
                # What the engine answers to the image that is played.
                "results": In(stream.Signature(result_layout(parameters))),
                # A line of this block is being read, or was a clock ago.
                "serving": Out(1),
                # Which line.
                "address": Out(16),
                # The player is to be told what follows.
                "aim": Out(1),
                # It streams the image `address`; else it will be asked to `peek`.
                "play": Out(1),
                # Where that image is, or which beat that is.
                "first": Out(range(beats)),
                "skip": Out(16),
                # As of the `BeatPlayer`, of which this is the other side.
                "peek": Out(1),
                "peeked": In(1),
                "beat": In(packed_layout(parameters.image)),
                "position": In(range(beats)),
                # What the `Judge` has at `address`, and `counts_layout`.
                "label": In(range(max(parameters.classes, 2))),
                "counts": In(counts_layout(parameters)),
                # Beats are written.
                "forget": In(1),
                **digest,
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the reader."""
        m.submodules.byte_slice = bytes_ = RegisterSlice(BYTE_LAYOUT)
        wiring.connect(m, bytes_.o, wiring.flipped(self.link_fetched))
        asked, sent = self.link_fetch.payload, bytes_.i
        mine = Signal()
        memory = Signal(4)
        held = Signal(held_layout(self._parameters))
        found = Signal()
        m.d.comb += [
            mine.eq((asked.layer == ENGINE) & (asked.memory >= RESIDENT_BEATS)),
            self.fetch.payload.eq(asked),
        ]
        self._find(m, found)
        m.d.sync += self.aim.eq(0)
        with m.FSM(name="reading"):
            with m.State("ENGINE"):
                m.d.comb += [
                    self.fetch.valid.eq(self.link_fetch.valid & ~mine),
                    self.link_fetch.ready.eq(self.fetch.ready | mine),
                    sent.valid.eq(self.fetched.valid),
                    sent.payload.eq(self.fetched.payload),
                    self.fetched.ready.eq(sent.ready),
                ]
                m.d.sync += [
                    memory.eq(asked.memory),
                    self.play.eq(asked.memory == RESIDENT_LOGITS),
                    self.address.eq(asked.address),
                    self.serving.eq(self.link_fetch.valid & mine),
                ]
                with m.If(self.link_fetch.valid & mine):
                    m.next = "REGARD"
            with m.State("REGARD"):
                # In this clock the image is found, and which number it has.
                m.d.sync += self.aim.eq(1)
                m.next = "AIM"
            with m.State("AIM"):
                m.next = "LOGIT"
                with m.If(~self.play):
                    m.next = "LOOK"
            with m.State("LOOK"):
                m.d.comb += self.peek.eq(1)
                m.next = "WAIT"
            with m.State("WAIT"):
                # By then any other line is there too.
                self._take_line(m, held, memory)
                with m.If(self.peeked):
                    m.next = "SEND"
            with m.State("LOGIT"):
                m.d.comb += self.results.ready.eq(1)
                self._take_logit(m, held)
                with m.If(self.results.valid):
                    m.next = "SEND"
            with m.State("SEND"):
                m.d.comb += [
                    sent.valid.eq(1),
                    sent.payload.data.eq(held.line[:8]),
                    sent.payload.last.eq(held.final & (held.left == 0)),
                    found.eq(self.play),
                ]
                with m.If(sent.ready):
                    m.d.sync += [held.line.eq(held.line >> 8), held.left.eq(held.left - 1)]
                    with m.If(held.left == 0):
                        m.next = "LOGIT"
                        with m.If(held.final):
                            m.next = "ENGINE"

    def _find(self, m: Module, found: Signal) -> None:
        """Where the image is, a clock after `address`; `found` says that it was streamed.

        Images that are asked for in order are not searched for from the start each time: where
        the image behind the last one begins is known.
        """
        next_image = Signal(16)
        next_beat = Signal.like(self.first)
        ahead = Signal()
        gap = Signal(16)
        m.d.comb += [
            self.first.eq(Mux(self.play, Mux(ahead, next_beat, 0), self.address)),
            self.skip.eq(Mux(ahead, gap, self.address)),
        ]
        m.d.sync += [ahead.eq(self.address >= next_image), gap.eq(self.address - next_image)]
        with m.If(found):
            m.d.sync += [next_beat.eq(self.position), next_image.eq(self.address + 1)]
        with m.If(self.forget):
            m.d.sync += [next_image.eq(0), next_beat.eq(0)]

    def _take_line(self, m: Module, held: data.View, memory: Signal) -> None:
        """The line of any memory but `RESIDENT_LOGITS`."""
        counts = self.counts
        counted = Cat(counts.answers, Const(0, 16), counts.correct, Const(0, 16), counts.cycles)
        if self._digested:
            low, high = self.digest[:16], self.digest[16:]
            cycles = (counts.cycles | Const(0, 32))[:32]
            counted = Cat(counts.answers, low, counts.correct, high, cycles, self.logits)
        beat = [
            value | Const(0, 8) for slot in self.beat.slots for value in (slot.distance, slot.value)
        ]
        lines = {
            RESIDENT_BEATS: (self._parameters.beat_bytes, Cat(*beat, self.beat.last)),
            LABELS: (CLASS_BYTES, self.label),
            RESIDENT_RUN: (RUN_BYTES, counted),
        }
        m.d.sync += held.final.eq(1)
        with m.Switch(memory):
            for which, (size, content) in lines.items():
                with m.Case(which):
                    m.d.sync += [held.line.eq(content), held.left.eq(size - 1)]

    def _take_logit(self, m: Module, held: data.View) -> None:
        """The engine's next logit; the winner follows the last one."""
        size = self._parameters.logit_bytes
        result = self.results.payload
        logit = Signal(8 * size)
        m.d.comb += logit.eq(result.logit)
        m.d.sync += [
            held.line.eq(Cat(logit, result.winner)),
            held.left.eq(Mux(result.last, size + CLASS_BYTES, size) - 1),
            held.final.eq(result.last),
        ]
