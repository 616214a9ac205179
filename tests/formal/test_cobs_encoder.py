"""The COBS encoder writes the blocks that the definition of COBS asks for, one behind the other.

The definition is a small machine beside the block, which says of each byte of a packet which
block it belongs to and where that ends. One block and one byte of it, any, are followed from the
packet to the frame; that each block begins where the one before has ended joins them together.

A block has up to 6 bytes here in place of 254, and the ring 16 places in place of 512, which is as
before twice a whole block and two: other widths of the same adders, that a solver adds up sooner.
"""

import enum
from typing import Any

from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Assert, Assume, Cover, Module, Mux, Signal
from amaranth.lib import data

from allspin.hdl.link import cobs as source
from allspin.hdl.stream.layouts import BYTE_LAYOUT
from tests.formal.proof import Mutant, Proof, about, later, moves, when
from tests.formal.stand_ins import FewWords


class Block(enum.IntEnum):
    """The block that is written now."""

    OPEN = 0
    """The block may still get bytes."""
    FULL = 1
    """The block has as many bytes as it may, and the packet goes on."""
    END = 2
    """The block has the packet's last byte."""
    EMPTY = 3
    """The block stands for no byte: the packet's last byte was a zero, which the block before
    means."""
    DELIMITER = 4
    """The place is no block, but the zero that closes the frame."""


class Follow(enum.IntEnum):
    """The block that is followed."""

    NONE = 0
    WRITTEN = 1
    """The block is the one that is written now."""
    CLOSED = 2
    """Not all of it has been sent."""


def properties(hdl: Any, every_clock: bool, longest: int) -> Module:
    depth = 2 * (longest + 2)
    hdl.LONGEST_BLOCK, hdl.CobsEncoder.DEPTH = longest, depth
    start_word, other_word = (Signal(range(depth)) for _ in range(2))
    memory = FewWords(8, depth, [start_word, other_word])
    first, other = memory.words
    hdl.block_memory = lambda shape, depth: memory
    m, inside = about(dut := hdl.CobsEncoder(every_clock=every_clock))
    head, place, tail = inside["head"], inside["place"], inside["tail"]
    layout = data.StructLayout({"packet": BYTE_LAYOUT, "zero": 1})
    near: Any = data.View(layout, inside["near.o__payload"])
    byte, last = near.packet.data, near.packet.last
    takes = inside["o__ready"] & inside["near.o__valid"]
    closing = ~inside.state("block", "OPEN")
    ended = inside.state("block", "LAST")
    valid, sends = dut.o.valid, moves(dut.o)

    # The definition.
    block = Signal(Block)
    length = Signal(8)  # bytes of the block so far
    is_open = block == Block.OPEN
    closes = ~is_open | (takes & (byte == 0))  # in this clock
    code = Mux(block == Block.DELIMITER, 0, length + 1)[:8]
    goes_on = (block == Block.FULL) | (block == Block.DELIMITER)
    with m.If(closes):
        behind_block = Mux(goes_on, Block.OPEN, Block.DELIMITER)
        m.d.sync += [
            length.eq(0),
            block.eq(Mux(is_open, Mux(last, Block.EMPTY, Block.OPEN), behind_block)),
        ]
    with m.Elif(takes):
        full = Mux(length == longest - 1, Block.FULL, Block.OPEN)
        m.d.sync += [length.eq(length + 1), block.eq(Mux(last, Block.END, full))]

    # The block at any place of the ring, on any lap, and any byte of it.
    start = AnyConst(place.shape())
    number = AnyConst(8)
    follow = Signal(Follow)
    written = Signal()
    value = Signal(8)
    total = Signal(8)  # bytes of the block that is followed, once it is closed
    its_code = Signal(8)
    size = Signal(9)  # bytes of it in the frame, its code included
    sent, count = Signal.like(head), Signal.like(head)  # the byte that is offered, or will be next
    rest = Signal.like(head)  # bytes up to the block's end that are not sent
    offered = Signal.like(head)  # which byte of the block is
    filled = Signal.like(head)
    m.d.sync += count.eq(count + sends)
    with m.If(written):
        m.d.sync += follow.eq(Mux(closes, Follow.CLOSED, Follow.WRITTEN))
        with m.If(takes & (byte != 0) & (length + 1 == number)):
            m.d.sync += value.eq(byte)
        with m.If(closes):
            m.d.sync += [total.eq(length), its_code.eq(code)]
    is_written, is_closed = follow == Follow.WRITTEN, follow == Follow.CLOSED
    with m.If(is_closed & sends & (rest == 1)):
        m.d.sync += follow.eq(Follow.NONE)

    starts_here = (follow == Follow.NONE) & (length == 0) & (place == start) & AnySeq(1)
    behind = (sent == (start + number)[: len(sent)]) & valid
    is_byte = (offered != 0) & (offered == number) & (number <= total)
    m.d.comb += [
        Assume((number != 0) & (number <= longest)),
        written.eq(is_written | starts_here),
        start_word.eq(start),
        other_word.eq(start + number),
        size.eq(total + 1),
        sent.eq(head - valid),
        rest.eq(start + size - sent),
        offered.eq(sent - start),
        filled.eq(tail - head),
        # The frame has the block's code and its bytes where the ring has its place, and then the
        # next.
        when(is_closed & valid & (offered == 0), dut.o.payload == its_code),
        when(is_closed & valid & is_byte, dut.o.payload == value),
        when(later(m, written & closes), place == (start + size)[: len(place)]),
        # The ring skips no byte, and sends no byte before its block is closed.
        Assert(sent == count),
        Assert((place - sent)[: len(place)] <= depth + 1),
        # Invariants that close the induction: the ring's fill, and the place of the followed byte.
        Assert((block <= Block.DELIMITER) & (follow <= Follow.CLOSED)),
        Assert(closing == ~is_open),
        Assert(ended == ((block == Block.END) | (block == Block.EMPTY))),
        Assert(inside.state("block", "DELIMITER") == (block == Block.DELIMITER)),
        Assert(inside["code"] == code),
        Assert(Mux(is_open, length < longest, length <= longest)),
        Assert((length == 0) | (block < Block.EMPTY)),
        Assert((tail - place)[: len(tail)] == length + 1),
        Assert((place - head)[: len(tail)] <= depth),
        Assert(filled <= depth + 1 - closing - ended),
        Assert(inside["full"] | (filled <= depth - 2)),
        when(inside["near.o__valid"], near.zero == (byte == 0)),
        when(is_written, place == start),
        when(is_written & (number <= length), other == value),
        when(
            is_closed,
            (total <= longest) & ((its_code == size[:8]) | ((its_code == 0) & (total == 0))),
            (rest != 0) & (rest <= (place - sent)[: len(place)]),
        ),
        when(is_closed & (size <= rest) & ~((sent == start) & valid), first == its_code),
        when(is_closed & (number <= total) & (size - number <= rest) & ~behind, other == value),
        # A frame leaves, and others.
        Cover(sends & (dut.o.payload == 0) & is_closed & (its_code == 0)),
        Cover(is_closed & (its_code == 4) & (rest == 2) & (number == 2)),
        Cover(is_closed & (total == longest) & (block == Block.DELIMITER)),
        Cover(is_closed & (start == depth + 1)),
        Cover((block == Block.EMPTY) & is_closed),
    ]
    if every_clock:
        held: Any = data.View(layout, inside["near.held"])
        m.d.comb += when(inside["near.holds"], held.zero == (held.packet.data == 0))
    return m


PROOFS = [
    Proof(
        f"COBS encoder, a byte {'every' if every_clock else 'every other'} clock",
        source,
        lambda hdl, every_clock=every_clock: properties(hdl, every_clock, 6),
        depth=1,
        engine="smtbmc z3 -- --noincr",
        mutants=(
            Mutant("m.d.sync += code.eq(0)", "m.d.sync += code.eq(1)"),
            Mutant("with m.If(packet.last):", "with m.If(packet.last & ~commit):"),
            Mutant("write.addr.eq(Mux(commit, place, tail))", "write.addr.eq(tail)"),
        ),
        command="prove" if every_clock else "long",
    )
    for every_clock in (False, True)
]
