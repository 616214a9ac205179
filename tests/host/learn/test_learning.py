"""Learning in the array: gradients, accuracy, and the network that is written down."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from allspin.host.chips.probed_cells import read_cells
from allspin.host.data.catalogue import open_device
from allspin.host.data.datasets import Dataset
from allspin.host.learn.array_network import ArrayNetwork, row_values
from allspin.host.learn.export import array_network
from allspin.host.learn.learning import learn
from allspin.host.learn.neurons import full_scale_of
from allspin.host.learn.paper_types import linear_synapse, raw_synapse
from allspin.host.learn.parameters import (
    CYCLE_DEVIATION,
    FULL_SCALE,
    ArrayParameters,
    LearnParameters,
)
from allspin.host.learn.result import Learnt
from allspin.host.learn.symmetry import reference_resistance
from allspin.host.learn.training import train_in_array
from allspin.host.train.parameters import TrainingParameters
from allspin.host.train.target import TrainingTarget
from allspin.sim.chip.device_deviates import device_deviates
from allspin.sim.device.device import Device
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.netfile import network_to_bytes
from allspin.sim.network.neuron import SotNeuron
from allspin.sim.programming.program import program
from allspin.sim.synapse.response import PulseResponse
from allspin.sim.synapse.sot_synapse import SotSynapse
from allspin.sim.synapse.synapse_variation import CycleVariation, DeviceVariation
from allspin.sim.synapse.table_response import TableResponse
from allspin.sim.synapse.table_synapse import TableSynapse

ARRAY = ArrayParameters(rate=0.05, epochs=4, full_scale=5.0)
SMALL = LearnParameters(hidden=(20,), epochs=12, states=100, rate=0.1)


def cross_entropy(matrices, bias, values, labels):
    """Compute the loss of a ReLU network in double precision."""
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


PULSED = linear_synapse(100, CycleVariation(0.01, 0.01))
VARIED = linear_synapse(100, CycleVariation(0.01, 0.01), DeviceVariation(0.05, 0.05))


@pytest.mark.parametrize(
    ("neuron", "synapse", "hidden", "epochs"),
    [
        (None, None, (20,), 3),
        (SotNeuron(), PULSED, (20,), 3),
        (SotNeuron(), VARIED, (), 8),
        (SotNeuron(), VARIED, (24, 16), 8),
    ],
)
def test_networks_learn_and_the_curve_counts_images(
    dataset: Dataset, neuron, synapse, hidden, epochs
) -> None:
    parameters = dataclasses.replace(
        ARRAY, synapse=synapse, neuron=neuron, hidden=hidden, epochs=epochs
    )
    shares = []
    trained = train_in_array(
        dataset, parameters, marks=2, progress=lambda share, *rest: shares.append(share)
    )
    images, losses, accuracies = zip(*trained.curve, strict=True)
    assert accuracies[-1] == np.mean(trained.classes == dataset.test_labels) > 0.7
    # Marks after 18 and 37 batches of 32, in each epoch.
    assert images == tuple(1184 * epoch + seen for epoch in range(epochs) for seen in (576, 1184))
    assert losses[-1] < losses[0]
    assert shares == [mark / images[-1] for mark in images]
    assert bool(trained.network.pulse_counts.any()) == (synapse is not None)


def test_each_layer_s_neurons_are_devices_of_their_own() -> None:
    parameters = dataclasses.replace(ARRAY, neuron=SotNeuron(), full_scale=1.0, hidden=(5, 5))
    network = ArrayNetwork(parameters, 12, 4)
    first, second = network.hidden_neurons(NeuronVariation(gain=0.2, threshold=0.2))
    sums = np.full((1, 5), 0.6, np.float32)
    rng = np.random.default_rng(0)
    assert not np.array_equal(first.forward(sums, rng)[0], second.forward(sums, rng)[0])


def test_too_few_images_are_named(dataset: Dataset) -> None:
    few = dataclasses.replace(
        dataset, train_images=dataset.train_images[:20], train_labels=dataset.train_labels[:20]
    )
    with pytest.raises(UserError, match="at least a batch of 32 images, not 20"):
        train_in_array(few, ARRAY)


def test_the_network_that_is_written_down_is_scored_by_the_golden_model(dataset: Dataset) -> None:
    learnt = learn(dataset, dataclasses.replace(SMALL, hidden=(24, 16)))
    assert learnt.network.topology == (120, 24, 16, 5)
    assert learnt.network.image_shape == (10, 12)
    right = GoldenModel(learnt.network).classify(dataset.test_images) == dataset.test_labels
    assert np.mean(right) == learnt.test_accuracy > 0.7
    assert learnt.array_accuracy > 0.7
    options = learnt.network.provenance["options"]
    assert options["in_array"] is True
    assert (options["hidden"], options["batch"], options["noise"]) == ([24, 16], 32, 0.014)


@pytest.mark.parametrize("hidden", [(9,), (9, 7), (9, 8, 7)])
def test_the_whole_numbers_compute_the_array_s_logits(hidden: tuple[int, ...]) -> None:
    """With the largest numbers of bits, logits differ by rounding only."""
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
        network_to_bytes(learn(dataset, dataclasses.replace(few, seed=seed)).network)
        for seed in (3, 3, 4)
    )
    assert one == same != other


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"neuron": "cmos-bare"}, "`neuron`"),
        ({"target": TrainingTarget(open_device("paper")), "noise": 0.01}, "`noise`"),
        ({"batch": 2000}, "`batch`"),
    ],
)
def test_options_that_an_array_does_not_have_are_named(
    dataset: Dataset, changes: dict, name: str
) -> None:
    with pytest.raises(UserError, match=name):
        learn(dataset, dataclasses.replace(SMALL, **changes))


@pytest.mark.parametrize("states", [100, 10])
def test_types_3_and_4_learn_with_an_infinite_a(dataset: Dataset, states: int) -> None:
    few = dataclasses.replace(SMALL, epochs=1, states=states)
    response = PulseResponse(math.inf, states - 1)
    cycle = CycleVariation(CYCLE_DEVIATION, CYCLE_DEVIATION)
    device = Device("straight", SotSynapse(response, response, states, cycle))
    asked = dataclasses.replace(few, target=TrainingTarget(device))
    one, other = (
        [vars(layer) for layer in learn(dataset, each).network.layers] for each in (few, asked)
    )
    assert str(one) == str(other)
    for mine, its in zip(one, other, strict=True):
        assert np.array_equal(mine["states"], its["states"])
        assert np.array_equal(mine["levels"], its["levels"])


def learnt_by(dataset: Dataset, device: str | Device, **words) -> Learnt:
    options = {"rate": 0.1, "epochs": 8, "hidden": (20,), **words}
    return learn(dataset, LearnParameters.from_options(options, open_device(device)))


def test_a_device_learns_and_reports_its_pulses(dataset: Dataset, tmp_path: Path) -> None:
    found = learnt_by(dataset, device="paper", update="sign", threshold=1e-3)
    images, _, shares = zip(*found.curve, strict=True)
    assert images[-1] == 1184 * 8
    assert found.array_accuracy == shares[-1] > 0.5
    facts, device = found.facts, open_device("paper")
    assert (
        facts["pulses"]
        == found.pulse_counts.sum()
        == facts["pulses_per_device"] * found.pulse_counts.size
    )
    electrical = device.electrical
    currents = electrical.potentiation_current, electrical.depression_current
    least, most = sorted(filter(None, map(electrical.pulse_energy, currents)))
    assert least <= facts["energy"] / facts["pulses"] <= most
    assert facts["pulse_time"] == pytest.approx(facts["pulses"] * electrical.pulse_time)
    options = found.network.provenance["options"]
    assert (options["update"], options["threshold"], options["states"]) == ("sign", 1e-3, 100)
    found.write(tmp_path / "out")
    rows = np.loadtxt(tmp_path / "out" / "learning.csv", delimiter=",", skiprows=1)
    assert np.allclose(rows, found.curve)
    pulses, devices = np.loadtxt(tmp_path / "out" / "pulses.csv", delimiter=",", skiprows=1).T
    assert pulses @ devices == facts["pulses"]
    assert (tmp_path / "out" / "learning.png").stat().st_size > 1000
    # The chip that learnt, in whole numbers: its cells as they are read, its own neurons.
    probed = read_cells(tmp_path / "out" / "cells.npz", found.network, device)
    same = program(found.network, device, 0, probed)
    assert same.accuracy(dataset.test_images, dataset.test_labels) == pytest.approx(
        found.array_accuracy, abs=0.04
    )
    # Another chip, programmed with the states, has devices of its own.
    other = program(found.network, device, 1)
    assert found.chip_accuracy == other.accuracy(dataset.test_images, dataset.test_labels)


@pytest.mark.long
def test_read_noise_is_that_of_the_chip_in_every_crossbar(dataset: Dataset, tmp_path: Path) -> None:
    noisy = Device("noisy", raw_synapse(), imperfections=Imperfections(read_noise=0.2))
    found = learnt_by(dataset, device=noisy)
    found.write(tmp_path)
    probed = read_cells(tmp_path / "cells.npz", found.network, noisy)
    same = program(found.network, noisy, 0, probed)
    assert same.accuracy(dataset.test_images, dataset.test_labels) == pytest.approx(
        found.array_accuracy, abs=0.04
    )


def test_an_ideal_relu_has_no_device_s_variation(dataset: Dataset) -> None:
    found = learnt_by(dataset, device="paper", neuron="relu")
    assert found.facts["left_out"] == ["neuron_variation"]
    assert found.chip_accuracy == pytest.approx(found.test_accuracy, abs=0.2)


def test_a_device_that_two_pulses_saturate_learns_and_is_not_programmed(dataset: Dataset) -> None:
    up = TableResponse(np.array([0.0, 0.6, 1.0]), np.full(3, 0.1), np.zeros(3))
    down = TableResponse(np.array([1.0, 0.4, 0.0]), np.full(3, 0.1), np.zeros(3))
    device = Device("coarse", TableSynapse(up, down, 10, occasion="pulse"))
    found = learnt_by(dataset, device=device)
    assert found.array_accuracy > 0.3  # of five classes
    assert found.chip_accuracy is None
    assert found.cells
    with pytest.raises(ValueError, match="takes 2 of the pulses of potent"):
        program(found.network, device, 1)


def test_neurons_that_switch_by_chance_learn(dataset: Dataset) -> None:
    found = learnt_by(dataset, neuron="stochastic", device="paper", rate=0.3)
    assert found.array_accuracy > 0.5
    # In the mean, and by another chip's chance.
    assert found.test_accuracy > 0.5
    assert found.chip_accuracy is not None
    assert found.chip_accuracy > 0.4


def test_neurons_behind_a_sharp_threshold_learn(dataset: Dataset) -> None:
    found = learnt_by(dataset, device=Device("sharp", raw_synapse(), SotNeuron(0.33, 2.0, 0.004)))
    assert found.array_accuracy > 0.5
    # The paper's, which answers the smallest sums, has the scale that is assumed for it.
    assert full_scale_of(SotNeuron()) == FULL_SCALE


@pytest.mark.parametrize("words", [{"reference": "symmetry"}, {"pair": True}])
def test_the_read_weights_are_written_into_the_network(dataset: Dataset, words: dict) -> None:
    """The network's words, less rounding to 127 states, are the chip's weights."""
    response = PulseResponse(30.0, 200, 3.0, 5.0), PulseResponse(20.0, 200, 3.0, 5.0)
    device = Device("curved", SotSynapse(*response, 127))
    found = learnt_by(dataset, device=device, level_choice="uniform", states=127, **words)
    assert found.test_accuracy == pytest.approx(found.array_accuracy, abs=0.03)
    assert found.test_accuracy > 0.7
    lowest = [layer.levels[0] / layer.levels[-1] for layer in found.network.layers]
    assert (lowest[0] == -1) == ("pair" in words)
    assert (found.chip_accuracy is None) == ("pair" in words)
    if found.cells:
        zero = reference_resistance(device.synapse, "symmetry")
        weights = (found.cells["R_AH"] - zero) / max(5 - zero, zero - 3)
        written = np.concatenate([layer.words.ravel() for layer in found.network.layers])
        assert np.abs(written - 127 * weights).max() < 2


def test_a_rate_is_found_on_images_that_are_held_out(dataset: Dataset) -> None:
    found = learnt_by(dataset, device="paper", rate="auto", epochs=1)
    rates = found.facts["rates"]
    best = found.network.provenance["options"]["rate"]
    assert rates[str(best)] == max(rates.values())


def test_ctrl_c_keeps_the_learnt_network(dataset: Dataset, monkeypatch) -> None:
    learn_batch, seen = ArrayNetwork.learn, []

    def interrupted(network, *batch):
        seen.append(batch)
        if len(seen) == 50:
            network.pulsed[0].devices[0].stored[:] = 0.25  # as if it came in the middle of a pulse
            raise KeyboardInterrupt
        return learn_batch(network, *batch)

    monkeypatch.setattr(ArrayNetwork, "learn", interrupted)
    d2d = DeviceVariation(0.1, 0.1, "range")
    device = Device("curved", dataclasses.replace(raw_synapse(), d2d=d2d))
    trained = train_in_array(
        dataset, dataclasses.replace(ARRAY, synapse=device.synapse, device=device, epochs=9)
    )
    assert trained.interrupted
    assert trained.curve[-1][0] == 49 * 32
    (crossbar, *_) = trained.network.pulsed
    own = device_deviates(device.synapse, 0, 0, crossbar.stored.shape)
    expected = np.where(crossbar.devices[0].last == 1, own[1], own[0]) * 0.2 + 0.25
    assert np.allclose(crossbar.matrix, expected, atol=1e-6)
