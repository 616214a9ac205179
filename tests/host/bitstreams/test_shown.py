"""The digits that a button shows: a machine answers them as digits, and a host ignores that."""

import struct

import numpy as np
import pytest
from cobs import cobs

from allspin.boards.catalogue import find_boards
from allspin.hdl.bench.networks import random_network
from allspin.host.bitstreams.build import shown_images
from allspin.host.data.catalogue import open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.machines.linked import LinkedMachine
from allspin.host.machines.opening import virtual_program
from allspin.host.virtual.board import VirtualTransport
from allspin.sim.network.golden import GoldenModel

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
