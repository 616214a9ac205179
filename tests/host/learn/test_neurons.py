"""Hidden neurons during learning, against the device's own formula."""

import numpy as np
import pytest

from allspin.host.learn.neurons import SotHidden
from allspin.host.learn.parameters import ArrayParameters
from allspin.host.train.gradient.number_formats import FINE
from allspin.sim.chip.device_deviates import UNIT
from allspin.sim.chip.generator import Purpose, column_normals
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.network.neuron import SotNeuron

RNG = np.random.default_rng(0)
SUMS = np.linspace(-20, 40, 601, dtype=np.float32)[:, None] * np.ones(6, np.float32)


def sot(columns: int = 6, **variation) -> SotHidden:
    parameters = ArrayParameters(hidden=(columns,), seed=9)
    return SotHidden(SotNeuron(), parameters, NeuronVariation(**variation))


@pytest.mark.parametrize("reading", ["current", "slope"])
def test_the_device_with_its_own_gain_and_threshold(reading) -> None:
    neuron = SotNeuron()
    gain, threshold = (
        column_normals(9, 0, purpose, 6) * UNIT
        for purpose in (Purpose.NEURON_GAIN, Purpose.NEURON_THRESHOLD)
    )
    activations, _ = sot(gain=0.2, threshold=0.1, gain_reading=reading).forward(SUMS, RNG)
    # Past full scale the converter gives no more current.
    pivot = neuron.threshold if reading == "slope" else 0.0
    drive = (1 + 0.2 * gain) * (SUMS / 30 - pivot) + pivot - 0.1 * threshold
    expected = 30 * neuron.response(np.clip(drive, 0, 1))
    assert np.allclose(activations, expected, atol=30 * 1.3 / (FINE - 1))


def test_slopes_are_those_of_the_activations() -> None:
    hidden = sot(gain=0.2)
    sums = np.linspace(1, 20, 191, dtype=np.float32)[:, None] * np.ones(6, np.float32)
    width = np.float32(0.2)
    above, below = (hidden.forward(sums + shift, RNG)[0] for shift in (width, -width))
    _, slopes = hidden.forward(sums, RNG)
    assert np.allclose(slopes, (above - below) / (2 * width), atol=0.05)


def test_a_use_deviates_and_is_named_by_its_generator() -> None:
    hidden = sot(1, use=0.02)
    sums = np.full((20_000, 1), 15.0, np.float32)
    first, second = (hidden.forward(sums, np.random.default_rng(4))[0] for _ in range(2))
    assert np.array_equal(first, second)
    # On the linear part the slope is 1.25.
    assert first.std() == pytest.approx(0.02 * 30 * 1.25, rel=0.03)
