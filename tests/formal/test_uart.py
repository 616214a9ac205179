"""The UART's two ends, each against the levels on the wire.

Sender and receiver have clocks of their own: the sender that stands on the receiver's wire begins
at any fraction of a clock, and its bits have any length that `UartParameters` promises to take.
"""

import math
from fractions import Fraction
from typing import Any

from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Assert, Assume, Cat, Const, Cover, Module, Mux, Signal, signed
from amaranth.lib import data

from allspin.hdl.link import uart as source
from tests.formal.proof import Mutant, Proof, about, later, moves, when

TICK = 64
"""Units of the wire's time in a clock: four for each step of a divisor."""


def transmitter(hdl: Any, divisor: Fraction) -> Module:
    parameters = hdl.UartParameters(divisor)
    m, inside = about(dut := hdl.UartTransmitter(parameters))
    takes, over, time, bits = moves(dut.sent), inside["over"], inside["time"], inside["bits"]

    # The wire shows the bits of a byte one after another, then the next byte's or rest.
    frame = Signal(10)
    bit = Signal(range(11), init=10)  # 10: rest
    shown = (Cat(frame, 1) >> bit)[0]
    rests = bit == 10
    with m.If(takes):
        m.d.sync += [frame.eq(Cat(0, dut.sent.payload, 1)), bit.eq(0)]
    with m.Elif(over & ~rests):
        m.d.sync += bit.eq(bit + 1)

    # However many bytes follow each other, each bit ends within a clock of its time.
    steps = parameters.steps
    late = Signal(signed(24))  # of now against the end of this bit, in steps
    left_over = Signal(4)  # of a clock, when the first byte began
    m.d.sync += [
        late.eq(Mux(rests, -steps, late + 16 - Mux(over, steps, 0))),
        left_over.eq(Mux(rests, time, left_over)),
    ]
    m.d.comb += [
        Assert(dut.tx == shown),
        Assert(dut.sent.ready == (over & (bit >= 9))),
        when(~rests & over, (late + 16 > -16) & (late + 16 < 16)),
        when(~rests, late < 0),
        # Invariants that close the induction.
        Assert(bit <= 10),
        Assert(time < steps),
        Assert(inside["left"] == 10 - bit),
        Assert(bits[0] == shown),
        [
            when(bit == number, bits == Cat(frame[number:], Const(1).replicate(number)))
            for number in range(10)
        ],
        when(rests, bits.all()),
        when(~rests, frame[9], late + 16 + time == left_over),
        Cover((bit == 2) & over & frame[1:9].any()),
    ]
    if divisor == SLOWEST:
        m.d.comb += Cover((bit == 9) & takes & (frame == 0x34A))
    return m


class Wire(data.StructLayout):
    """Model of a sender.

    Members
    -------
    busy : 1 bit
        The sender sends a frame; else the wire is high.
    bit : unsigned
        Bit of the frame, which has 10.
    frame : 10 bits
        Start bit, byte and stop bit, which may be missing.
    time : unsigned
        Since the frame began, in ticks.
    end : unsigned
        Time of the bit, in the same units.
    first : unsigned
        Time in the first clock of the frame.
    """

    def __init__(self) -> None:
        super().__init__(
            {"busy": 1, "bit": 4, "frame": 10, "time": 16, "end": 16, "first": range(TICK)}
        )


def level(wire: Any) -> Any:
    return ~wire.busy | (wire.frame >> wire.bit)[0]


def starts(wire: Any) -> Any:
    return wire.busy & (wire.time == wire.first)


def sender(m: Module, length: Any) -> list[Any]:
    """A wire now, a clock ago and two clocks ago."""
    wire, *past = wires = [Signal(Wire(), name=f"wire{clocks}") for clocks in range(3)]
    m.d.sync += [after.eq(before) for before, after in zip(wires, past, strict=False)]
    now = wire.time + TICK
    bit_ends = wire.busy & (now >= wire.end)
    frame_ends = bit_ends & (wire.bit == 9)
    # The next frame may come at once, but where no stop bit ended this one.
    begins = AnySeq(1) & (~wire.busy | (frame_ends & wire.frame[9]))
    first = Mux(wire.busy, now - wire.end, AnySeq(range(TICK)))[:6]
    with m.If(begins):
        m.d.sync += [
            wire.busy.eq(1),
            wire.bit.eq(0),
            wire.frame.eq(Cat(0, AnySeq(8), AnySeq(1))),
            wire.time.eq(first),
            wire.end.eq(length),
            wire.first.eq(first),
        ]
    with m.Elif(wire.busy):
        m.d.sync += [wire.time.eq(now), wire.busy.eq(~frame_ends)]
        with m.If(bit_ends & ~frame_ends):
            m.d.sync += [wire.bit.eq(wire.bit + 1), wire.end.eq(wire.end + length)]
    for each in wires:
        m.d.comb += when(
            each.busy,
            each.bit <= 9,
            each.end == (each.bit + 1) * length,
            (each.time < each.end) & (each.time + length >= each.end),
            (each.time >= each.first) & ~each.frame[0],
        )
    for after, before in zip(wires, past, strict=False):
        follows = after.busy & ~starts(after)
        m.d.comb += [
            when(
                follows,
                before.busy & (after.time == before.time + TICK),
                (after.frame == before.frame) & (after.first == before.first),
            ),
            when(~follows & before.busy, (before.bit == 9) & (before.time + TICK >= before.end)),
        ]
    return wires


def receiver(hdl: Any, divisor: Fraction) -> Module:
    parameters = hdl.UartParameters(divisor)
    m, inside = about(dut := hdl.UartReceiver(parameters))
    bit_ticks = int(parameters.divisor * TICK)
    # Margin of `UartParameters`: this part of a bit is left for the difference of the rates.
    differs = (parameters.divisor / 2 - 1) / Fraction(19, 2) / parameters.divisor
    length = AnyConst(range(2 * bit_ticks))
    wires = sender(m, length)
    seen = wires[2]  # as the receiver has it behind its synchronizer

    # Each frame gives its byte once, or an error; no other output comes.
    state, number, time = inside["receive_state"], inside["number"], inside["time"]
    received, payload = seen.frame[9], seen.frame[1:9]
    given = Signal()  # the frame on the wire has been
    takes = inside["sample"] & (number == 9) & state
    lost = dut.received.valid & ~dut.received.ready
    byte = Signal(8)
    over = seen.busy & (~wires[1].busy | starts(wires[1]))  # another begins, or the wire rests
    m.d.sync += given.eq((given | takes) & ~over)
    with m.If(takes & ~lost):
        m.d.sync += byte.eq(payload)

    half = (TICK // 16) * (parameters.steps // 2)
    began = seen.busy & ~starts(seen)
    m.d.comb += [
        Assume(length >= math.ceil(bit_ticks / (1 + differs))),
        Assume(length <= math.floor(bit_ticks / (1 - differs))),
        dut.rx.eq(level(wires[0])),
        Assert(dut.framing_error == (takes & ~received)),
        Assert(dut.overrun == (takes & received & lost)),
        Assert(dut.received.valid == later(m, lost | (takes & received))),
        when(dut.received.valid, dut.received.payload == byte),
        when(takes, seen.busy & ~given),
        when(over, given | takes),
        # Invariants that close the induction: how far the receiver is behind the sender.
        Assert(inside["synchronizer.stage0"] == level(wires[1])),
        Assert(inside["synchronizer.stage1"] == level(wires[2])),
        when(
            state,
            began & ~given,
            (number <= 9) & (time < parameters.steps),
            seen.time + time * (TICK // 16) == seen.first + half + number * bit_ticks,
        ),
        when(~state & began, given & (seen.bit == 9), seen.time + length >= seen.end + TICK),
        when(~state & ~began, ~given),
        Cover(state & (number == 2) & (length != bit_ticks)),
    ]
    for count in range(1, 10):
        few = min(count, 8)
        m.d.comb += when(
            state & (number == count),
            inside["bits"][8 - few :] == seen.frame[count - few : count],
        )
    for wire, earlier in zip(wires, (*map(level, wires[1:]), inside["before"]), strict=True):
        m.d.comb += [
            when(starts(wire), earlier),
            when(wire.busy & (wire.time + length >= wire.end + TICK), earlier == level(wire)),
        ]
    if divisor == SLOWEST:
        m.d.comb += [
            Cover(takes & received & (payload == 0x5A) & (length != bit_ticks)),
            Cover(dut.framing_error),
        ]
    return m


SLOWEST = Fraction(4)
ODD = 8 + Fraction(5, 16)

PROOFS = [
    *(
        Proof(
            f"UART transmitter, {float(divisor):g} clocks a bit",
            source,
            lambda hdl, divisor=divisor: transmitter(hdl, divisor),
            depth=1,
            mutants=mutants,
            cover_depth=50,
        )
        for divisor, mutants in (
            (
                SLOWEST,
                (
                    Mutant("(time[FRACTION_BITS:] == 0) | (left == 0)", "left == 0"),
                    Mutant("self.sent.ready.eq(over & (left <= 1))", "self.sent.ready.eq(over)"),
                ),
            ),
            (
                ODD,
                (
                    Mutant(
                        "time.eq(time[:FRACTION_BITS] + (steps - STEPS)),\n                bits",
                        "time.eq(steps - STEPS),\n                bits",
                        depth=60,
                    ),
                ),
            ),
        )
    ),
    *(
        Proof(
            f"UART receiver, {float(divisor):g} clocks a bit",
            source,
            lambda hdl, divisor=divisor: receiver(hdl, divisor),
            depth=1,
            mutants=(Mutant("steps // 2 - STEPS", "steps // 2", depth=20),),
            cover_depth=60,
        )
        for divisor in (SLOWEST, ODD)
    ),
]
