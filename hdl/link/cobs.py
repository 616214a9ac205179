"""Consistent-overhead byte stuffing (Cheshire and Baker 1999): frames closed by a zero byte.

A frame is a chain of blocks. A block's first byte is its code: code - 1 bytes without a zero follow
it, and then stands for a zero, except after a code of 255 and at the end of the frame.
"""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out

from allspin.hdl.stream.block_memory import block_memory
from allspin.hdl.stream.buffers import read_ring
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import BYTE_LAYOUT, BYTES
from allspin.hdl.stream.registers import RegisterSlice

LONGEST_BLOCK = 254
"""Largest number of bytes without a zero in one block."""


DECODED_LAYOUT = data.StructLayout({"data": 8, "end": 1, "malformed": 1})
"""A byte of a decoded frame, or its end.

Members
-------
data : 8 bits
    The byte; unused with `end`.
end : 1 bit
    The frame has ended. No byte comes with it.
malformed : 1 bit
    With `end`: the frame stopped inside a block.
"""


class CobsDecoder(Component):
    """Decode frames: one byte per clock in, and at most one out in the same clock.

    A zero byte ends the frame, wherever it comes; a zero byte between frames is dropped.

    Throughput: one byte per cycle.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                # Bytes of frames.
                "i": In(stream.Signature(8)),
                # Each frame's bytes and its end.
                "o": Out(stream.Signature(DECODED_LAYOUT)),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the decoder."""
        byte = self.i.payload
        left = Signal(8)  # bytes of this block still to come
        over = Signal(init=1)  # `left` is 0; a register, since many signals follow from it
        inside = Signal()  # within a frame
        joined = Signal()  # no zero stands between this block and the next
        code = Signal()  # the byte is a block's code
        silent = Signal()  # the byte gives no output
        m.d.comb += [
            code.eq((byte != 0) & over),
            silent.eq(Mux(code, ~inside | joined, (byte == 0) & ~inside)),
            self.o.valid.eq(self.i.valid & ~silent),
            self.i.ready.eq(self.o.ready | silent),
            self.o.payload.data.eq(Mux(code, 0, byte)),
            self.o.payload.end.eq(byte == 0),
            self.o.payload.malformed.eq(~over),
        ]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += inside.eq(byte != 0)
            with m.If(byte == 0):
                m.d.sync += [left.eq(0), over.eq(1)]
            with m.Else():
                m.d.sync += [
                    left.eq(Mux(over, byte, left) - 1),
                    over.eq(Mux(over, byte, left) == 1),
                ]
            with m.If(code):
                m.d.sync += joined.eq(byte == LONGEST_BLOCK + 1)


class CobsEncoder(Component):
    """Encode packets as frames, each closed by a zero byte.

    A block's code is known only at its end, so the block waits in a memory; the code is then
    written into its reserved place in the clock of the zero byte that it replaces. One byte per
    clock goes in, except for two clocks at the end of a packet and one after each 254 bytes without
    a zero; one byte per clock comes out. The encoding is the shortest one.

    Throughput: one byte per cycle.

    Parameters
    ----------
    every_clock : bool
        True if one byte per clock goes in, False for one every other clock.
    """

    DEPTH = 512
    """Bytes of two longest blocks, so that one leaves while the next comes."""

    def __init__(self, *, every_clock: bool = True) -> None:
        self._every_clock = every_clock
        super().__init__(
            {
                # Packets of at least one byte.
                "i": In(BYTES),
                # Bytes of frames.
                "o": Out(stream.Signature(8)),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the encoder."""
        m.submodules.memory = memory = block_memory(8, self.DEPTH)
        write = memory.write_port()
        read = memory.read_port(domain="comb")

        head = Signal(range(2 * self.DEPTH))  # the next byte to leave
        place = Signal.like(head)  # reserved for the open block's code; bytes before it may leave
        tail = Signal.like(head, init=1)  # end of the open block
        code = Signal(8, init=1)  # the open block's code, if it ends here
        commit = Signal()
        full = Signal()

        # Packets come from far away, and the zero test must be done at a clock's start.
        m.submodules.near = near = RegisterSlice(
            data.StructLayout({"packet": BYTE_LAYOUT, "zero": 1}), every_clock=self._every_clock
        )
        packet = near.o.payload.packet
        m.d.comb += [
            near.i.payload.packet.eq(self.i.payload),
            near.i.payload.zero.eq(self.i.payload.data == 0),
            near.i.valid.eq(self.i.valid),
            self.i.ready.eq(near.i.ready),
            write.addr.eq(Mux(commit, place, tail)),
            write.data.eq(Mux(commit, code, packet.data)),
        ]
        # A clock late, since `ready` has a long path from here, and early enough that a packet's
        # end still finds room for its last code and its delimiter, after which the next place is
        # not written yet.
        m.d.sync += full.eq((tail - head)[: len(tail)] >= self.DEPTH - 2)
        # A byte is appended to the open block; or the block is committed with its code.
        with m.If(write.en):
            m.d.sync += [tail.eq(tail + 1), code.eq(code + 1)]
            with m.If(commit):
                m.d.sync += [place.eq(tail), code.eq(1)]
        with m.FSM(name="block"):
            with m.State("OPEN"):
                m.d.comb += [
                    near.o.ready.eq(~full),
                    write.en.eq(near.o.valid & ~full),
                    commit.eq(near.o.payload.zero),
                ]
                with m.If(write.en):
                    with m.If(packet.last):
                        m.next = "LAST"
                    with m.Elif(~commit & (code == LONGEST_BLOCK)):
                        m.next = "FULL"
            for state, following in ("FULL", "OPEN"), ("LAST", "DELIMITER"), ("DELIMITER", "OPEN"):
                with m.State(state):
                    m.d.comb += [write.en.eq(1), commit.eq(1)]
                    m.next = following
                    if following == "DELIMITER":
                        # One more block without bytes, whose code is zero.
                        m.d.sync += code.eq(0)

        m.d.comb += read.addr.eq(head)
        read_ring(m, read.data, head, place, self.o)
