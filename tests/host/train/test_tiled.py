"""Training through tiles: the golden model forwards, and gradients written out backwards."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from allspin.host.data.datasets import Dataset, load_dataset
from allspin.host.train.feed import split
from allspin.host.train.parameters import TrainingParameters
from allspin.host.train.passes import backward, forward
from allspin.host.train.train import train
from allspin.sim.network.formats import Adc
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.tiling import Tiles, cut, tiles_of, uncut
from tests.host.train.test_passes import SHAPE, grey, make

FORMATS = TrainingParameters(states=7).formats
COARSE = [Adc(8, 3, 9), Adc(8, 5, 8)]
WHOLE = [Adc(64, 24, 0), Adc(64, 24, 0)]


def quantised(adcs: list[Adc] | None):
    network, values = make(FORMATS, (9,), 3)
    network.start_quantising()
    if adcs is not None:
        network.adcs = list(adcs)
    return network, values


@pytest.mark.parametrize("adcs", [COARSE, [Adc(16, 6, 7), Adc(8, 2, 10)], [None, Adc(8, 4, 9)]])
def test_the_forward_pass_is_the_golden_model_bit_for_bit(adcs: list[Adc]) -> None:
    network, values = quantised(adcs)
    sums, record = forward(network, values)
    made = network.export(SHAPE, {})
    assert [layer.adc for layer in made.layers] == adcs
    logits = GoldenModel(made).logits(grey(50, 3))
    assert np.array_equal(record[-1].sums, logits)
    assert np.any(logits)
    assert np.array_equal(np.argsort(sums), np.argsort(logits.astype(np.float32)))


def test_conversions_that_lose_nothing_change_no_gradient() -> None:
    slope = np.random.default_rng(0).standard_normal((50, 4), dtype=np.float32)
    found = []
    for adcs in (None, WHOLE):
        network, values = quantised(adcs)
        _, record = forward(network, values)
        found.append(backward(network, slope, record))
    for plain, tiled in zip(*found, strict=True):
        np.testing.assert_allclose(tiled, plain, rtol=1e-5, atol=1e-6)


def test_a_saturated_conversion_passes_no_gradient_to_its_tile_alone() -> None:
    """By hand, cell by cell of the last layer."""
    network, values = quantised([Adc(8, 3, 9), Adc(8, 3, 8)])
    slope = np.random.default_rng(0).standard_normal((50, 4), dtype=np.float32)
    _, record = forward(network, values)
    gradients = backward(network, slope, record)
    drive, words = record[1].drive.astype(int), network.words(1).astype(int)
    wanted = np.zeros(words.shape)
    saturated = 0
    for image, column, tile in np.ndindex(50, 4, 2):
        rows = slice(8 * tile, 8 * tile + 8)
        code = (int(drive[image, rows] @ words[rows, column]) + 128) >> 8
        if -4 <= code <= 3:
            wanted[rows, column] += slope[image, column] * drive[image, rows] / 15
        else:
            saturated += 1
    assert saturated > 20
    np.testing.assert_allclose(gradients[1], wanted, rtol=1e-4, atol=1e-5)


@pytest.fixture
def dataset(idx_folder: Callable[..., Path]) -> Dataset:
    return load_dataset(idx_folder(classes=5, train=600, test=100, shape=(10, 12)))


def test_a_network_that_is_trained_through_tiles_has_them_and_bears_them(dataset: Dataset) -> None:
    tiles = Tiles(32, 2)
    plain = TrainingParameters(hidden=(16,), epochs=12)
    trained = train(dataset, dataclasses.replace(plain, tiles=tiles))
    assert tiles_of(trained.network) == [tiles, tiles]
    assert trained.network.provenance["options"]["tile_rows"] == 32
    assert trained.network.provenance["options"]["adc_bits"] == 2
    _, kept = split(len(dataset.train_images))
    images, labels = dataset.train_images[kept], dataset.train_labels[kept]
    right = GoldenModel(trained.network).classify(images) == labels
    assert np.mean(right) == trained.validation_accuracy
    later = cut(train(dataset, plain).network, tiles, images, labels)
    right = GoldenModel(later).classify(dataset.test_images) == dataset.test_labels
    assert trained.test_accuracy > np.mean(right)
    assert uncut(later).layers[0].adc is None
