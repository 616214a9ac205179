"""Machines of networks with maps: all that a machine can do, against the golden model."""

from dataclasses import replace

import numpy as np
import pytest

from allspin.hdl.parameters.profile import HardwareProfile, ResidentParameters
from allspin.host.machines.opening import open_virtual
from allspin.host.machines.programmer import CHIPS, SUM_CHIPS
from allspin.host.selftest.checks import selftest
from allspin.host.selftest.known_network import known_network
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.layer_kinds import Convolution
from allspin.sim.network.network import Network
from allspin.sim.network.random_network import random_images, random_network
from tests.sim.network.any_network import in_tiles

FIRST = Convolution((9, 9, 2), (3, 3), (2, 2), (1, 0, 1, 0))
SECOND = Convolution((5, 4, 6), (2, 3), pool=2)
KEPT = ResidentParameters(beats=8192, images=128)


def of_maps(seed: int) -> Network:
    return random_network((162, 6, 5, 4), seed, kinds=(FIRST, SECOND), image_shape=(9, 9, 2))


@pytest.mark.long
@pytest.mark.parametrize(
    ("network", "profile", "lacks"),
    [
        (of_maps(1), HardwareProfile(variation=SUM_CHIPS, resident=KEPT), set()),
        (of_maps(1), HardwareProfile(rows_per_clock=2, variation=CHIPS, resident=KEPT), set()),
        (of_maps(1), HardwareProfile(rows_per_clock=4, variation=SUM_CHIPS, resident=KEPT), set()),
        (
            in_tiles(of_maps(1), 8, 6),
            HardwareProfile(rows_per_clock=2, lanes=4),
            {"resident images"},
        ),
        (
            replace(of_maps(1), neuron_per="position"),
            HardwareProfile(variation=SUM_CHIPS),
            {"resident images"},
        ),
        (
            in_tiles(replace(of_maps(1), neuron_per="position"), 8, 6),
            HardwareProfile(rows_per_clock=4, variation=CHIPS),
            {"resident images"},
        ),
        (
            random_network(
                (77, 3, 3),
                1,
                kinds=[Convolution((7, 11, 1), (3, 2), (1, 3), (2, 1, 0, 1))],
                image_shape=(7, 11),
                pixel_bits=7,
                hidden_bits=3,
            ),
            HardwareProfile(rows_per_clock=4, memory="ecp5", variation=CHIPS),
            {"resident images"},
        ),
    ],
    ids=["1", "2", "4", "tiles-2", "position-1", "position-tiles-4", "grey"],
)
def test_every_part_of_a_machine(network: Network, profile: HardwareProfile, lacks: set) -> None:
    with open_virtual(network, profile) as machine:
        assert machine.identity.mismatch(network) is None
        for seed in range(3):
            own = known_network("it", machine.identity, seed)
            found = {finding.name: finding for finding in selftest(machine, own, seed=seed)}
            wrong = {name: each.text for name, each in found.items() if each.right is False}
            assert not wrong
            assert {name for name, each in found.items() if each.right is None} == lacks
        # The network itself is run, and one whose lines of zeros are elsewhere is not.
        machine.load(network)
        images = random_images(network, 50, 7)
        assert np.array_equal(machine.stream(images).logits, GoldenModel(network).logits(images))
        if len(network.image_shape) > 2:
            with pytest.raises(ValueError, match=r"images must have shape \(9, 9, 2\) each"):
                machine.stream(np.moveaxis(images, -1, 1))
        first = network.layers[0]
        assert isinstance(first.kind, Convolution)
        top, left, _, right = first.kind.padding
        moved = replace(first.kind, padding=(3 - top, left, top - 1, right))
        assert moved.places == first.kind.places
        other = replace(network, layers=(replace(first, kind=moved), *network.layers[1:]))
        with pytest.raises(UserError, match="has in layer 0 kernels of 3 x"):
            machine.load(other)
