"""What a notebook shows of a network is what it is."""

import base64
import dataclasses
import io

import matplotlib.image
import numpy as np
import pytest

from allspin.hdl.bench.networks import random_network
from allspin.sim.network.network_card import coloured
from allspin.sim.network.tiling import Tiles, with_steps
from tests.sim.parsed import parsed


def pixels(html: str) -> np.ndarray:
    """The picture's pixels, by Matplotlib's reader."""
    (image,) = parsed(html).of("img")
    content = base64.b64decode(image["src"].removeprefix("data:image/png;base64,"))
    return (matplotlib.image.imread(io.BytesIO(content)) * 255).round().astype(int)


def test_the_table_is_of_the_network():
    network = random_network((24, 7, 5, 3), 1)
    facts = parsed(network._repr_html_()).facts()
    assert facts["topology"] == "24-7-5-3"
    assert facts["synapses"] == f"{24 * 7 + 7 * 5 + 5 * 3}"
    assert facts["R_AH words"] == f"{network.rah_bits} bits"


def test_a_file_s_words_are_only_text():
    network = dataclasses.replace(
        random_network((24, 7, 3), 1),
        provenance={"data": {"name": "<b>x</b>"}, "options": {"seed": [1], "device": "<i>"}},
    )
    found = parsed(network._repr_html_())
    assert found.facts()["trained on"] == "<b>x</b>"
    assert found.facts()["trained for"] == "<i>"
    assert "seed" not in found.facts()
    assert found.of("i") == []


def test_maps_are_the_words_of_the_neurons_that_the_next_crossbar_hears_most():
    network = random_network((20, 12, 3), 3)
    sheet = pixels(network._repr_html_())
    height, width = network.image_shape
    strength = np.abs(network.layers[1].words.astype(int)).sum(axis=1)
    chosen = sorted(np.argsort(-strength, kind="stable")[:10])
    top = np.abs(network.layers[0].levels.astype(int)).max()
    last = network.layers[0].words[:, chosen[9]].reshape(height, width)
    shown = sheet[-height:, -width:]
    assert (shown[..., 3] == 255).all()
    assert shown[..., :3].tolist() == coloured(last, top).tolist()
    # Orange above zero, purple below.
    red, blue = shown[..., 0], shown[..., 2]
    assert (red[last > top / 8] > blue[last > top / 8]).all()
    assert (red[last < -top / 8] < blue[last < -top / 8]).all()


@pytest.mark.parametrize(("topology", "images"), [((12, 4), 1), ((65 * 2, 3, 2), 0)])
def test_a_network_of_one_layer_has_a_map_a_class_and_a_large_image_none(topology, images):
    network = random_network(topology, 1)
    if not images:
        network = dataclasses.replace(network, image_shape=(65, 2))
    found = parsed(network._repr_html_())
    assert len(found.of("img")) == images
    assert ("neuron" in found.facts()) == (len(topology) > 2)


def test_tiles_are_told():
    network = random_network((20, 12, 3), 3)
    assert "tiles" not in parsed(network._repr_html_()).facts()
    tiled = with_steps(network, Tiles(16, 4), (3, 5))
    assert parsed(tiled._repr_html_()).facts()["tiles"] == "16 rows to 4 bits"
