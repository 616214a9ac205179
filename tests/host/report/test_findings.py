"""The commands of a report make the same again."""

import shlex
import subprocess

import pytest

from allspin.host.cli.command import read_words
from allspin.host.data.catalogue import open_network, shipped_networks
from allspin.host.data.datasets import load_dataset
from allspin.host.report.train_command import train_commands
from allspin.host.train.parameters import TrainingParameters, provenance_of


@pytest.fixture(scope="module")
def mnist():
    return load_dataset()


def made_parameters(commands, folder, monkeypatch):
    """Run the command that writes a recipe, and read the words of the other."""
    monkeypatch.chdir(folder)
    *writers, command = commands
    for writer in writers:
        subprocess.run(writer, shell=True, check=True)
    return shlex.split(command)


@pytest.mark.parametrize("name", shipped_networks())
def test_the_command_trains_with_the_same_options(name, mnist, tmp_path, monkeypatch):
    provenance = open_network(name).provenance
    words = made_parameters(train_commands(provenance, name), tmp_path, monkeypatch)
    assert words[:2] == ["allspin", "train"]
    parameters = read_words("train", words[2:])["training"]
    assert isinstance(parameters, TrainingParameters)
    assert provenance_of(parameters, mnist)["options"] == provenance["options"]
    assert words[-2:] == ["-o", f"{name}.safetensors"]


def test_the_readme_has_the_shipped_networks_commands():
    assert train_commands(open_network("mnist-10").provenance, "mnist-10") == [
        "allspin train --states 10 -o mnist-10.safetensors"
    ]
    assert train_commands(open_network("paper-100").provenance, "paper-100") == [
        "printf '%s\\n' 'level_choice = \"either\"' > paper-100-recipe.toml",
        "allspin train --states 100 --device paper --recipe paper-100-recipe.toml"
        " -o paper-100.safetensors",
    ]


@pytest.mark.parametrize(
    "provenance", [{}, {"command": "train"}, {"command": 3, "options": {}}, {"options": [1]}]
)
def test_a_network_of_unknown_origin_has_no_command(provenance):
    assert train_commands(provenance, "x") == []


def test_another_data_set_and_strange_values_are_quoted():
    provenance = {
        "command": "train",
        "options": {"states": 5, "seed": "3; rm -rf /", "hidden": [48, 24]},
        "data": {"name": "a b"},
    }
    (command,) = train_commands(provenance, "x y")
    words = shlex.split(command)
    assert words[2:] == [
        *("--states", "5", "--hidden", "48,24", "--seed", "3; rm -rf /", "--data", "a b"),
        *("-o", "x y.safetensors"),
    ]


def test_a_point_and_tiles_are_named_and_learning_has_its_command():
    options = {
        "states": 10,
        "device": "paper",
        "at": "current=9mA",
        "tile_rows": 64,
        "adc_bits": 5,
        "levels": "either",
    }
    provenance = {"command": "train", "options": options}
    writer, command = train_commands(provenance, "x")
    assert "level_choice" in writer
    words = shlex.split(command)
    assert words[:2] == ["allspin", "train"]
    assert "paper@current=9mA" in words
    assert "64:5" in words
    learnt = {"command": "train", "options": {"states": 10, "in_array": True, "update": "sign"}}
    (command,) = train_commands(learnt, "x")
    assert command == "allspin learn --states 10 --update sign -o x.safetensors"
