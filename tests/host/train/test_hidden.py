"""Hidden neurons in training, against the device's own formula."""

import numpy as np
import pytest

from allspin.host.train.in_array_weights import FINE, ReluHidden, SotHidden
from allspin.sim.chip.generator import Purpose, column_normals
from allspin.sim.chip.words import UNIT
from allspin.sim.device.device import NeuronVariation
from allspin.sim.network.neuron import SotNeuron

RNG = np.random.default_rng(0)
SUMS = np.linspace(-20, 40, 601, dtype=np.float32)[:, None] * np.ones(6, np.float32)


def test_relu():
    activations, slopes = ReluHidden().forward(np.array([[-1, 0, 2]], np.float32), RNG)
    assert activations.tolist() == [[0, 0, 2]]
    assert slopes.tolist() == [[0, 0, 1]]


@pytest.mark.parametrize("reading", ["current", "slope"])
def test_the_device_with_its_own_gain_and_threshold(reading):
    neuron = SotNeuron()
    variation = NeuronVariation(gain=0.2, threshold=0.1, gain_reading=reading)
    hidden = SotHidden(neuron, variation, 30.0, 6, chip=9)
    gain, threshold = (
        column_normals(9, 0, purpose, 6) * UNIT
        for purpose in (Purpose.NEURON_GAIN, Purpose.NEURON_THRESHOLD)
    )
    activations, _ = hidden.forward(SUMS, RNG)
    # Past full scale the converter gives no more current.
    pivot = neuron.threshold if reading == "slope" else 0.0
    drive = (1 + 0.2 * gain) * (SUMS / 30 - pivot) + pivot - 0.1 * threshold
    expected = 30 * neuron.response(np.clip(drive, 0, 1))
    assert np.allclose(activations, expected, atol=30 * 1.3 / (FINE - 1))


def test_slopes_are_those_of_the_activations():
    hidden = SotHidden(SotNeuron(), NeuronVariation(gain=0.2), 30.0, 6, chip=9)
    sums = np.linspace(1, 20, 191, dtype=np.float32)[:, None] * np.ones(6, np.float32)
    width = np.float32(0.2)
    above, below = (hidden.forward(sums + shift, RNG)[0] for shift in (width, -width))
    _, slopes = hidden.forward(sums, RNG)
    assert np.allclose(slopes, (above - below) / (2 * width), atol=0.05)


def test_a_use_deviates_and_is_named_by_its_generator():
    hidden = SotHidden(SotNeuron(), NeuronVariation(use=0.02), 30.0, 1, chip=0)
    sums = np.full((20_000, 1), 15.0, np.float32)
    first, second = (hidden.forward(sums, np.random.default_rng(4))[0] for _ in range(2))
    assert np.array_equal(first, second)
    # On the linear part the slope is 1.25.
    assert first.std() == pytest.approx(0.02 * 30 * 1.25, rel=0.03)
