"""Patterns that the self-test writes to each memory."""

import pytest

from allspin.hdl.parameters.memory_map import (
    COUNTERS,
    RESIDENT_LOGITS,
    RESIDENT_RUN,
)
from allspin.hdl.parameters.profile import ResidentParameters
from allspin.host.selftest.memory_patterns import memory_patterns
from allspin.sim.network.neuron import CmosReluNeuron
from allspin.sim.network.random_network import random_network
from tests.host.selftest.identities import machine


@pytest.mark.parametrize(
    ("network", "profile"),
    [
        (
            random_network((24, 12, 6), 1),
            {"rows_per_clock": 2, "resident": ResidentParameters(100, 7)},
        ),
        (random_network((24, 12, 300), 1), {"resident": ResidentParameters(100, 7)}),
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
