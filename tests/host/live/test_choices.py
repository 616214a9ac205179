"""Choices of a page, and the effect of its knobs on a device."""

import dataclasses

import pytest

from allspin.host.chips.columns import only
from allspin.host.data.catalogue import open_device
from allspin.host.live.choices import Choices
from allspin.host.live.knobs import knobs, turned
from allspin.host.sweep.point import scale_variation
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.device.retention import Retention
from allspin.sim.errors import UserError
from allspin.sim.network.netfile import save_network
from allspin.sim.network.random_network import random_network


def test_networks_that_take_such_images_may_be_chosen():
    choices = Choices.open("paper-10")
    assert {"mnist-10", "mnist-100", "paper-10", "paper-100"} <= set(choices.networks)
    assert choices.usual().network == "paper-10"
    assert choices.machines == ("golden", "virtual")
    assert len(choices.images) == len(choices.labels) == 10_000


def test_a_file_is_known_by_its_name_and_the_board_by_none(tmp_path, idx_folder):
    network = dataclasses.replace(random_network((30, 12, 5), 4), image_shape=(5, 6))
    path = tmp_path / "mine.safetensors"
    save_network(network, path)
    data = idx_folder("small", shape=(5, 6), classes=5, train=20, test=20)
    choices = Choices.open(path, "/dev/ttyUSB9", data=data)
    assert list(choices.networks) == ["mine.safetensors"]
    assert choices.machines == ("golden", "virtual", "board")
    assert choices.usual().on == "board"
    assert choices.port == "/dev/ttyUSB9"


@pytest.mark.parametrize(
    ("network", "on", "words"),
    [
        ("paper-1", "golden", r"did you mean paper-10"),
        ("paper-10", "virtul", r"did you mean virtual\?"),
        (random_network((30, 12, 5), 4), "golden", "takes lists of 30 values, and no images"),
    ],
)
def test_a_view_that_cannot_be_shown_is_refused(network, on, words):
    with pytest.raises(UserError, match=words):
        Choices.open(network, on)


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"network": "paper-10"}, "network must be one of small, other"),
        ({"network": ["small"]}, "network must be one of"),
        ({"on": "board"}, "on must be one of golden, virtual"),
        ({"on": "auto"}, "on must be one of"),
        ({"scheme": "by hand"}, "scheme must be one of"),
        ({"chip": -1}, "chip must be from 0"),
        ({"chip": 2**32}, "chip must be from 0"),
        ({"chip": 1.5}, "chip must be an integer"),
        ({"calibrate": 1}, "calibrate must be true or false"),
        ({"knobs": []}, "knobs must be an object"),
        ({"knobs": {"c2c": 3.01}}, "c2c must be a number from 0 to 3"),
        ({"knobs": {"c2c": -0.1}}, "c2c must be a number from 0 to 3"),
        ({"knobs": {"c2c": float("nan")}}, "c2c must be a number from 0 to 3"),
        ({"knobs": {"c2c": "1"}}, "c2c must be a number from 0 to 3"),
        ({"knobs": {"c2c": True}}, "c2c must be a number from 0 to 3"),
    ],
)
def test_a_forbidden_choice_is_an_error(choices, chosen, words):
    with pytest.raises((ValueError, TypeError), match=words):
        choices.setting(chosen)


def test_a_network_too_large_to_show_is_refused(monkeypatch):
    monkeypatch.setattr("allspin.host.live.choices.MOST_CELLS", 1000)
    with pytest.raises(UserError, match="has 79,400 cells; a page shows 1,000"):
        Choices.open("paper-10")


PAPER = open_device("paper")


def test_a_variation_that_a_device_lacks_has_no_knob():
    found = {knob.name: knob for knob in knobs(PAPER)}
    assert list(found) == ["c2c", "d2d", "neuron_d2d", "neuron_c2c"]
    assert {knob.value for knob in found.values()} == {1.0}
    # A deviation of 0.48 takes no factor above 1 / 0.48.
    assert (found["d2d"].high, found["c2c"].high) == (2.0, 3.0)
    fewer = knobs(only(PAPER, ("c2c", "d2d", "use")))
    assert [knob.name for knob in fewer] == ["c2c", "d2d", "neuron_c2c"]


def test_other_imperfections_have_theirs():
    wrong = Imperfections(
        stuck=0.4, hall_offset=0.02, age=999.0, retention=Retention((1.0, 0.85, 1.1))
    )
    device = dataclasses.replace(PAPER, imperfections=wrong)
    found = {knob.name: knob for knob in knobs(device)}
    assert list(found)[4:] == ["hall_offset", "stuck", "age"]
    assert found["stuck"].high == 2.5
    assert found["age"].value == pytest.approx(3.0)
    later = turned(device, {"stuck": 2.0, "age": 6.0}).imperfections
    assert (later.stuck, later.hall_offset) == (pytest.approx(0.8), 0.02)
    assert later.age == pytest.approx(1e6, rel=1e-5)


def test_factors_are_on_the_deviations():
    """Knobs scale variations like the factors of a sweep."""
    device = turned(PAPER, {"c2c": 2.0, "d2d": 0.5, "neuron_d2d": 0.25, "neuron_c2c": 3.0})
    wanted = scale_variation(PAPER, 2.0, 0.5, 0.25, 3.0)
    assert (device.synapse, device.neuron_variation) == (wanted.synapse, wanted.neuron_variation)
    with pytest.raises(ValueError, match="D2D of depression must be"):
        turned(PAPER, {"d2d": 2.5})
