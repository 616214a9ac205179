"""Weights are counted in blocks of memory, as the data sheets size them."""

import pytest

from allspin.boards.build.capacity import weights_fit
from allspin.boards.catalogue import find_board
from allspin.boards.shell import ShellParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.sim.network.random_network import random_network

MNIST = (784, 100, 10)
IDEAL = find_board("tang-nano-9k").profile().hardware


@pytest.mark.parametrize(
    ("board", "topology", "profile", "words", "expected"),
    [
        # Four banks of 13 x 784 words in blocks of 256, and four of 2 x 100.
        ("icebreaker", MNIST, HardwareProfile(lanes=8), "164 of 30 blocks of memory", False),
        # Eight bytes a clock, in four SPRAMs; ten columns of 100 bytes, one after another.
        (
            *("icebreaker", MNIST, HardwareProfile(lanes=8, memory="spram")),
            *("4 of 4 SPRAMs; weights take 2 of 30", True),
        ),
        ("ulx3s-85f", MNIST, HardwareProfile(lanes=100), "55 of 208 blocks of memory", True),
        # 10,000 rows are ten blocks deep.
        ("ulx3s-85f", (10000, 2), HardwareProfile(lanes=2), "10 of 208 blocks of memory", True),
        # States: two banks of 7840 x 16 bits in blocks of 1024, one of 7840 x 8; the second layer
        # is in LUTs.
        ("tang-nano-9k", MNIST, IDEAL, "20 of 26 blocks of memory", True),
        (
            *("tang-nano-9k", (16, 8, 2), HardwareProfile(lanes=8, memory="spram")),
            *("4 of 0 SPRAMs", False),
        ),
    ],
)
def test_blocks_are_counted(board, topology, profile, words, expected):
    found = find_board(board)
    parameters = ShellParameters.from_network(found, random_network(topology, 0), profile)
    fits, said = weights_fit(parameters.machine.link.engine, found.create_platform())
    assert said.startswith(f"weights take {words}")
    assert fits == expected
