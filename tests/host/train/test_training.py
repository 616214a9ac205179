"""Training in the array: its gradients, its recipes, and that it learns."""

import dataclasses

import numpy as np
import pytest

from allspin.host.data.datasets import load_dataset
from allspin.host.train.in_array import (
    TYPES,
    ArrayNetwork,
    ArrayParameters,
    ArrayRecipe,
    linear_synapse,
    train_in_array,
)
from allspin.host.train.in_array_weights import PulsedWeights
from allspin.sim.device.device import NeuronVariation
from allspin.sim.errors import UserError
from allspin.sim.network.neuron import SotNeuron
from allspin.sim.synapse.synapse import CycleVariation, DeviceVariation

RECIPE = ArrayRecipe(rate=0.05, epochs=4)


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


def test_an_update_is_the_numerical_gradient_times_the_rate():
    rng = np.random.default_rng(0)
    values = rng.random((32, 12), np.float32)
    labels = rng.integers(0, 4, 32)
    recipe = ArrayRecipe(rate=0.5, epochs=1, output_bias=True)
    network = ArrayNetwork(ArrayParameters(recipe, hidden=(5,)), 12, 4)
    before = [crossbar.matrix.astype(np.float64) for crossbar in network.weights]
    loss = network.learn(values, labels, rng)
    assert loss == pytest.approx(cross_entropy(before, 0, values, labels), rel=1e-5)
    small = 1e-5
    for layer, (row, column) in ((0, (3, 2)), (0, (7, 4)), (1, (1, 3)), (1, (4, 0))):
        losses = []
        for shift in (small, -small):
            moved = [matrix.copy() for matrix in before]
            moved[layer][row, column] += shift
            losses.append(cross_entropy(moved, 0, values, labels))
        gradient = (losses[0] - losses[1]) / (2 * small)
        changed = network.weights[layer].matrix[row, column] - before[layer][row, column]
        assert changed == pytest.approx(-0.5 * gradient, abs=1e-5)
    bias = np.array([small, 0, 0, 0])
    gradient = (
        cross_entropy(before, bias, values, labels) - cross_entropy(before, -bias, values, labels)
    ) / (2 * small)
    assert network.bias[0] == pytest.approx(-0.5 * gradient, abs=1e-5)


@pytest.mark.parametrize("hidden", [(), (7,), (9, 6), (6, 5, 4)])
def test_the_gradient_of_any_topology(hidden):
    rng = np.random.default_rng(0)
    values, labels = rng.random((32, 12), np.float32), rng.integers(0, 4, 32)
    recipe = ArrayRecipe(rate=0.5, epochs=1)
    network = ArrayNetwork(ArrayParameters(recipe, hidden=hidden), 12, 4)
    shapes = [crossbar.matrix.shape for crossbar in network.weights]
    assert shapes == [*zip((12, *hidden), (*hidden, 4), strict=True)]
    before = [crossbar.matrix.astype(np.float64) for crossbar in network.weights]
    network.learn(values, labels, rng)
    small = 1e-5
    for layer, shape in enumerate(shapes):
        for place in [tuple(rng.integers(0, shape)) for _ in range(3)]:
            losses = []
            for shift in (small, -small):
                moved = [matrix.copy() for matrix in before]
                moved[layer][place] += shift
                losses.append(cross_entropy(moved, 0, values, labels))
            gradient = (losses[0] - losses[1]) / (2 * small)
            changed = network.weights[layer].matrix[place] - before[layer][place]
            assert changed == pytest.approx(-0.5 * gradient, abs=1e-5)


@pytest.fixture
def small(idx_folder):
    data = load_dataset(idx_folder(shape=(8, 8), classes=4, train=400, test=80))
    return {
        "train_images": data.train_images,
        "train_labels": data.train_labels,
        "test_images": data.test_images,
        "test_labels": data.test_labels,
    }


@pytest.mark.parametrize("neuron", [None, SotNeuron()])
@pytest.mark.parametrize("synapse", [None, linear_synapse(100, CycleVariation(0.01, 0.01))])
def test_it_learns(small, neuron, synapse):
    parameters = ArrayParameters(RECIPE, synapse, neuron, full_scale=5.0, hidden=(20,))
    seen = []
    trained = train_in_array(**small, parameters=parameters, marks=2, report=seen.append)
    assert trained.accuracy > 0.8
    assert (
        np.mean(trained.answers == small["test_labels"])
        == trained.accuracy
        == trained.curve[-1].accuracy
    )
    assert [mark.images for mark in trained.curve] == [192, 384, 576, 768, 960, 1152, 1344, 1536]
    assert trained.curve[-1].loss < trained.curve[0].loss
    assert seen[-1] == 1.0
    assert (trained.pulses > 0) == (synapse is not None)


@pytest.mark.parametrize(("hidden", "share"), [((), 0.8), ((24, 16), 0.8)])
def test_other_topologies_learn_by_pulses(small, hidden, share):
    synapse = linear_synapse(100, CycleVariation(0.01, 0.01), DeviceVariation(0.05, 0.05))
    recipe = dataclasses.replace(RECIPE, epochs=25)
    parameters = ArrayParameters(recipe, synapse, SotNeuron(), full_scale=5.0, hidden=hidden)
    trained = train_in_array(**small, parameters=parameters, marks=1)
    assert trained.accuracy > share
    assert len(trained.network.neurons) == len(hidden)
    assert all(isinstance(crossbar, PulsedWeights) for crossbar in trained.network.weights)


def test_each_layer_s_neurons_are_devices_of_their_own():
    varied = NeuronVariation(gain=0.2, threshold=0.2)
    parameters = ArrayParameters(
        RECIPE, neuron=SotNeuron(), neuron_variation=varied, full_scale=1.0, hidden=(5, 5)
    )
    first, second = ArrayNetwork(parameters, 12, 4).neurons
    sums = np.full((1, 5), 0.6, np.float32)
    rng = np.random.default_rng(0)
    assert not np.array_equal(first.forward(sums, rng)[0], second.forward(sums, rng)[0])


def test_a_seed_names_all_chance(small):
    synapse = linear_synapse(10, CycleVariation(0.02, 0.02))
    matrices = []
    for seed in (3, 3, 4):
        parameters = ArrayParameters(RECIPE, synapse, SotNeuron(), full_scale=5.0, seed=seed)
        trained = train_in_array(**small, parameters=parameters)
        matrices.append(trained.network.weights[0].matrix)
    assert np.array_equal(matrices[0], matrices[1])
    assert not np.array_equal(matrices[0], matrices[2])


def test_too_few_images_are_named(small):
    few = small | {name: small[name][:20] for name in ("train_images", "train_labels")}
    with pytest.raises(UserError, match="at least a batch of 32 images, not 20"):
        train_in_array(**few, parameters=ArrayParameters(RECIPE))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rate": 0.0}, "rate must be a number from 1e-09"),
        ({"epochs": 0}, "epochs must be from 1"),
        ({"rounding": "up"}, "rounding must be one of stochastic, nearest"),
        ({"scheme": "fast"}, "scheme must be one of equal, width"),
    ],
)
def test_recipes_name_their_ranges(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(RECIPE, **change)


@pytest.mark.parametrize(
    ("hidden", "message"),
    [
        ((0,), "hidden must be from 1 to 65535, not 0"),
        ((5, 70_000), "hidden must be from 1 to 65535, not 70000"),
        ((5,) * 15, "number of hidden layers must be from 0 to 14, not 15"),
    ],
)
def test_a_topology_has_a_range(hidden, message):
    with pytest.raises(ValueError, match=message):
        ArrayParameters(RECIPE, hidden=hidden)


def test_each_family_has_one_recipe_and_types_differ_in_what_the_paper_says_only():
    one, two, three, four = (TYPES[number](5) for number in (1, 2, 3, 4))
    assert dataclasses.replace(two, neuron=None) == one
    assert three.synapse is not None
    assert four.synapse is not None
    assert (three.synapse.states, four.synapse.states) == (100, 10)
    assert three.synapse.c2c == four.synapse.c2c
    assert dataclasses.replace(four, synapse=three.synapse) == three
    assert three.neuron == two.neuron
    assert three.recipe.batch == one.recipe.batch == 32
