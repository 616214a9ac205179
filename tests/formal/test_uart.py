"""The UART's two ends, each against what is on the wire.

Sender and receiver have clocks of their own: the sender that stands on the receiver's wire begins
at any fraction of a clock, and its bits have any length that `UartParameters` promises to take.
"""

import math
from fractions import Fraction
from typing import Any

from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Assert, Assume, Cat, Const, Cover, Module, Signal, signed
from amaranth.lib import data

from allspin.hdl.link import uart as source
from tests.formal.proof import Mutant, Proof, about, when

TICK = 64
"""Of the wire's time in a clock: four for each step of a divisor."""


def transmitter(hdl: Any, divisor: Fraction) -> Module:
    parameters = hdl.UartParameters(divisor)
    dut = hdl.UartTransmitter(parameters)
    m, inside = about(dut)
    m.d.comb += [dut.sent.valid.eq(AnySeq(1)), dut.sent.payload.eq(AnySeq(8))]
    takes = dut.sent.valid & dut.sent.ready

    # The wire shows the bits of a byte one after another, then the next byte's or rest.
    frame = Signal(10)
    bit = Signal(range(11), init=10)  # 10: rest
    over = inside["over"]
    shown = Signal()
    m.d.comb += [
        shown.eq((Cat(frame, 1) >> bit)[0]),
        Assert(dut.tx == shown),
    ]
    with m.If(takes):
        m.d.sync += [frame.eq(Cat(0, dut.sent.payload, 1)), bit.eq(0)]
    with m.Elif(over & (bit != 10)):
        m.d.sync += bit.eq(bit + 1)
    m.d.comb += Assert(dut.sent.ready == (over & (bit >= 9)))

    # However many bytes follow each other, each bit ends within a clock of its time.
    steps = parameters.steps
    late = Signal(signed(24))  # of now against the end of this bit, in steps
    m.d.sync += late.eq(late + 16)
    with m.If(bit == 10):
        m.d.sync += late.eq(-steps)
    with m.If((bit != 10) & over):
        m.d.comb += Assert((late + 16 > -16) & (late + 16 < 16))
        m.d.sync += late.eq(late + 16 - steps)
    m.d.comb += Assert((bit == 10) | (late < 0))

    # What makes the induction close.
    left_over = Signal(4)  # of a clock, when the first byte began
    with m.If(bit == 10):
        m.d.sync += left_over.eq(inside["time"])
    m.d.comb += [
        Assert(bit <= 10),
        Assert(inside["time"] < steps),
        Assert(inside["left"] == 10 - bit),
        Assert(inside["bits"][0] == shown),
    ]
    for number in range(10):
        with m.If(bit == number):
            rest_of_frame = Cat(frame[number:], Const(1).replicate(number))
            m.d.comb += Assert(inside["bits"] == rest_of_frame)
    with m.If(bit == 10):
        m.d.comb += Assert(inside["bits"].all())
    with m.Else():
        m.d.comb += [
            Assert(frame[9]),
            Assert(late + 16 + inside["time"] == left_over),
        ]

    m.d.comb += Cover((bit == 2) & over & frame[1:9].any())
    if divisor == SLOWEST:
        m.d.comb += Cover((bit == 9) & takes & (frame == 0x34A))
    return m


class Wire(data.StructLayout):
    """What a sender does to a wire.

    Members
    -------
    busy : 1 bit
        It sends a frame; else the wire is high.
    bit : unsigned
        Of the frame, which has 10.
    frame : 10 bits
        Start bit, byte and stop bit, which may be missing.
    time : unsigned
        Since the frame began, in ticks.
    end : unsigned
        Of the bit, likewise.
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
    begins = Signal()
    first = Signal(range(TICK))
    stop = AnySeq(1)
    m.d.comb += first.eq(AnySeq(range(TICK)))
    with m.If(wire.busy):
        m.d.sync += wire.time.eq(wire.time + TICK)
        with m.If(wire.time + TICK >= wire.end):
            with m.If(wire.bit == 9):
                # The next frame may come at once, but where no stop bit ended this one.
                m.d.comb += [
                    begins.eq(AnySeq(1) & wire.frame[9]),
                    first.eq(wire.time + TICK - wire.end),
                ]
                m.d.sync += wire.busy.eq(0)
            with m.Else():
                m.d.sync += [wire.bit.eq(wire.bit + 1), wire.end.eq(wire.end + length)]
    with m.Else():
        m.d.comb += begins.eq(AnySeq(1))
    with m.If(begins):
        m.d.sync += [
            wire.busy.eq(1),
            wire.bit.eq(0),
            wire.frame.eq(Cat(0, AnySeq(8), stop)),
            wire.time.eq(first),
            wire.end.eq(length),
            wire.first.eq(first),
        ]
    for each in wires:
        m.d.comb += [
            when(
                each.busy,
                each.bit <= 9,
                each.end == (each.bit + 1) * length,
                (each.time < each.end) & (each.time + length >= each.end),
                (each.time >= each.first) & ~each.frame[0],
            ),
        ]
    for after, before in zip(wires, past, strict=False):
        with m.If(after.busy & ~starts(after)):
            m.d.comb += [
                Assert(before.busy & (after.time == before.time + TICK)),
                Assert((after.frame == before.frame) & (after.first == before.first)),
            ]
        with m.Elif(before.busy):
            m.d.comb += Assert((before.bit == 9) & (before.time + TICK >= before.end))
    return wires


def receiver(hdl: Any, divisor: Fraction) -> Module:
    parameters = hdl.UartParameters(divisor)
    dut = hdl.UartReceiver(parameters)
    m, inside = about(dut)
    bit_ticks = int(parameters.divisor * TICK)
    # As `UartParameters` says: this part of a bit is left for the difference of the rates.
    differs = (parameters.divisor / 2 - 1) / Fraction(19, 2) / parameters.divisor
    length = AnyConst(range(2 * bit_ticks))
    m.d.comb += [
        Assume(length >= math.ceil(bit_ticks / (1 + differs))),
        Assume(length <= math.floor(bit_ticks / (1 - differs))),
    ]
    wires = sender(m, length)
    m.d.comb += [dut.rx.eq(level(wires[0])), dut.received.ready.eq(AnySeq(1))]
    seen = wires[2]  # as the receiver has it behind its synchronizer

    # Each frame gives its byte once, or tells why it does not; nothing else gives anything.
    given = Signal()  # the frame on the wire has been
    takes = Signal()
    m.d.comb += takes.eq(inside["sample"] & (inside["number"] == 9) & inside["receive_state"])
    lost = dut.received.valid & ~dut.received.ready
    m.d.comb += [
        Assert(dut.framing_error == (takes & ~seen.frame[9])),
        Assert(dut.overrun == (takes & seen.frame[9] & lost)),
    ]
    due = Signal()
    byte = Signal(8)
    m.d.sync += due.eq(lost | (takes & seen.frame[9]))
    with m.If(takes & ~lost):
        m.d.sync += byte.eq(seen.frame[1:9])
    m.d.comb += [
        Assert(dut.received.valid == due),
        when(
            dut.received.valid,
            dut.received.payload == byte,
        ),
    ]
    with m.If(takes):
        m.d.comb += Assert(seen.busy & ~given)
        m.d.sync += given.eq(1)
    # Before another begins, or the wire rests, the frame has been given.
    with m.If(seen.busy & (~wires[1].busy | starts(wires[1]))):
        m.d.comb += Assert(given | takes)
        m.d.sync += given.eq(0)

    # What makes the induction close: how far the receiver is behind the sender.
    state, number, time = inside["receive_state"], inside["number"], inside["time"]
    before = inside["before"]
    half = (TICK // 16) * (parameters.steps // 2)
    begun = starts(seen)
    m.d.comb += [
        Assert(inside["synchronizer.stage0"] == level(wires[1])),
        Assert(inside["synchronizer.stage1"] == level(wires[2])),
    ]
    for wire, earlier in (
        (wires[0], level(wires[1])),
        (wires[1], level(wires[2])),
        (wires[2], before),
    ):
        m.d.comb += [
            when(
                starts(wire),
                earlier,
            ),
            when(
                wire.busy & (wire.time + length >= wire.end + TICK),
                earlier == level(wire),
            ),
        ]
    with m.If(state):
        m.d.comb += [
            Assert(seen.busy & ~given & ~begun),
            Assert((number <= 9) & (time < parameters.steps)),
            Assert(seen.time + time * (TICK // 16) == seen.first + half + number * bit_ticks),
        ]
        for count in range(1, 10):
            with m.If(number == count):
                few = min(count, 8)
                m.d.comb += Assert(inside["bits"][8 - few :] == seen.frame[count - few : count])
    with m.Else():
        with m.If(seen.busy & ~begun):
            m.d.comb += [
                Assert(given & (seen.bit == 9)),
                Assert(seen.time + length >= seen.end + TICK),
            ]
        with m.Else():
            m.d.comb += Assert(~given)

    m.d.comb += Cover(state & (number == 2) & (length != bit_ticks))
    if divisor == SLOWEST:
        m.d.comb += [
            Cover(takes & seen.frame[9] & (seen.frame[1:9] == 0x5A) & (length != bit_ticks)),
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
