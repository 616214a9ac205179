"""The virtual board's process: its answers and its end."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from allspin.boards.top import TopParameters
from allspin.boards.virtual.build import build
from allspin.hdl.cost.bound import cycle_bounds
from allspin.host.link.frames import Deframer, encode_frame
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.virtual import board as virtual_board
from allspin.host.virtual.activity_tap import read_trace
from allspin.host.virtual.board import VirtualTransport
from allspin.sim.errors import UserError
from allspin.sim.network import reference
from allspin.sim.network.random_network import random_images, random_network
from tests.host.machines.work import Work
from tests.processes import PATIENCE, status, wait_for

NETWORK = random_network((24, 12, 6), 1)
PARAMETERS = TopParameters.from_network(NETWORK)
IMAGES = random_images(NETWORK, 20, 3)
ENDLESS = """\
from tests.host.virtual.test_board import NETWORK, PARAMETERS, LinkedMachine, VirtualTransport
from tests.host.virtual.test_board import build, random_images
transport = VirtualTransport(build(PARAMETERS))
print(transport.process.pid, flush=True)
with LinkedMachine(transport) as device:
    device.load(NETWORK)
    while True:
        device.stream(random_images(NETWORK, 1000, 0))
"""


@pytest.fixture(scope="module")
def program():
    return build(PARAMETERS)


@pytest.fixture
def transport(program):
    with VirtualTransport(program) as opened:
        yield opened


@pytest.fixture
def device(transport):
    opened = LinkedMachine(transport)
    opened.load(NETWORK)
    return opened


def clock_ticks(pid):
    fields = status(pid)
    assert fields is not None
    return sum(map(int, fields[11:13]))


def test_answers_counters_and_memories(device):
    work = Work.of(NETWORK, 2000)
    work.ideal(device)
    counters = device.counters()
    bound = cycle_bounds(NETWORK, PARAMETERS.link.engine, work.images).mean()
    # An answer's 14 bytes take a cycle each, its head of 4 two each, its CRC and framing 7.
    assert bound <= counters.cycles / 2000 <= max(1.15 * bound + 10, 14 + 2 * 4 + 7 + 1)
    device.clear_counters()
    assert device.counters().images == 0
    table = NETWORK.layers[0].table
    assert table is not None
    assert device.read_back(0x01, 0, 256, 1) == table.tobytes()


def test_time_stands_still_while_the_machine_is_idle(transport, device):
    half = encode_frame(b"\1\0\0")
    transport.exchange(half[:3], 0)

    def still():
        before = clock_ticks(transport.process.pid)
        time.sleep(0.2)
        return clock_ticks(transport.process.pid) == before

    wait_for(still)
    transport.exchange(half[3:], 0)
    deframer = Deframer()
    payload = wait_for(lambda: deframer.feed(transport.exchange(b"", 1)[1]))[0]
    assert payload[:3] + payload[4:8] == b"\x81\0\0ASPN"


def test_everything_is_answered_after_the_input_has_ended(program):
    tags = [number.to_bytes(2, "little") for number in range(30000)]
    frames = b"".join(encode_frame(b"\1" + tag) for tag in tags)
    done = subprocess.run(
        [program], input=frames, capture_output=True, timeout=PATIENCE, check=True
    )
    payloads = Deframer().feed(done.stdout)
    assert [payload[1:3] for payload in payloads] == tags
    assert done.stderr == b""


def test_a_killed_board_is_one_line(transport, device):
    os.kill(transport.process.pid, signal.SIGKILL)
    with pytest.raises(UserError, match=r"^the virtual board died \(killed by signal 9\)$"):
        device.stream(IMAGES)


@pytest.mark.parametrize(
    ("text", "line", "returncode"),
    [
        (
            "echo boom >&2; echo more >&2; exit 3",
            r"^the virtual board died \(exited with status 3: boom\)$",
            3,
        ),
        ("exec sleep 100", "nothing that speaks .* on the virtual board", -signal.SIGKILL),
    ],
)
def test_another_program_is_one_line(script, monkeypatch, text, line, returncode):
    if returncode < 0:
        monkeypatch.setattr(virtual_board, "TIMEOUT", 0.2)
        monkeypatch.setattr(virtual_board, "CLOSING", 0.2)
    with VirtualTransport(script(text)) as transport, pytest.raises(UserError, match=line):
        LinkedMachine(transport)
    assert transport.process.returncode == returncode


def test_a_board_that_cannot_start_is_one_line(tmp_path):
    path = tmp_path / "none"
    with pytest.raises(UserError, match=f"cannot start the virtual board {path}: No such file"):
        VirtualTransport(path)


@pytest.mark.parametrize("seconds_a_byte", [0.001, 0.1])
def test_a_slow_wire_has_its_time(script, seconds_a_byte):
    """A byte is ten bits; a question for the identity and its answer together have over 100."""
    slowest = 10_000 / seconds_a_byte
    with VirtualTransport(script("cat"), bit_clocks=1000.0, slowest=slowest) as transport:
        assert 100 * seconds_a_byte + 1 < transport.probe_timeout < 1000 * seconds_a_byte + 10
        assert 1000 * seconds_a_byte + 1 < transport.timeout < 10_000 * seconds_a_byte + 10


def test_closing_ends_the_process_by_itself_and_twice_is_harmless(transport):
    device = LinkedMachine(transport)
    device.close()
    device.close()
    assert transport.process.returncode == 0


def test_the_board_s_last_output_is_read(script, tmp_path):
    """A board on a full pipe would wait for ever, and be killed before it ends by itself."""
    ended = tmp_path / "ended"
    transport = VirtualTransport(
        script(f"cat > /dev/null; head -c 4000000 /dev/zero; touch {ended}")
    )
    transport.close()
    assert transport.process.returncode == 0
    assert ended.exists()


def test_closing_in_mid_run(transport):
    frames = b"".join(encode_frame(b"\4" + bytes([n, 0]) + b"\x07abcd" * 3) for n in range(200))
    LinkedMachine(transport)
    transport.exchange(frames * 20, 1)
    transport.close()
    assert status(transport.process.pid) is None


def test_its_pipes_are_as_large_as_they_may_be_and_never_block(transport):
    limit = int(Path("/proc/sys/fs/pipe-max-size").read_text())
    for pipe in (transport.input, transport.output):
        size = fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ)
        # Users may share a limit on their pipes, but each gets the usual size at least.
        assert 1 << 16 <= size <= max(1 << 16, limit)
        assert not os.get_blocking(pipe)


def test_it_waits_for_as_long_as_it_is_told_to(transport):
    begin = time.monotonic()
    assert transport.exchange(b"", 0.5) == (0, b"")
    assert time.monotonic() - begin >= 0.5


def test_an_interrupt_is_for_the_host_alone(transport, device):
    pid = transport.process.pid
    assert os.getsid(pid) == pid
    os.kill(pid, signal.SIGINT)
    assert device.stream(IMAGES).logits.shape == (20, 6)


def test_the_board_ends_when_the_host_is_killed(program):
    host = subprocess.Popen([sys.executable, "-c", ENDLESS], stdout=subprocess.PIPE, text=True)
    with host:
        assert host.stdout is not None
        pid = int(host.stdout.readline())
        wait_for(lambda: clock_ticks(pid) > 20)
        host.kill()
    wait_for(lambda: status(pid) is None)


def test_a_trace_has_the_activity_of_the_engine(program, tmp_path):
    path = tmp_path / "trace"
    with LinkedMachine(VirtualTransport(program, trace=(path, 100_000))) as device:
        device.load(NETWORK)
        device.stream(IMAGES)
    activity = read_trace(path)
    assert activity[0] & 1
    # A black image is one event of value 0, which the count of driven rows leaves out.
    for layer, trace in enumerate(reference.trace(NETWORK, IMAGES)):
        taken, last, sums, last_sum = (
            int(np.count_nonzero(activity >> (4 * layer + bit) & 1)) for bit in range(4)
        )
        assert (last, last_sum) == (20, 20)
        assert sums == 20 * (12, 6)[layer]
        assert taken >= np.maximum(np.count_nonzero(trace.inputs, axis=1), 1).sum()


def test_a_trace_ends_where_it_is_told_to(program, tmp_path):
    path = tmp_path / "trace"
    with LinkedMachine(VirtualTransport(program, trace=(path, 50))) as device:
        device.load(NETWORK)
        device.stream(IMAGES)
        wait_for(lambda: path.stat().st_size == 400)
        device.stream(IMAGES)
    assert len(read_trace(path)) == 50


def test_a_trace_that_cannot_be_written_is_one_line(program, tmp_path):
    transport = VirtualTransport(program, trace=(tmp_path / "no" / "trace", 50))
    with transport, pytest.raises(UserError, match=r"died \(exited with status 1: .*No such file"):
        LinkedMachine(transport)
