"""Frames on a byte stream: payloads with a CRC, in COBS."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.link.cobs import DECODED_LAYOUT, CobsDecoder, CobsEncoder
from allspin.hdl.link.crc import FrameCrc
from allspin.hdl.link.protocol import CRC_BYTES, HEADER_BYTES, MAX_WINDOW, MIN_WINDOW, ErrorCode
from allspin.hdl.stream.block_memory import block_memory
from allspin.hdl.stream.buffers import read_ring
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import BYTE_LAYOUT, BYTES
from allspin.sim.errors import check_power_of_two

PENDING_ERRORS = 4
"""Errors that can wait for their answers, a power of two; further ones are dropped."""


class FrameBuffer(Component):
    """Buffer a frame as it comes, and offer it once it is complete and right, or drop it.

    Parameters
    ----------
    window : int
        Size in bytes, a power of two.
    """

    def __init__(self, window: int) -> None:
        self._window = window
        super().__init__(
            {
                # The frame's next byte.
                "item": In(BYTE_LAYOUT),
                # Write it; it is lost if the buffer is full.
                "put": In(1),
                # It is the last one, and the frame is to be offered or dropped.
                "keep": In(1),
                "drop": In(1),
                # The buffer is full, and holds no other frame; a clock late.
                "full": Out(1),
                "alone": Out(1),
                # The frames that were kept.
                "payload": Out(BYTES),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the buffer."""
        m.submodules.memory = memory = block_memory(BYTE_LAYOUT, self._window)
        write = memory.write_port()
        read = memory.read_port(domain="comb")
        head = Signal(range(2 * self._window))  # the next byte to be read
        whole = Signal.like(head)  # end of the last frame that was kept
        tail = Signal.like(head)  # end of the bytes written
        following = Signal.like(tail)
        m.d.comb += [
            following.eq(tail + 1),
            write.addr.eq(tail),
            write.data.eq(self.item),
            write.en.eq(self.put & ~self.full),
        ]
        # These are a clock behind reads, which empty the buffer and never fill it; and a frame's
        # end is more than a clock before the next frame needs a place.
        m.d.sync += [
            self.full.eq(Mux(write.en, following ^ head, tail ^ head) == self._window),
            self.alone.eq(whole == head),
        ]
        with m.If(self.keep):
            m.d.sync += [tail.eq(following), whole.eq(following)]
        with m.Elif(self.drop):
            m.d.sync += tail.eq(whole)
        with m.Else():
            m.d.sync += tail.eq(tail + write.en)
        m.d.comb += read.addr.eq(head)
        read_ring(m, read.data, head, whole, self.payload)


class FrameReceiver(Component):
    """Deliver the payloads of complete frames, and an error for each other frame.

    A payload is written into a buffer as it comes, and becomes visible once its CRC is right;
    otherwise the buffer is wound back. One byte per clock goes in and out, except for two clocks at
    a frame's end; a payload's first byte comes out four clocks after its frame's delimiter went in.

    While a frame finds no room beside those that wait to be read, `received.ready` stays low; a
    frame that is too long for the empty buffer is dropped.

    Throughput: one byte per cycle; first byte 4 cycles after the frame's end.

    Parameters
    ----------
    window : int
        Longest payload in bytes, a power of two from 256 to 32768.
    every_clock : bool
        Parameter of `FrameCrc`.
    """

    def __init__(self, window: int, *, every_clock: bool = True) -> None:
        self._every_clock = every_clock
        self._window = check_power_of_two("window", window, MIN_WINDOW, MAX_WINDOW)
        super().__init__(
            {
                # Bytes of frames.
                "received": In(stream.Signature(8)),
                # Payloads without their CRC, each of at least `HEADER_BYTES` bytes.
                "payload": Out(BYTES),
                # `ErrorCode.FRAME` or `ErrorCode.OVERFLOW` for each frame that was dropped.
                "errors": Out(stream.Signature(ErrorCode)),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the receiver."""
        m.submodules.decoder = decoder = CobsDecoder()
        m.submodules.crc = check = FrameCrc(every_clock=self._every_clock)
        m.submodules.buffer = buffer = FrameBuffer(self._window)
        wiring.connect(m, wiring.flipped(self.received), decoder.i)
        wiring.connect(m, buffer.payload, wiring.flipped(self.payload))

        # The last bytes of a frame are held back, since they may be its CRC.
        held = Signal(8 * (CRC_BYTES + 1))
        # A register, since the comparison of 32 bits is slow; so a frame's end takes two clocks.
        matches = Signal()
        compared = Signal()
        length = Signal(range(HEADER_BYTES + CRC_BYTES + 1))  # of the frame, up to the shortest

        take = Signal()
        place = Signal()  # the buffer has a place for the byte, or the byte needs none
        hopeless = Signal()  # the buffer is full of this frame alone, until the frame ends
        needed = Signal()  # the frame's next byte or its end needs a place in the buffer
        # The decoded byte in a register: decoding and its consequences take more than a clock.
        beat = Signal(DECODED_LAYOUT)
        valid = Signal()
        good = Signal()
        failed = Signal()
        m.d.comb += [
            hopeless.eq(buffer.full & buffer.alone),
            needed.eq(length > CRC_BYTES),
            # A free place stays free until it is taken.
            place.eq(valid & (~needed | ~buffer.full | hopeless)),
            take.eq(place & Mux(beat.end, compared, check.i.ready)),
            decoder.o.ready.eq(take | ~valid),
            check.start.eq(take & beat.end),
            check.i.payload.eq(beat.data),
            check.i.valid.eq(place & ~beat.end),
            good.eq(
                matches & ~beat.malformed & (length == HEADER_BYTES + CRC_BYTES) & ~buffer.full
            ),
            failed.eq(take & beat.end & ~good),
            buffer.item.data.eq(held[-8:]),
            buffer.item.last.eq(beat.end),
            buffer.put.eq(take & needed),
            buffer.keep.eq(take & beat.end & good),
            buffer.drop.eq(failed),
        ]
        with m.If(decoder.o.ready):
            m.d.sync += [beat.eq(decoder.o.payload), valid.eq(decoder.o.valid)]
        m.d.sync += [matches.eq(check.matches), compared.eq(valid & beat.end & ~take)]
        with m.If(take):
            with m.If(beat.end):
                m.d.sync += length.eq(0)
            with m.Else():
                m.d.sync += held.eq((held << 8) | beat.data)
                with m.If(length != HEADER_BYTES + CRC_BYTES):
                    m.d.sync += length.eq(length + 1)

        self._build_errors(m, failed, needed & buffer.full)

    def _build_errors(self, m: Module, failed: Signal, overflows: Value) -> None:
        """Build a short queue of errors, with a bit for each: 1 if the frame was too long."""
        too_long = Signal(PENDING_ERRORS)
        oldest = Signal(range(2 * PENDING_ERRORS))
        newest = Signal.like(oldest)
        m.d.comb += [
            self.errors.valid.eq(newest != oldest),
            self.errors.payload.eq(
                Mux(too_long.bit_select(oldest[:-1], 1), ErrorCode.OVERFLOW, ErrorCode.FRAME)
            ),
        ]
        with m.If(self.errors.valid & self.errors.ready):
            m.d.sync += oldest.eq(oldest + 1)
        with m.If(failed & ((newest ^ oldest) != PENDING_ERRORS)):
            m.d.sync += [
                too_long.bit_select(newest[:-1], 1).eq(overflows),
                newest.eq(newest + 1),
            ]


class FrameSender(Component):
    """Send payloads as frames: append the CRC, low byte first, and encode.

    One byte per clock, except for six clocks at the end of a payload.

    Throughput: one byte per cycle.

    Parameters
    ----------
    every_clock : bool
        Parameter of `CobsEncoder` and `FrameCrc`: True if it takes a byte in every clock, False for
        one in eight clocks.
    """

    def __init__(self, *, every_clock: bool = True) -> None:
        self._every_clock = every_clock
        super().__init__(
            {
                # Payloads of at least one byte.
                "payload": In(BYTES),
                # Bytes of frames.
                "sent": Out(stream.Signature(8)),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the sender."""
        m.submodules.encoder = encoder = CobsEncoder(every_clock=self._every_clock)
        m.submodules.crc = check = FrameCrc(every_clock=self._every_clock)
        wiring.connect(m, encoder.o, wiring.flipped(self.sent))

        byte = self.payload.payload
        packet = encoder.i.payload
        m.d.comb += check.i.payload.eq(byte.data)
        place = Signal(range(CRC_BYTES))  # the next byte of the CRC
        final = place == CRC_BYTES - 1
        with m.FSM(name="part"):
            with m.State("PAYLOAD"):
                m.d.comb += [
                    packet.data.eq(byte.data),
                    encoder.i.valid.eq(self.payload.valid & check.i.ready),
                    self.payload.ready.eq(encoder.i.ready & check.i.ready),
                    check.i.valid.eq(self.payload.valid & encoder.i.ready),
                ]
                with m.If(check.i.valid & check.i.ready & byte.last):
                    m.next = "CRC"
            with m.State("CRC"):
                m.d.comb += [
                    packet.data.eq(check.value.word_select(place, 8)),
                    packet.last.eq(final),
                    encoder.i.valid.eq(1),
                ]
                with m.If(encoder.i.ready):
                    m.d.sync += place.eq(place + 1)
                    with m.If(final):
                        m.d.comb += check.start.eq(1)
                        m.next = "PAYLOAD"
