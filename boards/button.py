"""Images that a press of a button shows to the machine, so that its LEDs tell digits by themselves.

They are requests of the link protocol in a memory, and enter where the UART's bytes do.
"""

import math
from dataclasses import dataclass

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

TICK_SECONDS = 0.025
"""About how often the button is looked at: it bounces for less."""
QUIET_TICKS = 8
"""How long the UART must have been silent: a host that is at work is not disturbed."""


@dataclass(frozen=True)
class ButtonParameters:
    """A button's images.

    Parameters
    ----------
    frequency : int
        Of the clock, in Hz.
    frames : tuple of bytes
        Requests, at least one: each with the zero byte that ends it, and no other.

    Raises
    ------
    ValueError
        If there is no frame, or one does not end with its only zero byte.
    """

    frequency: int
    frames: tuple[bytes, ...]

    def __post_init__(self) -> None:
        if not self.frames or any(f.find(0) != max(1, len(f) - 1) for f in self.frames):
            raise ValueError("frames must be one or more that end with their only zero byte")


class Button(wiring.Component):
    """Pass the UART's bytes on, or those of an image when the button is pressed.

    Each press shows the next image, and behind the last one the first. A press is ignored while
    the machine is not programmed, and while bytes come from the UART. Bytes that come while an
    image is shown wait in the receiver; if there are too many, the host sends them again.

    Parameters
    ----------
    parameters : ButtonParameters
        Which images.

    Attributes
    ----------
    received : In(stream)
        Bytes of the UART.
    o : Out(stream)
        Bytes for the machine.
    pressed : In(1)
        The button, as its pin has it; any clock.
    programmed : In(1)
        Something has been written into the machine.
    """

    received: stream.Interface
    o: stream.Interface
    pressed: Signal
    programmed: Signal

    def __init__(self, parameters: ButtonParameters) -> None:
        ticks = parameters.frequency * TICK_SECONDS
        self._tick_bits = max(1, round(math.log2(max(1, ticks))))
        # A zero byte before each frame ends whatever noise there was on the line.
        self._bytes = b"".join(b"\0" + frame for frame in parameters.frames)
        super().__init__(
            {
                "received": In(stream.Signature(8)),
                "o": Out(stream.Signature(8)),
                "pressed": In(1),
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
