"""The tap of the engine's activity: of a program that writes, and of the virtual board."""

import dataclasses
import sys

import numpy as np
import pytest

from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.machines.opening import open_virtual, virtual_program
from allspin.host.machines.programmer import CHIPS
from allspin.host.virtual.activity_tap import KEPT, QUIET, ActivityTap, read_trace
from allspin.host.virtual.board import VirtualTransport
from allspin.sim.network.random_network import random_images, random_network

WRITES = """\
import struct, sys
trace = open(sys.argv[sys.argv.index("--trace") + 1], "wb")
for line in sys.stdin:
    count, value = map(int, line.split())
    trace.write(struct.pack("<Q", value) * count)
    trace.flush()
"""
NETWORK = dataclasses.replace(random_network((30, 12, 5), 4), image_shape=(5, 6))
PROFILE = HardwareProfile(variation=CHIPS)
END = 1 << 7
"""Bit of the last sum of the last of two layers."""


@pytest.fixture
def tap():
    made = ActivityTap()
    yield made
    made.close()


@pytest.fixture
def board(tap, script):
    """Board that writes words of a value when a file appears."""
    board = VirtualTransport(script(WRITES, sys.executable), trace=tap.trace)
    yield board
    board.process.kill()
    board.close()


def write(board, *words):
    for count, value in words:
        board.exchange(f"{count} {value}\n".encode(), 0.0)


def test_an_image_is_from_its_first_activity_to_its_end(board, tap):
    write(board, (5, 0), (3, 1), (2, 0), (1, END), (600, 0))
    assert tap.take(7, 10).tolist() == [1, 1, 1, 0, 0, END]


def test_earlier_activity_is_forgotten(board, tap):
    write(board, (4, 9), (1, END))
    assert tap.take(7, 10).tolist() == [9, 9, 9, 9, END]
    assert not tap.clear(0.2)  # it may still be under way
    write(board, (QUIET, 0))
    assert tap.clear(10)
    write(board, (2, 3), (1, END))
    assert tap.take(7, 10).tolist() == [3, 3, END]


def test_an_image_that_does_not_end_is_none(board, tap):
    write(board, (10, 1))
    assert tap.take(7, 0.1) is None


def test_it_keeps_no_more_than_it_needs(board, tap):
    write(board, *[(KEPT // 2, 1)] * 8, (1, END))
    assert KEPT // 2 < len(tap.take(7, 20)) <= 2 * KEPT + 1


def test_a_board_that_ends_is_not_waited_for(board, tap):
    write(board, (1, END))
    assert tap.take(7, 60) is not None
    board.process.kill()
    assert tap.take(6, 3600) is None
    assert not tap.clear(3600)


def test_it_equals_the_file_that_the_board_writes(tmp_path, tap):
    images = random_images(NETWORK, 6, 3)[:, np.newaxis]
    live = []
    transport = VirtualTransport(virtual_program(NETWORK, PROFILE), trace=tap.trace)
    with LinkedMachine(transport) as machine:
        machine.load(NETWORK)
        for image in images:
            assert tap.clear(30)
            machine.stream(image)
            live.append(tap.take(7, 30))
    for image, found in zip(images, live, strict=True):
        trace = tmp_path / "trace"
        with open_virtual(NETWORK, PROFILE, trace=(trace, 4000)) as machine:
            machine.load(NETWORK)
            machine.stream(image)
        whole = read_trace(trace)
        np.testing.assert_array_equal(found, whole[: len(found)])
        assert not whole[len(found) :].any()
