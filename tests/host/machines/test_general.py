"""One machine that runs any network that fits: held against the golden model of each."""

import contextlib
import dataclasses
import itertools

import numpy as np
import pytest

from allspin.boards.profiles import ECP5_85
from allspin.hdl.link.protocol import LinkParameters, identity_bytes
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.host.data.catalogue import open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.foreign.import_options import ImportOptions
from allspin.host.foreign.importing import import_network
from allspin.host.link.identity import Identity
from allspin.host.machines.kept_program import KeptProgram
from allspin.host.machines.opening import open_virtual
from allspin.host.machines.resident import ResidentImages
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.neuron import ReluNeuron
from allspin.sim.network.random_network import random_images, random_network
from allspin.sim.programming.program import program
from tests.host.machines.work import GENERAL, PAPER, SUMS, WIDEST


@pytest.fixture(scope="module")
def machine():
    with open_virtual(random_network(WIDEST, 0), GENERAL) as opened:
        yield opened


def networks():
    yield random_network(WIDEST, 1)
    yield random_network((18, 9, 4), 2)
    yield random_network((20, 12, 6), 3, neuron=ReluNeuron())
    yield random_network((7, 3, 2, 2), 4, pixel_bits=2, hidden_bits=3, current_bits=6, rah_bits=5)
    # Spare classes would win on a chip: all cells have one state.
    low = random_network((19, 5, 3), 5)
    last = dataclasses.replace(low.layers[1], states=0 * low.layers[1].states)
    yield dataclasses.replace(low, layers=(low.layers[0], last))
    yield random_network(WIDEST, 6)


@pytest.mark.parametrize("network", [*networks()], ids=lambda network: str(network.topology))
def test_any_network_that_fits_and_its_chip(machine, network):
    everything(machine, network, random_images(network, 30, 8))


@pytest.fixture(scope="module")
def of_the_85f():
    own = ECP5_85["general"]
    with open_virtual(own.built_for(open_network("mnist-10")), own.hardware) as opened:
        yield opened


def imported(folder):
    """A network that another tool could have made: two hidden layers, with biases."""
    rng, sizes, arrays = np.random.default_rng(3), (784, 128, 64, 10), {}
    for number, shape in enumerate(itertools.pairwise(sizes)):
        arrays[f"W{number}"] = rng.normal(size=shape) / shape[0] ** 0.5
        arrays[f"b{number}"] = rng.normal(size=shape[1]) / 9
    np.savez(folder / "model.npz", **arrays)
    network = import_network(folder / "model.npz", options=ImportOptions(white=1.0)).network
    assert network.topology[:2] == (784, 128)
    assert network.topology[2] > 64  # a neuron for the last layer's biases
    return network


@pytest.mark.long
@pytest.mark.parametrize("name", ["mnist-10", "mnist-100", "paper-10", "imported", "small"])
def test_the_machine_of_an_85f(of_the_85f, tmp_path, name):
    if name == "small":
        network = random_network((30, 16, 2), 4)
        return everything(of_the_85f, network, random_images(network, 200, 1))
    network = imported(tmp_path) if name == "imported" else open_network(name)
    return everything(of_the_85f, network, load_test_set()[0][:200])


def everything(machine, network, images):
    """Logits, words and counters of a network, then of two of its chips, resident too."""
    expected = GoldenModel(network).logits(images)
    machine.load(network)
    for layer, words in enumerate(network.weights):
        np.testing.assert_array_equal(machine.read_words(layer), words)
    answers = machine.stream(images)
    np.testing.assert_array_equal(answers.logits, expected)
    np.testing.assert_array_equal(answers.classes, expected.argmax(1))
    counters = machine.counters()
    traces = GoldenModel(network).trace(images)
    assert counters.rows == tuple(int(np.count_nonzero(each.inputs)) for each in traces)
    # Chips, resident: words and noise are those of the network's own layers.
    device = dataclasses.replace(
        PAPER, imperfections=dataclasses.replace(PAPER.imperfections, **SUMS)
    )
    for seed in (7, 2**32 - 1):
        chip = program(network, device, seed)
        machine.load(chip)
        assert machine.words_from == "words made by the gateware"
        for layer, own in enumerate(chip.words):
            np.testing.assert_array_equal(machine.read_words(layer), own)
        expected = chip.golden().logits(images, 65_530)
        answers = machine.stream(images, first=65_530)
        np.testing.assert_array_equal(answers.logits, expected)
        np.testing.assert_array_equal(answers.classes, expected.argmax(1))
        labels = expected.argmax(1)
        labels[3] = (labels[3] + 1) % network.classes
        resident = ResidentImages(machine)
        assert resident.load(images, labels) == len(images)
        assert resident.run(first=65_530).correct == len(images) - 1
        np.testing.assert_array_equal(resident.logits().logits, expected)
        # A crossbar of several passes keeps as many images at once as it has room for.
        blank = np.zeros((50, *images.shape[1:]), np.uint8)
        blanks = chip.golden().classify(blank)
        assert resident.load(blank, blanks) == len(blank)
        assert resident.run().correct == len(blank)


@pytest.mark.parametrize(("falls", "most"), [(False, 511), (True, 257)])
def test_noise_that_would_drive_spare_rows_is_refused(falls, most):
    """Neurons are silent only at zero current, or only at full current."""
    engine = EngineParameters.from_network(random_network(WIDEST, 0), GENERAL)
    machine = KeptProgram("the board", Identity.parse(identity_bytes(LinkParameters(engine))))
    network = random_network((20, 12, 6), 3)
    table = np.minimum(np.arange(256), 1)
    layers = dataclasses.replace(network.layers[0], table=table[::-1] if falls else table)
    network = dataclasses.replace(network, layers=(layers, *network.layers[1:]))
    for use in (0.1, 0.21, 0.5):
        variation = dataclasses.replace(PAPER.neuron_variation, use=use, use_reading="current")
        device = dataclasses.replace(PAPER, neuron_variation=variation)
        chip = program(network, device, 1)
        assert chip.noise is not None
        refused = chip.noise.most > most
        assert refused == (use > (0.1 if falls else 0.21))
        with pytest.raises(UserError, match="spare") if refused else contextlib.nullcontext():
            machine.load_chip(chip)


@pytest.mark.parametrize(
    ("topology", "room"),
    [
        ((31, 5, 3), "up to 30-12-6"),
        ((20, 13, 3), "up to 30-12-6"),
        ((20, 16, 13, 3), "up to 30-16-12-6"),
        ((20, 6), "up to 30-12-6 or 30-16-12-6"),
        ((9, 3, 7), "up to 30-12-6"),
    ],
)
def test_a_network_that_does_not_fit_is_refused_with_sizes_that_would(machine, topology, room):
    with pytest.raises(UserError, match=f"topology {room}, not " + "-".join(map(str, topology))):
        machine.load(random_network(topology, 1))
