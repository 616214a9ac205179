"""The virtual board's UART: clocks that differ, and a wire that is never idle."""

import random
from collections import deque
from fractions import Fraction

import pytest

from allspin.boards.top import TopParameters
from allspin.boards.virtual.build import build
from allspin.hdl.link.protocol import Answer, LinkParameters, Request
from allspin.hdl.link.uart import UartParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.host.link.frames import Deframer, encode_frame
from allspin.host.link.image_requests import encode_pixels
from allspin.host.link.uart_options import UartOptions
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.machines.opening import open_machine
from allspin.host.virtual import board as virtual_board
from allspin.host.virtual.board import VirtualTransport
from allspin.sim.errors import UserError
from allspin.sim.network import reference
from allspin.sim.network.random_network import random_images, random_network

NETWORK = random_network((24, 12, 6), 1)
IMAGES = random_images(NETWORK, 40, 0)
EXPECTED = reference.logits(NETWORK, IMAGES)
CODED = encode_pixels(IMAGES, NETWORK.pixel_bits)
WORDS = NETWORK.layers[0].words
WINDOW = 256
"""Bytes that a few images fill."""


@pytest.fixture(scope="module")
def small():
    """The program of a machine with such a window."""
    link = LinkParameters(EngineParameters.from_network(NETWORK), window=WINDOW, in_flight=4)
    return build(TopParameters(link, UartParameters(Fraction(4))))


@pytest.mark.parametrize(
    ("frequency", "baud"),
    [
        pytest.param(12_000_000, 3_000_000, id="4"),
        pytest.param(25_000_000, 3_000_000, id="8.33", marks=pytest.mark.long),
    ],
)
@pytest.mark.parametrize("clock_error", [-2.5, 2.5])
def test_two_and_a_half_percent_either_way_loses_nothing(frequency, baud, clock_error):
    with open_machine("virtual", NETWORK, uart=UartOptions(baud, clock_error, frequency)) as device:
        assert isinstance(device, LinkedMachine)
        device.load(NETWORK)
        answers = device.stream(IMAGES)
        assert (answers.logits == EXPECTED).all()
        assert device.resent == 0
        assert device.identity.frequency == frequency


@pytest.mark.parametrize("clock_error", [-7.0, -5.0, -4.0, -3.2, 3.2, 4.0, 5.0, 7.0])
def test_beyond_that_errors_are_found_and_said(clock_error, monkeypatch):
    monkeypatch.setattr(virtual_board, "UART_TIMEOUT", 0.05)
    said, answers = "", None
    try:
        with open_machine("virtual", NETWORK, uart=UartOptions(clock_error=clock_error)) as device:
            device.load(NETWORK)
            answers = device.stream(IMAGES)
    except UserError as error:
        said = str(error)
    # Every answer is right, and every missing one is reported.
    assert (answers is None) == ("its clock may differ too much from the host's" in said)
    assert answers is None or (answers.logits == EXPECTED).all()


def asked(rng, tag):
    """Make a random request, and its right answer without the session."""
    number, row = rng.randrange(len(IMAGES)), rng.randrange(len(WORDS))
    logits = b"".join(
        int(logit).to_bytes(2, "little", signed=True) for logit in EXPECTED[number]
    ) + int(EXPECTED[number].argmax()).to_bytes(2, "little")
    kind, body, answer = rng.choices(
        [
            (Request.IDENTIFY, b"", None),  # an answer many times as long
            (Request.WRITE, bytes([0, row, 0]) + WORDS[row].tobytes(), b""),
            (Request.READ, bytes([0, row, 0, 1, 0]), WORDS[row].tobytes()),
            (Request.IMAGE, CODED[number], logits),
        ],
        [2, 1, 1, 6],
    )[0]
    tagged = tag.to_bytes(2, "little")
    return encode_frame(bytes([kind]) + tagged + body), (bytes([kind | 0x80]) + tagged, answer)


def test_a_wire_that_is_never_idle_neither_overruns_nor_deadlocks(small):
    rng = random.Random(5)
    frames, expected = zip(*(asked(rng, tag) for tag in range(1000)), strict=True)
    waiting = deque(frames)
    deframer, under_way, got, out = Deframer(), deque(), [], b""
    # The sender is faster than the device by the allowed error.
    with VirtualTransport(small, bit_clocks=4 * 0.975) as transport:
        LinkedMachine(transport).load(NETWORK)
        while len(got) < len(expected):
            # The sender fills the window as far as it ever allows.
            while waiting and sum(under_way) + len(waiting[0]) <= WINDOW:
                under_way.append(len(waiting[0]))
                out += waiting.popleft()
            sent, received = transport.exchange(out, 20.0)
            assert sent or received, f"nothing more came after {len(got)} answers"
            out = out[sent:]
            for payload in deframer.feed(received):
                under_way.popleft()
                got.append(payload)
    assert deframer.bad == 0
    for payload, (head, answer) in zip(got, expected, strict=True):
        assert payload[:3] == head
        assert answer is None or payload[4:] == answer


def test_a_host_that_ignores_the_window_is_told_and_served_again(small):
    # Each asks for far more than it takes to ask.
    out = encode_frame(bytes([Request.READ, 7, 0, 0, 0, 0, 24, 0])) * 60
    with VirtualTransport(small, bit_clocks=4.0) as transport:
        device = LinkedMachine(transport)
        device.load(NETWORK)
        received = b""
        while out:
            sent, more = transport.exchange(out, 20.0)
            out = out[sent:]
            received += more
        while more := transport.exchange(b"", 2.0)[1]:
            received += more
        assert device.counters().images == 0
        payloads = Deframer().feed(received)
        assert any(payload[0] == Answer.ERROR for payload in payloads)
        whole = {payload[4:] for payload in payloads if payload[0] == Answer.LINES}
        assert whole == {WORDS.tobytes()}
        assert (device.stream(IMAGES).logits == EXPECTED).all()


def test_simulated_time_is_the_wires():
    with open_machine("virtual", NETWORK, uart=UartOptions()) as device:
        assert isinstance(device, LinkedMachine)
        device.load(NETWORK)
        clocks = [device.stream(IMAGES[:count]).clocks or 0 for count in (1, 1, 40)]
    sizes = [len(encode_frame(b"\4\0\0" + body)) for body in CODED]
    assert clocks[0] == pytest.approx(clocks[1], abs=50)
    answer = 4 + 6 * device.identity.logit_bytes + 2 + 6
    # Forty clocks a byte; the zero in front, the request, and its answer when it is done.
    assert 40 * (1 + sizes[0] + answer) <= clocks[0] <= 40 * (1 + sizes[0] + answer) + 400
    slower = max(sum(sizes), 40 * answer)
    assert 40 * slower <= clocks[2] <= 40 * (slower + sizes[0] + answer) + 1000


def test_without_a_uart_there_is_no_time():
    with open_machine("virtual", NETWORK) as device:
        device.load(NETWORK)
        assert device.stream(IMAGES).clocks is None
