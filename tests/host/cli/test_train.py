"""``allspin train``, as it is typed."""

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name

import numpy as np
import pytest

from allspin.host.cli.main import main
from allspin.host.data.datasets import load_dataset
from allspin.host.report.train_command import train_commands
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.netfile import load_network


@pytest.fixture(autouse=True)
def data(idx_folder: Callable[..., Path], tmp_path: Path, monkeypatch) -> Path:
    """A data set, in the folder where the test works."""
    monkeypatch.chdir(tmp_path)
    return Path(idx_folder(classes=6, train=900, test=120, shape=(8, 9)).name)


@pytest.fixture
def train(data: Path) -> str:
    """The command on it."""
    return f"train --data {data} --hidden 12"


def accuracy_of(path: str, data: Path) -> float:
    """Share of the test images that the network of a file classifies rightly."""
    dataset = load_dataset(data)
    classes = GoldenModel(load_network(Path(path))).classify(dataset.test_images)
    return float(np.mean(classes == dataset.test_labels))


def options(path: str) -> dict[str, object]:
    return load_network(Path(path)).provenance["options"]


def again(path: str) -> str:
    """The command that a report gives of a network."""
    *writers, command = train_commands(load_network(Path(path)).provenance, "again")
    for writer in writers:
        subprocess.run(writer, shell=True, check=True)
    return command.removeprefix("allspin ")


def same(*paths: str) -> bool:
    return len({Path(path).read_bytes() for path in paths}) == 1


def test_json_is_one_object_about_the_file(cli, train, data) -> None:
    command = f"{train} -o net.safetensors --states 16 --epochs 3"
    Path("batch.toml").write_text("batch = 100")
    more = "--augment objects --recipe batch.toml --rate 0.01"
    result = cli.json(f"{command} {more}")
    network = load_network(Path("net.safetensors"))
    assert (result["network"], result["interrupted"]) == ("net.safetensors", False)
    assert result["seconds"] > 0
    expected = network.provenance["validation_accuracy"]
    assert result["validation_accuracy"] == pytest.approx(expected, abs=1e-6)
    assert result["test_accuracy"] == accuracy_of("net.safetensors", data)
    assert network.layers[0].levels.size == 16
    told = result["options"]
    assert told == options("net.safetensors")
    assert (told["augment"], told["rate"], told["batch"]) == ("objects", 0.01, 100)
    _, err = cli.run(f"{command} {more}")
    assert err.splitlines()[0] == (
        "training with augmentation objects, learning rate 0.01, images in a batch 100, "
        "epochs 3, seed 0"
    )
    assert "quantised 3/3: loss" in err
    assert "s left" in err


def test_options_reach_the_network(cli, data, tmp_path) -> None:
    more = "--hidden 7,5 --neuron relu --pixel-bits 2 --hidden-bits 7 --recipe words.toml"
    Path("words.toml").write_text("rah_bits = 6")
    more += " --states 9 --noise 0.02 --epochs 1 --seed 12"
    cli.run(f"train --data {data} {more} -o net.safetensors")
    network = load_network(Path("net.safetensors"))
    assert (network.topology, network.neuron.name) == ((72, 7, 5, 6), "relu")
    assert (network.pixel_bits, network.hidden_bits, network.rah_bits) == (2, 7, 6)
    assert network.current_bits == 10
    expected = {"states": 9, "noise": 0.02, "epochs": 1, "seed": 12}
    assert expected.items() <= options("net.safetensors").items()
    # The provenance does not differ from run to run or from machine to machine.
    assert str(tmp_path) not in json.dumps(network.provenance)


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("missing/net.safetensors", "No such file or directory"),
        ("other", "it is a folder; give a file"),
        ("other/t10k-labels-idx1-ubyte.gz/net.safetensors", "Not a directory"),
    ],
)
def test_an_unwritable_output_is_refused_before_training(
    cli, train, monkeypatch, place: str, reason: str
) -> None:
    monkeypatch.setattr("allspin.host.cli.train.train", lambda *_: pytest.fail("it trained"))
    before = sorted(Path().rglob("*"))
    assert cli.refused(f"{train} -o {place}") == f"allspin: cannot write {place}: {reason}"
    assert sorted(Path().rglob("*")) == before


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


def test_a_recipe_is_the_same_as_its_options(cli, data) -> None:
    Path("recipe.toml").write_text(RECIPE)
    cli.run("train --recipe recipe.toml -o one")
    words = "--hidden 7,5 --states 9 --neuron relu --noise 0.02 --augment objects --rate 0.01"
    Path("batch.toml").write_text("batch = 50")
    cli.run(f"train --data {data} {words} --recipe batch.toml --epochs 2 --seed 5 -o two")
    assert same("one", "two")
    # The command line overrides the recipe.
    cli.run("train --recipe recipe.toml -o three --seed 6 --quick --epochs 1")
    assert options("three") == options("one") | {"seed": 6, "epochs": 1}
    cli.run("train --recipe recipe.toml -o three --quick")
    assert options("three")["epochs"] == 16
    # A key that needs a device, in a recipe without one.
    Path("halves.toml").write_text("polarity = 'halves'")
    assert "--device" in cli.refused("train --recipe halves.toml -o four")


@pytest.mark.parametrize(("quick", "augment"), [("", "digits"), ("--quick", "gentle")])
def test_quick_bends_mnist_less(cli, quick: str, augment: str) -> None:
    found = cli.json(f"train {quick} --hidden 1 --epochs 1 -o one")
    assert found["options"]["augment"] == augment


@pytest.mark.parametrize("kind", ["folder", "archive"])
def test_the_command_of_a_report_makes_the_same_file(cli, data, kind: str) -> None:
    found = load_dataset(data)
    np.savez(
        "set.npz",
        x_train=found.train_images,
        y_train=found.train_labels,
        x_test=found.test_images / 255,
        y_test=found.test_labels,
    )
    source = "set.npz" if kind == "archive" else data
    Path("batch.toml").write_text("batch = 70")
    more = "--hidden 6 --augment digits,rotation=0.1 --rate 0.002 --epochs 2 --seed 3"
    cli.run(f"train --data {source} -o one.safetensors {more} --recipe batch.toml")
    cli.run(again("one.safetensors"))
    assert same("one.safetensors", "again.safetensors")


@pytest.mark.parametrize("more", ["", " --hidden 0", " --hidden 100 --recipe position.toml"])
def test_convolutions_are_trained_again_by_a_recipe_and_a_report(cli, data, more: str) -> None:
    Path("position.toml").write_text("neuron_per = 'position'")
    record = cli.json(f"train --data {data} -o one --epochs 1 --conv '3x3x4 s2,2x2x5 pad'{more}")
    network = load_network(Path("one"))
    assert network.topology == (72, 48, 60, *([100] if "100" in more else []), 6)
    assert record["options"]["conv"] == "3x3x4 s2, 2x2x5 pad"
    cli.run(again("one"))
    recipe = [f"{key} = {json.dumps(value)}" for key, value in options("one").items()]
    Path("r.toml").write_text("\n".join([*recipe, f"data = '{data}'"]))
    cli.run("train --recipe r.toml -o two")
    assert same("one", "again.safetensors", "two")


def test_learning_in_the_array(cli, data) -> None:
    more = "--hidden 9,8 --states 30 --epochs 2"
    record = cli.json(f"learn --data {data} -o one.safetensors {more}")
    assert load_network(Path("one.safetensors")).topology == (72, 9, 8, 6)
    assert record["options"] == options("one.safetensors")
    assert record["validation_accuracy"] is None
    assert 0 <= record["array_accuracy"] <= 1
    assert record["test_accuracy"] == accuracy_of("one.safetensors", data)
    # The report's command, and a recipe, make the same again.
    assert "array accuracy" in cli.run(again("one.safetensors"))[0]
    recipe = f"hidden = [9, 8]\nstates = 30\nepochs = 2\ndata = '{data}'"
    Path("r.toml").write_text(recipe)
    cli.run("learn --recipe r.toml -o three.safetensors")
    assert same("one.safetensors", "again.safetensors", "three.safetensors")


def test_a_device_learns_and_its_chip_runs(cli, data) -> None:
    more = "--device paper --hidden 9 --epochs 4 --rate auto --update width --seed 5"
    record = cli.json(f"learn --data {data} -o one.safetensors --pictures out {more}")
    assert record["options"] == options("one.safetensors")
    assert str(record["options"]["rate"]) in record["learning"]["rates"]
    assert record["learning"]["pulses"] > 0
    cells = "--device paper --measured out/cells.npz --chip 5"
    ran = cli.json(f"run one.safetensors --data {data} {cells}")
    assert ran["accuracy"] == pytest.approx(record["array_accuracy"], abs=0.1)
    assert {"learning.csv", "learning.png", "pulses.csv"} <= {f.name for f in Path("out").iterdir()}
    cli.run(again("one.safetensors"))
    assert same("one.safetensors", "again.safetensors")


@pytest.mark.parametrize(("rate", "said"), [(1e-6, True), (0.1, False)])
def test_devices_that_got_no_pulse_are_said(cli, data, rate, said) -> None:
    words = f"learn --data {data} --device paper --hidden 9 --rate {rate} -o one"
    assert ("pulses for" in cli.run(words)[1]) is said


def test_a_network_learnt_by_pulses_is_kept_if_the_command_is_ended(start, data) -> None:
    words = (
        f"learn --data {data} --hidden 8 --device paper --rate 0.1 --epochs 9999 -o net.safetensors"
    )
    process = start(f"{words} --json")
    out, line = interrupted_at(process, "epoch 1/9999: loss", signal.SIGTERM)
    assert line == "allspin: interrupted; the best network so far is in net.safetensors"
    assert json.loads(out)["interrupted"] is True
    assert load_network(Path("net.safetensors")).provenance["interrupted"] is True


def interrupted_at(process, line: str, number: int) -> tuple[str, str]:
    """Send a signal at a line of stderr, and see it end."""
    err = ""
    while line not in err:
        read = process.stderr.readline()
        assert read, err
        err += read
    process.send_signal(number)
    out, rest = process.communicate()
    assert process.returncode == 130
    return out, rest.splitlines()[-1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_end_saves_the_best_so_far_if_there_is_a_network(start, train, data, number) -> None:
    process = start(f"{train} -o net.safetensors --epochs 400 --json")
    out, line = interrupted_at(process, "quantised 1/400", number)
    assert line == "allspin: interrupted; the best network so far is in net.safetensors"
    assert load_network(Path("net.safetensors")).provenance["interrupted"] is True
    result = json.loads(out)
    assert result["interrupted"] is True
    assert result["test_accuracy"] == accuracy_of("net.safetensors", data)
    process = start(f"{train} -o none.safetensors --epochs 9999")
    found = interrupted_at(process, "float 1/", number)
    assert found == ("", "allspin: interrupted; nothing was saved")
    assert not Path("none.safetensors").exists()


def test_a_robust_network_tells_its_accuracy_on_chips(cli, train, data, monkeypatch) -> None:
    monkeypatch.setattr("allspin.host.train.training_chips.JUDGES", 3)
    out, err = cli.run(f"{train} -o net --robust usual --device paper --epochs 2")
    assert "teacher 1/1: loss" in err
    for words in ("worst of 3 chips, open-loop", "mean of 3 chips, write-verify, calibrated"):
        assert words in out
    chips = load_network(Path("net")).provenance["validation_chips"]
    assert [each["number"] for each in chips] == [3, 3]
    Path("recipe.toml").write_text(
        f"robust = 'usual'\nhidden = [12]\nepochs = 2\ndevice = 'paper'\ndata = '{data}'"
    )
    assert cli.json("train --recipe recipe.toml -o two")["validation_chips"] == chips
    assert same("net", "two")
    assert "--robust usual" in again("net")


@pytest.mark.parametrize("place", ["allspin.host.train.trainer.GoldenModel", "save_network"])
@pytest.mark.parametrize("words", ["train", "learn --device paper --rate 0.1"])
def test_sigterm_behind_the_training_leaves_a_saved_network(
    monkeypatch, data, place: str, words: str
) -> None:
    name = words.partition(" ")[0]
    if place == "save_network":
        place = "allspin.host.cli.train.save_network"
    elif name == "learn":
        place = "allspin.host.learn.learning.GoldenModel"
    work, left = resolve_name(place), [signal.SIGTERM]

    def ended(*given: object) -> object:
        if left:
            signal.raise_signal(left.pop())
        return work(*given)

    monkeypatch.setattr(place, ended)
    command = f"{words} --data {data} --hidden 5 --epochs 1 -o net.safetensors"
    with pytest.raises(SystemExit) as end:
        main(command.split())
    assert end.value.code == 143
    network = load_network(Path("net.safetensors"))
    assert network.topology == (72, 5, 6)
    assert not network.provenance.get("interrupted")
