"""The network that the self-test makes of an identity alone."""

from dataclasses import replace

import numpy as np
import pytest

from allspin.host.data.catalogue import open_network
from allspin.host.selftest.known_network import known_network
from allspin.sim.errors import UserError
from allspin.sim.network.neuron import CmosSigmoidNeuron
from allspin.sim.network.random_network import random_network
from tests.host.selftest.identities import NETWORK, machine


@pytest.mark.parametrize(
    ("network", "profile"),
    [
        (NETWORK, {}),
        (random_network((24, 12, 6), 1, states=8), {"memory": "spram", "states": True, "lanes": 8}),
        (random_network((24, 12, 6), 1, states=100), {"memory": "ecp5", "states": True}),
        (random_network((9, 5, 4, 3), 1, states=3, rah_bits=5), {"states": True}),
        (random_network((9, 5, 4, 3), 1, pixel_bits=2, hidden_bits=3, rah_bits=5), {}),
        (random_network((24, 12, 6), 1, neuron=CmosSigmoidNeuron()), {}),
        (open_network("mnist-10"), {"memory": "spram", "states": True, "lanes": 16}),
    ],
)
def test_it_fits(network, profile):
    identity, _ = machine(network, **profile)
    found = known_network("board", identity, 3)
    assert identity.mismatch(found) is None
    assert found.topology == network.topology
    other = known_network("board", identity, 4)
    assert any(
        np.any(one.states != two.states)
        for one, two in zip(found.layers, other.layers, strict=True)
    )


def test_a_strange_neuron():
    identity = replace(machine(NETWORK)[0], neuron="mystery")
    message = "board has mystery neurons, which are not registered here"
    with pytest.raises(UserError, match=message):
        known_network("board", identity, 3)
