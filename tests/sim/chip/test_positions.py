"""Chips of convolutions: variation shared by positions, and draws of each position's own."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from allspin.sim.chip.calibration import calibrate
from allspin.sim.chip.chip import Chip
from allspin.sim.chip.converters import vary_columns
from allspin.sim.chip.generator import Purpose
from allspin.sim.chip.noise import ColumnNoise
from allspin.sim.device.adc_variation import AdcVariation
from allspin.sim.device.device import Device
from allspin.sim.device.hall_array import HallArray
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.network.adc import Adc
from allspin.sim.network.layer_kinds import Convolution
from allspin.sim.network.network import Network
from allspin.sim.network.random_network import random_images, random_network
from allspin.sim.network.tiling import Tiles, with_steps
from allspin.sim.programming.program import program, with_words
from tests.sim.chip.exact import converter_of, shifted, synapse, z
from tests.sim.chip.model import golden

KIND = Convolution((5, 6, 2), (2, 3), (1, 2), (0, 1, 1, 0), pool=2)
NETWORK = random_network((60, 4, 3), 8, kinds=(KIND,), image_shape=(5, 6, 2))
OWN = replace(NETWORK, neuron_per="position")
IMAGES = random_images(NETWORK, 40, 2)
SEED, COLUMNS, USES = 31, 4, 60
CELL = 252 * 15
"""A cell's range, the unit of the noise of sums."""


def chip_of(
    of_neurons: NeuronVariation | None = None,
    adc: AdcVariation | None = None,
    array: HallArray | None = None,
    **wrong: Any,
) -> Chip:
    device = Device(
        "positions",
        synapse(),
        NETWORK.neuron,
        of_neurons or NeuronVariation(),
        Imperfections(**wrong),
        array=array or HallArray(),
        adc=adc or AdcVariation(),
    )
    return Chip(device, SEED)


def own_words(network: Network) -> list[np.ndarray]:
    return [layer.words for layer in network.layers]


def test_a_draw_of_a_use_is_that_of_position_times_columns_and_column() -> None:
    """The first number is such that images lie on either side of 2**16."""
    chip = chip_of(NeuronVariation(use=0.05), read_noise=0.3, amplifier_offset=0.2)
    first, words = 2**16 - 20, own_words(NETWORK)
    plain = NETWORK.layers[0], golden(chip_of(), NETWORK, words).trace(IMAGES)[0].sums
    step = golden(chip, NETWORK, words).trace(IMAGES, first)[0]
    converter, inside = converter_of(NETWORK), 0
    assert step.currents is not None
    for image in range(0, 40, 3):
        high, low = divmod(first + image, 2**16)
        for use in range(USES):
            column = use % COLUMNS
            drawn = z(SEED, 0, Purpose.READ, low, use, high) * round(0.3 * CELL * 64)
            drawn += z(SEED, 0, Purpose.AMPLIFIER_OFFSET, 0, column) * round(0.2 * CELL * 64)
            total = int(plain[1][image, use]) + shifted(drawn, 19)
            assert step.sums[image, use] == total
            current = (total * int(converter.gains[column]) >> converter.shift) - int(
                converter.offsets[column]
            )
            drawn = z(SEED, 0, Purpose.NEURON_USE, low, use, high) * round(0.05 * 256 * 64)
            current += shifted(drawn, 19)
            assert step.currents[image, use] == min(max(current, 0), 255)
            inside += 0 < current < 255
    assert inside > 100


def test_a_conversion_is_named_by_its_tile_and_use() -> None:
    network = with_steps(NETWORK, Tiles(8, 6), (5, 5))
    noise = ColumnNoise.of_chip(chip_of(adc=AdcVariation(noise=0.5)), network)
    assert noise is not None
    found = noise.on_tile(0, 1, 9, np.zeros((3, USES), np.int64))
    for (image, use), value in np.ndenumerate(found):
        drawn = z(SEED, 0, Purpose.ADC_NOISE, 9 + image, USES + use) * round(0.5 * 2**5 * 64)
        assert value == shifted(drawn, 19)
    # 100 x 100 positions of 4 columns in two tiles are more than the 65,536 that have names.
    wide = Convolution((102, 102, 1), (3, 3))
    large = random_network((102 * 102, 4, 2), 1, kinds=(wide,), image_shape=(102, 102))
    layers = replace(large.layers[0], adc=Adc(8, 6, 5)), large.layers[1]
    large = replace(large, layers=layers)
    ColumnNoise(chip_of(), large)
    with pytest.raises(ValueError, match="65,536 conversions of a layer, not 80,000; cut layer 0"):
        ColumnNoise(chip_of(adc=AdcVariation(noise=0.5)), large)


@pytest.mark.parametrize("network", [NETWORK, OWN])
def test_neurons_are_of_columns_or_of_positions_and_all_else_of_columns(network: Network) -> None:
    neurons = COLUMNS if network is NETWORK else USES
    plain = converter_of(network)
    both = vary_columns(chip_of(NeuronVariation(threshold=0.1), converter_offset=0.05), network)
    assert converter_of(both).offsets.shape == (neurons,)
    for number, offset in enumerate(converter_of(both).offsets):
        column = number % COLUMNS
        spreads = [round(sigma * 256 * 64) for sigma in (0.05, 0.1)]
        of_converter = z(SEED, 0, Purpose.CONVERTER_OFFSET, 0, column) * spreads[0]
        of_neuron = z(SEED, 0, Purpose.NEURON_THRESHOLD, 0, number) * spreads[1]
        moved = shifted(of_neuron, 19) - shifted(of_converter, 19)
        assert offset == plain.offsets[column] + moved
    turned = converter_of(vary_columns(chip_of(NeuronVariation(gain=0.1)), network)).gains
    for number, gain in enumerate(turned):
        share = shifted(z(SEED, 0, Purpose.NEURON_GAIN, 0, number) * 6554, 16)
        own = int(plain.gains[number % COLUMNS])
        assert gain == min(own + shifted(own * share, 13), 1023)
    only = converter_of(vary_columns(chip_of(converter_gain=0.1), network)).gains
    assert np.array_equal(only, np.resize(only[:COLUMNS], neurons))
    # The last layer has no neurons, and so no converter.
    assert both.layers[1].converter is None


@pytest.mark.parametrize("network", [NETWORK, OWN])
def test_each_neuron_is_calibrated(network: Network) -> None:
    """Each neuron's offset moves back by the error of its own threshold."""
    chip, neurons = chip_of(NeuronVariation(threshold=0.05)), network.neurons(0)
    found, uses = calibrate(chip, network)
    assert uses % neurons == 0
    wrong = converter_of(vary_columns(chip, network)).offsets
    right = np.resize(converter_of(network).offsets, neurons)
    moved = converter_of(found).offsets - right
    assert moved.shape == (neurons,)
    assert np.array_equal(moved, right - wrong)
    assert len(set(moved.tolist())) > COLUMNS / 2
    again = converter_of(vary_columns(chip, found)).offsets
    assert np.array_equal(again, right)


@pytest.mark.parametrize("network", [NETWORK, OWN])
@pytest.mark.parametrize("reading", ["ideal", "series"])
def test_a_programmed_chip_stays_a_convolution(network: Network, reading: str) -> None:
    """Kernels are cells, rows x columns, whose errors are common to all positions."""
    array = (
        HallArray()
        if reading == "ideal"
        else HallArray(reading, hall_resistance=1.0, longitudinal=1e3, arms=1e3)
    )
    chip = chip_of(NeuronVariation(gain=0.1), array=array)
    programmed = program(network, chip.device, chip.seed)
    words, made = programmed.words, programmed.network
    assert [each.shape for each in words] == [(12, 4), (8, 3)]
    assert [layer.kind for layer in made.layers] == [layer.kind for layer in network.layers]
    if reading == "ideal":
        alone = with_words(vary_columns(chip, network), words)
        expected = golden(chip, network, words).logits(IMAGES)
        for each in (made, alone):
            model = golden(chip_of(array=array), each)
            assert np.array_equal(model.logits(IMAGES), expected)
    elif network is OWN:
        assert "not folded" in str(made.layers[0].beyond_words)
