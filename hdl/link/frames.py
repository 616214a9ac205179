"""Frames: payloads with a CRC, in COBS, on a byte stream."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.crc import catalog
from amaranth.lib.wiring import In, Out

from allspin.hdl.link.cobs import DECODED_LAYOUT, CobsDecoder, CobsEncoder
from allspin.hdl.link.protocol import CRC_BYTES, HEADER_BYTES, MAX_WINDOW, MIN_WINDOW, ErrorCode
from allspin.hdl.stream.block_memory import block_memory
from allspin.hdl.stream.buffers import read_ring
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import BYTE_LAYOUT, BYTES
from allspin.sim.errors import check_power_of_two

# The CRC of a frame, of a byte a clock or of a bit a clock.


class FrameCrc(Component):
    """CRC of the bytes since the last start.

    Throughput: one byte per cycle; behind a UART one byte per 8 cycles.

    Parameters
    ----------
    every_clock : bool
        Whether a byte can come in every clock, or one every eight: bit by bit a CRC is a shift
        register and little else.
    """

    def __init__(self, *, every_clock: bool = True) -> None:
        self._every_clock = every_clock
        super().__init__(
            {
                # Bytes; `valid` stays until one is taken. Between two, `value` and `matches` are of
                # all that were taken.
                "i": In(stream.Signature(8)),
                # Forget what was taken; between two bytes.
                "start": In(1),
                # The CRC; its low byte is sent first.
                "value": Out(8 * CRC_BYTES),
                # The last bytes taken are the CRC of those before.
                "matches": Out(1),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the CRC."""
        width = 8 if self._every_clock else 1
        m.submodules.processor = processor = catalog.CRC32_ISO_HDLC(data_width=width).create()
        m.d.comb += [
            processor.start.eq(self.start),
            self.value.eq(processor.crc),
            self.matches.eq(processor.match_detected),
        ]
        if self._every_clock:
            m.d.comb += [
                self.i.ready.eq(1),
                processor.valid.eq(self.i.valid),
                processor.data.eq(self.i.payload),
            ]
            return
        # A byte stays where it is until its last bit is taken.
        place = Signal(3)
        m.d.comb += [
            self.i.ready.eq(place == 7),
            processor.valid.eq(self.i.valid),
            processor.data.eq(self.i.payload.bit_select(place, 1)),
        ]
        with m.If(self.i.valid):
            m.d.sync += place.eq(place + 1)


PENDING_ERRORS = 4
"""Errors that wait to be told, a power of two; the rest of a flood is dropped."""


class FrameBuffer(Component):
    """Keep a frame as it comes, and offer it when it was whole; or forget it.

    Parameters
    ----------
    window : int
        Bytes that there is room for, a power of two.
    """

    def __init__(self, window: int) -> None:
        self._window = window
        super().__init__(
            {
                # The frame's next byte.
                "item": In(BYTE_LAYOUT),
                # It has come; it is lost where the buffer is full.
                "put": In(1),
                # It was the last one, and the frame is to be offered or forgotten.
                "keep": In(1),
                "drop": In(1),
                # There is no room, and no frame but this one; a clock late.
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
        whole = Signal.like(head)  # behind the last frame that was kept
        tail = Signal.like(head)  # behind what has been written
        following = Signal.like(tail)
        m.d.comb += [
            following.eq(tail + 1),
            write.addr.eq(tail),
            write.data.eq(self.item),
            write.en.eq(self.put & ~self.full),
        ]
        # These are a clock behind what is read, which empties the buffer and never fills it;
        # and a frame's end is more than a clock before the next one needs a place.
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
    """Deliver the payloads of the frames that are whole, and an error for each other.

    A payload is written into a buffer as it comes and becomes visible when its CRC has
    been found right; otherwise the buffer is wound back. One byte a clock in and out, but
    two clocks for a frame's end; a payload's first byte comes out four clocks after its
    frame's delimiter went in.

    While a frame finds no room beside those that wait to be read, `received.ready` stays
    low; a frame that is too long for the empty buffer is dropped.

    Throughput: one byte per cycle; first byte 4 cycles after the frame's end.

    Parameters
    ----------
    window : int
        Longest payload in bytes, a power of two from 256 to 32768.
    every_clock : bool
        As `FrameCrc`'s: whether a byte can come in every clock, or one every eight.
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

        # The last bytes of a frame are held back until they are known to be its CRC or not.
        held = Signal(8 * (CRC_BYTES + 1))
        # A register: 32 bits are long to compare. So a frame's end is looked at for two clocks.
        matches = Signal()
        compared = Signal()
        length = Signal(range(HEADER_BYTES + CRC_BYTES + 1))  # of the frame, up to the least

        take = Signal()
        place = Signal()  # there is one for the byte, or it wants none
        hopeless = Signal()  # the buffer is full of this frame alone; stays so until the frame ends
        needed = Signal()  # the frame's next byte or its end wants a place in the buffer
        # What was decoded, in a register: that and what becomes of it are too much for a clock.
        beat = Signal(DECODED_LAYOUT)
        valid = Signal()
        good = Signal()
        failed = Signal()
        m.d.comb += [
            hopeless.eq(buffer.full & buffer.alone),
            needed.eq(length > CRC_BYTES),
            # Once there is a place, there is one until it is taken.
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
        """A short queue of errors, with one bit for each: was the frame too long?"""
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
    """Put payloads into frames: append the CRC, low byte first, and encode.

    One byte a clock but for six clocks at the end of a payload.

    Throughput: one byte per cycle.

    Parameters
    ----------
    every_clock : bool
        As `CobsEncoder`'s and `FrameCrc`'s: whether it takes a byte in every clock, or one every
        eight.
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
        place = Signal(range(CRC_BYTES))  # of the CRC's byte that goes next
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
