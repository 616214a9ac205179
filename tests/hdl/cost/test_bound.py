"""The bound on an image's clocks, counted by hand."""

import dataclasses

import numpy as np
import pytest

from allspin.hdl.cost.bound import cycle_bounds
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile, VariationParameters
from allspin.host.data.catalogue import open_device, open_network
from allspin.host.data.datasets import load_test_set
from allspin.sim.chip.chip import Chip
from allspin.sim.chip.noise import ColumnNoise
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.network.layer import Converter, Layer
from allspin.sim.network.levels import uniform_levels
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import ReluNeuron

STATES = np.array([[1, 0, 1], [1, 0, 0], [1, 1, 1], [0, 0, 0]], dtype=np.uint8)
NETWORK = Network(
    layers=(
        Layer(
            STATES,
            uniform_levels(2),
            Converter(np.full(3, 1, np.int32), np.zeros(3, np.int32), 0),
        ),
        Layer(np.zeros((3, 2), dtype=np.uint8), uniform_levels(2)),
    ),
    neuron=ReluNeuron(),
    image_shape=(2, 2),
    pixel_bits=1,
)
BLANK, ONE, ALL = [0, 0, 0, 0], [255, 0, 0, 0], [255, 255, 255, 255]


@pytest.mark.parametrize(
    ("lanes", "expected"),
    [
        # Hidden neurons 3 clocks; 0 (counts as 1), 1 and 4 rows of the first crossbar.
        (None, [3, 3, 4]),
        # Groups of columns: 2 and 1. Rows of the first crossbar count twice.
        (2, [3, 3, 8]),
        # Groups 3 and 2. Of the second crossbar at most 2 rows are active (column 0 and 2).
        (1, [3, 4, 12]),
    ],
)
def test_slowest_stage_by_hand(lanes, expected):
    parameters = EngineParameters.from_network(NETWORK, HardwareProfile(lanes=lanes))
    images = np.array([BLANK, ONE, ALL], dtype=np.uint8)
    assert cycle_bounds(NETWORK, parameters, images).tolist() == expected


@pytest.mark.parametrize(
    ("rounds", "expected"),
    # Three hidden neurons, each a draw of 22 rounds and a clock; or one a clock.
    [(1, [3 * 23] * 3), (22, [3, 3, 4])],
)
def test_noise_of_one_small_generator_by_hand(rounds, expected):
    variation = VariationParameters(2, rounds)
    parameters = EngineParameters.from_network(NETWORK, HardwareProfile(variation=variation))
    images = np.array([BLANK, ONE, ALL], dtype=np.uint8)
    assert cycle_bounds(NETWORK, parameters, images).tolist() == expected
    own = HardwareProfile(variation=VariationParameters(2, rounds, noise_rounds_per_clock=22))
    parameters = EngineParameters.from_network(NETWORK, own)
    assert cycle_bounds(NETWORK, parameters, images).tolist() == [3, 3, 4]
    silent = HardwareProfile(variation=VariationParameters(2, rounds, use_noise=False))
    parameters = EngineParameters.from_network(NETWORK, silent)
    assert cycle_bounds(NETWORK, parameters, images).tolist() == [3, 3, 4]


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        # Three hidden neurons and their sums; the two classes' sums behind them.
        ({"read_noise": 0.1}, [8, 8, 8]),
        ({"amplifier_offset": 0.1}, [8, 8, 8]),
        ({"amplifier_gain": 0.1}, [3, 3, 4]),
        ({}, [3, 3, 4]),
    ],
)
def test_noise_of_sums_is_drawn_in_turn_with_that_of_neurons(wrong, expected):
    device = dataclasses.replace(open_device("paper"), imperfections=Imperfections(**wrong))
    parameters = EngineParameters.from_network(
        NETWORK, HardwareProfile(variation=VariationParameters(sum_noise=True))
    )
    images = np.array([BLANK, ONE, ALL], dtype=np.uint8)
    noise = ColumnNoise(Chip(device, 1), NETWORK)
    assert cycle_bounds(NETWORK, parameters, images, noise).tolist() == expected


def test_mnist_is_bound_by_its_rows_or_by_the_neurons():
    """At 4 bits a grey level of 9 or more is not zero."""
    network = open_network("mnist-10")
    images, _ = load_test_set(None)
    bounds = cycle_bounds(network, EngineParameters.from_network(network), images)
    grey = images.reshape(len(images), -1).astype(int)
    rows = np.count_nonzero(grey >= 9, axis=1)
    assert bounds.tolist() == np.maximum(rows, 100).tolist()
