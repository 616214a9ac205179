"""``allspin train``, as it is typed."""

import json
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from allspin.host.cli.main import main
from allspin.host.data.datasets import load_dataset
from allspin.host.report.subject import train_command
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.netfile import load_network


@pytest.fixture
def data(idx_folder: Callable[..., Path]) -> Path:
    return idx_folder(classes=6, train=900, test=120, shape=(8, 9))


def arguments(data: Path, output: Path, *more: str) -> list[str]:
    return ["train", "--data", str(data), "--hidden", "12", "-o", str(output), *more]


def test_json_is_one_object_about_the_file(data, tmp_path, capfd) -> None:
    output = tmp_path / "net.safetensors"
    assert main(arguments(data, output, "--epochs", "3", "--states", "16", "--json")) == 0
    out, err = capfd.readouterr()
    result = json.loads(out)
    network = load_network(output)
    assert result["network"] == str(output)
    assert result["interrupted"] is False
    assert result["seconds"] > 0
    assert result["validation_accuracy"] == pytest.approx(
        network.provenance["validation_accuracy"], abs=1e-6
    )
    dataset = load_dataset(data)
    classes = GoldenModel(network).classify(dataset.test_images)
    assert result["test_accuracy"] == np.mean(classes == dataset.test_labels)
    assert network.layers[0].levels.size == 16
    assert "quantised 3/3: loss" in err
    assert "s left" in err


def test_options_reach_the_network(data, tmp_path, capfd) -> None:
    output = tmp_path / "net.safetensors"
    more = "--hidden 7,5 --neuron relu --pixel-bits 2 --hidden-bits 7 --rah-bits 6"
    more += " --states 9 --noise 0.02 --epochs 1 --seed 12"
    assert main(arguments(data, output, *more.split())) == 0
    network = load_network(output)
    assert network.topology == (72, 7, 5, 6)
    assert network.neuron.name == "relu"
    assert (network.pixel_bits, network.hidden_bits, network.rah_bits) == (2, 7, 6)
    assert network.current_bits == 10
    options = network.provenance["options"]
    assert (options["states"], options["noise"], options["epochs"]) == (9, 0.02, 1)
    assert options["seed"] == 12
    # Nothing that differs from run to run or from machine to machine.
    assert str(tmp_path) not in json.dumps(network.provenance)


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("missing/net.safetensors", "No such file or directory"),
        ("other", "it is a folder; give a file"),
        ("other/t10k-labels-idx1-ubyte.gz/net.safetensors", "Not a directory"),
    ],
)
def test_what_cannot_be_written_is_refused_before_training(
    data, tmp_path, capfd, monkeypatch, place: str, reason: str
) -> None:
    monkeypatch.setattr("allspin.host.cli.train.train", lambda *_: pytest.fail("it trained"))
    before = sorted(tmp_path.rglob("*"))
    assert main(arguments(data, tmp_path / place)) == 2
    _, err = capfd.readouterr()
    assert err == f"allspin: cannot write {tmp_path / place}: {reason}\n"
    assert sorted(tmp_path.rglob("*")) == before


def test_what_was_chosen_is_said(data, tmp_path, capfd) -> None:
    output = tmp_path / "net.safetensors"
    more = "--epochs 1 --augment objects --batch 100 --rate 0.01 --json"
    assert main(arguments(data, output, *more.split())) == 0
    out, err = capfd.readouterr()
    assert err.splitlines()[0] == (
        "training with augmentation objects, learning rate 0.01, images in a batch 100, "
        "epochs 1, seed 0"
    )
    options = json.loads(out)["options"]
    written = load_network(output).provenance["options"]
    assert options == written
    assert (options["augment"], options["rate"], options["batch"]) == ("objects", 0.01, 100)


RECIPE = """\
states = 9
hidden = [7, 5]
neuron = "relu"
noise = 0.02
augment = "objects"
rate = 0.01
batch = 50
epochs = 2
seed = 5
data = "other"
"""


def test_a_recipe_is_the_same_as_its_options(data, tmp_path, capfd) -> None:
    (tmp_path / "recipe.toml").write_text(RECIPE)
    one, two, three = (tmp_path / f"{name}.safetensors" for name in ("one", "two", "three"))
    command = ["train", "--recipe", str(tmp_path / "recipe.toml")]
    assert main([*command, "-o", str(one)]) == 0
    options = "--hidden 7,5 --states 9 --neuron relu --noise 0.02 --augment objects --rate 0.01"
    options += " --batch 50 --epochs 2 --seed 5"
    assert main(arguments(data, two, *options.split())) == 0
    assert one.read_bytes() == two.read_bytes()
    # What the command line says wins.
    assert main([*command, "-o", str(three), "--seed", "6", "--quick", "--epochs", "1"]) == 0
    written = load_network(three).provenance["options"]
    assert written == load_network(one).provenance["options"] | {"seed": 6, "epochs": 1}
    assert main([*command, "-o", str(three), "--quick"]) == 0
    assert load_network(three).provenance["options"]["epochs"] == 16


@pytest.mark.parametrize("kind", ["folder", "archive"])
def test_the_command_of_a_report_makes_the_same_file(
    data, tmp_path, capfd, monkeypatch, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if kind == "archive":
        found = load_dataset(data)
        np.savez(
            "set.npz",
            x_train=found.train_images,
            y_train=found.train_labels,
            x_test=found.test_images / 255,
            y_test=found.test_labels,
        )
    source = "set.npz" if kind == "archive" else data.name
    more = "--hidden 6 --augment digits,rotation=0.1 --rate 0.002 --batch 70 --epochs 2 --seed 3"
    assert main(["train", "--data", source, "-o", "one.safetensors", *more.split()]) == 0
    command = train_command(load_network(Path("one.safetensors")).provenance, "two")
    assert command is not None
    assert main(shlex.split(command)[1:]) == 0
    assert Path("one.safetensors").read_bytes() == Path("two.safetensors").read_bytes()


def test_learning_in_the_array(data, tmp_path, capfd, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    more = "--in-array --hidden 9,8 --states 30 --epochs 2 --json"
    assert main(["train", "--data", data.name, "-o", "one.safetensors", *more.split()]) == 0
    record = json.loads(capfd.readouterr().out)
    network = load_network(Path("one.safetensors"))
    assert network.topology == (72, 9, 8, 6)
    assert record["options"] == network.provenance["options"]
    assert record["validation_accuracy"] is None
    assert 0 <= record["array_accuracy"] <= 1
    dataset = load_dataset(data)
    classes = GoldenModel(network).classify(dataset.test_images)
    assert record["test_accuracy"] == np.mean(classes == dataset.test_labels)
    # The report's command, and a recipe, make the same again.
    command = train_command(network.provenance, "two")
    assert command is not None
    assert main(shlex.split(command)[1:]) == 0
    assert "array accuracy" in capfd.readouterr().out
    (tmp_path / "r.toml").write_text(
        f"in_array = true\nhidden = [9, 8]\nstates = 30\nepochs = 2\ndata = '{data.name}'"
    )
    assert main(["train", "--recipe", "r.toml", "-o", "three.safetensors"]) == 0
    contents = {Path(f"{name}.safetensors").read_bytes() for name in ("one", "two", "three")}
    assert len(contents) == 1


def interrupted_at(line: str, command: list[str]) -> tuple[int, str, str]:
    """Start the command, press Ctrl-C at a line of its stderr, and see it end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "allspin", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr is not None
        for seen in process.stderr:
            if seen.startswith(line):
                process.send_signal(signal.SIGINT)
                break
        out, err = process.communicate()
    return process.returncode, out, err


def test_ctrl_c_saves_the_best_so_far_and_says_so(data, tmp_path) -> None:
    output = tmp_path / "net.safetensors"
    command = arguments(data, output, "--epochs", "400", "--json")
    status, out, err = interrupted_at("quantised 1/400", command)
    assert status == 130
    assert err.splitlines()[-1] == (f"allspin: interrupted; the best network so far is in {output}")
    network = load_network(output)
    assert network.provenance["interrupted"] is True
    result = json.loads(out)
    assert result["interrupted"] is True
    dataset = load_dataset(data)
    classes = GoldenModel(network).classify(dataset.test_images)
    assert result["test_accuracy"] == np.mean(classes == dataset.test_labels)


def test_ctrl_c_before_there_is_a_network_saves_nothing_and_says_so(data, tmp_path) -> None:
    output = tmp_path / "net.safetensors"
    command = arguments(data, output, "--epochs", "9999")
    status, out, err = interrupted_at("float 1/", command)
    assert (status, out) == (130, "")
    assert err.splitlines()[-1] == "allspin: interrupted; nothing was saved"
    assert not output.exists()


def test_a_robust_network_says_what_chips_reach(data, tmp_path, capfd, monkeypatch) -> None:
    monkeypatch.setattr("allspin.host.train.lesson.CHIPS", 3)
    output = tmp_path / "net.safetensors"
    more = ("--robust", "--device", "paper", "--epochs", "2")
    assert main(arguments(data, output, *more)) == 0
    out, err = capfd.readouterr()
    assert "teacher 1/1: loss" in err
    for words in ("worst of 3 chips, open-loop", "mean of 3 chips, write-verify, calibrated"):
        assert words in out
    provenance = load_network(output).provenance
    assert [each["number"] for each in provenance["validation_chips"]] == [3, 3]
    again = tmp_path / "again.safetensors"
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        f"robust = 'usual'\nhidden = [12]\nepochs = 2\ndevice = 'paper'\ndata = '{data}'"
    )
    assert main(["train", "--recipe", str(recipe), "-o", str(again), "--json"]) == 0
    result = json.loads(capfd.readouterr().out)
    assert result["validation_chips"] == provenance["validation_chips"]
    assert again.read_bytes() == output.read_bytes()
    command = train_command(provenance, "net")
    assert command is not None
    assert shlex.split(command)[2:4] == ["--robust", "--states"]
