"""Images of the golden model: batches of any length, ties, and input that does not fit."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from allspin.sim.chip.chip import Chip
from allspin.sim.chip.noise import ColumnNoise
from allspin.sim.device.device import Device
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.network import reference
from allspin.sim.network.golden import BATCH, CHUNK, MAX_ROW_VALUES, GoldenModel
from allspin.sim.network.layer_kinds import Convolution
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import SotNeuron
from allspin.sim.network.random_network import random_images, random_network
from tests.sim.chip.exact import synapse
from tests.sim.network.any_network import grey_levels, networks, one_layer


def test_a_tie_goes_to_the_lowest_class() -> None:
    network = one_layer([[1, 9, 9, 9], [1, -9, -9, 2]])
    images = np.array([[255, 0], [0, 0], [0, 255], [255, 255]], np.uint8)
    assert GoldenModel(network).classify(images).tolist() == [1, 0, 3, 3]


def test_batches_of_any_length_give_the_same() -> None:
    rng = np.random.default_rng(0)
    network = one_layer(rng.integers(-128, 128, (20, 3)))
    images = rng.integers(0, 256, (BATCH + CHUNK + 3, 4, 5), np.uint8)
    model = GoldenModel(network)
    whole = model.logits(images)
    assert np.array_equal(whole, images.reshape(-1, 20).astype(int) @ network.layers[0].words)
    for count in (0, 1, CHUNK - 1, CHUNK, CHUNK + 1, BATCH - 1, BATCH, BATCH + 1):
        assert np.array_equal(model.logits(images[:count]), whole[:count])
    flat = images.reshape(len(images), 20)
    assert np.array_equal(model.logits(flat), whole)
    assert np.array_equal(model.logits(images[::-3]), whole[::-3])
    assert np.array_equal(model.logits(np.asfortranarray(flat)), whole)


def test_batches_of_maps_give_the_same() -> None:
    """Batches of maps are smaller, and an image's noise does not depend on its batch."""
    kind = Convolution((20, 16, 1), (5, 4), (1, 2), (2, 0, 2, 1))
    network = random_network((320, 7, 3), 2, kinds=(kind,), image_shape=(20, 16))
    images = random_images(network, 200, 1)
    device = Device(
        "any", synapse(), SotNeuron(), NeuronVariation(use=0.1), Imperfections(read_noise=0.2)
    )
    batch = MAX_ROW_VALUES // (network.layers[0].rows * kind.positions)
    assert 1 < batch < 100
    chip = Chip(device, 9)
    words = [layer.words for layer in network.layers]
    for noise in (None, ColumnNoise.of_chip(chip, network)):
        whole = reference.logits(network, images, words, noise, 5)
        model = GoldenModel(network, words, noise)
        for count in (0, 1, batch - 1, batch, batch + 1, 200):
            assert np.array_equal(model.logits(images[:count], 5), whole[:count])


@pytest.mark.parametrize("method", ["logits", "trace", "classify"])
def test_images_that_do_not_fit(method: str) -> None:
    call = getattr(GoldenModel(one_layer([[1, 2], [3, 4]])), method)
    for shape in ((3, 3), (3, 1), (0, 3), (2, 2, 2)):
        with pytest.raises(ValueError, match=r"^images must have 2 pixels each, not shape \("):
            call(np.zeros(shape, np.uint8))
    for dtype in (np.int64, np.int8, bool):
        with pytest.raises(ValueError, match=f"of a floating type, not {np.dtype(dtype)}"):
            call(np.zeros((3, 2), dtype))
    for value in (1.01, -0.01, np.nan):
        with pytest.raises(ValueError, match="shares of white, 0 to 1"):
            call(np.full((3, 2), value))


@given(networks() | networks(maps=True), st.integers(0, 2**32))
def test_shares_of_white_are_grey_levels_and_one_image_has_one_answer(
    network: Network, seed: int
) -> None:
    images = grey_levels(network, np.random.default_rng(seed))
    model = GoldenModel(network)
    expected = model.logits(images)
    assert np.array_equal(model.logits(images / 255), expected)
    assert np.array_equal(network.predict(images.astype(np.float32) / 255), expected.argmax(axis=1))
    for image in (images[3], images[3].ravel(), images[3] / 255):
        if len(image) > 1:
            assert np.array_equal(model.logits(image), expected[3])
            assert network.predict(image) == expected[3].argmax()


@pytest.mark.parametrize("shapes", [[], [(2, 3)], [(3, 2)], [(2, 2), (2, 2)]])
def test_words_that_do_not_fit(shapes: list[tuple[int, int]]) -> None:
    network = one_layer([[1, 2], [3, 4]])
    with pytest.raises(ValueError, match=r"^words must have shapes \[\(2, 2\)\], not \["):
        GoldenModel(network, [np.zeros(shape, np.int8) for shape in shapes])
