"""The same network with another neuron: those that ship, files, and conversion."""

import dataclasses

import numpy as np
import pytest

from allspin.host.compare.subject import convert, counterparts
from allspin.host.data.catalogue import open_network
from allspin.host.data.datasets import load_test_set
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.neuron import NEURONS, ReluNeuron, SotNeuron
from allspin.sim.network.random_network import random_images, random_network


def test_networks_that_ship_are_found_by_name() -> None:
    found = counterparts("mnist-10", open_network("mnist-10"), [])
    assert list(found) == list(NEURONS)
    for kind in ("cmos-bare", "cmos-relu", "cmos-sigmoid"):
        assert found[kind][0].neuron.name == kind
        assert found[kind][1] == f"trained: mnist-10-{kind}"
    assert found["relu"][1] == "converted from mnist-10, untrained"
    assert found["sot"][0].provenance == open_network("mnist-10").provenance


@pytest.mark.parametrize("kind", NEURONS)
def test_a_converted_network_classifies_like_the_old_one(kind: str) -> None:
    images, labels = load_test_set()
    images, labels = images[:1000], labels[:1000]
    network = open_network("mnist-10")
    found, wanted = (
        np.mean(GoldenModel(each).classify(images) == labels)
        for each in (convert(network, NEURONS[kind]()), network)
    )
    assert found > wanted - 0.01


def test_the_new_straight_part_lies_on_the_old_one() -> None:
    network = random_network((60, 30, 4), 3, neuron=SotNeuron(0.2, 1.0, 0.001), hidden_bits=8)
    images = random_images(network, 50, 1)
    old, new = (
        np.asarray(GoldenModel(each).trace(images)[0].activations)
        for each in (network, convert(network, ReluNeuron()))
    )
    middle = (old > 10) & (old < 200) & (new > 10) & (new < 245)
    assert middle.sum() > 50
    assert np.abs(old[middle].astype(int) - new[middle]).max() <= 3


def test_another_shape_is_refused() -> None:
    network = open_network("mnist-10")
    with pytest.raises(UserError, match=r"has topology \(784, 7, 10\), not"):
        counterparts("mnist-10", network, [random_network((784, 7, 10), 0)])
    with pytest.raises(UserError, match="has pixel bits 5, not 4"):
        counterparts("mnist-10", network, [dataclasses.replace(network, pixel_bits=5)])
