"""The complete top, spoken to through its two UART pins."""

from fractions import Fraction
from pathlib import Path

from allspin.boards.top import Top, TopParameters
from allspin.hdl.bench.simulator import simulate
from allspin.hdl.link.protocol import LinkParameters
from allspin.hdl.link.uart import UartParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.sim.network.random_network import random_images, random_network
from tests.hdl.bench.link_bench import encode_frame

BENCH = Path(__file__).with_name("bench_link.py")
TESTS = (
    "identity",
    "program_and_stream_from_a_slow_host",
    "stream_from_a_fast_host",
    "garbage_is_answered_and_forgotten",
    # Two readings of 8N1 meet: cocotbext-uart's and ours.
    "another_uart_programs_and_asks",
)


def test_top_through_its_pins_is_the_golden_model(simulator):
    network = random_network((12, 8, 4), 4, current_bits=5)
    # A window that a few images fill, and a bit that is no whole number of clocks.
    window, divisor = 256, Fraction(21, 4)
    link = LinkParameters(EngineParameters.from_network(network), window=window)
    ran = simulate(
        Top(TopParameters(link, UartParameters(divisor))),
        BENCH,
        tests=TESTS,
        simulator=simulator,
        network=network,
        images=random_images(network, 15, 6),
        options={"window": window, "divisor": str(divisor)},
    )
    assert ran == TESTS


def test_a_frame_has_the_published_crc():
    # CRC-32/ISO-HDLC of "123456789" is 0xCBF43926.
    assert encode_frame(b"123456789") == b"\x0e123456789\x26\x39\xf4\xcb\x00"
