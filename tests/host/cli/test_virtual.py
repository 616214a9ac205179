"""``allspin virtual``: a port for any client, its faults, its link, and how it ends."""

import os
import select
import signal
import time
import tty
from pathlib import Path

import pytest

from allspin.host.link.frames import Deframer, encode_frame
from tests.processes import PATIENCE, wait_for

IDENTIFY, WRITE, READ = 1, 2, 3
FAULTS = ("--flip", "--drop", "--reset-after")
"""Options of `tests.host.virtual.faulty_port`."""


class Client:
    """A client that knows frames, and no other code of this program."""

    def __init__(self, path):
        self.file = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.file)
        self.deframer = Deframer()

    def ask(self, *payloads, quiet=0.5):
        """Send requests, and take all answers until the line is quiet."""
        for payload in payloads:
            os.write(self.file, encode_frame(payload))
        found = []
        while select.select([self.file], [], [], quiet)[0]:
            found += self.deframer.feed(os.read(self.file, 4096))
        return found

    def identify(self, count):
        """Send a count of IDENTIFY requests, tags from 1 on, and return the answers' tags."""
        return [
            answer[1] for answer in self.ask(*(bytes([IDENTIFY, n + 1, 0]) for n in range(count)))
        ]


@pytest.fixture
def board(start, net):
    """Open a port to a virtual board, with the named faults; return the process and the path."""

    def begin(words="", network=net):
        if any(fault in words for fault in FAULTS):
            process = start(f"{network} {words}", "tests.host.virtual.faulty_port")
        else:
            process = start(f"virtual {network} {words}")
        return process, process.stdout.readline().rstrip("\n")

    return begin


def end(process, number=signal.SIGINT):
    """Send a signal, and return the exit status, stdout and stderr."""
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


def children(process):
    return Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_clients_one_after_another_until_the_end(number, board, net, data, tmp_path, cli):
    link = tmp_path / "board"
    link.symlink_to("/dev/pts/999999999")  # left by one that was killed
    process, path = board(f"--link {link}")
    assert os.readlink(link) == path
    (child,) = children(process)
    for on in (path, str(link)):
        result = cli.json(f"run {net} --data {data} --on {on} --check")
        assert (result["on"], result["images"], result["mismatches"]) == (on, 60, 0)
    status, out, err = end(process, number)
    assert (status, out) == (0, "")
    assert "Ctrl-C ends it" in err
    assert not os.path.lexists(link)
    wait_for(lambda: not os.path.exists(f"/proc/{child}"))


def test_the_faults_are_those_that_were_asked_for(board):
    process, path = board("--drop-frame 2 --drop-answer 3 --drop-frame 7")
    # Request 2 is lost, and of the answers to the others the third, which is to 4.
    assert Client(path).identify(6) == [1, 3, 5, 6]
    # They are counted over all clients: 7 is lost too.
    time.sleep(0.2)
    assert Client(path).identify(2) == [2]
    status, _, err = end(process)
    assert status == 0
    assert "8 requests, 6 answers\n" in err
    assert " 3 frames dropped" in err


def test_a_reset_board_has_forgotten(board):
    process, path = board()
    client = Client(path)
    # A WRITE of the first line of the first neuron's table, and a READ of it.
    write, read = bytes([WRITE, 1, 0, 1, 0, 0, 5]), bytes([READ, 2, 0, 1, 0, 0, 1, 0])

    def values(*requests):
        return [answer[4:5] for answer in client.ask(*requests)]

    assert values(write, read) == [b"", b"\5"]
    assert values(read) == [b"\5"]
    process.send_signal(signal.SIGUSR1)
    assert "reset after 3 answers" in next(line for line in process.stderr if "reset after" in line)
    assert values(read) == [b"\0"]
    assert "  4 requests, 4 answers\n" in end(process)[2]


@pytest.mark.parametrize("faults", ["--flip 0.001", "--drop-frame 9 --drop-answer 5"])
def test_a_run_over_a_bad_wire_is_right_and_tells_of_it(faults, board, net, idx_folder, cli):
    data = idx_folder(shape=(1, 24), classes=6, train=12, test=600)
    _, path = board(faults)
    result = cli.json(f"run {net} --data {data} --on {path} --check")
    assert (result["images"], result["mismatches"]) == (600, 0)
    assert result["resent"] > 0
    assert (result["damaged"] > 0) == ("--flip" in faults)


def test_a_line_that_is_too_bad_is_one_line(board, cli):
    _, path = board("--flip 0.02", "mnist-10")
    said = cli.refused(f"run mnist-10 --images 400 --on {path} --check")
    assert " frames came damaged" in said


@pytest.mark.parametrize("resident", ["", "--resident"])
def test_a_board_that_is_reset_is_programmed_again(resident, board, net, data, cli):
    process, path = board(f"{resident} --reset-after 3 --reset-after 14")
    result = cli.json(f"run {net} --data {data} --on {path} --check {resident}")
    assert (result["images"], result["mismatches"]) == (60, 0)
    assert " 2 resets" in end(process)[2]
    _, path = board(" ".join(f"--reset-after {answer}" for answer in range(3, 300, 3)))
    *_, said = cli.run(f"run {net} --data {data} --on {path}", 2)[1].splitlines()
    assert said.endswith("was reset: it is no longer what it was programmed to be; run this again")


def test_a_link_that_was_left_is_replaced_where_its_terminal_is_anothers(board, tmp_path):
    link = tmp_path / "board"
    _, terminal = os.openpty()
    link.symlink_to(os.ttyname(terminal))
    os.utime(link, (0, 0), follow_symlinks=False)  # from before the terminal was opened
    _, path = board(f"--link {link}")
    assert os.readlink(link) == path
    # A link of a live process stays.
    process, nothing = board(f"--link {link}")
    assert (process.wait(60), nothing) == (2, "")
    assert os.readlink(link) == path


def test_a_file_in_the_links_place_stays(board, tmp_path):
    link = tmp_path / "board"
    process, _ = board(f"--link {link}")
    link.unlink()
    link.write_text("mine")
    assert end(process)[0] == 0
    assert link.read_text() == "mine"


def test_a_board_that_dies_is_one_line(board, tmp_path):
    link = tmp_path / "board"
    process, _ = board(f"--link {link}")
    os.kill(int(*children(process)), signal.SIGKILL)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert err.splitlines()[-1] == "allspin: the virtual board died (killed by signal 9)"
    assert not os.path.lexists(link)


def test_an_interrupt_while_it_compiles_leaves_nothing(start, net, tmp_path):
    compiler, link = tmp_path / "compiler", tmp_path / "board"
    compiler.write_text(f"#!/bin/sh\ntouch {tmp_path}/begun\nexec sleep 100\n")
    compiler.chmod(0o755)
    cache = str(tmp_path / "cache")
    process = start(f"virtual {net} --link {link}", CXX=str(compiler), ALLSPIN_CACHE=cache)
    wait_for((tmp_path / "begun").exists)
    status, out, err = end(process)
    assert (status, out) == (130, "")
    assert err.splitlines()[-1] == "allspin: interrupted"
    assert not os.path.lexists(link)
