"""The pseudo-terminal: every byte as it is, in order, for one client after another."""

import contextlib
import os
import random
import select
import termios

import pytest
import serial

from allspin.host.virtual.board import PIPE_BYTES, VirtualTransport
from allspin.host.virtual.board_line import MOST_WAITING, BoardLine
from allspin.host.virtual.port import VirtualPort
from tests.processes import PATIENCE, wait_for

EVERY_BYTE = bytes(range(256))
MOST = PIPE_BYTES + MOST_WAITING + (1 << 19)
"""Bytes that the pipe, the link and the terminal take."""


@pytest.fixture
def board(script):
    """Return a board that echoes its bytes."""
    return script("exec cat")


@pytest.fixture
def port(board, bridged):
    return bridged(board)


@contextlib.contextmanager
def client_of(port):
    client = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    yield client
    os.close(client)


def read_all(client, count):
    received = b""
    while len(received) < count:
        assert select.select([client], [], [], 60)[0], f"only {len(received)} of {count} bytes"
        received += os.read(client, count - len(received))
    return received


def fill(client, data):
    """Write until the port takes no more for a second, and return the number of bytes."""
    sent = 0
    while sent < len(data) and select.select([], [client], [], 1)[1]:
        sent += os.write(client, data[sent : sent + 65536])
    return sent


def silent(client):
    return not select.select([client], [], [], 0.2)[0]


def passes(client, data):
    """Return True if exactly these bytes come back."""
    os.write(client, data)
    return read_all(client, len(data)) == data and silent(client)


@pytest.mark.parametrize("baud", [9600, 3_000_000, 3_456_789, 12_000_000])
def test_pyserial_opens_it_at_any_rate_and_for_itself(port, baud):
    with serial.Serial(port, baud, timeout=PATIENCE, exclusive=True) as client:
        client.write(EVERY_BYTE)
        assert client.read(256) == EVERY_BYTE
        with pytest.raises(serial.SerialException, match="exclusively lock"):
            serial.Serial(port, baud, exclusive=True)


def wait_until_new_client_finds(port, condition):
    """Open the port again and again: it notices some time later that a client has left."""

    def found():
        with client_of(port) as client:
            return condition(client)

    wait_for(found)


def test_settings_of_a_client_last_until_it_leaves(port):
    with client_of(port) as client:
        assert passes(client, b"abc")  # the port has noticed its client, and resets no more
        settings = termios.tcgetattr(client)
        raw = termios.tcgetattr(client)
        settings[0] |= termios.IXON
        termios.tcsetattr(client, termios.TCSANOW, settings)
        for _ in range(3):  # the port has looked at the client each time that it answers
            assert passes(client, b"abc")
        assert termios.tcgetattr(client) == settings
        settings[0] |= termios.ICRNL | termios.ISTRIP
        settings[1] |= termios.OPOST | termios.ONLCR
        settings[3] |= termios.ECHO | termios.ICANON | termios.ISIG
        termios.tcsetattr(client, termios.TCSANOW, settings)
    wait_until_new_client_finds(port, lambda client: termios.tcgetattr(client) == raw)
    with client_of(port) as client:
        assert passes(client, EVERY_BYTE)


def test_a_client_does_not_get_bytes_for_the_one_before(port):
    with client_of(port) as client:
        fill(client, random.Random(1).randbytes(1 << 20))
        wait_for(lambda: not silent(client))  # its answers have begun to come
    # These clients do not read: bytes that the port does not drop stay, and are seen.
    wait_until_new_client_finds(port, silent)
    with client_of(port) as client:
        assert passes(client, b"mine")


def test_bytes_of_a_client_that_has_left_reach_the_board(script, tmp_path, bridged):
    file = tmp_path / "got"
    port = bridged(script(f"exec tee {file}"))
    for word in (b"one", b"two"):
        with client_of(port) as client:
            os.write(client, word)
    wait_for(lambda: file.exists() and file.read_bytes() == b"onetwo")


def test_a_client_that_does_not_read_is_held_back_and_then_gets_all(port):
    data = random.Random(2).randbytes(1 << 22)
    received = b""
    with client_of(port) as client:
        sent = fill(client, data)
        assert sent < MOST
        while len(received) < len(data):
            readable, writable, _ = select.select([client], [client] * (sent < len(data)), [], 60)
            assert readable or writable, f"stuck after {len(received)} bytes"
            if readable:
                received += os.read(client, 65536)
            if writable:
                sent += os.write(client, data[sent : sent + 1000])
    assert received == data


def test_a_board_that_does_not_read_holds_its_client_back(script, tmp_path, bridged):
    board = script('until test -e "$0.go"; do sleep 0.05; done\nexec cat')
    data = random.Random(3).randbytes(1 << 22)
    with client_of(bridged(board)) as client:
        sent = fill(client, data)
        assert sent < MOST
        (tmp_path / f"{board.name}.go").touch()
        assert read_all(client, sent) == data[:sent]


def test_the_port_waits_without_work(board):
    link = BoardLine(lambda: VirtualTransport(board))
    wake, ends = os.pipe()
    with VirtualPort(link) as port, client_of(port.path):
        os.write(ends, b".")
        # With a silent client, a turn ends only because `wake` ends the wait.
        assert port.carry(wake)
    os.close(wake)
    os.close(ends)
