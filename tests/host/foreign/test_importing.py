"""Imports from a file to a network, with their warnings."""

import contextlib
import dataclasses
import itertools
import json
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from allspin.host.data.catalogue import open_device
from allspin.host.data.datasets import MNIST_DIGEST
from allspin.host.foreign import importing
from allspin.host.foreign.float_network import FloatLayer, FloatNetwork, InputScaling
from allspin.host.foreign.import_options import ImportOptions
from allspin.host.foreign.importing import import_network
from allspin.host.foreign.input_scaling import Choice, choose_scaling
from allspin.host.train.feed import split
from allspin.host.train.gradient.loss import softmax
from allspin.host.train.target import TrainingTarget
from allspin.host.train.training_options import AUGMENTATIONS
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.netfile import network_to_bytes
from allspin.sim.network.tiling import Tiles, tiles_of
from tests.host.foreign.conftest import node


def accuracy(network, dataset):
    return np.mean(GoldenModel(network).classify(dataset.test_images) == dataset.test_labels)


def test_accuracies_are_those_of_model_and_golden_model(elsewhere):
    imported = import_network(elsewhere.path, elsewhere.dataset)
    assert elsewhere.accuracy > 0.9
    assert imported.model_accuracy == elsewhere.accuracy
    assert imported.choice.scaling == InputScaling(1.0)
    assert imported.tuned is None
    stage = imported.quantised
    assert stage.accuracy == accuracy(stage.network, elsewhere.dataset)
    assert stage.accuracy > elsewhere.accuracy - 0.03
    assert len(stage.errors) == 2
    assert imported.model_topology == (42, 24, 4)
    assert stage.network.topology == (42, 24 + imported.constant_neurons, 4)


def test_a_device_gives_levels_and_neuron_and_the_same_import_the_same_file(elsewhere, tmp_path):
    target = TrainingTarget(open_device("paper"))
    options = ImportOptions(tune=1, seed=3, target=target)
    network, again = (
        import_network(elsewhere.path, elsewhere.dataset, options).network for _ in range(2)
    )
    assert network_to_bytes(network) == network_to_bytes(again)
    assert network.neuron == target.device.neuron
    assert network.layers[0].levels.tolist() == list(target.levels(10, 8))
    provenance = network.provenance
    assert provenance["command"] == "import"
    assert provenance["model"]["name"] == "elsewhere.npz"
    assert provenance["options"]["device"] == "paper"
    assert provenance["data"]["digest"] == elsewhere.dataset.digest
    assert str(tmp_path) not in json.dumps(provenance)


def test_an_import_is_cut_into_tiles_and_tuned_through_them(elsewhere):
    tiles = Tiles(16, 2)
    imported = import_network(
        elsewhere.path, elsewhere.dataset, ImportOptions(tiles=tiles, tune=12)
    )
    assert imported.tuned is not None
    for stage in (imported.quantised, imported.tuned):
        assert tiles_of(stage.network) == [tiles, tiles]
        assert stage.accuracy == accuracy(stage.network, elsewhere.dataset)
    assert imported.network.provenance["options"]["tile_rows"] == 16
    whole = import_network(elsewhere.path, elsewhere.dataset).quantised
    assert np.array_equal(imported.quantised.network.layers[0].words, whole.network.layers[0].words)
    assert imported.quantised.accuracy < whole.accuracy
    assert imported.tuned.accuracy > imported.quantised.accuracy


def test_training_further_gets_more_images_right_and_leaves_constant_neurons(elsewhere):
    imported = import_network(elsewhere.path, elsewhere.dataset, ImportOptions(states=3, tune=6))
    assert imported.tuned is not None
    assert imported.network is imported.tuned.network
    assert imported.tuned.accuracy == accuracy(imported.network, elsewhere.dataset)
    assert imported.tuned.accuracy >= imported.quantised.accuracy
    assert [epoch["phase"] for epoch in imported.network.provenance["curve"]] == ["quantised"] * 6
    converter = imported.network.layers[0].converter
    assert converter is not None
    assert np.all(converter.gains[24:] == 0)
    assert np.all(converter.offsets[24:] < -255)


@pytest.mark.parametrize(
    ("factor", "options", "expected"),
    [
        (255, {}, InputScaling(255.0)),
        (255, {"white": 255.0}, InputScaling(255.0)),
        (0.5, {"scale": 2.0 / 4}, InputScaling(1.0, 0.0, 0.5)),
    ],
)
def test_the_value_of_a_white_pixel_is_found_or_given(elsewhere, factor, options, expected):
    arrays = dict(np.load(elsewhere.path))
    np.savez(elsewhere.path, **{**arrays, "W0": arrays["W0"] / factor})
    imported = import_network(elsewhere.path, elsewhere.dataset, ImportOptions(**options))
    assert imported.choice.scaling == expected
    assert imported.model_accuracy == elsewhere.accuracy


def asked(white, biases, seed):
    """A network, images, labels that it draws with white worth `white`, and its accuracies."""
    rng = np.random.default_rng(seed)
    weights, last = rng.normal(size=(20, 16)) / white, rng.normal(size=(16, 4))
    network = FloatNetwork(
        (FloatLayer(weights, biases * rng.normal(size=16)), FloatLayer(last, np.zeros(4)))
    )
    images = rng.integers(0, 256, (500, 4, 5)).astype(np.uint8)
    logits = network.logits(InputScaling(white).apply(images)).astype(np.float32)
    shares = softmax(logits)
    labels = (shares.cumsum(axis=1) > rng.random((500, 1))).argmax(axis=1)
    rates = [
        float(np.mean(network.logits(InputScaling(each).apply(images)).argmax(axis=1) == labels))
        for each in (1, 255)
    ]
    return network, images, labels, rates


@pytest.mark.parametrize("white", [1.0, 255.0])
def test_the_scale_of_the_input_is_found_where_accuracy_misleads(white):
    """Labels are drawn from the network's own logits, so no other scale fits them better."""
    whites, misled = ImportOptions().scalings(), 0
    for seed, biases in itertools.product(range(12), (0, 0.1, 2)):
        network, images, labels, rates = asked(white, biases, seed)
        choice = choose_scaling(network, whites, images, labels)
        assert choice.scaling.white == white
        assert choice.near_tie or biases  # without biases the classes are the same
        assert not choice.near_tie or biases < 2 or white > 1
        assert choose_scaling(network, whites[:1], images, labels) == Choice(whites[0])
        misled += int(np.argmax(rates)) != whites.index(choice.scaling)
    assert misled or white == 255


@pytest.mark.parametrize("images", [1, 5, 200])
def test_a_model_that_is_read_otherwise_than_it_answers_is_refused(elsewhere, monkeypatch, images):
    """One image in a hundred may differ: a sum may lie at a border between two roundings."""
    read = importing.read_model

    def misread(*args):
        model = read(*args)
        apart = (np.arange(200) < images)[:, None]
        return dataclasses.replace(model, answers=lambda inputs: model.answers(inputs) + apart)

    monkeypatch.setattr(importing, "read_model", misread)
    refusal = pytest.raises(UserError, match=r"differ from what it answers by 1; it is not imp")
    with contextlib.nullcontext() if images == 1 else refusal:
        import_network(elsewhere.path, elsewhere.dataset)


def test_tuning_keeps_the_quantised_network_unless_it_improves(elsewhere):
    """Images to learn from have wrong labels; images that choose have their own."""
    data, kept = elsewhere.dataset, split(700)[1]
    labels = (data.train_labels + 1) % 4
    labels[kept] = data.train_labels[kept]
    harmful = dataclasses.replace(data, train_labels=labels)
    imported = import_network(elsewhere.path, harmful, ImportOptions(white=1.0, tune=12))
    assert imported.tuned is not None
    for one, other in zip(imported.network.layers, imported.quantised.network.layers, strict=True):
        assert np.array_equal(one.states, other.states)
    assert imported.tuned.errors == imported.quantised.errors
    curve = imported.network.provenance["curve"]
    assert curve[-1]["validation_accuracy"] < imported.quantised.accuracy - 0.1


def test_images_are_bent_where_that_is_asked_for_or_they_are_mnist_s(elsewhere):
    mnist, bent = (
        dataclasses.replace(elsewhere.dataset, digest=MNIST_DIGEST),
        AUGMENTATIONS["digits"],
    )
    curves, said = [], []
    for data, how in ((mnist, None), (elsewhere.dataset, bent), (elsewhere.dataset, None)):
        options = ImportOptions(tune=1, white=1.0, augmentation=how)
        provenance = import_network(elsewhere.path, data, options).network.provenance
        curves.append(provenance["curve"])
        said.append(provenance["options"]["augment"])
    assert said == ["digits", "digits", "none"]
    assert curves[0] == curves[1] != curves[2]


def test_a_model_in_half_precision_is_read_as_exactly_as_it_answers(elsewhere, tmp_path):
    """ONNX's evaluator rounds after each operator, which is no misreading."""
    weights = {name: array.astype(np.float16) for name, array in np.load(elsewhere.path).items()}
    half = TensorProto.FLOAT16
    graph = helper.make_graph(
        [
            node("Gemm", ["images", "W0", "b0"], ["sums"]),
            node("Relu", ["sums"], ["hidden"]),
            node("Gemm", ["hidden", "W1", "b1"], ["logits"]),
        ],
        "half",
        [helper.make_tensor_value_info("images", half, ["n", 42])],
        [helper.make_tensor_value_info("logits", half, ["n", 4])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    path = tmp_path / "half.onnx"
    opsets = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    imported = import_network(path, elsewhere.dataset)
    assert imported.model_accuracy == pytest.approx(elsewhere.accuracy, abs=0.01)


@pytest.mark.parametrize("biases", [[0.1] * 4, [0.1, 0, 0, 0]])
def test_biases_without_a_hidden_layer_are_spread(elsewhere, biases):
    np.savez(elsewhere.path, W0=np.random.default_rng(1).normal(size=(42, 4)), b0=biases)
    imported = import_network(elsewhere.path, elsewhere.dataset)
    assert imported.spread_biases == (min(biases) < max(biases))
    assert imported.constant_neurons == 0


@pytest.mark.parametrize(
    ("sides", "words"),
    [
        ([(42, 5)], "has 5 outputs; the data set has 4 classes"),
        ([(42, 4), *[(4, 4)] * 15], "number of hidden layers must be from 1 to 14, not 15"),
    ],
)
def test_models_that_do_not_fit_are_refused(elsewhere, sides, words):
    arrays: dict[str, Any] = {f"W{k}": np.eye(*shape) for k, shape in enumerate(sides)}
    np.savez(elsewhere.path, **arrays)
    with pytest.raises(UserError, match=words):
        import_network(elsewhere.path, elsewhere.dataset)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tune": -1}, "tune must be from 0 to 10000"),
        ({"states": 1}, "`states` must be from 2 to 128"),
        ({"scale": 0.0}, "scale must be a number from 1e-12 to 1e"),
        ({"mean": np.nan}, "mean must be a number from -1e"),
        ({"neuron": "tanh"}, "neuron must be one of"),
    ],
)
def test_options_are_checked(options, words):
    with pytest.raises(ValueError, match=words):
        ImportOptions(**options)
