"""``train --in-array``: what pulses taught is what the network of whole numbers computes."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from allspin.host.data.catalogue import open_device
from allspin.host.data.datasets import Dataset, load_dataset
from allspin.host.train.augment import Augmentation
from allspin.host.train.in_array import (
    DEFAULTS,
    ArrayNetwork,
    ArrayParameters,
    ArrayRecipe,
    array_network,
    learn_in_array,
    linear_synapse,
    row_values,
)
from allspin.host.train.parameters import TrainingParameters, TrainingTarget
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.netfile import network_to_bytes
from allspin.sim.network.neuron import SotNeuron

SMALL = TrainingParameters(
    **(DEFAULTS | {"hidden": (20,), "epochs": 12, "states": 100, "rate": 0.1})
)


@pytest.fixture
def dataset(idx_folder: Callable[..., Path]) -> Dataset:
    return load_dataset(idx_folder(classes=5, train=1000, test=200, shape=(10, 12)))


@pytest.mark.parametrize("hidden", [(20,), (24, 16)])
def test_it_learns_and_is_written_down(dataset: Dataset, hidden: tuple[int, ...]) -> None:
    seen: list[float] = []
    found = learn_in_array(dataset, dataclasses.replace(SMALL, hidden=hidden), seen.append)
    assert found.network.topology == (120, *hidden, 5)
    assert found.network.image_shape == (10, 12)
    right = GoldenModel(found.network).classify(dataset.test_images) == dataset.test_labels
    assert np.mean(right) == found.test_accuracy > 0.7
    assert found.array_accuracy > 0.7
    assert seen[-1] == 1.0
    options = found.network.provenance["options"]
    assert options["in_array"] is True
    assert (options["hidden"], options["batch"], options["noise"]) == (list(hidden), 32, 0.014)


@pytest.mark.parametrize("hidden", [(9,), (9, 7), (9, 8, 7)])
def test_the_whole_numbers_compute_what_the_array_does(hidden: tuple[int, ...]) -> None:
    """With all the bits that there are, logits differ by rounding only."""
    given = ArrayParameters(
        ArrayRecipe(0.1, 1), linear_synapse(9), SotNeuron(), full_scale=3.0, hidden=hidden, seed=4
    )
    network = ArrayNetwork(given, 60, 6)
    formats = TrainingParameters(states=9, pixel_bits=8, hidden_bits=8).formats
    whole = array_network(network, formats, (6, 10), {})
    images = np.random.default_rng(1).integers(0, 256, (50, 6, 10)).astype(np.uint8)
    drive = row_values(images)
    *inner, last = network.weights
    for crossbar, neurons in zip(inner, network.neurons, strict=True):
        drive, _ = neurons.forward(drive @ crossbar.matrix, np.random.default_rng(0))
    sums = drive @ last.matrix
    found = GoldenModel(whole).logits(images) / (255 * formats.outermost) * 3.0
    assert np.abs(found - sums).max() < 0.03 * np.ptp(sums)
    for layer, crossbar in zip(whole.layers, network.weights, strict=True):
        # The states are where the films are: their synapse has no variation here.
        assert np.allclose(layer.words / formats.outermost, crossbar.matrix, atol=1e-6)


def test_a_seed_names_all_chance(dataset: Dataset) -> None:
    few = dataclasses.replace(SMALL, epochs=1)
    one, same, other = (
        network_to_bytes(learn_in_array(dataset, dataclasses.replace(few, seed=seed)).network)
        for seed in (3, 3, 4)
    )
    assert one == same != other


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"neuron": "relu"},
            "^`neuron` must be a spin device in the array, such as sot, not relu$",
        ),
        ({"augmentation": Augmentation()}, "^`augment` must be none in the array, which sees"),
        ({"target": TrainingTarget(open_device("paper"))}, "^`device` is for training offline"),
        ({"batch": 2000}, "^`batch` must be at most"),
    ],
)
def test_what_the_array_has_not_is_one_line(dataset: Dataset, changes: dict, line: str) -> None:
    with pytest.raises(UserError, match=line):
        learn_in_array(dataset, dataclasses.replace(SMALL, **changes))
