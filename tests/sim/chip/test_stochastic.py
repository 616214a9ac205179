"""A neuron that switches by chance, against the normal distribution of its definition."""

import math
from statistics import NormalDist

import numpy as np
import pytest

from allspin.sim.chip.chip import Chip
from allspin.sim.chip.converters import vary_columns
from allspin.sim.chip.noise import ColumnNoise
from allspin.sim.device.device import Device
from allspin.sim.device.device_file import device_from_toml, device_to_toml
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.network import reference
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.layer import Converter, Layer
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import StochasticNeuron
from allspin.sim.network.neuron_base import short_name
from tests.sim.chip.exact import synapse

CURRENTS = np.arange(0, 256, 15)
USES = 4000


def network_of(neuron: StochasticNeuron) -> Network:
    """One pixel at full drives a neuron for each of some currents."""
    count = CURRENTS.size
    converter = Converter(np.full(count, 256, np.int32), -CURRENTS.astype(np.int32), 20)
    hidden = Layer(
        np.zeros((1, count), np.uint8), np.array([0, 1], np.int16), converter, neuron.table(8, 4)
    )
    last = Layer(np.zeros((count, 2), np.uint8), np.array([0, 1], np.int16))
    return Network((hidden, last), neuron, (1, 1))


@pytest.mark.parametrize(
    ("middle", "sigma", "use"), [(0.5, 0.1, 0.0), (0.3, 0.4, 0.0), (0.7, 0.02, 0.05)]
)
def test_shares_of_uses_that_switch(middle: float, sigma: float, use: float) -> None:
    neuron = StochasticNeuron(middle, sigma)
    network, images = network_of(neuron), np.full((USES, 1, 1), 255, np.uint8)
    chip = Chip(Device("x", synapse(), neuron, NeuronVariation(use=use)), 3)
    varied, noise = vary_columns(chip, network), ColumnNoise.of_chip(chip, network)
    answers = GoldenModel(varied, noise=noise).trace(images, 99)[0].activations
    slow = reference.trace(varied, images, noise=noise, first=99)[0].activations
    assert answers is not None
    assert slow is not None
    assert np.array_equal(answers, slow)
    assert set(np.unique(answers)) <= {0, 15}
    normal = NormalDist(middle, math.hypot(sigma, use))
    for current, share in zip(CURRENTS / 255, (answers > 0).mean(axis=0), strict=True):
        near = [normal.cdf(current + step / 255) for step in (-0.6, 0.6)]
        slack = 4 * math.sqrt(max(near[0] * (1 - near[0]), 1 / USES) / USES)
        assert near[0] - slack <= share <= near[1] + slack
    # Without a chip the neuron answers its mean.
    mean = GoldenModel(network).trace(images[:1])[0].activations
    expected = [math.floor(15 * NormalDist(middle, sigma).cdf(i / 255) + 0.5) for i in CURRENTS]
    assert mean is not None
    assert mean[0].tolist() == expected


def test_a_device_file_has_it_by_its_kind() -> None:
    device = Device("x", synapse(), StochasticNeuron(0.4, 0.07))
    text = device_to_toml(device)
    assert 'kind = "stochastic"' in text
    assert device_from_toml(text).neuron == device.neuron
    assert device_from_toml(text.replace('kind = "sto', 'name = "sto')).neuron == device.neuron
    with pytest.raises(ValueError, match="kind"):
        device_from_toml(text.replace('kind = "sto', 'name = "sot"\nkind = "sto'))
    assert short_name("stochastic") != short_name("sot")
