"""Button of a board: each press sends the machine the next of some images, without a host.

The images are requests of the link protocol in a memory, and enter where the UART's bytes do.
"""

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import memory, stream
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from allspin.boards.lights import tick_bits
from allspin.hdl.stream.component import Component

QUIET_TICKS = 8
"""Ticks for which the UART must have been silent, so that a press does not disturb a host."""


class Button(Component):
    """Pass the UART's bytes on, and send an image's request when the button is pressed.

    Each press shows the next image, after the last one the first again. A press is ignored until
    the machine is programmed, and while bytes come from the UART. Bytes that come while an image is
    shown wait in the receiver; if they are too many, the host sends them again.

    Parameters
    ----------
    frequency : int
        Frequency of the clock, in Hz.
    frames : tuple of bytes
        At least one request, each with a single zero byte at its end.
    """

    def __init__(self, frequency: int, frames: tuple[bytes, ...]) -> None:
        self._tick_bits = tick_bits(frequency)
        # A zero byte before each frame ends any noise on the line.
        self._bytes = b"".join(b"\0" + frame for frame in frames)
        super().__init__(
            {
                # Bytes of the UART.
                "received": In(stream.Signature(8)),
                # Bytes for the machine.
                "o": Out(stream.Signature(8)),
                # Level of the button's pin, from any clock domain.
                "pressed": In(1),
                # A memory of the machine has been written.
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
        begun = Signal()  # the zero byte before the frame has been sent
        playing = Signal()
        fetched = Signal()  # `read.data` is the byte at `place`
        # A block RAM's output is too late for the machine's logic, and goes into a register first.
        byte = Signal(8)
        valid = Signal()  # `byte` is the byte at `place`, and has not been sent
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
        """Signal that is high for one clock after a press, if an image may be shown."""
        pin = Signal()
        m.submodules.synchronizer = FFSynchronizer(self.pressed, pin)
        time = Signal(self._tick_bits)
        tick = Signal()
        down = Signal()
        press = Signal()
        silent = Signal(range(QUIET_TICKS + 1))
        m.d.sync += [
            # A long counter is fast if it only counts.
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
