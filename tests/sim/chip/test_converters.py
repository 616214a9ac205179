"""Converters of a chip's tiles: against draws by their addresses and sums written out."""

from typing import Any

import numpy as np
import pytest

from allspin.sim.chip.chip import Chip
from allspin.sim.chip.converters import vary_columns
from allspin.sim.chip.generator import Purpose, normals
from allspin.sim.chip.noise import ColumnNoise
from allspin.sim.device.adc_variation import AdcVariation
from allspin.sim.device.device import Device
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.network.random_network import random_images, random_network
from allspin.sim.network.tiling import Tiles, with_steps
from allspin.sim.programming.program import program
from allspin.sim.programming.schemes import Programming
from allspin.sim.synapse.response import PulseResponse
from allspin.sim.synapse.sot_synapse import SotSynapse
from tests.sim.chip.model import golden

WHOLE = random_network((40, 7, 4), 3)
TILED = with_steps(WHOLE, Tiles(16, 8), (7, 5))
IMAGES = random_images(WHOLE, 30, 1)
RESPONSE = PulseResponse(22.0, 100, -1.0, 1.0)
UNIT = 2.0**-13


def device(adc: AdcVariation | None = None, **wrong: Any) -> Device:
    """Cells that do not vary."""
    return Device(
        "a test",
        SotSynapse(RESPONSE, RESPONSE, 100),
        imperfections=Imperfections(**wrong),
        adc=adc or AdcVariation(),
    )


def normal(purpose: Purpose, layer: int, row: int, column: int, number: int = 0) -> float:
    return float(normals(7, layer, purpose, row, column, number)) * UNIT


def sums_of(chip: Chip, network: Network, layer: int = 0, first: int = 0) -> np.ndarray:
    words = [each.words for each in network.layers]
    return golden(chip, network, words).trace(IMAGES, first)[layer].sums


@pytest.mark.parametrize(
    ("made_of", "purpose", "units"),
    [
        (device(AdcVariation(offset=0.5)), Purpose.ADC_OFFSET, (0.5 * 2**7, 0.5 * 2**5)),
        (device(amplifier_offset=0.3), Purpose.AMPLIFIER_OFFSET, (0.3 * 252 * 15,) * 2),
    ],
)
def test_offsets_of_converters_are_steps_and_those_of_amplifiers_cells_ranges(
    made_of: Device, purpose: Purpose, units: tuple[float, float]
) -> None:
    varied = vary_columns(Chip(made_of, 7), TILED)
    for layer, unit in enumerate(units):
        adc = varied.layers[layer].adc
        assert adc is not None
        assert adc.offsets is not None
        assert adc.offsets.shape == ((3, 1)[layer], TILED.layers[layer].columns)
        for (tile, column), value in np.ndenumerate(adc.offsets):
            wanted = unit * normal(purpose, layer, tile, column)
            assert value == pytest.approx(wanted, rel=1e-3, abs=0.51)


def test_a_gain_is_in_the_words_of_its_tile() -> None:
    """By hand: a level's word, times the gains of the tile's column, rounded."""
    chip = Chip(device(AdcVariation(gain=0.05), amplifier_gain=0.02), 7)
    words = program(TILED, chip.device, chip.seed, Programming()).words
    plain = program(TILED, device(), 7, Programming()).words
    changed = 0
    for layer, (ours, ideal) in enumerate(zip(words, plain, strict=True)):
        for (row, column), word in np.ndenumerate(ideal.astype(int)):
            gain = 1 + 0.05 * normal(Purpose.ADC_GAIN, layer, row // 16, column)
            gain += 0.02 * normal(Purpose.AMPLIFIER_GAIN, layer, row // 16, column)
            wanted = min(max(word * gain, -127), 127)
            assert ours[row, column] == pytest.approx(wanted, abs=1.1)  # the written level differs
            changed += ours[row, column] != word
    assert changed > 100
    assert vary_columns(chip, TILED).layers[0].converter is not None
    gains = [vary_columns(Chip(device(amplifier_gain=0.02), 7), each) for each in (TILED, WHOLE)]
    assert not np.array_equal(*(each.layers[0].converter.gains for each in gains))  # type: ignore


@pytest.mark.parametrize("wrong", [{"read_noise": 0.2}, {"amplifier_offset": 0.2}, {}])
def test_one_tile_of_enough_bits_is_the_chip_of_a_column_in_one_piece(wrong: Any) -> None:
    """Draws of the first tile are those of the column."""
    chip = Chip(device(**wrong), 7)
    one = with_steps(WHOLE, Tiles(64, 24), (0, 0))
    tiled, whole = sums_of(chip, one), sums_of(chip, WHOLE)
    driven = IMAGES.reshape(len(IMAGES), -1).any(axis=1)  # a tile that is not driven is not read
    assert np.array_equal(tiled[driven], whole[driven])


@pytest.mark.parametrize(
    ("made_of", "purpose", "worth"),
    [
        (device(AdcVariation(noise=0.7)), Purpose.ADC_NOISE, 0.7 * 2**7),
        (device(read_noise=0.1), Purpose.READ, 0.1 * 252 * 15),
    ],
)
def test_noise_is_drawn_for_each_conversion(made_of: Device, purpose: Purpose, worth: float):
    first = 70_000
    found = sums_of(Chip(made_of, 7), TILED, first=first)
    trace = GoldenModel(TILED).trace(IMAGES)[0]
    words = TILED.layers[0].words.astype(int)
    for image in range(2, 12):
        for column in range(7):
            total = 0
            for tile in range(3):
                rows = slice(16 * tile, 16 * tile + 16)
                values = trace.inputs[image, rows].astype(int)
                if not values.any():
                    continue
                number, row = divmod(first + image, 2**16)
                z = normal(purpose, 0, row, 7 * tile + column, number)
                exact = (int(values @ words[rows, column]) + worth * z + 64) / 128
                if abs(exact - round(exact)) < 0.01:
                    total = None
                    break
                total += min(max(int(np.floor(exact)), -128), 127)
            assert total is None or found[image, column] == total * 128


def test_more_converters_than_the_generator_can_name() -> None:
    wide = with_steps(random_network((8 * 600, 110), 1), Tiles(8, 8), (7,))
    with pytest.raises(ValueError, match=r"at most 65,536 converters of a layer, not 66,000"):
        ColumnNoise.of_chip(Chip(device(AdcVariation(noise=0.5)), 7), wide)
    assert ColumnNoise.of_chip(Chip(device(AdcVariation(offset=0.5)), 7), wide) is None
