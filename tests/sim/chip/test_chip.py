"""Chips against the same arithmetic in Python's own integers, column by column."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from allspin.sim.chip.chip import Chip
from allspin.sim.chip.converters import vary_columns
from allspin.sim.chip.generator import Purpose
from allspin.sim.chip.noise import ColumnNoise
from allspin.sim.device.device import Device
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.layer import Converter, Layer
from allspin.sim.network.levels import uniform_levels
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import SotNeuron
from tests.sim.chip.exact import converter_of, images, shifted, small_network, synapse, z
from tests.sim.chip.model import golden


@st.composite
def networks(draw: st.DrawFn) -> Network:
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    current_bits = draw(st.integers(4, 10))
    neuron = SotNeuron(draw(st.floats(0, 0.5)))
    shape = (6, draw(st.integers(1, 5)), 3)
    layers = []
    for number in range(2):
        converter = table = None
        if number == 0:
            bound = 2 ** (current_bits + 1)
            gains: Any = rng.integers(0, 1024, shape[1])
            offsets: Any = rng.integers(-bound, bound, shape[1])
            converter = Converter(gains, offsets, 9)
            table = neuron.table(current_bits, 4)
        states: Any = rng.integers(0, 10, shape[number : number + 2])
        layers.append(Layer(states, uniform_levels(10), converter, table))
    return Network(tuple(layers), neuron, (2, 3), current_bits=current_bits)


@settings(max_examples=40, deadline=None)
@given(networks(), st.integers(0, 2**32 - 1), st.sampled_from(["current", "slope"]))
def test_converters_by_exact_arithmetic(network: Network, seed: int, reading: str) -> None:
    variation = NeuronVariation(0.18, 0.1, gain_reading=reading, threshold_reading="range")
    wrong = Imperfections(amplifier_gain=0.05, converter_gain=0.03, converter_offset=0.02)
    device = Device("x", synapse(), network.neuron, variation, wrong)
    varied = vary_columns(Chip(device, seed), network)
    before, after = converter_of(network), converter_of(varied)
    current = 2**network.current_bits
    pivot = round(network.neuron.threshold * (current - 1)) if reading == "slope" else 0  # type: ignore[union-attr]

    def share(purpose: Purpose, sigma: float, column: int) -> int:
        return shifted(z(seed, 0, purpose, 0, column) * round(sigma * 2**16), 16)

    def current_of(purpose: Purpose, sigma: float, column: int) -> int:
        spread = round(sigma * current * 64)
        return shifted(z(seed, 0, purpose, 0, column) * spread, 19)

    for column in range(network.layers[0].columns):
        gain = int(before.gains[column])
        neuron = share(Purpose.NEURON_GAIN, 0.18, column)
        for part in (
            share(Purpose.AMPLIFIER_GAIN, 0.05, column),
            share(Purpose.CONVERTER_GAIN, 0.03, column),
            neuron,
        ):
            gain = min(max(gain + shifted(gain * part, 13), 0), 1023)
        offset = int(before.offsets[column]) - current_of(Purpose.CONVERTER_OFFSET, 0.02, column)
        offset += shifted((offset + pivot) * neuron, 13)
        offset += current_of(Purpose.NEURON_THRESHOLD, 0.1, column)
        bound = 2 * current
        assert after.gains[column] == gain
        assert after.offsets[column] == min(max(offset, -bound), bound - 1)
    assert np.array_equal(varied.layers[1].words, network.layers[1].words)


def test_a_chip_without_variation_is_the_network() -> None:
    network = small_network()
    chip = Chip(Device("ideal", synapse()), 5)
    assert ColumnNoise.of_chip(chip, network) is None
    own = [layer.words for layer in network.layers]
    assert np.array_equal(
        golden(chip, network, own).logits(images()), GoldenModel(network).logits(images())
    )


def test_a_seed_has_32_bits() -> None:
    with pytest.raises(ValueError, match="chip seed must be from 0 to 4294967295"):
        Chip(Device("x", synapse()), 2**32)
