"""Training for a device: its levels, and the noise of its writes."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from allspin.host.data.catalogue import open_device
from allspin.host.data.datasets import load_dataset
from allspin.host.train.latent import LatentNetwork
from allspin.host.train.parameters import TrainingParameters, TrainingTarget
from allspin.host.train.passes import forward
from allspin.host.train.train import train
from allspin.sim.network.neuron import CmosSigmoidNeuron, SotNeuron
from allspin.sim.programming.programming import device_levels
from allspin.sim.programming.schemes import Programming
from allspin.sim.synapse.table_synapse import TableResponse, TableSynapse

PAPER = open_device("paper")


def test_noise_is_that_of_a_write() -> None:
    """0.029 of the range where depression meets the levels, 0.065 by potentiation."""
    np.testing.assert_allclose(TrainingTarget(PAPER).noise(10, 8), 0.029, rtol=0.02)
    up = TrainingTarget(PAPER, "nearest", Programming(polarity="potentiation")).noise(10, 8)
    assert np.all(up >= 0.064)
    missed = TrainingTarget(PAPER, "uniform").noise(10, 8)
    # A level that no train meets is missed by as much each time.
    reached = 126 - 252 * (1 - np.exp(-np.arange(101) / 9)) / (1 - np.exp(-100 / 9))
    off = np.abs(reached - 42).min() / 252
    assert missed[6] == pytest.approx(np.hypot(0.029, off), abs=0.002)


def test_more_states_than_pulses_reach_are_said() -> None:
    """A table of ten pulses a polarity that all meet: eleven levels, whatever is asked for."""
    way, still = np.linspace(0.0, 1.0, 11), np.zeros(11)
    table = TableSynapse(TableResponse(way, still, still), TableResponse(1 - way, still, still))
    target = TrainingTarget(dataclasses.replace(PAPER, name="short", synapse=table))
    assert target.shared(11, 8) == ""
    assert target.shared(100, 8) == (
        "of 100 states 11 have a level of their own: pulses of short reach no more, and the "
        "others share a neighbour's"
    )


def test_a_network_trained_for_a_device_has_its_levels(idx_folder: Callable[..., Path]) -> None:
    dataset = load_dataset(idx_folder(classes=5, train=1200, test=200, shape=(10, 12)))
    neuron = SotNeuron(threshold=0.2)
    device = dataclasses.replace(PAPER, neuron=neuron)
    parameters = TrainingParameters(
        states=16, hidden=(16,), epochs=10, target=TrainingTarget(device, "either")
    )
    trained = train(dataset, parameters)
    expected = device_levels(PAPER.synapse, 16, "either")
    for layer in trained.network.layers:
        np.testing.assert_array_equal(layer.levels, expected)
        assert len(np.unique(layer.states)) > 8
    assert trained.network.neuron == neuron
    assert trained.test_accuracy > 0.8
    options = trained.network.provenance["options"]
    assert (options["device"], options["levels"], options["noise"]) == ("paper", "either", None)


def test_the_neuron_is_the_device_s_unless_another_kind_is_asked_for() -> None:
    mine = CmosSigmoidNeuron(steepness=6.0)
    target = TrainingTarget(dataclasses.replace(PAPER, neuron=mine))
    assert TrainingParameters(target=target).formats.neuron == mine
    assert TrainingParameters(target=target, neuron="cmos-sigmoid").formats.neuron == mine
    assert TrainingParameters(target=target, neuron="sot").formats.neuron == SotNeuron()
    assert TrainingParameters().formats.neuron == SotNeuron()


def test_weights_take_the_state_whose_level_is_nearest() -> None:
    parameters = TrainingParameters(states=10, hidden=(30,), target=TrainingTarget(PAPER))
    network = LatentNetwork(parameters.formats, (40, 30, 3), np.random.default_rng(0))
    network.start_quantising()
    levels = parameters.formats.levels.astype(float)
    weights = network.weights(0).astype(float)
    distance = np.abs(weights[..., None] * 126 - levels)
    states = network.states(0).astype(int)
    taken = np.take_along_axis(distance, states[..., None], -1)[..., 0]
    # A sixty-fifth of a word is the grid's own step.
    assert np.all(taken <= distance.min(axis=-1) + 1 / 30)
    np.testing.assert_array_equal(network.words(0), levels[states])
    trained = network.export((1, 40), {})
    np.testing.assert_array_equal(trained.layers[0].words, network.words(0))


def test_each_state_gets_its_own_noise() -> None:
    parameters = TrainingParameters(states=10, hidden=(200,), target=TrainingTarget(PAPER))
    network = LatentNetwork(parameters.formats, (300, 200, 3), np.random.default_rng(0))
    network.start_quantising()
    noise = np.linspace(0, 0.09, 10)
    _, record = forward(network, np.ones((300, 1), np.float32), noise, np.random.default_rng(1))
    added = record[0].matrix - network.words(0)
    states = network.states(0)
    for state in range(10):
        here = added[states == state]
        assert here.std() == pytest.approx(noise[state] * 252, rel=5 / np.sqrt(2 * here.size))


def test_an_unknown_choice_is_refused() -> None:
    with pytest.raises(ValueError, match="the choice of levels must be one of nearest"):
        TrainingTarget(PAPER, "best")


def test_levels_that_a_device_has_not_are_refused_before_the_training() -> None:
    way, none = np.linspace(-1, 1, 21), np.zeros(21)
    tables = TableResponse(way, none, none), TableResponse(-way, none, none)
    measured = dataclasses.replace(PAPER, synapse=TableSynapse(*tables, states=10))
    with pytest.raises(ValueError, match="levels by pulses need a device with an A"):
        TrainingParameters(target=TrainingTarget(measured, "pulses"))
