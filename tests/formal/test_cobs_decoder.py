"""The COBS decoder gives byte for byte the packet that the definition of COBS gives, under any
stalls."""

from typing import Any

from amaranth.hdl import Assert, Cover, Module, Mux, Signal

from allspin.hdl.link import cobs as source
from tests.formal.proof import Mutant, Proof, about, moves, when


def properties(hdl: Any) -> Module:
    m, inside = about(dut := hdl.CobsDecoder())
    byte, given = dut.i.payload, dut.o.payload

    # The definition: a block is a code and `code - 1` bytes. Those before the byte at hand:
    open_frame = Signal()
    code = Signal(8)
    length = Signal(8)  # of the block so far, its code included
    expects_code = ~open_frame | (length == code)
    implied_zero = open_frame & (length == code) & (code != 255)
    with m.If(moves(dut.i)):
        m.d.sync += [
            open_frame.eq(byte != 0),
            code.eq(Mux(expects_code, byte, code)),
            length.eq(Mux(expects_code, 1, length + 1)),
        ]

    gives = Mux(byte == 0, open_frame, ~expects_code | implied_zero)
    ends = moves(dut.o) & given.end
    m.d.comb += [
        # A byte is given only in the clock of the byte that causes it.
        Assert(dut.o.valid == (dut.i.valid & gives)),
        Assert(~dut.i.valid | (dut.i.ready == (dut.o.ready | ~gives))),
        when(dut.o.valid, given.end == (byte == 0)),
        when(dut.o.valid & (byte == 0), given.malformed == (length != code)),
        when(dut.o.valid & (byte != 0), given.data == Mux(expects_code, 0, byte)),
        # Invariants that close the induction.
        Assert(inside["inside"] == open_frame),
        Assert(inside["over"] == expects_code),
        when(
            open_frame,
            (length >= 1) & (length <= code),
            inside["left"] == code - length,
            inside["joined"] == (code == 255),
        ),
        Cover(ends & given.malformed & (length == 3)),
        Cover(ends & ~given.malformed & (code == 4)),
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
