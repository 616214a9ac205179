"""The tap of the engine's activity: of a program that writes, and of the virtual board."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.machines.chips import CHIPS
from allspin.host.machines.linked import LinkedMachine
from allspin.host.machines.opening import open_virtual, virtual_program
from allspin.host.virtual.activity import KEPT, QUIET, ActivityTap
from allspin.host.virtual.board import VirtualTransport, read_trace
from allspin.sim.network.random_networks import random_images, random_network

WRITES = """\
#!{python}
import struct, sys, time
trace = open(sys.argv[sys.argv.index("--trace") + 1], "wb")
for line in sys.stdin:
    count, value = map(int, line.split())
    trace.write(struct.pack("<Q", value) * count)
    trace.flush()
"""
NETWORK = dataclasses.replace(random_network((30, 12, 5), 4), image_shape=(5, 6))
END = 1 << 7
"""Of two layers: the last sum of the last one."""


class Writer:
    """A board that writes what it is told, and its tap."""

    def __init__(self, folder: Path) -> None:
        path = folder / "board"
        path.write_text(WRITES.format(python=sys.executable))
        path.chmod(0o755)
        self.tap = ActivityTap()
        self.board = VirtualTransport(path, trace=self.tap.trace)

    def write(self, count: int, value: int) -> None:
        self.board.exchange(f"{count} {value}\n".encode(), 0.0)

    def close(self) -> None:
        self.board.process.kill()
        self.board.close()
        self.tap.close()


@pytest.fixture
def writer(tmp_path):
    made = Writer(tmp_path)
    yield made
    made.close()


def test_an_image_is_from_its_first_activity_to_its_end(writer):
    writer.write(5, 0)
    for count, value in ((3, 1), (2, 0), (1, END), (600, 0)):
        writer.write(count, value)
    found = writer.tap.take(7, 10)
    assert found.tolist() == [1, 1, 1, 0, 0, END]


def test_what_was_before_is_forgotten(writer):
    writer.write(4, 9)
    writer.write(1, END)
    assert writer.tap.take(7, 10).tolist() == [9, 9, 9, 9, END]
    assert not writer.tap.clear(0.2)  # it may still be under way
    writer.write(QUIET, 0)
    assert writer.tap.clear(10)
    writer.write(2, 3)
    writer.write(1, END)
    assert writer.tap.take(7, 10).tolist() == [3, 3, END]


def test_an_image_that_does_not_end_is_none(writer):
    writer.write(10, 1)
    assert writer.tap.take(7, 0.1) is None


def test_it_keeps_no_more_than_it_needs(writer):
    for _ in range(8):
        writer.write(KEPT // 2, 1)
    writer.write(1, END)
    found = writer.tap.take(7, 20)
    assert KEPT // 2 < len(found) <= 2 * KEPT + 1


def test_a_board_that_ends_is_not_waited_for(writer):
    writer.write(1, END)
    assert writer.tap.take(7, 60) is not None
    writer.board.process.kill()
    assert writer.tap.take(6, 3600) is None
    assert not writer.tap.clear(3600)


def test_it_is_what_the_board_writes_into_a_file(tmp_path):
    images = random_images(NETWORK, 6, 3)
    tap = ActivityTap()
    program = virtual_program(NETWORK, HardwareProfile(variation=CHIPS))
    live = []
    with LinkedMachine(VirtualTransport(program, trace=tap.trace)) as machine:
        machine.program(NETWORK)
        for image in images:
            assert tap.clear(30)
            machine.stream(image[np.newaxis])
            live.append(tap.take(7, 30))
    tap.close()
    for image, found in zip(images, live, strict=True):
        trace = tmp_path / "trace"
        profile = HardwareProfile(variation=CHIPS)
        with open_virtual(NETWORK, profile, trace=(trace, 4000)) as machine:
            machine.program(NETWORK)
            machine.stream(image[np.newaxis])
        whole = read_trace(trace)
        np.testing.assert_array_equal(found, whole[: len(found)])
        assert not whole[len(found) :].any()
