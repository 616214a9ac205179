"""Engines of networks with maps on a real simulator, against the plain model."""

from dataclasses import replace
from pathlib import Path

import pytest

from allspin.hdl.bench.simulator import simulate_engine
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.sim.network.layer_kinds import DENSE, Convolution
from allspin.sim.network.random_network import random_images, random_network
from tests.sim.network.any_network import in_tiles

BENCH = Path(__file__).with_name("bench_maps.py")
TESTS = ("stalls_everywhere", "cut_short", "reset_ends_images")
STRIDES = (Convolution((8, 8, 1), (3, 3), (2, 2)), Convolution((3, 3, 6), (2, 2)), DENSE)
POOLED = (
    Convolution((6, 7, 3), (3, 2), (1, 2), (1, 0, 1, 1), pool=2),
    Convolution((3, 2, 5), (2, 2), padding=(1, 1, 0, 0)),
    DENSE,
)


@pytest.mark.long
@pytest.mark.parametrize("rows_per_clock", [1, 2, 4])
@pytest.mark.parametrize(
    ("topology", "kinds", "shape", "tiled"),
    [
        ((64, 6, 4, 5), STRIDES, (8, 8), False),
        ((126, 5, 3, 4), POOLED, (6, 7, 3), False),
        ((126, 5, 3, 4), POOLED, (6, 7, 3), True),
    ],
)
def test_every_logit(topology, kinds, shape, tiled, rows_per_clock):
    network = random_network(topology, 1, kinds=kinds, image_shape=shape)
    if tiled:
        network = replace(in_tiles(network, 8, 6), neuron_per="position")
    profile = HardwareProfile(memory="ecp5", rows_per_clock=rows_per_clock)
    images = random_images(network, 20, 2)
    ran = simulate_engine(network, BENCH, tests=TESTS, images=images, profile=profile, seed=1)
    assert ran == TESTS
