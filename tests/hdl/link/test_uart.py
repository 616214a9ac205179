"""The UART against wires that are driven and read bit by bit."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, strategies as st

from allspin.hdl.link.uart import UartParameters, UartReceiver, UartTransmitter
from tests.examples import examples
from tests.hdl.driving import step
from tests.hdl.streams import StreamBench

divisors = st.one_of(
    st.sampled_from([Fraction(4), Fraction(25, 3), Fraction(16)]),
    st.fractions(4, 20, max_denominator=16),
)


def line(data: bytes, idle: int = 0) -> list[int]:
    """Levels of the wire, bit by bit: start, eight data bits lowest first, stop, idle."""
    return [
        level
        for byte in data
        for level in (0, *(byte >> bit & 1 for bit in range(8)), 1, *[1] * idle)
    ]


class Receiver:
    """A receiver on a driven wire, with the bytes and the errors that it found."""

    def __init__(
        self,
        levels: list[int],
        divisor: Fraction,
        *,
        sender: Fraction | None = None,
        phase: Fraction = Fraction(0),
        after: int = 0,
    ) -> None:
        sender = sender or divisor
        self.dut = UartReceiver(UartParameters(divisor))
        self.framing_errors = 0
        self.overruns = 0
        bench = StreamBench(self.dut)
        self.received = bench.take(self.dut.received, 0, after=after)
        clocks = int(len(levels) * sender) + 1

        async def drive(ctx: Any) -> None:
            # The wire's edges come where the sender's clock puts them, between ours.
            for clock in range(clocks):
                bit = int((clock + phase) / sender)
                await step(ctx, self.dut, rx=levels[bit] if bit < len(levels) else 1)
            ctx.set(self.dut.rx, 1)
            await ctx.tick().repeat(int(2 * sender) + 6)

        async def watch(ctx: Any) -> None:
            async for _, _, framing_error, overrun in ctx.tick().sample(
                self.dut.framing_error, self.dut.overrun
            ):
                self.framing_errors += framing_error
                self.overruns += overrun

        bench.play(watch)
        bench.run(drive, patience=clocks + 100)


@given(
    data=st.binary(min_size=1, max_size=6),
    divisor=divisors,
    phase=st.fractions(0, 1, max_denominator=16),
    idle=st.integers(0, 3),
)
@examples(15)
def test_receives_the_bytes_on_the_wire(
    data: bytes, divisor: Fraction, phase: Fraction, idle: int
) -> None:
    receiver = Receiver([1, *line(data, idle)], divisor, phase=phase)
    assert bytes(receiver.received) == data
    assert (receiver.framing_errors, receiver.overruns) == (0, 0)


RATIOS = [
    (12_000_000, 3_000_000),
    (25_000_000, 3_000_000),
    *(
        pytest.param(clock, 3_000_000, marks=pytest.mark.long)
        for clock in (18_000_000, 24_000_000, 30_000_000, 36_000_000, 50_000_000, 120_000_000)
    ),
]
"""Clocks and rates of boards: 4 to 40 clocks per bit."""


@pytest.mark.parametrize(("frequency", "baud"), RATIOS)
@pytest.mark.parametrize("error", [Fraction(-25, 1000), Fraction(25, 1000)])
def test_bears_two_and_a_half_percent_either_way(
    frequency: int, baud: int, error: Fraction
) -> None:
    divisor = Fraction(UartParameters.from_rates(frequency, baud).divisor)
    host = Fraction(frequency, baud) * (1 + error)
    # Bytes that put the last edge as early and as late as it comes.
    data = bytes([0x00, 0x80, 0x7F, 0xFF, 0x55, 0xAA])
    for phase in (Fraction(0), Fraction(1, 3), Fraction(99, 100)):
        receiver = Receiver([1, *line(data)], divisor, sender=host, phase=phase)
        assert bytes(receiver.received) == data
        assert receiver.framing_errors == 0
    assert read_wire(transmit(data, divisor), host) == data


# A sixteenth of the divisor for each level: low for 3/8 of a bit, then a real byte.
GLITCH = [1] * 16 + [0] * 6 + [1] * 40 + [level for level in line(b"k") for _ in range(16)]


@pytest.mark.parametrize(
    ("levels", "divisor", "sender", "after", "received", "framing_errors", "overruns"),
    [
        pytest.param(GLITCH, 16, 1, 0, b"k", 0, 0, id="a glitch is no start bit"),
        pytest.param(
            [1, *line(b"\x41")[:-1], *[0] * 5, 1, 1, *line(b"ok")], 6, 6, 0, b"ok", 1, 0,
            id="a byte without a stop bit is dropped",
        ),
        pytest.param(
            [1, *[0] * 45, 1, 1, *line(b"ok")], 5, 5, 0, b"ok", 1, 0, id="a break is one error"
        ),
        pytest.param(
            [1, *line(b"abc"), *[1] * 9], 4, 4, 130, b"a", 0, 2, id="what is not taken is lost"
        ),
    ],
)  # fmt: skip
def test_errors_are_told(
    levels: list[int],
    divisor: int,
    sender: int,
    after: int,
    received: bytes,
    framing_errors: int,
    overruns: int,
) -> None:
    receiver = Receiver(levels, Fraction(divisor), sender=Fraction(sender), after=after)
    assert bytes(receiver.received) == received
    assert (receiver.framing_errors, receiver.overruns) == (framing_errors, overruns)


def transmit(data: bytes, divisor: Fraction, stall: float = 0.0, seed: int = 0) -> list[int]:
    """Levels of the wire in each clock."""
    dut = UartTransmitter(UartParameters(divisor))
    bench = StreamBench(dut, stall=stall, seed=seed)
    bench.put(dut.sent, data)
    levels: list[int] = []

    async def watch(ctx: Any) -> None:
        async for _, _, level in ctx.tick().sample(dut.tx):
            levels.append(level)

    bench.play(watch)
    bench.run(settle=int(11 * divisor) + 20)
    return levels


def read_wire(levels: list[int], divisor: Fraction) -> bytes:
    """Bytes on a wire, each sampled in the middle of its bits, counted from its start."""
    data = bytearray()
    clock = 0
    while 0 in levels[clock:]:
        start = levels.index(0, clock)
        bits = [levels[int(start + (place + Fraction(1, 2)) * divisor)] for place in range(10)]
        assert bits[0] == 0
        assert bits[9] == 1
        data.append(sum(bit << place for place, bit in enumerate(bits[1:9])))
        clock = int(start + Fraction(19, 2) * divisor)
    return bytes(data)


@given(
    data=st.binary(min_size=1, max_size=6),
    divisor=divisors,
    stall=st.sampled_from([0.0, 0.0, 0.9]),
    seed=st.integers(0, 99),
)
@examples(15)
def test_transmits_bytes(data: bytes, divisor: Fraction, stall: float, seed: int) -> None:
    assert read_wire(transmit(data, divisor, stall, seed), divisor) == data


@pytest.mark.parametrize("divisor", [Fraction(4), Fraction(67, 16), Fraction(25, 3)])
def test_transmits_without_gaps_at_the_rate(divisor: Fraction) -> None:
    # 0x55 and its neighbours have an edge at every bit.
    levels = transmit(b"\x55" * 40, divisor)
    edges = [clock for clock in range(1, len(levels)) if levels[clock] != levels[clock - 1]]
    assert len(edges) == 400
    rounded = Fraction(UartParameters(divisor).divisor)
    assert abs(rounded - divisor) <= Fraction(1, 32)
    for number, edge in enumerate(edges):
        assert abs(edge - edges[0] - number * rounded) <= 1


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: UartParameters(3.9), ValueError, "from 4 to 65535 clocks a bit, not 3.9"),
        (lambda: UartParameters(65536), ValueError, "from 4 to 65535 clocks a bit, not 65536"),
        (lambda: UartParameters(-4), ValueError, "from 4 to 65535 clocks a bit, not -4"),
        (
            lambda: UartParameters.from_rates(12_000_000, 4_000_000),
            ValueError,
            "no rate within 1 % of 4000000 baud; the nearest that works is 3000000$",
        ),
        (
            lambda: UartParameters.from_rates(12_000_000, 100),
            ValueError,
            "a clock of 12000000 Hz makes no rate within 1 % of 100 baud; .* works is 183$",
        ),
        (lambda: UartParameters.from_rates(12_000_000, 0), ValueError, "baud must be from 1"),
        (lambda: UartParameters.from_rates(3, 1), ValueError, "frequency must be from 4"),
        (lambda: UartParameters.from_rates(0, 1), ValueError, "frequency must be from 4"),
    ],
)
def test_rates_are_checked(
    make: Callable[[], UartParameters], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make()


@given(frequency=st.integers(100_000, 200_000_000), baud=st.integers(100, 20_000_000))
def test_a_rate_is_within_one_percent_or_refused_with_one_that_works(
    frequency: int, baud: int
) -> None:
    try:
        divisor = Fraction(UartParameters.from_rates(frequency, baud).divisor)
    except ValueError as error:
        nearest = int(str(error).split()[-1])
        assert abs(nearest - baud) * 100 > baud
        UartParameters.from_rates(frequency, nearest)
    else:
        assert abs(frequency / divisor / baud - 1) <= Fraction(1, 100)
