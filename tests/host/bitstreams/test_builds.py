"""Boards that are built: their figures, and the digits that a button shows."""

import struct

import numpy as np
import pytest
from cobs import cobs

from allspin.boards.catalogue import find_board, find_boards
from allspin.hdl.link.protocol import NO_TAG
from allspin.host.bitstreams import builds as boards
from allspin.host.bitstreams.build_options import BuildOptions
from allspin.host.bitstreams.button_images import button_frames
from allspin.host.bitstreams.jobs import BuildJob
from allspin.host.bitstreams.throughput import Throughput
from allspin.host.data.catalogue import open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.machines.opening import virtual_program
from allspin.host.virtual.board import VirtualTransport
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.random_network import random_network


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": 0}, "`seed` must be from 1 to 2147483647, not 0"),
        ({"seeds": 101}, "`seeds` must be from 1 to 100, not 101"),
        ({"jobs": 0}, "`jobs` must be from 1 to 64, not 0"),
        ({"tools": "mine"}, "`tools` must be one of auto, native, pypi, not 'mine'"),
    ],
)
def test_options_are_checked_at_once(options, message):
    with pytest.raises(ValueError, match=message):
        BuildOptions(**options)


def measured(monkeypatch):
    """Figures of images/s in a build's record."""
    network = open_network("mnist-10")
    board = find_board("icebreaker").running("ideal")
    job = BuildJob(board, "ideal", board.profile().hardware, "mnist-10", network)
    counted = Throughput(1000.0, 125.0, 1234.5)
    monkeypatch.setattr(boards, "measure_throughput", lambda *_: counted)
    return boards._rates(job, lambda what, seconds: None)


def test_images_a_second_are_of_counted_clocks(monkeypatch):
    # 30.75 MHz of the board over 1,000 clocks; 600,000 bytes a second of its UART over 125.
    assert measured(monkeypatch)[0] == {
        "cycles_per_image": 1000.0,
        "latency_cycles": 1234.5,
        "images_per_second": 30_750,
        "link_images_per_second": 4800,
    }


def test_without_a_compiler_no_images_are_counted_and_a_line_says_so(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    figures, (note,) = measured(monkeypatch)
    assert set(figures.values()) == {None}
    assert note.startswith("images/s are not measured: the virtual board needs a C++")


ULX3S = find_boards()["ulx3s-85f"]


NETWORK = open_network("mnist-10")


@pytest.fixture(scope="module")
def frames():
    return button_frames(ULX3S, NETWORK)


class Pressed(VirtualTransport):
    """The virtual board; its button is pressed before each of the host's frames."""

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
        machine.load(NETWORK)
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
        # Tag 0 is under way both times: modulo 65,535 it is the tag of answers to presses.
        machine.session.line.next_tag = NO_TAG - 3
        machine.load(NETWORK)
        machine.session.line.next_tag = NO_TAG - 3
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
    assert button_frames(board, network) == ()
