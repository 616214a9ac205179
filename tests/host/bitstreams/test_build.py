"""Boards that are built: what they come to, and the digits that a button shows."""

import struct
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from cobs import cobs

from allspin.boards.catalogue import find_board, find_boards
from allspin.host.bitstreams import build as boards
from allspin.host.bitstreams.build import (
    BuildChanges,
    BuildDisplay,
    BuildOptions,
    Job,
    shown_images,
)
from allspin.host.bitstreams.record import Throughput
from allspin.host.data.catalogue import open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.machines.linked import LinkedMachine
from allspin.host.machines.opening import virtual_program
from allspin.host.virtual.board import VirtualTransport
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.random_networks import random_network


class Seen(BuildDisplay):
    """A display that remembers."""

    def __init__(self):
        self.advanced, self.finished = [], []

    def advance(self, name, what, seconds):
        self.advanced.append((name, what))

    def finish(self, built):
        self.finished.append(built.name)


@pytest.fixture
def kept(monkeypatch):
    """Builds that take no time, of which the ECPIX-5's fails; what is kept of them."""
    kept = []

    def build_board(job, seeds, wanted, progress):
        progress("placing", 1.0)
        if job.board.name == "ecpix-5":
            raise UserError("no way")
        clock = job.board.machine_frequency
        record = {"board": job.board.name, "seeds": list(seeds), "need": clock, "shortfall": None}
        return {**record, "lanes": job.profile.lanes, "bitstream": "top.bin"}, ()

    monkeypatch.setattr(boards, "build_board", build_board)
    monkeypatch.setattr(boards, "remember", kept.append)
    return kept


def test_a_board_is_built_as_it_is_asked_for(kept):
    seen = Seen()
    (built,) = boards.build(
        "ulx3s-85f",
        changes=BuildChanges(lanes=20, frequency=80e6),
        options=BuildOptions(seed=7, seeds=2),
        display=seen,
    )
    assert kept == [built.record]
    assert (built.record["seeds"], built.record["lanes"]) == ([7, 8], 20)
    assert built.record["need"] == 80e6
    assert (built.error, built.shortfall, str(built.bitstream)) == (None, None, "top.bin")
    assert seen.advanced == [("ulx3s-85f", "placing")]
    assert seen.finished == ["ulx3s-85f"]


def test_of_several_one_that_fails_stops_no_other_and_alone_it_raises(kept):
    seen = Seen()
    names = ["ulx3s-85f:fast", "ecpix-5", "ulx3s-85f"]
    found = boards.build(names, options=BuildOptions(jobs=2), display=seen)
    assert [each.name for each in found if each.error is None] == [
        "ulx3s-85f:fast",
        "ulx3s-85f:ideal",
    ]
    assert (found[0].name, found[0].error) == ("ecpix-5", "no way")
    assert (found[0].shortfall, found[0].bitstream) == ("ecpix-5: no way", None)
    assert sorted(seen.finished) == sorted(each.name for each in found)
    assert len(kept) == 2
    with pytest.raises(UserError, match="no way"):
        boards.build("ecpix-5")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": 0}, "seed must be from 1 to 2147483647, not 0"),
        ({"seeds": 101}, "seeds must be from 1 to 100, not 101"),
        ({"jobs": 0}, "jobs must be from 1 to 64, not 0"),
        ({"tools": "mine"}, "tools must be one of auto, native, pypi, not 'mine'"),
    ],
)
def test_options_are_checked_at_once(options, message):
    with pytest.raises(ValueError, match=message):
        BuildOptions(**options)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (BuildChanges(lanes=0), "^lanes must be from 1 to 65535"),
        (BuildChanges(rows_per_clock=3), "^rows_per_clock must be one of"),
        (BuildChanges(frequency=3e6), "^frequency 3: wanted frequency must be from"),
    ],
)
def test_changes_are_checked_before_anything_is_built(kept, changes, message):
    with pytest.raises(ValueError, match=message):
        boards.build("all", changes=changes)
    assert kept == []


def measured(monkeypatch, fits=True, frequency=30e6):
    """What is said of images/s of a build that needs 24 MHz."""
    # Of the figures no more is asked.
    figures: Any = SimpleNamespace(fits=fits, frequency=frequency, need=24e6)
    network = open_network("mnist-10")
    board = find_board("icebreaker").running("ideal")
    job = Job(board, "ideal", board.profile().hardware, "mnist-10", network)
    counted = Throughput(1000.0, 125.0, 1234.5)
    monkeypatch.setattr(boards, "measure_throughput", lambda *_: counted)
    return boards._measured(job, figures, lambda what, seconds: None)


def test_images_a_second_are_of_counted_clocks(monkeypatch):
    # 31.125 MHz of the board over 1,000 clocks; 300,000 bytes a second of its UART over 125.
    assert measured(monkeypatch)[0] == {
        "cycles_per_image": 1000.0,
        "latency_cycles": 1234.5,
        "images_per_second": 31_125,
        "link_images_per_second": 2400,
    }


@pytest.mark.parametrize("changes", [{"fits": False, "frequency": 0.0}, {"frequency": 23.9e6}])
def test_what_does_not_run_has_no_images_a_second(monkeypatch, changes):
    assert set(measured(monkeypatch, **changes)[0].values()) == {None}


def test_without_a_compiler_no_images_are_counted_and_a_line_says_so(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    figures, (note,) = measured(monkeypatch)
    assert set(figures.values()) == {None}
    assert note.startswith("images/s are not measured: the virtual board needs a C++")


ULX3S = find_boards()["ulx3s-85f"]


NETWORK = open_network("mnist-10")


@pytest.fixture(scope="module")
def frames():
    return shown_images(ULX3S, NETWORK)


class Pressed(VirtualTransport):
    """The virtual board, of which the button is pressed before each of the host's frames."""

    frames: tuple[bytes, ...] = ()
    presses = 0

    def exchange(self, data, timeout):
        if data:
            pressed = b"\0" + self.frames[self.presses % len(self.frames)]
            self.presses += 1
            sent, answers = super().exchange(pressed, timeout)
            assert sent == len(pressed)
            more, rest = super().exchange(data, timeout)
            return more, answers + rest
        return super().exchange(data, timeout)


def test_ten_requests_whose_answers_are_the_digits(frames):
    assert len(frames) == 10
    transport = VirtualTransport(virtual_program(NETWORK))
    with LinkedMachine(transport) as machine:
        machine.program(NETWORK)
        classes = []
        for frame in frames:
            sent, answer = transport.exchange(b"\0" + frame, 5.0)
            assert sent == len(frame) + 1
            while answer.strip(b"\0").count(b"\0") or not answer.endswith(b"\0"):
                answer += transport.exchange(b"", 5.0)[1]
            payload = cobs.decode(answer.strip(b"\0"))
            assert payload[0] == 0x84
            assert struct.unpack("<H", payload[1:3]) == (0xFFFF,)
            classes.append(struct.unpack("<H", payload[-6:-4])[0])  # before the CRC
    assert classes == list(range(10))


def test_a_host_is_not_misled_by_presses(frames):
    images = load_test_set()[0][:40]
    transport = Pressed(virtual_program(NETWORK))
    transport.frames = frames
    with LinkedMachine(transport) as machine:
        machine.program(NETWORK)
        answers = machine.stream(images)
        assert transport.presses > 1
        np.testing.assert_array_equal(machine.read_words(1), NETWORK.layers[1].words)
    np.testing.assert_array_equal(answers.logits, GoldenModel(NETWORK).logits(images))


@pytest.mark.parametrize(
    ("board", "network"),
    [
        (find_boards()["icebreaker"], NETWORK),
        (find_boards()["ulx3s-25f"].running("chips"), NETWORK),  # no block RAM is left
        (ULX3S, random_network((784, 4, 10), 1)),  # images of another shape
        (ULX3S, random_network((6, 4, 3), 1)),
    ],
)
def test_boards_and_networks_without(board, network):
    assert shown_images(board, network) == ()
