"""Cards of a notebook show the right values, and render names as plain text."""

import dataclasses
import re

import numpy as np
import pytest

from allspin.host.charts.device_curves import DRAWN, response_curve, synapse_curve
from allspin.host.charts.model_cards import card
from allspin.host.charts.rah_maps import map_pixels
from allspin.host.chips.columns import Column
from allspin.host.chips.measured import MeasureOptions, measure_chips
from allspin.host.data.catalogue import open_device
from allspin.host.draw.html import card_of
from allspin.host.run.inference import RunOptions, run
from allspin.host.show.table import LONGEST_FACT as LONGEST, fact_table
from allspin.sim.chip.chip import Chip
from allspin.sim.chip.synapse_array import SynapseArray
from allspin.sim.network.random_network import random_network
from allspin.sim.network.tiling import Tiles, with_steps
from allspin.sim.synapse.response import Polarity
from tests.host.reader import Reader

NASTY = ["<script>alert(1)</script>", '"><img src=x onerror=y>', "a & b", "$\\frac{$ <i>", "'"]
DEVICE = open_device("paper")


def read(html: str) -> Reader:
    found = Reader(html)
    assert found.faults == []
    return found


@pytest.mark.parametrize("name", NASTY)
def test_a_name_makes_no_tags(name):
    device = dataclasses.replace(DEVICE, name=name, unit=name)
    network = random_network((24, 7, 3), 1)
    provenance = {"data": {"name": name}, "options": {"seed": [1], "device": name}}
    network = dataclasses.replace(network, provenance=provenance)
    for shown in (device, Chip(device, 7), network):
        found = read(card(shown))
        assert any(name in text for text in found.said("td") + found.said("b"))
        assert not {tag for tag, _ in found.elements} & {"script", "i"}
        assert [image for image in found.all("img") if "onerror" in image] == []
    assert "seed" not in found.facts()


def test_forbidden_characters_are_replaced_long_text_is_cut_and_unknown_facts_are_left_out():
    about = [("a", "x\x00\x1b\ud800"), ("b", None), ("c", "<" * 2 * LONGEST), ("d", 0)]
    found = read(card_of([fact_table("t", about)]))
    cut = "<" * (LONGEST - 1) + "\N{HORIZONTAL ELLIPSIS}"
    assert found.facts() == {"a": "x\ufffd\ufffd\ufffd", "c": cut, "d": "0"}


def test_a_model_shows_its_card_and_another_value_has_none():
    assert DEVICE._repr_html_() == card(DEVICE)
    assert card(3) is None


def test_a_device_has_its_curves_and_every_variation():
    up, down = synapse_curve(DEVICE).axes[0].lines
    for line, polarity in ((up, Polarity.POTENTIATION), (down, Polarity.DEPRESSION)):
        pulses, values = np.asarray(line.get_data())
        assert len(pulses) == 61
        np.testing.assert_allclose(values, DEVICE.synapse.curve(polarity, pulses))
    current, output = np.asarray(response_curve(DEVICE).axes[0].lines[0].get_data())
    np.testing.assert_allclose(output, DEVICE.neuron.response(current))
    found = read(card(DEVICE))
    assert len(found.all("svg")) == 2
    said = found.text_of("td")
    assert all(line.partition("R_AH")[0] in said for line in DEVICE.readings())


def test_cells_are_those_of_the_chip():
    axes = synapse_curve(DEVICE, Chip(DEVICE, 7)).axes[0]
    cells = [line for line in axes.lines if line.get_alpha()]
    assert len(cells) == 2 * DRAWN
    # Ends of their potentiation, computed by another way to the same cells.
    array = SynapseArray(DEVICE.synapse, 7, 0, (DRAWN, 1))
    own = array.deviates[Polarity.POTENTIATION][:, 0]
    ends = [np.asarray(line.get_ydata())[-1] for line in cells[:DRAWN]]
    np.testing.assert_allclose(ends, DEVICE.synapse.curve(Polarity.POTENTIATION, 100, own))
    assert len(response_curve(DEVICE, Chip(DEVICE, 7)).axes[0].lines) == DRAWN + 1
    one, other = (card(Chip(DEVICE, seed)) for seed in (7, 8))
    assert (read(one).facts()["seed"], read(other).facts()["seed"]) == ("7", "8")
    assert re.findall("<path[^>]*>", one) != re.findall("<path[^>]*>", other)


def test_a_network_has_its_figures_and_maps():
    network = random_network((20, 12, 3), 3)
    found = read(card(network))
    assert found.facts()["topology"] == "20-12-3"
    assert found.facts()["synapses"] == f"{20 * 12 + 12 * 3}"
    assert "tiles" not in found.facts()
    assert len(found.all("img")) == 1
    # Orange above zero, purple below.
    pixels, words = map_pixels(network, 3), network.layers[0].words[:, 3]
    red, blue = (pixels[..., colour].ravel().astype(int) for colour in (0, 2))
    assert np.array_equal(np.sign(red - blue)[abs(words) > 20], np.sign(words)[abs(words) > 20])
    tiled = with_steps(network, Tiles(16, 4), (3, 5))
    assert read(card(tiled)).facts()["tiles"] == "16 rows to 4 bits"


@pytest.mark.parametrize(("topology", "images"), [((12, 4), 1), ((65 * 2, 3, 2), 0)])
def test_a_network_of_one_layer_has_a_map_a_class_and_a_large_image_none(topology, images):
    network = random_network(topology, 1)
    if not images:
        network = dataclasses.replace(network, image_shape=(65, 2))
    found = read(card(network))
    assert len(found.all("img")) == images
    assert ("neuron" in found.facts()) == (len(topology) > 2)


def test_measured_chips_have_a_row_and_a_strip_each():
    columns = Column("<open loop>", ("c2c",), "open-loop"), Column("ideal", (), "pulse-width")
    measured = measure_chips("paper-10", "paper", MeasureOptions(4, columns=columns), images=50)
    found = read(measured._repr_html_() or "")
    ideal = f"{100 * measured.results[1].mean:.2f} \u00b1 0.00"
    assert (found.said("th")[-1], ideal in found.said("td")) == ("ideal", True)
    texts = found.said("text")
    assert {"paper-10: <open loop>", "paper-10: ideal", ideal} <= set(texts)


@pytest.mark.parametrize(("classes", "pictures"), [(10, 1), (17, 0)])
def test_a_score_has_its_figures_and_a_matrix_that_can_be_read(classes, pictures):
    network = dataclasses.replace(random_network((784, 5, classes), 2), image_shape=(28, 28))
    score = run(network, "golden", RunOptions(check=True), images=60)
    answers = score.shown.answers
    assert answers is not None
    if classes > 10:
        answers = dataclasses.replace(answers, classes=np.full(60, classes - 1))
    score = dataclasses.replace(score, shown=dataclasses.replace(score.shown, answers=answers))
    found = read(score._repr_html_() or "")
    assert len(found.all("svg")) == pictures
    assert found.facts()["logits that differ"] == f"0 of {60 * classes:,}"
    assert found.facts()["machine"] == "golden"
