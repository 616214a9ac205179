"""Networks of real numbers on the machine, against themselves."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from allspin.host.foreign import weight_rounding
from allspin.host.foreign.constant_neurons import MAX_NEURONS, neurons_needed
from allspin.host.foreign.float_network import FloatLayer, FloatNetwork, relu
from allspin.host.foreign.quantise import layer_errors, quantise
from allspin.host.train.gradient.number_formats import NumberFormats
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.neuron import NEURONS

SHAPE = (4, 5)


def machine(neuron: str = "sot", states: int = 128, bits: int = 8) -> NumberFormats:
    current = 12 if bits > 6 else 8
    return NumberFormats(NEURONS[neuron](), states, bits, bits, 8, current)


def drawn(topology, *, activation=relu, biases=0.5) -> FloatNetwork:
    rng = np.random.default_rng(8)
    return FloatNetwork(
        tuple(
            FloatLayer(
                rng.normal(size=(rows, columns)) / np.sqrt(rows),
                biases * rng.normal(size=columns),
                activation,
            )
            for rows, columns in pairwise(topology)
        )
    )


@pytest.fixture(scope="module")
def images():
    """Blots that differ in place and strength."""
    rng = np.random.default_rng(9)
    y, x = np.indices(SHAPE)
    centre = rng.uniform(0, 4, (2, 600, 1, 1))
    blots = np.exp(-((y - centre[0]) ** 2 + (x - centre[1]) ** 2) / 3)
    return np.rint(255 * blots * rng.uniform(0.5, 1, (600, 1, 1))).astype(np.uint8)


def logits_of(model, images):
    return model.logits(images.reshape(len(images), -1) / 255)


def run(model, target, images):
    """The network, its logits, and how many constant neurons it has."""
    latent, count = quantise(model, target, images)
    network = latent.export(SHAPE, {})
    return network, GoldenModel(network).logits(images), count


def agreement(model, images, target):
    found = run(model, target, images)[1]
    return np.mean(found.argmax(axis=1) == logits_of(model, images).argmax(axis=1))


@pytest.mark.parametrize("neuron", ["sot", "relu", "cmos-bare", "cmos-relu"])
@pytest.mark.parametrize("high", [np.inf, 0.6])
def test_fine_levels_give_the_models_logits(images, neuron, high):
    model = drawn((20, 16, 12, 5), activation=lambda sums: np.clip(sums, 0, high))
    network, found, _ = run(model, machine(neuron), images)
    expected = logits_of(model, images)
    expected = expected - expected.mean(axis=1, keepdims=True)
    found = found - found.mean(axis=1, keepdims=True)
    scale = (found * expected).sum() / (found * found).sum()
    assert np.sqrt(np.mean((scale * found - expected) ** 2)) < 0.08 * expected.std()
    errors = layer_errors(network, images, model.trace(images.reshape(600, 20) / 255))
    assert errors[-1] == pytest.approx(
        np.sqrt(((scale * found - expected) ** 2).sum() / (expected**2).sum())
    )
    assert max(errors) < 0.08


@pytest.mark.parametrize("neuron", ["sot", "relu"])
def test_ten_states_and_four_bits_decide_as_the_model_mostly(images, neuron):
    assert agreement(drawn((20, 40, 5)), images, machine(neuron, 10, 4)) > 0.93


@pytest.mark.parametrize("neuron", sorted(NEURONS))
def test_biases_of_the_last_layer_are_weights_of_neurons_at_full_scale(images, neuron):
    first, last = drawn((20, 16, 5)).layers
    # Classes whose weights are large for all neurons alike, which their biases make up for.
    slanted = last.weights + np.linspace(-0.5, 0.5, 5)
    hidden = np.maximum(images.reshape(600, 20) / 255 @ first.weights + first.biases, 0)
    biases = -(hidden @ slanted).mean(axis=0)
    model = FloatNetwork((first, FloatLayer(slanted, biases)))
    network, found, count = run(model, machine(neuron, 10, 4), images)
    assert count > 1
    assert network.topology == (20, 16 + count, 5)
    trace = GoldenModel(network).trace(np.concatenate([images, np.zeros_like(images[:1])]))
    assert trace[0].activations is not None
    constant = trace[0].activations[:, 16:]
    assert np.all(constant == machine(neuron, 10, 4).table.max())
    wanted = logits_of(model, images).argmax(axis=1)
    without = (hidden @ slanted).argmax(axis=1)
    assert np.mean(without == wanted) < 0.5
    assert np.mean(found.argmax(axis=1) == wanted) > (0.7 if neuron == "cmos-sigmoid" else 0.8)


@pytest.mark.parametrize(("largest", "count"), [(0, 0), (0.1, 1), (0.6, 2), (1e6, MAX_NEURONS)])
def test_the_number_of_constant_neurons(images, largest, count):
    assert neurons_needed(np.array([largest, -largest]), np.array([[0.5, -0.2]])) == count
    if not count:  # biases that are all alike decide no class
        first, last = drawn((20, 16, 5)).layers
        same = FloatNetwork((first, FloatLayer(last.weights, np.full(5, 7.0))))
        assert quantise(same, machine(), images)[1] == 0


def test_without_a_hidden_layer_biases_go_into_the_pixels_weights(images):
    model = drawn((20, 5), biases=0.2)
    network, found, count = run(model, machine(), images)
    assert count == 0
    assert network.topology == (20, 5)
    wanted = logits_of(model, images).argmax(axis=1)
    without = (images.reshape(600, 20) @ model.layers[0].weights).argmax(axis=1)
    assert np.mean(found.argmax(axis=1) == wanted) > max(0.93, np.mean(without == wanted))


def test_layers_that_are_too_wide_are_rounded_weight_by_weight(images, monkeypatch):
    together = agreement(drawn((20, 40, 5)), images, machine("sot", 10, 4))
    monkeypatch.setattr(weight_rounding, "MAX_ROWS", 19)
    apart = agreement(drawn((20, 40, 5)), images, machine("sot", 10, 4))
    assert 0.8 < apart < together


def test_dead_pixels_and_dead_neurons_do_no_harm(images):
    dark = images.copy()
    dark[:, 0] = 0
    before, last = drawn((20, 16, 5)).layers
    first = before.weights.copy()
    first[:, 3] = 0
    model = FloatNetwork((FloatLayer(first, np.where(np.arange(16) == 7, -99, 0.1)), last))
    assert agreement(model, dark, machine("sot", 10, 4)) > 0.93


@pytest.mark.parametrize("states", [3, 10])
def test_weights_of_dead_pixels_do_not_set_the_scale(images, states):
    """Large weights behind a normalisation of the inputs that divides by small numbers."""
    dark = images.copy()
    dark[:, 0] = 0
    first, last = drawn((20, 16, 5), biases=0).layers
    weights = np.vstack([1e4 * first.weights[:1], first.weights[1:]])
    model = FloatNetwork((FloatLayer(weights, first.biases), last))
    network, _, _ = run(model, machine("sot", states, 4), dark)
    errors = layer_errors(network, dark, model.trace(dark.reshape(600, 20) / 255))
    assert max(errors) < 0.3


@pytest.mark.parametrize(("levels", "bits", "worst"), [(2, 1, 0.06), (3, 4, 0.22)])
def test_neurons_follow_activations_of_few_steps(images, levels, bits, worst):
    """The sign, which a neuron of one bit gives, and three steps."""

    def activation(sums):
        return 5 * np.clip(np.rint(sums / 0.3 + (levels - 1) / 2), 0, levels - 1)

    first, *others = drawn((20, 16, 12, 5), activation=activation).layers
    if levels == 2:  # its sums may be of any size
        sizes = np.geomspace(1e-6, 1, 16)
        first = FloatLayer(first.weights * sizes, first.biases * sizes, activation)
    model = FloatNetwork((first, *others))
    network, _, _ = run(model, replace(machine(), hidden_bits=bits), images)
    errors = layer_errors(network, images, model.trace(images.reshape(600, 20) / 255))
    assert max(errors[:2]) < worst


def test_levels_of_a_device_that_are_not_uniform(images):
    target = NumberFormats(
        NEURONS["sot"](), 8, 4, 4, 8, 8, own_levels=(-127, -110, -60, -20, 5, 5, 70, 127)
    )
    network, _, _ = run(drawn((20, 40, 5)), target, images)
    assert set(network.layers[0].words.flat) <= set(target.levels)
    assert agreement(drawn((20, 40, 5)), images, target) > 0.9
