"""Lights of a board: LEDs show the machine's state, as far as the bytes of its answers tell it.

An answer's frame ends with a zero byte. The next byte is the framing's, and the one after it the
answer's kind (``docs/protocol.md``), which is never zero and so never stuffed.
"""

import math

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib.wiring import In, Out

from allspin.hdl.link.cobs import DECODED_LAYOUT, CobsDecoder
from allspin.hdl.link.protocol import ANSWER_HEADER_BYTES, Answer
from allspin.hdl.stream.component import Component

TICK_SECONDS = 0.025
"""Approximate time between two looks at a button, which bounces for less."""
BLINK_TICKS = 2
"""Ticks for which an image's light stays on; faster images keep it on."""
ERROR_TICKS = 64


def tick_bits(frequency: int) -> int:
    """Return the width of a counter that overflows about once in `TICK_SECONDS`."""
    return max(1, round(math.log2(max(1, frequency * TICK_SECONDS))))


class LightsDriver(Component):
    """Derive the state of the lights from the bytes of answers.

    Parameters
    ----------
    frequency : int
        Frequency of the clock, in Hz.
    logit_bytes : int
        Bytes of an image's logits in an answer; the class follows them.
    digit_leds : int
        LEDs for the last class; 0 saves their logic.
    """

    def __init__(self, frequency: int, logit_bytes: int, digit_leds: int = 0) -> None:
        self._tick_bits = tick_bits(frequency)
        self._logit_bytes = logit_bytes
        super().__init__(
            {
                # A byte of an answer.
                "byte": In(8),
                # It is being sent.
                "taken": In(1),
                # The UART lost a byte.
                "damaged": In(1),
                # The lights.
                "programmed": Out(1),
                "streaming": Out(1),
                "error": Out(1),
                # The last class.
                "digit": Out(digit_leds),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the driver."""
        m = Module()
        # 0: within a frame; 1: the framing byte is next; 2: the kind is next.
        place = Signal(range(3), init=1)
        written = Signal()
        answered = Signal()
        failed = Signal()
        kind = Signal()
        m.d.comb += kind.eq(self.taken & (place == 2))
        with m.If(self.taken):
            m.d.sync += place.eq(0)
            with m.If(self.byte == 0):
                m.d.sync += place.eq(1)
            with m.Elif(place == 1):
                m.d.sync += place.eq(2)
        m.d.sync += [
            written.eq(kind & (self.byte == Answer.WRITTEN)),
            answered.eq(kind & (self.byte == Answer.LOGITS)),
            failed.eq((kind & (self.byte == Answer.ERROR)) | self.damaged),
        ]
        with m.If(written):
            m.d.sync += self.programmed.eq(1)
        # A long counter is fast if it only counts; the lights' own are short.
        time = Signal(self._tick_bits)
        tick = Signal()
        m.d.sync += Cat(time, tick).eq(time + 1)
        for light, trigger, ticks in (
            (self.streaming, answered, BLINK_TICKS),
            (self.error, failed, ERROR_TICKS),
        ):
            left = Signal(range(ticks + 1))
            with m.If(trigger):
                m.d.sync += [left.eq(ticks), light.eq(1)]
            with m.Elif(tick):
                with m.If(left == 0):
                    m.d.sync += light.eq(0)
                with m.Else():
                    m.d.sync += left.eq(left - 1)
        if len(self.digit):
            self._elaborate_digit(m)
        return m

    def _elaborate_digit(self, m: Module) -> None:
        """Take the class out of each answer of logits."""
        m.submodules.decoder = decoder = CobsDecoder()
        behind = ANSWER_HEADER_BYTES + self._logit_bytes
        index = Signal(range(behind + 2))  # of the payload's next byte; stays at the last
        logits = Signal()
        winner = Signal(len(self.digit))
        decoded = Signal(DECODED_LAYOUT)
        valid = Signal()
        m.d.comb += [
            decoder.i.payload.eq(self.byte),
            decoder.i.valid.eq(self.taken),
            decoder.o.ready.eq(1),
        ]
        m.d.sync += [decoded.eq(decoder.o.payload), valid.eq(decoder.o.valid)]
        with m.If(valid):
            with m.If(decoded.end):
                m.d.sync += index.eq(0)
                with m.If(logits & (index > behind)):
                    m.d.sync += self.digit.eq(winner)
            with m.Elif(index <= behind):
                m.d.sync += index.eq(index + 1)
                with m.If(index == 0):
                    m.d.sync += logits.eq(decoded.data == Answer.LOGITS)
                with m.If(index == behind):
                    m.d.sync += winner.eq(decoded.data)
