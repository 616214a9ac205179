"""Weights are counted in blocks of memory, as the data sheets size them."""

import pytest

from allspin.boards.build.families import weights_fit
from allspin.boards.catalogue import find_board
from allspin.boards.shell import ShellParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.sim.network.random_networks import random_network


@pytest.mark.parametrize(
    ("board", "topology", "lanes", "memory", "words", "expected"),
    [
        # Four banks of 13 x 784 words in blocks of 256, and four of 2 x 100.
        ("icebreaker", (784, 100, 10), 8, "block", "164 of 30 blocks of memory", False),
        # Eight bytes a clock, in four SPRAMs; ten columns of 100 bytes, one after another.
        ("icebreaker", (784, 100, 10), 8, "spram", "4 of 4 SPRAMs; weights take 2 of 30", True),
        ("ulx3s-85f", (784, 100, 10), 100, "block", "55 of 208 blocks of memory", True),
        # 10,000 rows are ten blocks deep.
        ("ulx3s-85f", (10000, 2), 2, "block", "10 of 208 blocks of memory", True),
    ],
)
def test_blocks_are_counted(board, topology, lanes, memory, words, expected):
    network = random_network(topology, 0)
    found = find_board(board)
    parameters = ShellParameters.from_network(
        found, network, HardwareProfile(lanes=lanes, memory=memory)
    )
    fits, said = weights_fit(parameters.machine.link.engine, found.create_platform())
    assert said.startswith(f"weights take {words}")
    assert fits == expected


def test_states_fit_a_part_of_few_blocks():
    found = find_board("tang-nano-9k")
    network = random_network((784, 100, 10), 0)
    parameters = ShellParameters.from_network(found, network, found.profile().hardware)
    fits, said = weights_fit(parameters.machine.link.engine, found.create_platform())
    # Two banks of 7840 x 16 bits in blocks of 1024, one of 7840 x 8; the second layer is in LUTs.
    assert (fits, said) == (True, "weights take 20 of 26 blocks of memory")


def test_a_part_without_spram_has_no_room_in_it():
    found = find_board("tang-nano-9k")
    profile = HardwareProfile(lanes=8, memory="spram")
    parameters = ShellParameters.from_network(found, random_network((16, 8, 2), 0), profile)
    fits, said = weights_fit(parameters.machine.link.engine, found.create_platform())
    assert not fits
    assert "of 0 SPRAMs" in said
