"""Whole trainings for a device, through tiles, and for chips."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from allspin.host.data.datasets import Dataset, load_dataset
from allspin.host.train.target import TrainingTarget
from allspin.host.train.trainer import train
from allspin.host.train.training_chips import FIRST_JUDGE
from allspin.host.train.training_options import AUGMENTATIONS, Robustness
from allspin.sim.chip.chip import Chip
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import SotNeuron
from allspin.sim.network.tiling import Tiles, cut, tiles_of
from allspin.sim.programming.device_levels import device_levels
from allspin.sim.programming.program import program
from allspin.sim.programming.schemes import Programming
from tests.host.train.paper import PAPER
from tests.host.train.trainings import ROBUST, TARGET, TILES, changed, kept, right
from tests.sim.chip.model import golden

pytestmark = pytest.mark.usefixtures("few_chips")


def test_a_network_trained_for_a_device_has_its_levels(dataset: Dataset) -> None:
    device = dataclasses.replace(PAPER, neuron=SotNeuron(threshold=0.2))
    trained = train(dataset, changed(states=16, epochs=10, target=TrainingTarget(device, "either")))
    expected = device_levels(PAPER.synapse, 16, "either")
    for layer in trained.network.layers:
        np.testing.assert_array_equal(layer.levels, expected)
        assert len(np.unique(layer.states)) > 8
    assert trained.network.neuron == device.neuron
    assert trained.test_accuracy > 0.8
    options = trained.network.provenance["options"]
    assert (options["device"], options["levels"], options["noise"]) == ("paper", "either", None)


def test_a_network_that_is_trained_through_tiles_has_them_and_bears_them(dataset: Dataset) -> None:
    tiles = Tiles(32, 2)
    plain = changed(epochs=12, augmentation=AUGMENTATIONS["digits"])
    trained = train(dataset, changed(plain, tiles=tiles))
    assert tiles_of(trained.network) == [tiles, tiles]
    assert trained.network.provenance["options"].items() >= {"tile_rows": 32, "adc_bits": 2}.items()
    assert right(trained.network, *kept(dataset)) == trained.validation_accuracy
    later = cut(train(dataset, plain).network, tiles, *kept(dataset))
    assert trained.test_accuracy > right(later, dataset.test_images, dataset.test_labels)


@pytest.fixture
def eight(idx_folder: Callable[..., Path]) -> Dataset:
    """Classes that variation mixes up."""
    return load_dataset(idx_folder(classes=8, train=1200, test=400, shape=(10, 12)))


def shares_right(
    network: Network, seeds: range, images: np.ndarray, labels: np.ndarray
) -> list[float]:
    """Return the accuracy of each chip, open loop, with all that varies."""
    shares = []
    for seed in seeds:
        chip = Chip(PAPER, seed)
        words = program(network, chip.device, chip.seed, Programming()).words
        shares.append(float(np.mean(golden(chip, network, words).classify(images) == labels)))
    return shares


def errors_of_chips(network: Network, dataset: Dataset) -> float:
    """Return the mean error of chips 0 to 19 on test images."""
    shares = shares_right(network, range(20), dataset.test_images, dataset.test_labels)
    return 1 - float(np.mean(shares))


def test_chips_of_a_robust_network_classify_better(eight: Dataset) -> None:
    plain, robust, tiled = (
        train(eight, changed(each, epochs=12)).network
        for each in (TARGET, ROBUST, changed(ROBUST, tiles=TILES))
    )
    assert errors_of_chips(robust, eight) < 0.6 * errors_of_chips(plain, eight)
    # Trained through tiles, they are better than those of a network that was cut afterwards.
    later = cut(robust, TILES, *kept(eight))
    assert tiles_of(tiled) == tiles_of(later) == [TILES] * 2
    assert errors_of_chips(tiled, eight) < 0.7 * errors_of_chips(later, eight)


def test_chips_judge_on_images_that_were_not_learnt_from(dataset: Dataset) -> None:
    trained = train(dataset, changed(ROBUST, epochs=2))
    judges = range(FIRST_JUDGE, FIRST_JUDGE + 4)
    shares = shares_right(trained.network, judges, *kept(dataset))
    judged, calibrated = trained.network.provenance["validation_chips"]
    assert (judged["chips"], judged["number"]) == ("open-loop", 4)
    assert (judged["mean"], judged["worst"]) == (round(np.mean(shares), 6), round(min(shares), 6))
    assert calibrated["chips"] == "write-verify, calibrated"
    assert trained.chips == [judged, calibrated]


def test_each_robust_option_changes_the_learnt_network(dataset: Dataset) -> None:
    seen = []
    for changes in ({}, {"verified": 0.0}, {"verified": 1.0}, {"taught": 0.0}, {"temperature": 5}):
        robust = Robustness(**{"teacher": 40, **changes})
        network = train(dataset, changed(ROBUST, epochs=2, robust=robust)).network
        assert Robustness.parse(network.provenance["options"]["robust"]) == robust
        seen.append(network.layers[0].states.tobytes())
    assert len(set(seen)) == 5
