"""Training in the array: its gradients, that it learns, and what is written down of it."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from allspin.host.data.catalogue import open_device
from allspin.host.data.datasets import Dataset, load_dataset
from allspin.host.train.array_devices import ArrayParameters, linear_synapse
from allspin.host.train.in_array import (
    DEFAULTS,
    ArrayNetwork,
    array_network,
    learn_in_array,
    row_values,
    train_in_array,
)
from allspin.host.train.parameters import TrainingParameters, TrainingTarget
from allspin.host.train.training_options import Augmentation
from allspin.sim.device.device import NeuronVariation
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.netfile import network_to_bytes
from allspin.sim.network.neuron import SotNeuron
from allspin.sim.synapse.synapse import CycleVariation, DeviceVariation

ARRAY = ArrayParameters(rate=0.05, epochs=4, full_scale=5.0)
SMALL = TrainingParameters(
    **(DEFAULTS | {"hidden": (20,), "epochs": 12, "states": 100, "rate": 0.1})
)


def cross_entropy(matrices, bias, values, labels):
    """Of a ReLU network, in double precision."""
    *inner, last = matrices
    drive = values.astype(np.float64)
    for matrix in inner:
        drive = np.maximum(drive @ matrix, 0)
    logits = drive @ last + bias
    logits -= logits.max(axis=1, keepdims=True)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return -np.log(shares[np.arange(len(labels)), labels]).mean()


@pytest.mark.parametrize("hidden", [(), (7,), (9, 6), (6, 5, 4)])
def test_an_update_is_the_numerical_gradient_times_the_rate(hidden) -> None:
    rng = np.random.default_rng(0)
    values, labels = rng.random((32, 12), np.float32), rng.integers(0, 4, 32)
    parameters = ArrayParameters(rate=0.5, output_bias=True, hidden=hidden)
    network = ArrayNetwork(parameters, 12, 4)
    before = [crossbar.matrix.astype(np.float64) for crossbar in network.weights]
    assert [matrix.shape for matrix in before] == [*zip((12, *hidden), (*hidden, 4), strict=True)]
    loss = network.learn(values, labels, rng)
    assert loss == pytest.approx(cross_entropy(before, 0, values, labels), rel=1e-5)
    small = 1e-5
    for layer, matrix in enumerate(before):
        for place in [tuple(rng.integers(0, matrix.shape)) for _ in range(3)]:
            losses = []
            for shift in (small, -small):
                moved = [each.copy() for each in before]
                moved[layer][place] += shift
                losses.append(cross_entropy(moved, 0, values, labels))
            gradient = (losses[0] - losses[1]) / (2 * small)
            moved = network.weights[layer].matrix[place] - matrix[place]
            assert moved == pytest.approx(-0.5 * gradient, abs=1e-5)
    bias = np.array([small, 0, 0, 0])
    losses = [cross_entropy(before, sign * bias, values, labels) for sign in (1, -1)]
    assert network.bias[0] == pytest.approx(-0.25 * (losses[0] - losses[1]) / small, abs=1e-5)


@pytest.fixture
def tiny(idx_folder: Callable[..., Path]) -> Dataset:
    return load_dataset(idx_folder(shape=(8, 8), classes=4, train=400, test=80))


PULSED = linear_synapse(100, CycleVariation(0.01, 0.01))
VARIED = linear_synapse(100, CycleVariation(0.01, 0.01), DeviceVariation(0.05, 0.05))


@pytest.mark.parametrize(
    ("neuron", "synapse", "hidden", "epochs"),
    [
        *(
            (neuron, synapse, (20,), 4)
            for neuron in (None, SotNeuron())
            for synapse in (None, PULSED)
        ),
        *((SotNeuron(), VARIED, hidden, 25) for hidden in ((), (24, 16))),
    ],
)
def test_it_learns(tiny: Dataset, neuron, synapse, hidden, epochs) -> None:
    parameters = dataclasses.replace(
        ARRAY, synapse=synapse, neuron=neuron, hidden=hidden, epochs=epochs
    )
    seen = []
    trained = train_in_array(tiny, parameters, marks=2, report=seen.append)
    images, losses, accuracies = zip(*trained.curve, strict=True)
    assert accuracies[-1] == np.mean(trained.answers == tiny.test_labels) > 0.8
    assert images == tuple(range(192, 384 * epochs + 1, 192))
    assert losses[-1] < losses[0]
    assert seen == [mark / images[-1] for mark in images]
    assert (trained.network.weights[0].pulses > 0) == (synapse is not None)


def test_each_layer_s_neurons_are_devices_of_their_own() -> None:
    parameters = dataclasses.replace(ARRAY, neuron=SotNeuron(), full_scale=1.0, hidden=(5, 5))
    network = ArrayNetwork(parameters, 12, 4)
    first, second = network.hidden_neurons(NeuronVariation(gain=0.2, threshold=0.2))
    sums = np.full((1, 5), 0.6, np.float32)
    rng = np.random.default_rng(0)
    assert not np.array_equal(first.forward(sums, rng)[0], second.forward(sums, rng)[0])


def test_too_few_images_are_named(tiny: Dataset) -> None:
    few = dataclasses.replace(
        tiny, train_images=tiny.train_images[:20], train_labels=tiny.train_labels[:20]
    )
    with pytest.raises(UserError, match="at least a batch of 32 images, not 20"):
        train_in_array(few, ARRAY)


# Written down.


@pytest.mark.parametrize("hidden", [(20,), (24, 16)])
def test_it_learns_and_is_written_down(dataset: Dataset, hidden: tuple[int, ...]) -> None:
    found = learn_in_array(dataset, dataclasses.replace(SMALL, hidden=hidden))
    assert found.network.topology == (120, *hidden, 5)
    assert found.network.image_shape == (10, 12)
    right = GoldenModel(found.network).classify(dataset.test_images) == dataset.test_labels
    assert np.mean(right) == found.test_accuracy > 0.7
    assert found.array_accuracy > 0.7
    options = found.network.provenance["options"]
    assert options["in_array"] is True
    assert (options["hidden"], options["batch"], options["noise"]) == (list(hidden), 32, 0.014)


@pytest.mark.parametrize("hidden", [(9,), (9, 7), (9, 8, 7)])
def test_the_whole_numbers_compute_what_the_array_does(hidden: tuple[int, ...]) -> None:
    """With all the bits that there are, logits differ by rounding only."""
    given = ArrayParameters(
        synapse=linear_synapse(9), neuron=SotNeuron(), full_scale=3.0, hidden=hidden, seed=4
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
