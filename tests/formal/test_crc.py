"""The CRC of frames is the one that zlib computes, bit by bit, and tells its own bytes."""

from itertools import pairwise
from typing import Any

from amaranth.hdl import Assert, Assume, Cat, Const, Cover, Module, Mux, Signal, Value

from allspin.hdl.link import crc as source
from tests.formal.proof import Mutant, Proof, about, later, moves, when
from tests.formal.stand_ins import offer

POLYNOMIAL = 0xEDB88320
"""Polynomial of CRC-32 in zlib's order: the highest power's bit is the lowest."""
BYTES = 4


def next_state(state: Value, bit: Value) -> Value:
    """A bit later, by the definition: divide by the polynomial."""
    return (state >> 1) ^ Mux(state[0] ^ bit, POLYNOMIAL, 0)


def behind_bits(state: Value, byte: Value, count: int = 8) -> Value:
    """Behind the lowest bits of a byte."""
    for place in range(count):
        state = next_state(state, byte[place])
    return state


def properties(hdl: Any, every_clock: bool) -> Module:
    m, inside = about(dut := hdl.FrameCrc(every_clock=every_clock))
    # Inputs follow the block's users: a byte stays until it is taken, and a start is between two.
    offer(m, dut.i)
    waits, byte = later(m, dut.i.valid & ~dut.i.ready), later(m, dut.i.payload)

    # The state behind all bytes, and the last bytes with the states in front of them.
    state = Signal(32, init=2**32 - 1)
    bytes_ago = [Signal(8, name=f"byte{ago}") for ago in range(BYTES)]
    states_ago = [Signal(32, name=f"state{ago}") for ago in range(BYTES)]
    count = Signal(range(BYTES + 1))
    takes = moves(dut.i)
    with m.If(dut.start):
        m.d.sync += [state.eq(2**32 - 1), count.eq(0)]
    with m.Elif(takes):
        m.d.sync += [
            state.eq(behind_bits(state, dut.i.payload)),
            bytes_ago[0].eq(dut.i.payload),
            states_ago[0].eq(state),
            *(older.eq(newer) for newer, older in pairwise(bytes_ago)),
            *(older.eq(newer) for newer, older in pairwise(states_ago)),
            count.eq(Mux(count == BYTES, BYTES, count + 1)),
        ]

    place: Any = Const(0) if every_clock else inside["place"]  # of the bit that is taken next
    theirs = Cat(reversed(bytes_ago))
    m.d.comb += [
        Assume(~(dut.start & dut.i.valid)),
        when(place == 0, dut.value == ~state),
        # The four bytes, lowest first, are the CRC of the bytes before them.
        when((place == 0) & (count == BYTES), dut.matches == (theirs == ~states_ago[-1])),
        Assert(count <= BYTES),
    ]

    # Invariants that close the induction. Behind bytes that are the beginning of the CRC the state
    # is the state before them, moved on, xor a number that the bits of one give; behind other bytes
    # the high bits, which tell the fed-back bits, differ from that number's.
    number = 0
    for length in range(1, BYTES + 1):
        for _ in range(8):
            number = (number >> 1) ^ (0 if number & 1 else POLYNOMIAL)
        before = states_ago[length - 1]
        is_crc = Cat(reversed(bytes_ago[:length])) == ~before[: 8 * length]
        m.d.comb += [
            when((count >= length) & is_crc, state == (before >> (8 * length)) ^ number),
            when((count >= length) & ~is_crc, (state ^ number)[32 - 8 * length :] != 0),
        ]
    # A solver finds no CRC by itself within minutes: that of no bytes is 0.
    if every_clock:
        begun = states_ago[-1].all() & (theirs == 0)
        m.d.comb += [Cover(begun & (count == BYTES) & dut.matches), Cover(takes & (count == BYTES))]
    else:
        m.d.comb += [
            Assert(waits == (place != 0)),
            [
                when(place == bits, dut.value == ~behind_bits(state, byte, bits))
                for bits in range(1, 8)
            ],
            Cover((count == 1) & (place == 3)),
        ]
    return m


MUTANT = Mutant("CRC32_ISO_HDLC", "CRC32_BZIP2")

PROOFS = [
    Proof(
        "CRC, a byte a clock",
        source,
        lambda hdl: properties(hdl, every_clock=True),
        depth=1,
        mutants=(
            MUTANT,
            Mutant("processor.start.eq(self.start)", "processor.start.eq(0)"),
        ),
        command="prove",
    ),
    Proof(
        "CRC, a bit a clock",
        source,
        lambda hdl: properties(hdl, every_clock=False),
        depth=1,
        mutants=(
            MUTANT,
            Mutant("place == 7", "place == 6"),
            Mutant("self.i.payload.bit_select(place, 1)", "self.i.payload.bit_select(~place, 1)"),
        ),
    ),
]
