"""The study of tiles: measured, listed and drawn, against models made by hand."""

import dataclasses

import numpy as np
import pytest

from allspin.host.chips.tiles import (
    measure_tiles,
    only_converters,
    tiles_picture,
    tiles_table,
    trained_networks,
)
from allspin.host.data.catalogue import open_device
from allspin.sim.chip.chip import Chip
from allspin.sim.chip.converters import vary_columns
from allspin.sim.chip.noise import ColumnNoise
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.random_network import random_images, random_network
from allspin.sim.network.tiling import Tiles, cut, with_steps

NETWORK = random_network((48, 9, 4), 2)
IMAGES = random_images(NETWORK, 80, 3)
TEST = IMAGES, GoldenModel(NETWORK).classify(IMAGES)
FINE, COARSE = Tiles(16, 8), Tiles(16, 3)
DEVICE = only_converters(open_device("paper"))


def right(model: GoldenModel) -> float:
    return float(np.mean(model.classify(IMAGES) == TEST[1]))


def test_chips_have_the_network_s_words_and_converters_that_vary() -> None:
    network = cut(NETWORK, FINE, *TEST)
    (found,) = measure_tiles({FINE: [network]}, TEST, DEVICE, lambda _: range(3, 6))
    assert found.ideal == right(GoldenModel(network))
    for seed, share in zip(range(3, 6), found.chips, strict=True):
        chip = Chip(DEVICE, seed)
        model = GoldenModel(vary_columns(chip, network), noise=ColumnNoise.of_chip(chip, network))
        assert share == right(model)
        assert np.array_equal(model.words[0], NETWORK.layers[0].words)
    assert DEVICE.adc.offset == DEVICE.adc.noise == 0.5
    assert DEVICE.neuron_variation == NeuronVariation()


def test_trained_networks_are_grouped_by_their_tiles() -> None:
    one, two = with_steps(NETWORK, FINE, (4, 3)), with_steps(NETWORK, FINE, (9, 9))
    other = with_steps(NETWORK, COARSE, (8, 7))
    found = trained_networks([one, other, two])
    assert list(found) == [COARSE, FINE]
    assert found[FINE] == [one, two]
    mean = measure_tiles({FINE: [one, two]}, TEST, DEVICE, lambda _: [])[0]
    assert mean.ideal == pytest.approx((right(GoldenModel(one)) + right(GoldenModel(two))) / 2)
    assert not mean.chips.size
    mixed = dataclasses.replace(NETWORK, layers=(one.layers[0], other.layers[1]))
    for none in (NETWORK, mixed):
        with pytest.raises(ValueError, match="the same in each layer"):
            trained_networks([none])


def test_table_and_picture() -> None:
    wanted = {tiles: [cut(NETWORK, tiles, *TEST)] for tiles in (COARSE, FINE, Tiles(8, 3))}
    found = measure_tiles(wanted, TEST, DEVICE, lambda _: range(2))
    lines = tiles_table(found)
    assert lines[0] == "| rows | 8 bits | 3 bits |"
    assert lines[2] == f"| 16 | {100 * found[1].ideal:.2f} | {100 * found[0].ideal:.2f} |"
    assert lines[3].startswith("| 8 |  | ")
    figure = tiles_picture({"untrained": found, "trained": []}, 1.0, 2)
    ideal, chips = (
        {str(line.get_label()): line[0].get_ydata().tolist() for line in axes.containers}
        for axes in figure.axes
    )
    assert ideal["16 rows, untrained"] == [100 * (1 - each.ideal) for each in found[:2]]
    assert chips["untrained: worst chip"] == [100 * (1 - each.chips.min()) for each in found]
