"""What a page may choose, and nothing else."""

import dataclasses

import pytest

from allspin.hdl.bench.networks import random_network
from allspin.host.live.choices import Choices
from allspin.sim.errors import UserError
from allspin.sim.network.netfile import save_network


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
    data = idx_folder("small", (5, 6), 5, 20, 20)
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
def test_what_cannot_be_shown_is_refused(network, on, words):
    with pytest.raises(UserError, match=words):
        Choices.open(network, on)


def test_what_is_missing_is_as_usual(choices):
    assert choices.setting({}) == choices.usual()
    chosen = choices.setting({"chip": None, "knobs": {"d2d": 0.5}, "more": "is not looked at"})
    assert chosen.chip is None
    assert dict(chosen.knobs) == {"c2c": 1, "d2d": 0.5, "neuron_d2d": 1, "neuron_c2c": 1}


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
        ({"chip": True}, "chip must be a seed"),
        ({"chip": 1.5}, "chip must be an integer"),
        ({"calibrate": 1}, "calibrate must be true or false"),
        ({"knobs": []}, "knobs must be an object"),
        ({"knobs": {"c2c": 3.01}}, "c2c must be from 0 to 3"),
        ({"knobs": {"c2c": -0.1}}, "c2c must be from 0 to 3"),
        ({"knobs": {"c2c": float("nan")}}, "c2c must be from 0 to 3"),
        ({"knobs": {"c2c": "1"}}, "c2c must be from 0 to 3"),
        ({"knobs": {"c2c": True}}, "c2c must be from 0 to 3"),
    ],
)
def test_what_may_not_be_chosen_is_an_error(choices, chosen, words):
    with pytest.raises((ValueError, TypeError), match=words):
        choices.setting(chosen)


def test_a_network_too_large_to_show_is_refused(monkeypatch):
    monkeypatch.setattr("allspin.host.live.choices.MOST_CELLS", 1000)
    with pytest.raises(UserError, match="has 79,400 cells; a page shows 1,000"):
        Choices.open("paper-10")
