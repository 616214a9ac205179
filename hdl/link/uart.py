"""UART, 8N1: bytes on two wires, in ten bits each, without a clock wire."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Self

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import stream
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from allspin.hdl.stream.component import Component
from allspin.sim.errors import check_range

FRACTION_BITS = 4
"""Fraction bits of a bit's length, which is in 1/16 clock; its error is at most 1/32 clock."""
STEPS = 2**FRACTION_BITS
MIN_DIVISOR = 4
"""See `UartParameters`."""
MAX_DIVISOR = 65535
BITS = 10
"""Bits of a byte on the wire: start bit, eight data bits with the lowest first, stop bit."""
RATE_TOLERANCE = Fraction(1, 100)
"""Largest relative error of the rate that a clock makes."""


@dataclass(frozen=True)
class UartParameters:
    """Baud rate of a UART.

    The receiver sees a start bit's edge up to one clock late and samples at whole clocks, which
    together move its samples by up to one clock from a bit's middle. With a divisor of D, the
    remaining D/2 - 1 clocks to a bit's edge are the allowance for the difference of the two ends'
    rates over the 9.5 bits until the stop bit's middle: the rates may differ by 2.6 % at D = 4, by
    3.9 % at 8, and by at most 5.2 %. Below 4 the allowance is too small for crystals, for the
    divisors of USB adapters and for slow edges; at 2 it is zero.

    Parameters
    ----------
    divisor : Fraction, float or int
        Clocks a bit, 4 to 65535; rounded to 1/16.

    Raises
    ------
    ValueError
        If the divisor is outside its range.
    """

    divisor: Fraction | float

    def __post_init__(self) -> None:
        legal = f"from {MIN_DIVISOR} to {MAX_DIVISOR} clocks a bit"
        rounded = Fraction(round(Fraction(self.divisor) * STEPS), STEPS)
        if not MIN_DIVISOR <= rounded <= MAX_DIVISOR:
            raise ValueError(f"divisor must be {legal}, not {float(self.divisor):g}")
        object.__setattr__(self, "divisor", rounded)

    @classmethod
    def from_rates(cls, frequency: int, baud: int) -> Self:
        """Return the nearest divisor for a clock and a baud rate.

        The error of the resulting bit is at most 1/32 clock: 0.8 % at 4 clocks per bit, 0.1 % at
        32.

        Parameters
        ----------
        frequency : int
            Clock frequency, in Hz.
        baud : int
            Baud rate.

        Raises
        ------
        ValueError
            If the clock makes no rate within 1 %; the message names the nearest rate that it makes.
        """
        frequency = check_range("frequency", frequency, MIN_DIVISOR, 2**32 - 1)
        baud = check_range("baud", baud, 1, 2**32 - 1)
        nearest = round(Fraction(frequency, baud) * STEPS)
        nearest = min(max(nearest, MIN_DIVISOR * STEPS), MAX_DIVISOR * STEPS)
        parameters = cls(Fraction(nearest, STEPS))
        rate = frequency / Fraction(parameters.divisor)
        if abs(rate / baud - 1) > RATE_TOLERANCE:
            raise ValueError(
                f"a clock of {frequency} Hz makes no rate within 1 % of {baud} baud; "
                f"the nearest that works is {round(rate)}"
            )
        return parameters

    @property
    def steps(self) -> int:
        """Length of a bit in 1/16 clock."""
        return int(self.divisor * STEPS)


class UartReceiver(Component):
    """Sample each bit in its middle.

    A start bit that has ended before its middle is a glitch and is ignored. A byte without a stop
    bit is dropped; the next start bit is then accepted once the line has been high again. The
    receiver cannot hold the sender back: a byte that comes before the previous one was taken is
    lost.

    Throughput: one byte per ten bits on the wire.

    Parameters
    ----------
    parameters : UartParameters
        The baud rate.
    """

    def __init__(self, parameters: UartParameters) -> None:
        self._parameters = parameters
        super().__init__(
            {
                # The wire, from any clock domain; high when idle.
                "rx": In(1, init=1),  # pyright: ignore[reportCallIssue]  # the stubs leave init out
                # Bytes.
                "received": Out(stream.Signature(8)),
                # For one clock: a byte was dropped because it had no stop bit.
                "framing_error": Out(1),
                # For one clock: a byte was lost because the previous one was not taken.
                "overrun": Out(1),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the receiver."""
        steps = self._parameters.steps
        level = Signal(init=1)
        before = Signal(init=1)
        m.submodules.synchronizer = FFSynchronizer(self.rx, level, init=1)
        m.d.sync += before.eq(level)

        time = Signal(range(steps))  # to the next sample, in 1/16 clock
        sample = Signal()
        number = Signal(range(BITS))  # number of the next bit to sample
        bits = Signal(8)
        m.d.comb += sample.eq(time[FRACTION_BITS:] == 0)

        with m.If(self.received.ready):
            m.d.sync += self.received.valid.eq(0)
        with m.FSM(name="receive"):
            with m.State("IDLE"):
                m.d.sync += [number.eq(0), time.eq(steps // 2 - STEPS)]
                with m.If(before & ~level):
                    m.next = "BITS"
            with m.State("BITS"):
                with m.If(sample):
                    # The fraction of a clock is carried over, so that no error builds up.
                    m.d.sync += [
                        time.eq(time[:FRACTION_BITS] + (steps - STEPS)),
                        number.eq(number + 1),
                        bits.eq(Cat(bits[1:], level)),
                    ]
                    with m.If((number == 0) & level):
                        m.next = "IDLE"
                    with m.If(number == BITS - 1):
                        m.next = "IDLE"
                        with m.If(~level):
                            m.d.comb += self.framing_error.eq(1)
                        with m.Elif(self.received.valid & ~self.received.ready):
                            m.d.comb += self.overrun.eq(1)
                        with m.Else():
                            m.d.sync += [
                                self.received.valid.eq(1),
                                self.received.payload.eq(bits),
                            ]
                with m.Else():
                    m.d.sync += time.eq(time - STEPS)


class UartTransmitter(Component):
    """Send bytes without gaps between them.

    Throughput: one byte per ten bits on the wire.

    Parameters
    ----------
    parameters : UartParameters
        The baud rate.
    """

    def __init__(self, parameters: UartParameters) -> None:
        self._parameters = parameters
        super().__init__(
            {
                # Bytes.
                "sent": In(stream.Signature(8)),
                # The wire, from a register; high when idle.
                "tx": Out(1, init=1),  # pyright: ignore[reportCallIssue]  # the stubs leave init out
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the transmitter."""
        steps = self._parameters.steps
        time = Signal(range(steps))  # to the end of the bit, in 1/16 clock
        bits = Signal(BITS, init=2**BITS - 1)
        left = Signal(range(BITS + 1))  # remaining bits of the byte, with the one on the wire
        over = Signal()
        m.d.comb += [
            over.eq((time[FRACTION_BITS:] == 0) | (left == 0)),
            self.tx.eq(bits[0]),
            self.sent.ready.eq(over & (left <= 1)),
        ]
        with m.If(over):
            m.d.sync += [
                time.eq(time[:FRACTION_BITS] + (steps - STEPS)),
                bits.eq(Cat(bits[1:], Const(1))),
                left.eq(Mux(left == 0, 0, left - 1)),
            ]
        with m.Else():
            m.d.sync += time.eq(time - STEPS)
        with m.If(self.sent.valid & self.sent.ready):
            m.d.sync += [bits.eq(Cat(Const(0), self.sent.payload, Const(1))), left.eq(BITS)]
