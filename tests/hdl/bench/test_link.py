"""The complete top, spoken to through its two UART pins."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allspin.boards.top import Top, TopParameters
from allspin.hdl.bench.link import decode_frame, encode_frame, sparse_image
from allspin.hdl.bench.simulator import simulate
from allspin.hdl.link.protocol import LinkParameters
from allspin.hdl.link.uart import UartParameters
from allspin.hdl.parameters.engine import EngineParameters
from allspin.sim.network.random_networks import random_images, random_network

BENCH = Path(__file__).with_name("bench_link.py")
TESTS = (
    "identity",
    "program_and_stream_from_a_slow_host",
    "stream_from_a_fast_host",
    "garbage_is_answered_and_forgotten",
)


def simulate_top(bench, tests, simulator):
    network = random_network((12, 8, 4), 4, current_bits=5)
    # A window that a few images fill, and a bit that is no whole number of clocks.
    window, divisor = 256, Fraction(21, 4)
    link = LinkParameters(EngineParameters.from_network(network), window=window)
    return simulate(
        Top(TopParameters(link, UartParameters(divisor))),
        bench,
        tests=tests,
        simulator=simulator,
        network=network,
        images=random_images(network, 15, 6),
        options={"window": window, "divisor": str(divisor)},
    )


def test_top_through_its_pins_is_the_golden_model(simulator):
    assert simulate_top(BENCH, TESTS, simulator).tests == TESTS


def test_another_uart_understands_the_top(simulator):
    # Two readings of 8N1 meet: cocotbext-uart's and ours.
    bench = BENCH.with_name("bench_other_uart.py")
    simulate_top(bench, ("another_uart_programs_and_asks",), simulator)


def test_a_frame_has_the_published_crc():
    # CRC-32/ISO-HDLC of "123456789" is 0xCBF43926.
    assert encode_frame(b"123456789") == b"\x0e123456789\x26\x39\xf4\xcb\x00"


@given(st.binary(max_size=600))
@settings(deadline=None, max_examples=50)
def test_frames_come_back(payload):
    frame = encode_frame(payload)
    assert frame.index(0) == len(frame) - 1
    assert decode_frame(frame[:-1]) == payload


def test_a_damaged_frame_is_seen():
    frame = bytearray(encode_frame(b"123456789"))
    frame[3] ^= 1
    with pytest.raises(AssertionError, match="CRC"):
        decode_frame(bytes(frame[:-1]))


def expand(coded: bytes, rows: int, pixel_bits: int) -> list[int]:
    """Read a sparse image as docs/protocol.md says, byte by byte."""
    values, row, at = [0] * rows, 0, 0
    while at < len(coded):
        row += coded[at] >> 3
        length = coded[at] & 7
        at += 1
        for number in range(length):
            if pixel_bits <= 4:
                value = coded[at + number // 2] >> 4 * (number % 2) & 15
            else:
                value = coded[at + number]
            values[row] = value
            row += 1
        at += (length + 1) // 2 if pixel_bits <= 4 else length
    return values


@given(st.data(), st.integers(1, 8))
@settings(deadline=None, max_examples=100)
def test_sparse_images_hold_the_rows(data, pixel_bits):
    values = data.draw(
        st.lists(st.just(0) | st.integers(0, 2**pixel_bits - 1), min_size=1, max_size=200)
    )
    coded = sparse_image(np.array(values, np.uint8), pixel_bits)
    assert expand(coded, len(values), pixel_bits) == values
