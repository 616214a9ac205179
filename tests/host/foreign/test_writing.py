"""The graph that is written of a network: ONNX's checker and evaluator against the golden model."""

import dataclasses
import sys

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from allspin.host.foreign.graph.writing import network_graph
from allspin.sim.errors import UserError
from allspin.sim.network.adc import Adc
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.layer import GAIN_BITS, Converter
from allspin.sim.network.layer_kinds import Convolution
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import NEURONS
from allspin.sim.network.random_network import random_images, random_network


def evaluated(network: Network, images):
    """Logits and classes of the graph, by ONNX's evaluator, after its checker."""
    model = onnx.load_from_string(network_graph(network))
    onnx.checker.check_model(model, full_check=True)
    assert {node.domain for node in model.graph.node} == {""}
    logits, classes = ReferenceEvaluator(model).run(["logits", "classes"], {"images": images})
    return np.asarray(logits), np.asarray(classes)


@pytest.mark.parametrize("neuron", sorted(NEURONS))
@pytest.mark.parametrize(
    ("topology", "bits"),
    [((12, 5), (4, 4, 8)), ((12, 9, 5), (8, 1, 4)), ((10, 8, 7, 3), (3, 8, 12))],
)
def test_logits_are_the_golden_models(neuron, topology, bits):
    formats = dict(zip(("pixel_bits", "hidden_bits", "current_bits"), bits, strict=True))
    network = random_network(topology, 7, neuron=NEURONS[neuron](), **formats)
    images = random_images(network, 60, 1)
    assert network_graph(network) == network_graph(dataclasses.replace(network))
    logits, classes = evaluated(network, images)
    assert logits.dtype == np.int64
    assert np.array_equal(logits, GoldenModel(network).logits(images))
    assert np.array_equal(classes, GoldenModel(network).classify(images))
    assert len(np.unique(logits)) > 20


@pytest.mark.parametrize("shift", [0, 3, 31])
def test_converters_at_the_ends_of_their_ranges(shift):
    network = random_network((12, 64, 5), 3)
    hidden = network.layers[0]
    assert hidden.converter is not None
    rng = np.random.default_rng(0)
    bound = 2 ** (network.current_bits + 1)
    converter = Converter(
        rng.choice([0, 1, 2**GAIN_BITS - 1], 64), rng.choice([-bound, -9, 0, bound - 1], 64), shift
    )
    layers = (dataclasses.replace(hidden, converter=converter), network.layers[1])
    network = dataclasses.replace(network, layers=layers)
    images = random_images(network, 60, 1)
    assert np.array_equal(evaluated(network, images)[0], GoldenModel(network).logits(images))


@pytest.mark.parametrize("offset", [0, 40])
@pytest.mark.parametrize(("bits", "shift"), [(4, 6), (2, 0), (12, 0), (9, 23)])
def test_tiles_are_converted_in_the_graph(bits, shift, offset):
    network = random_network((20, 9, 5), 7)
    rng = np.random.default_rng(2)
    layers = []
    for layer in network.layers:
        adc = Adc(8, bits, shift)
        if offset:
            shape = adc.tiles(layer.rows), layer.columns
            adc = dataclasses.replace(adc, offsets=rng.integers(-offset, offset, shape))
        layers.append(dataclasses.replace(layer, adc=adc))
    network = dataclasses.replace(network, layers=tuple(layers))
    images = random_images(network, 60, 1)
    images[2:20, :, :8] = 0  # a tile that no row of drives
    assert np.array_equal(evaluated(network, images)[0], GoldenModel(network).logits(images))


@pytest.mark.parametrize("neuron_per", ["column", "position"])
@pytest.mark.parametrize("tiled", [False, True])
def test_kernels_at_each_position_in_the_graph(neuron_per, tiled):
    kinds = (
        Convolution((7, 6, 2), (3, 2), (2, 1), (1, 0, 2, 1), 2),
        Convolution((2, 3, 4), (2, 2), padding=(0, 1, 0, 0)),
    )
    network = random_network((84, 4, 3, 5), 7, kinds=kinds, image_shape=(7, 6, 2))
    rng, layers = np.random.default_rng(2), list(network.layers)
    if tiled:
        layers = [
            dataclasses.replace(
                layer,
                adc=Adc(
                    8, 6, 3, rng.integers(-9, 9, (-(-layer.rows // 8), layer.columns), np.int32)
                ),
            )
            for layer in layers
        ]
    if neuron_per == "position":
        hidden = layers[0].converter
        assert hidden is not None
        offsets = rng.integers(-20, 20, layers[0].uses, np.int32)
        converter = Converter(np.full_like(offsets, 900), offsets, hidden.shift)
        layers[0] = dataclasses.replace(layers[0], converter=converter)
    network = dataclasses.replace(network, layers=tuple(layers), neuron_per=neuron_per)
    images = random_images(network, 60, 1)
    logits, _ = evaluated(network, images)
    assert np.array_equal(logits, GoldenModel(network).logits(images))
    assert len(np.unique(logits)) > 20


def test_without_the_package_a_line_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UserError, match=r"\[onnx\]"):
        network_graph(random_network((6, 4, 3), 1))
