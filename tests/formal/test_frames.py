"""A FrameBuffer gives the bytes of frames that were kept, in order; a FrameSender adds their CRC.

CobsEncoder and FrameCrc, which are proved by themselves, are anything to the FrameSender.
"""

from typing import Any

from amaranth.asserts import AnyConst
from amaranth.hdl import Assert, Assume, Cover, Module, Signal, Value

from allspin.hdl.link import frames as source
from allspin.hdl.link.cobs import CobsEncoder
from tests.formal.proof import Mutant, Proof, about, anything, later, moves, stand_in, when
from tests.formal.stand_ins import of_anything

WINDOW = 4


def buffer(hdl: Any) -> Module:
    m, inside = about(dut := hdl.FrameBuffer(WINDOW))
    puts, leaves, offers = dut.put & ~dut.full, moves(dut.payload), dut.payload.valid

    # Places are counted: the next byte to leave, the end of the kept bytes, and of all bytes.
    left, whole, tail = (Signal(range(4 * WINDOW), name=f"model_{n}") for n in ("l", "w", "t"))
    m.d.sync += left.eq(left + leaves)
    with m.If(dut.keep):
        m.d.sync += [tail.eq(tail + 1), whole.eq(tail + 1)]
    with m.Elif(dut.drop):
        m.d.sync += tail.eq(whole)
    with m.Else():
        m.d.sync += tail.eq(tail + puts)
    # The proof follows the byte of any place; a later byte of that place replaces it.
    followed, value = AnyConst(left.shape()), Signal(len(Value.cast(dut.item)))
    place, behind = Signal(range(WINDOW)), [Signal.like(left, name=f"behind_{n}") for n in range(4)]
    with m.If(puts & (tail == followed)):
        m.d.sync += value.eq(Value.cast(dut.item))
    head, kept, stored, here = behind
    m.d.comb += [
        place.eq(followed),
        head.eq(left + offers),
        kept.eq(whole - left),
        stored.eq(tail - head),
        here.eq(followed - head),
        # Inputs follow a FrameReceiver.
        Assume(~dut.keep | (puts & ~dut.drop)),
        Assert(dut.full | (stored < WINDOW)),
        Assert(dut.full == later(m, stored + puts == WINDOW)),
        Assert(dut.alone == later(m, whole == head)),
        Assert(~offers | (kept != 0)),
        when(later(m, kept != leaves), offers),
        when(offers & (left == followed), Value.cast(dut.payload.payload) == value),
        # Invariants that close the induction: where each byte is.
        Assert(stored <= WINDOW),
        Assert(kept - offers <= stored),
        Assert(inside["tail"] == tail[: len(inside["tail"])]),
        Assert(inside["whole"] == whole[: len(inside["whole"])]),
        Assert(inside["head"] == head[: len(inside["head"])]),
        when(here < stored, inside.word("memory", place) == value),
        Cover((left == 6) & (stored == WINDOW) & dut.full),
        Cover(dut.drop & (stored == 3) & (kept == 1)),
    ]
    return m


class SomeCrc(source.FrameCrc):
    """A CRC that takes bytes at any time; its value is asked for while it has no byte."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += [anything(self.i.ready), self.value.eq(AnyConst(len(self.value)))]
        return m


def sender(hdl: Any) -> Module:
    encoders = stand_in(hdl, "CobsEncoder", of_anything(CobsEncoder))
    checks = stand_in(hdl, "FrameCrc", SomeCrc)
    m, inside = about(dut := hdl.FrameSender())
    [encoder], [check] = encoders, checks
    byte, packet, given = dut.payload.payload, encoder.i.payload, moves(encoder.i)

    in_crc, place = Signal(), Signal(2)
    ends = place == 3
    with m.If(given & in_crc):
        m.d.sync += [place.eq(place + 1), in_crc.eq(~ends)]
    with m.Elif(given):
        m.d.sync += in_crc.eq(byte.last)
    willing = dut.payload.valid & encoder.i.ready & check.i.ready
    m.d.comb += [
        when(
            ~in_crc,
            given == willing,
            moves(dut.payload) == willing,
            moves(check.i) == willing,
            ~check.start,
            ~given | ((packet.data == byte.data) & ~packet.last),
            ~given | (check.i.payload == byte.data),
        ),
        when(
            in_crc,
            encoder.i.valid & ~dut.payload.ready & ~check.i.valid,
            packet.data == check.value.word_select(place, 8),
            packet.last == ends,
            check.start == (given & ends),
        ),
        Assert(dut.sent.valid == encoder.o.valid),
        Assert(dut.sent.payload == encoder.o.payload),
        Assert(encoder.o.ready == dut.sent.ready),
        # Invariants that close the induction.
        Assert(inside.state("part", "CRC") == in_crc),
        Assert(inside["place"] == place),
        Assert(in_crc | (place == 0)),
        Cover(in_crc & ends & given & (packet.data == 7)),
        Cover(~in_crc & later(m, check.start) & given),
    ]
    return m


PROOFS = [
    Proof(
        "FrameBuffer",
        source,
        buffer,
        depth=2,
        mutants=(
            Mutant("write.en.eq(self.put & ~self.full)", "write.en.eq(self.put)"),
            Mutant("whole.eq(following)", "whole.eq(tail)"),
            Mutant("m.d.sync += tail.eq(whole)", "m.d.sync += tail.eq(tail)"),
            Mutant("Mux(write.en, following ^ head, tail ^ head)", "(tail ^ head)"),
            Mutant("read.data, head, whole, self", "read.data, head, tail, self"),
        ),
    ),
    Proof(
        "FrameSender",
        source,
        sender,
        depth=1,
        mutants=(
            Mutant("packet.last.eq(final)", "packet.last.eq(0)"),
            Mutant("word_select(place, 8)", "word_select(place ^ 3, 8)"),
            Mutant("ready.eq(encoder.i.ready & check.i.ready)", "ready.eq(encoder.i.ready)"),
            Mutant("m.d.comb += check.start.eq(1)", "m.d.comb += check.start.eq(0)"),
        ),
    ),
]
