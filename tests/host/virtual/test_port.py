"""The pseudo-terminal: every byte as it is, in order, for one client after another."""

import os
import random
import select
import termios
import threading
import time

import pytest
import serial

from allspin.host.virtual import port as virtual_port
from allspin.host.virtual.board import PIPE_BYTES, VirtualTransport
from allspin.host.virtual.faults import MOST_UNDER_WAY, Faults, FaultyTransport
from allspin.host.virtual.port import VirtualPort

EVERY_BYTE = bytes(range(256))


@pytest.fixture
def board(tmp_path):
    """A board that sends back what it gets."""
    path = tmp_path / "echo"
    path.write_text("#!/bin/sh\nexec cat\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def port(board, bridged):
    return bridged(board)


def open_client(port):
    return os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)


def read_all(client, count):
    received = b""
    deadline = time.monotonic() + 60
    while len(received) < count:
        assert time.monotonic() < deadline, f"only {len(received)} of {count} bytes in a minute"
        if select.select([client], [], [], 1)[0]:
            received += os.read(client, count - len(received))
    return received


def fill(client, data):
    """Write until nothing more is taken for a second, and return how much was."""
    sent = 0
    while sent < len(data) and select.select([], [client], [], 1)[1]:
        sent += os.write(client, data[sent : sent + 65536])
    return sent


def silent(client):
    return not select.select([client], [], [], 0.2)[0]


def test_every_byte_passes_as_it_is(port):
    client = open_client(port)
    os.write(client, EVERY_BYTE)
    assert read_all(client, 256) == EVERY_BYTE
    assert silent(client)
    os.close(client)


@pytest.mark.parametrize("baud", [9600, 3_000_000, 3_456_789, 12_000_000])
def test_pyserial_opens_it_at_any_rate_and_for_itself(port, baud):
    with serial.Serial(port, baud, timeout=60) as client:
        client.exclusive = True
        client.write(EVERY_BYTE)
        assert client.read(256) == EVERY_BYTE
        with pytest.raises(serial.SerialException, match="exclusively lock"):
            serial.Serial(port, baud, exclusive=True)


def test_what_a_client_made_of_the_settings_is_gone_with_it(port):
    client = open_client(port)
    settings = termios.tcgetattr(client)
    settings[0] |= termios.ICRNL | termios.ISTRIP | termios.IXON
    settings[1] |= termios.OPOST | termios.ONLCR
    settings[3] |= termios.ECHO | termios.ICANON | termios.ISIG
    termios.tcsetattr(client, termios.TCSANOW, settings)
    os.close(client)
    time.sleep(0.2)  # a client is seen to be gone a moment later
    test_every_byte_passes_as_it_is(port)


def test_what_a_client_made_of_the_settings_stays_while_it_is_there(port):
    client = open_client(port)
    settings = termios.tcgetattr(client)
    settings[0] |= termios.IXON
    termios.tcsetattr(client, termios.TCSANOW, settings)
    for _ in range(3):  # the port has looked at the client each time that it answers
        os.write(client, b"abc")
        assert read_all(client, 3) == b"abc"
    assert termios.tcgetattr(client) == settings
    os.close(client)


def test_a_client_does_not_get_what_was_for_the_one_before(port):
    client = open_client(port)
    fill(client, random.Random(1).randbytes(1 << 20))
    assert not silent(client)  # so its answers have begun to come
    os.close(client)
    time.sleep(0.5)
    for _ in range(2):
        client = open_client(port)
        assert silent(client)
        os.write(client, b"mine")
        assert read_all(client, 4) == b"mine"
        os.close(client)
        time.sleep(0.2)


def test_what_a_client_wrote_before_it_left_reaches_the_board(tmp_path, bridged):
    path, file = tmp_path / "board", tmp_path / "got"
    path.write_text(f"#!/bin/sh\nexec tee {file}\n")
    path.chmod(0o755)
    port = bridged(path)
    for word in (b"one", b"two"):
        client = open_client(port)
        os.write(client, word)
        os.close(client)
    deadline = time.monotonic() + 60
    while not (file.exists() and file.read_bytes() == b"onetwo"):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_client_that_does_not_read_is_held_back_and_then_gets_all(port):
    data = random.Random(2).randbytes(1 << 22)
    client = open_client(port)
    sent = fill(client, data)
    assert sent < PIPE_BYTES + MOST_UNDER_WAY + (1 << 19)
    received = b""
    while len(received) < len(data):
        ready = select.select([client], [client] if sent < len(data) else [], [], 60)
        if ready[0]:
            received += os.read(client, 65536)
        if ready[1]:
            sent += os.write(client, data[sent : sent + 1000])
        assert ready[0] or ready[1], f"stuck after {len(received)} bytes"
    assert received == data
    os.close(client)


def test_a_board_that_does_not_read_holds_its_client_back(tmp_path, bridged):
    path = tmp_path / "board"
    path.write_text('#!/bin/sh\nuntil test -e "$0.go"; do sleep 0.05; done\nexec cat\n')
    path.chmod(0o755)
    data = random.Random(3).randbytes(1 << 22)
    client = open_client(bridged(path))
    sent = fill(client, data)
    # As much as the pipe, the link and the terminal take, and no more.
    assert sent < PIPE_BYTES + MOST_UNDER_WAY + (1 << 19)
    (tmp_path / "board.go").touch()
    assert read_all(client, sent) == data[:sent]
    os.close(client)


def test_the_port_waits_for_a_client_too(board, monkeypatch):
    monkeypatch.setattr(virtual_port, "ABSENT_POLL", 60)
    link = FaultyTransport(lambda: VirtualTransport(board), Faults())
    with VirtualPort(link) as port:
        wake, ends = os.pipe()
        timer = threading.Timer(0.2, os.write, (ends, b"."))
        timer.start()
        assert port.carry(wake), "a turn ends though there is nothing to be carried"
        timer.join()
        for file in (wake, ends):
            os.close(file)


def test_the_port_waits_without_work(board):
    link = FaultyTransport(lambda: VirtualTransport(board), Faults())
    with VirtualPort(link) as port:
        client = open_client(port.path)
        wake, ends = os.pipe()
        os.write(ends, b".")
        turns = 0
        # With a client that says nothing, a turn ends only because the wait is ended.
        while not port.carry(wake):
            turns += 1
        assert turns == 0
        for file in (client, wake, ends):
            os.close(file)
