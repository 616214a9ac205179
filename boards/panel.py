"""What LEDs show of a machine at work: it looks at nothing but the bytes of its answers.

An answer's frame ends with a zero byte, the byte behind it is the framing's, and the next is
the answer's kind (``docs/protocol.md``), which is never zero and so never stuffed.
"""

import math

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import memory, stream
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from allspin.hdl.link.cobs import DECODED_LAYOUT, CobsDecoder
from allspin.hdl.link.protocol import ANSWER_HEADER_BYTES, Answer
from allspin.hdl.stream.component import Component

# Images that a press of a button shows to the machine, so that its LEDs tell digits by themselves.
#
# They are requests of the link protocol in a memory, and enter where the UART's bytes do.

TICK_SECONDS = 0.025
"""About how often the button is looked at: it bounces for less."""
QUIET_TICKS = 8
"""How long the UART must have been silent: a host that is at work is not disturbed."""


def _tick_bits(frequency: int) -> int:
    """Width of a counter that overflows about once in `TICK_SECONDS`."""
    return max(1, round(math.log2(max(1, frequency * TICK_SECONDS))))


class Button(Component):
    """Pass the UART's bytes on, or those of an image when the button is pressed.

    Each press shows the next image, and behind the last one the first. A press is ignored while
    the machine is not programmed, and while bytes come from the UART. Bytes that come while an
    image is shown wait in the receiver; if there are too many, the host sends them again.

    Parameters
    ----------
    frequency : int
        Of the clock, in Hz.
    frames : tuple of bytes
        Requests, at least one: each with the zero byte that ends it, and no other.
    """

    def __init__(self, frequency: int, frames: tuple[bytes, ...]) -> None:
        self._tick_bits = _tick_bits(frequency)
        # A zero byte before each frame ends whatever noise there was on the line.
        self._bytes = b"".join(b"\0" + frame for frame in frames)
        super().__init__(
            {
                # Bytes of the UART.
                "received": In(stream.Signature(8)),
                # Bytes for the machine.
                "o": Out(stream.Signature(8)),
                # The button, as its pin has it; any clock.
                "pressed": In(1),
                # Something has been written into the machine.
                "programmed": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        wanted = self._elaborate_press(m)
        m.submodules.frames = frames = memory.Memory(
            shape=unsigned(8), depth=len(self._bytes), init=self._bytes
        )
        read = frames.read_port()
        place = Signal(range(len(self._bytes)))
        begun = Signal()  # the zero byte before the frame has left
        playing = Signal()
        fetched = Signal()  # `read.data` is the byte at `place`
        # A block RAM's output is too late for the machine's logic, and goes into a register first.
        byte = Signal(8)
        valid = Signal()  # `byte` is the byte at `place`, and has not left
        m.d.comb += [
            read.addr.eq(place),
            self.o.payload.eq(Mux(playing, byte, self.received.payload)),
            self.o.valid.eq(Mux(playing, valid, self.received.valid)),
            self.received.ready.eq(~playing & self.o.ready),
        ]
        with m.If(~playing):
            m.d.sync += [
                playing.eq(wanted & ~self.received.valid),
                begun.eq(0),
                fetched.eq(0),
                valid.eq(0),
            ]
        with m.Elif(valid & self.o.ready):
            m.d.sync += [
                fetched.eq(0),
                valid.eq(0),
                begun.eq(1),
                place.eq(Mux(place == len(self._bytes) - 1, 0, place + 1)),
            ]
            with m.If(begun & (byte == 0)):
                m.d.sync += playing.eq(0)
        with m.Else():
            m.d.sync += [fetched.eq(1), byte.eq(read.data), valid.eq(fetched)]
        return m

    def _elaborate_press(self, m: Module) -> Signal:
        """Whether an image is to be shown now: for one clock, after a press."""
        pin = Signal()
        m.submodules.synchronizer = FFSynchronizer(self.pressed, pin)
        time = Signal(self._tick_bits)
        tick = Signal()
        down = Signal()
        press = Signal()
        silent = Signal(range(QUIET_TICKS + 1))
        m.d.sync += [
            # As the lights': one long counter that does nothing but count.
            time.eq(time + 1),
            tick.eq(time == 2**self._tick_bits - 1),
            press.eq(0),
        ]
        with m.If(tick):
            m.d.sync += [down.eq(pin), press.eq(pin & ~down)]
        with m.If(self.received.valid):
            m.d.sync += silent.eq(0)
        with m.Elif(tick & (silent != QUIET_TICKS)):
            m.d.sync += silent.eq(silent + 1)
        wanted = Signal()
        m.d.comb += wanted.eq(press & self.programmed & (silent == QUIET_TICKS))
        return wanted


BLINK_TICKS = 2
"""How long an image's light stays on; images that come faster keep it on."""
ERROR_TICKS = 64


class LightsDriver(Component):
    """Work out what the lights show.

    Parameters
    ----------
    frequency : int
        Of the clock, in Hz: how long a blink is.
    logit_bytes : int
        Bytes of an image's logits in an answer: the class comes behind them.
    digit_leds : int
        LEDs for the last class; 0 saves the logic that finds it.
    """

    def __init__(self, frequency: int, logit_bytes: int, digit_leds: int = 0) -> None:
        self._tick_bits = _tick_bits(frequency)
        self._logit_bytes = logit_bytes
        super().__init__(
            {
                # A byte of an answer.
                "byte": In(8),
                # It is on its way.
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
        place = Signal(
            range(3), init=1
        )  # 0: in a frame, 1: its framing byte comes, 2: its kind comes
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
        # One long counter that does nothing but count is fast; the lights' own are short.
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
