"""The COBS decoder gives byte for byte what the definition of COBS gives, under any stalls."""

from collections.abc import Callable
from typing import Any

from amaranth.asserts import AnySeq
from amaranth.hdl import Assert, Cover, Module, Mux, Signal

from allspin.hdl.link import cobs as source
from tests.formal.proof import Mutant, Opened, Proof


def properties(hdl: Any) -> Module:
    m = Module()
    dut = hdl.CobsDecoder()
    m.submodules.dut = inside = Opened(dut)
    m.d.comb += [
        dut.i.valid.eq(AnySeq(1)),
        dut.i.payload.eq(AnySeq(8)),
        dut.o.ready.eq(AnySeq(1)),
    ]
    byte = dut.i.payload

    # The definition: a block is a code and `code - 1` bytes. Those before the byte at hand:
    open_frame = Signal()
    code = Signal(8)
    length = Signal(8)  # of the block so far, its code included
    expects_code = Signal()
    implied_zero = Signal()
    m.d.comb += [
        expects_code.eq(~open_frame | (length == code)),
        implied_zero.eq(open_frame & (length == code) & (code != 255)),
    ]
    with m.If(dut.i.valid & dut.i.ready):
        m.d.sync += open_frame.eq(byte != 0)
        with m.If(expects_code):
            m.d.sync += [code.eq(byte), length.eq(1)]
        with m.Else():
            m.d.sync += length.eq(length + 1)

    gives = Signal()
    with m.If(byte == 0):
        m.d.comb += gives.eq(open_frame)
    with m.Elif(expects_code):
        m.d.comb += gives.eq(implied_zero)
    with m.Else():
        m.d.comb += gives.eq(1)
    # Nothing is given but with the byte that gives it, in the same clock.
    m.d.comb += [
        Assert(dut.o.valid == (dut.i.valid & gives)),
        Assert(~dut.i.valid | (dut.i.ready == (dut.o.ready | ~gives))),
    ]
    with m.If(dut.o.valid):
        m.d.comb += Assert(dut.o.payload.end == (byte == 0))
        with m.If(byte == 0):
            m.d.comb += Assert(dut.o.payload.malformed == (length != code))
        with m.Else():
            m.d.comb += Assert(dut.o.payload.data == Mux(expects_code, 0, byte))

    # What makes the induction close.
    m.d.comb += [
        Assert(inside["inside"] == open_frame),
        Assert(inside["over"] == expects_code),
    ]
    with m.If(open_frame):
        m.d.comb += [
            Assert((length >= 1) & (length <= code)),
            Assert(inside["left"] == code - length),
            Assert(inside["joined"] == (code == 255)),
        ]

    ends = dut.o.valid & dut.o.ready & dut.o.payload.end
    m.d.comb += [
        Cover(ends & dut.o.payload.malformed & (length == 3)),
        Cover(ends & ~dut.o.payload.malformed & (code == 4)),
        Cover(dut.o.valid & implied_zero & (byte == 2)),
    ]
    return m


PROOFS = [
    Proof(
        "COBS decoder",
        source,
        properties,
        depth=2,
        mutants=(
            Mutant("over.eq(Mux(over, byte, left) == 1)", "over.eq(Mux(over, byte, left) == 2)"),
            Mutant("joined.eq(byte == LONGEST_BLOCK + 1)", "joined.eq(byte == LONGEST_BLOCK)"),
            Mutant("self.o.payload.malformed.eq(~over)", "self.o.payload.malformed.eq(0)"),
            Mutant("self.i.ready.eq(self.o.ready | silent)", "self.i.ready.eq(self.o.ready)"),
            Mutant("m.d.sync += inside.eq(byte != 0)", "m.d.sync += inside.eq(1)"),
        ),
    ),
]


def test_cobs_decoder(prove: Callable[[], None]) -> None:
    prove()
