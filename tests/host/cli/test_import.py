"""``allspin import``, as it is typed."""

import json

import numpy as np
import pytest

from allspin.host.cli.main import main
from allspin.host.data.datasets import load_dataset
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.netfile import load_network


@pytest.fixture
def data(idx_folder):
    return idx_folder(classes=3, train=200, test=60, shape=(5, 6))


@pytest.fixture
def model(data, tmp_path):
    """A network without a hidden layer: the mean image of each class, less the mean of all."""
    dataset = load_dataset(data)
    levels = dataset.train_images.reshape(200, 30) / 255
    means = np.array([levels[dataset.train_labels == k].mean(axis=0) for k in range(3)])
    path = tmp_path / "model.npz"
    np.savez(path, W0=means.T, b0=-0.5 * (means**2).sum(axis=1))
    return path


def arguments(model, data, output, *more: str) -> list[str]:
    return ["import", str(model), "--data", str(data), "-o", str(output), *more]


def test_json_is_one_object_about_the_file(model, data, tmp_path, capfd):
    output = tmp_path / "net.safetensors"
    more = ("--states", "16", "--bits", "5", "--tune", "2", "--json")
    assert main(arguments(model, data, output, *more)) == 0
    out, err = capfd.readouterr()
    result = json.loads(out)
    network = load_network(output)
    assert (network.pixel_bits, network.hidden_bits) == (5, 5)
    assert network.layers[0].levels.size == 16
    dataset = load_dataset(data)
    classes = GoldenModel(network).classify(dataset.test_images)
    assert result["tuned_accuracy"] == np.mean(classes == dataset.test_labels)
    assert result["model_topology"] == result["topology"] == [30, 3]
    assert result["model_accuracy"] > 0.9
    assert result["constant_neurons"] == 0
    assert len(result["quantised_errors"]) == len(result["tuned_errors"]) == 1
    assert "quantised 2/2: loss" in err


def test_the_table_and_the_picture(model, data, tmp_path, capfd):
    output, folder = tmp_path / "net.safetensors", tmp_path / "out"
    assert main(arguments(model, data, output, "--pictures", str(folder))) == 0
    out, _ = capfd.readouterr()
    for word in ("30-3", "accuracy in floating point", "accuracy as quantised", "error of layer 0"):
        assert word in out
    assert "there is no hidden layer: biases are spread over the pixels' weights" in out
    assert {path.name for path in folder.iterdir()} == {"imported.png", "imported.svg"}


def test_the_model_is_not_written_over(model, data, capfd):
    before = model.read_bytes()
    assert main(arguments(model, data, model)) == 2
    said = f"--output {model} is read, and would be lost when it is written; give another name"
    assert capfd.readouterr().err == f"allspin: {said}\n"
    assert model.read_bytes() == before


def test_a_pickle_is_refused_with_the_line_that_converts_it(data, tmp_path, capfd):
    assert main(arguments(tmp_path / "net.pt", data, tmp_path / "net.safetensors")) == 2
    _, err = capfd.readouterr()
    assert "torch.load('net.pt', weights_only=True), 'net.safetensors')" in err
    assert err.splitlines()[-1].startswith("allspin: ")
