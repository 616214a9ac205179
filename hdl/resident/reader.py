"""Reader of resident images: lines of their memories for the link, and logits of single images."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import (
    ENGINE,
    LABELS,
    RESIDENT_BEATS,
    RESIDENT_LOGITS,
    RESIDENT_RUN,
)
from allspin.hdl.resident.beat_memory import packed_layout
from allspin.hdl.resident.judge import counts_layout
from allspin.hdl.resident.loaders import CLASS_BYTES, RUN_BYTES
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import (
    BYTE_LAYOUT,
    BYTES,
    FETCHES,
    result_layout,
)
from allspin.hdl.stream.registers import RegisterSlice


def held_layout(parameters: EngineParameters) -> data.StructLayout:
    """Layout of a line that is sent byte by byte.

    Members
    -------
    line
        Remaining bytes, the next one lowest.
    left : unsigned
        Number of bytes after the next one.
    final : 1 bit
        The answer ends with the line.
    """
    size = max(RUN_BYTES, parameters.beat_bytes)
    return data.StructLayout({"line": 8 * size, "left": range(size), "final": 1})


class ResidentReader(Component):
    """Answer requests for lines of resident images, and pass other requests on to the engine.

    Parameters
    ----------
    parameters : EngineParameters
        Parameters of the engine.
    beats : int
        Number of beats.
    """

    def __init__(self, parameters: EngineParameters, beats: int) -> None:
        self._parameters = parameters
        # Digests of the words that a run has read from an SDRAM, and of its logits.
        self._digested = parameters.resident is not None and parameters.resident.sdram is not None
        digest = {"digest": In(32), "logits": In(32)} if self._digested else {}
        super().__init__(
            {
                # Requests and answers: `FETCH_LAYOUT`, `BYTE_LAYOUT`.
                "link_fetch": In(FETCHES),
                "link_fetched": Out(BYTES),
                # The engine's requests and answers.
                "fetch": Out(FETCHES),
                "fetched": In(BYTES),
                # The engine's results for the image that is played.
                "results": In(stream.Signature(result_layout(parameters))),
                # A line of this block is being read, or was a clock ago.
                "serving": Out(1),
                # Address of the line.
                "address": Out(16),
                # Give the player the following ports.
                "aim": Out(1),
                # Stream the image `address`; otherwise a `peek` follows.
                "play": Out(1),
                # Place of the image, or of the beat.
                "first": Out(range(beats)),
                "skip": Out(16),
                # Ports of the `BeatPlayer`, with the opposite directions.
                "peek": Out(1),
                "peeked": In(1),
                "beat": In(packed_layout(parameters.image)),
                "position": In(range(beats)),
                # The label at `address`, and the counts, of the `Judge`.
                "label": In(range(max(parameters.classes, 2))),
                "counts": In(counts_layout(parameters)),
                # A beat is written.
                "forget": In(1),
                **digest,
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the reader."""
        m.submodules.byte_slice = bytes_ = RegisterSlice(BYTE_LAYOUT)
        wiring.connect(m, bytes_.o, wiring.flipped(self.link_fetched))
        asked = self.link_fetch.payload
        sent = bytes_.i
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
                # In this clock the image's place and number are computed.
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
                # Any other line is ready by then too.
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
        """Compute the image's place, a clock after `address`; `found` shows that it was streamed.

        Images that are requested in order are not searched from the start each time, since the
        begin of the image after the last one is remembered.
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
        """Take the line of a memory other than `RESIDENT_LOGITS`."""
        counts = self.counts
        counted = Cat(counts.answers, Const(0, 16), counts.correct, Const(0, 16), counts.cycles)
        if self._digested:
            low = self.digest[:16]
            high = self.digest[16:]
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
        """Take the engine's next logit; the winner follows the last one."""
        size = self._parameters.logit_bytes
        result = self.results.payload
        logit = Signal(8 * size)
        m.d.comb += logit.eq(result.logit)
        m.d.sync += [
            held.line.eq(Cat(logit, result.winner)),
            held.left.eq(Mux(result.last, size + CLASS_BYTES, size) - 1),
            held.final.eq(result.last),
        ]
