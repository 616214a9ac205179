"""Noise of each use against the same arithmetic in Python's own integers."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from allspin.sim.chip.chip import Chip
from allspin.sim.chip.generator import Purpose
from allspin.sim.device.device import Device
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.device.neuron_device import NeuronVariation
from allspin.sim.device.synapse.response import Polarity
from tests.sim.chip.exact import halves_up, images, small_network, synapse, z

P, D = Polarity


@pytest.mark.parametrize(
    ("read_noise", "amplifier_offset", "amplifier_gain", "of_use"),
    [(0.3, 0.2, 0.1, 0.05), (0.3, 0, 0, 0), (0, 0.2, 0, 0), (0, 0, 0.1, 0), (0, 0, 0, 0.05)],
)
def test_noise_of_each_use_by_exact_arithmetic(
    read_noise: float, amplifier_offset: float, amplifier_gain: float, of_use: float
) -> None:
    network = small_network()
    variation = NeuronVariation(use=of_use)
    wrong = Imperfections(
        read_noise=read_noise, amplifier_offset=amplifier_offset, amplifier_gain=amplifier_gain
    )
    chip = Chip(Device("x", synapse(), network.neuron, variation, wrong), 77)
    noise = chip.noise(network)
    assert noise is not None
    first = 2**16 - 1
    trace = chip.golden(network, [layer.words for layer in network.layers]).trace(images(), first)
    inside = 0
    for number, step in enumerate(trace):
        words = network.layers[number].words.astype(int)
        converter = chip.varied(network).layers[number].converter
        unit = 252 * 15
        for image, column in itertools.product(range(0, 50, 7), range(words.shape[1])):
            high, low = divmod(first + image, 2**16)
            total = int(step.inputs[image].astype(int) @ words[:, column])
            added = z(77, number, Purpose.READ, low, column, high) * round(read_noise * unit * 64)
            offset = z(77, number, Purpose.AMPLIFIER_OFFSET, 0, column)
            offset *= round(amplifier_offset * unit * 64)
            total += halves_up(Fraction(added + offset, 2**19))
            if converter is None:
                share = z(77, number, Purpose.AMPLIFIER_GAIN, 0, column)
                share *= round(amplifier_gain * 2**16)
                total += halves_up(Fraction(total * halves_up(Fraction(share, 2**16)), 2**13))
                assert step.sums[image, column] == total
                continue
            assert step.sums[image, column] == total
            current = math.floor(Fraction(total * int(converter.gains[column]), 2**converter.shift))
            current -= int(converter.offsets[column])
            use = z(77, number, Purpose.NEURON_USE, low, column, high) * round(of_use * 256 * 64)
            current += halves_up(Fraction(use, 2**19))
            assert step.currents is not None
            assert step.currents[image, column] == min(max(current, 0), 255)
            inside += 0 < current < 255
    # Whatever is clamped tells nothing of the noise.
    assert inside > 5


def test_an_image_s_noise_goes_with_its_number() -> None:
    network = small_network()
    variation = NeuronVariation(use=0.05)
    chip = Chip(Device("x", synapse(), network.neuron, variation), 3)
    model = chip.golden(network, chip.words(network, P))
    together = model.logits(images(), 10)
    assert np.array_equal(together[20:], model.logits(images()[20:], 30))
    assert not np.array_equal(together, model.logits(images(), 11))
