"""``allspin virtual``: a port for any client, its faults, its link, and how it ends."""

import json
import os
import select
import signal
import subprocess
import sys
import time
import tty
from pathlib import Path

import pytest

from allspin.host.cli.main import main
from allspin.host.link.frames import Deframer, encode_frame
from allspin.sim.network.netfile import save_network
from allspin.sim.network.random_networks import random_network

NETWORK = random_network((24, 12, 6), 1)
IDENTIFY, WRITE, READ = 1, 2, 3


@pytest.fixture
def network(tmp_path):
    path = tmp_path / "net.safetensors"
    save_network(NETWORK, path)
    return str(path)


class Running:
    """The command as a process."""

    def __init__(self, words, **variables):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "allspin", "virtual", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **variables},
        )

    def path(self):
        assert self.process.stdout is not None
        self.port = self.process.stdout.readline().rstrip("\n")
        return self.port

    def children(self):
        pid = self.process.pid
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()

    def end(self, number=signal.SIGINT):
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


@pytest.fixture
def start(network):
    runs = []

    def begin(*words, **variables):
        runs.append(Running([network, *words], **variables))
        return runs[-1]

    yield begin
    for run in runs:
        run.process.kill()
        run.process.communicate()


class Client:
    """A client that knows frames, and nothing of this program's."""

    def __init__(self, path):
        self.file = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.file)
        self.deframer = Deframer()

    def ask(self, *payloads):
        for payload in payloads:
            os.write(self.file, encode_frame(payload))

    def answers(self, quiet=0.5):
        """All that comes until nothing comes any more."""
        found = []
        while select.select([self.file], [], [], quiet)[0]:
            found += self.deframer.feed(os.read(self.file, 4096))
        return found

    def close(self):
        os.close(self.file)


def identify(tag):
    return bytes([IDENTIFY, tag, 0])


def tags(answers):
    return [answer[1] for answer in answers]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_clients_one_after_another_until_the_end(
    number, start, network, tmp_path, idx_folder, capfd
):
    link = tmp_path / "board"
    data = str(idx_folder(shape=(1, 24), classes=6, train=12, test=60))
    running = start("--port", str(link))
    path = running.path()
    assert os.readlink(link) == path
    (board,) = running.children()
    for on in (path, str(link)):
        assert main(["run", network, "--data", data, "--on", on, "--check", "--json"]) == 0
        result = json.loads(capfd.readouterr().out)
        assert (result["on"], result["images"], result["mismatches"]) == (on, 60, 0)
    status, out, err = running.end(number)
    assert (status, out) == (0, "")
    assert "the virtual board of" in err
    assert "Ctrl-C ends it" in err
    assert not os.path.lexists(link)
    assert not os.path.exists(path)
    assert not os.path.exists(f"/proc/{board}")


def test_the_faults_are_those_that_were_asked_for(start):
    running = start("--drop-frame", "2", "--drop-answer", "3", "--drop-frame", "7")
    client = Client(running.path())
    client.ask(*map(identify, range(1, 7)))
    # Request 2 is lost, and of the answers to the others the third, which is to 4.
    assert tags(client.answers()) == [1, 3, 5, 6]
    client.close()
    status, _, err = running.end()
    assert status == 0
    assert "6 requests, 5 answers, 2 frames dropped" in err


def test_frames_are_counted_over_all_clients(start):
    running = start("--drop-frame", "2")
    path = running.path()
    for expected in ([1], [2, 3]):
        client = Client(path)
        client.ask(*map(identify, (1,) if expected == [1] else (1, 2, 3)))
        assert tags(client.answers()) == expected
        client.close()
        time.sleep(0.2)


def table(first):
    """A WRITE of the first line of the first neuron's table, and a READ of it."""
    place = bytes([1, 0, 0])
    return bytes([WRITE, 1, 0]) + place + bytes([first]), bytes([READ, 2, 0]) + place + b"\1\0"


def test_a_reset_board_has_forgotten(start):
    running = start("--reset-after", "3")
    client = Client(running.path())
    write, read = table(5)
    client.ask(write, read)
    assert [answer[4:5] for answer in client.answers()] == [b"", b"\5"]
    client.ask(read)
    assert [answer[4:5] for answer in client.answers()] == [b"\5"]
    client.ask(read)
    assert [answer[4:5] for answer in client.answers()] == [b"\0"]
    client.ask(write, read)
    assert [answer[4:5] for answer in client.answers()] == [b"", b"\5"]
    running.process.send_signal(signal.SIGUSR1)
    time.sleep(0.5)
    client.ask(read)
    assert [answer[4:5] for answer in client.answers()] == [b"\0"]
    client.close()
    _, _, err = running.end()
    assert "reset after 3 answers" in err
    assert "reset after 6 answers" in err
    assert ", 2 resets" in err


def test_flips_come_of_the_seed(start):
    seen = []
    for seed in ("1", "1", "2"):
        running = start("--flip", "0.01", "--seed", seed)
        client = Client(running.path())
        client.ask(*map(identify, range(1, 41)))
        seen.append(client.answers())
        client.close()
        _, _, err = running.end()
        assert "bits flipped" in err
    whole = [answer for answer in seen[0] if answer[0] != 0xFF]
    assert 0 < len(whole) < 40
    assert seen[0] == seen[1] != seen[2]


@pytest.mark.parametrize(
    "faults", [["--flip", "0.001"], ["--drop-frame", "9", "--drop-answer", "5"]]
)
def test_a_run_over_a_bad_wire_is_right_and_tells_of_it(faults, start, network, idx_folder, capfd):
    data = str(idx_folder(shape=(1, 24), classes=6, train=12, test=600))
    running = start(*faults)
    words = ["run", network, "--data", data, "--on", running.path(), "--check", "--json"]
    assert main(words) == 0
    result = json.loads(capfd.readouterr().out)
    assert (result["images"], result["mismatches"]) == (600, 0)
    assert result["resent"] > 0
    assert (result["damaged"] > 0) == ("--flip" in faults)


@pytest.mark.parametrize("answers", [3, 100])
def test_a_reset_in_a_run_is_one_line(answers, start, network, idx_folder, capfd):
    data = str(idx_folder(shape=(1, 24), classes=6, train=12, test=600))
    running = start("--reset-after", str(answers))
    assert main(["run", network, "--data", data, "--on", running.path(), "--json"]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert [line for line in err.splitlines() if line.startswith("allspin")] == [
        f"allspin: {running.port} was reset: it is no longer what it was programmed to be; "
        "run this again"
    ]


def lines(capfd):
    out, err = capfd.readouterr()
    assert out == ""
    return err.splitlines()


def test_a_link_to_a_port_that_is_gone_is_replaced(start, tmp_path):
    link = tmp_path / "board"
    link.symlink_to("/dev/pts/999999999")
    running = start("--port", str(link))
    assert running.path() == os.readlink(link)
    running.end()
    assert not os.path.lexists(link)


def test_what_took_the_links_place_stays(start, tmp_path):
    link = tmp_path / "board"
    running = start("--port", str(link))
    running.path()
    link.unlink()
    link.write_text("mine")
    assert running.end()[0] == 0
    assert link.read_text() == "mine"


def test_a_board_that_dies_is_one_line(start, tmp_path):
    link = tmp_path / "board"
    running = start("--port", str(link))
    running.path()
    (board,) = running.children()
    os.kill(int(board), signal.SIGKILL)
    _, err = running.process.communicate(timeout=60)
    assert running.process.returncode == 2
    assert err.splitlines()[-1] == "allspin: the virtual board died (killed by signal 9)"
    assert not os.path.lexists(link)


def test_an_interrupt_while_it_compiles_leaves_nothing(start, tmp_path):
    compiler, link = tmp_path / "compiler", tmp_path / "board"
    compiler.write_text(f"#!/bin/sh\ntouch {tmp_path}/begun\nexec sleep 100\n")
    compiler.chmod(0o755)
    running = start("--port", str(link), CXX=str(compiler), ALLSPIN_CACHE=str(tmp_path / "cache"))
    deadline = time.monotonic() + 60
    while not (tmp_path / "begun").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    status, out, err = running.end()
    assert (status, out) == (130, "")
    assert err.splitlines()[-1] == "allspin: interrupted"
    assert not os.path.lexists(link)
