"""Patterns for a machine's memories: which memories, and which bits."""

import numpy as np
import pytest

from allspin.boards.top import TopParameters
from allspin.hdl.link.protocol import identity_bytes
from allspin.hdl.parameters.engine import COUNTERS, RESIDENT_LOGITS, RESIDENT_RUN, memory_map
from allspin.hdl.parameters.profile import HardwareProfile, ResidentParameters
from allspin.host.link.identity import Identity
from allspin.host.run.selftest import memory_patterns
from allspin.sim.network.neuron import CmosReluNeuron
from allspin.sim.network.random_networks import random_network

RESIDENT = ResidentParameters(beats=100, images=7)


def machine(network, **profile):
    """What a machine says of itself, and its memories by its gateware's map."""
    link = TopParameters.from_network(network, HardwareProfile(**profile)).link
    return Identity.parse(identity_bytes(link)), memory_map(link.engine)


@pytest.mark.parametrize(
    ("network", "profile"),
    [
        (random_network((24, 12, 6), 1), {"rows_per_clock": 2, "resident": RESIDENT}),
        (random_network((24, 12, 300), 1), {"resident": RESIDENT}),
        (random_network((24, 12, 6), 1, neuron=CmosReluNeuron()), {}),
        (random_network((24, 6), 1), {}),
    ],
)
def test_every_memory_that_can_be_read(network, profile):
    identity, memories = machine(network, **profile)
    not_written = {COUNTERS, RESIDENT_RUN, RESIDENT_LOGITS}
    expected = {
        memory.space: (memory.lines, memory.line_bytes)
        for memory in memories
        if memory.readable and memory.space & 15 not in not_written
    }
    found = {space: lines for _, space, *lines in memory_patterns(identity, 1)}
    assert {space: lines[0].shape for space, lines in found.items()} == expected
    for first, second in found.values():
        # All bits that are stored change, of all lines the same ones.
        changed = first ^ second
        assert changed.any(axis=0).all() or first.shape[1] == 2  # a class of one byte
        assert (changed == changed[0]).all()


@pytest.mark.parametrize(("states", "least"), [(2, 0), (10, 6), (16, 0), (17, 15)])
def test_states_in_place_of_words(states, least):
    network = random_network((24, 12, 6), 1, states=states)
    identity, _ = machine(network, states=True)
    for _, _, *words in list(memory_patterns(identity, 1))[::4]:
        # Of each state that is written first the other has every bit turned round.
        kept = [np.searchsorted(network.layers[0].levels, lines.view(np.int8)) for lines in words]
        np.testing.assert_array_equal(kept[0] ^ kept[1], 2 ** (states - 1).bit_length() - 1)
        assert set(np.unique(kept)) == set(range(least, states))
        levels = network.layers[0].levels
        np.testing.assert_array_equal(levels[kept[1]], words[1].view(np.int8))


def test_seeds():
    identity, _ = machine(random_network((24, 12, 6), 1))
    one, again, other = (next(memory_patterns(identity, seed))[2] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
