"""``allspin import``, as it is typed."""

import signal

import numpy as np
import pytest

from allspin.host.data.datasets import load_dataset
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.netfile import load_network


@pytest.fixture
def data(idx_folder):
    """Three classes that can be learnt."""
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


def test_json_table_and_picture_are_of_the_file(cli, model, data, tmp_path):
    output, folder = tmp_path / "net.safetensors", tmp_path / "out"
    bits = "--pixel-bits 5 --hidden-bits 5"
    words = f"import {model} --data {data} -o {output} --states 16 {bits} --tune 2"
    result = cli.json(words)
    network, dataset = load_network(output), load_dataset(data)
    assert (network.pixel_bits, network.hidden_bits) == (5, 5)
    assert network.layers[0].levels.size == 16
    classes = GoldenModel(network).classify(dataset.test_images)
    assert result["tuned_accuracy"] == np.mean(classes == dataset.test_labels)
    assert result["model_topology"] == result["topology"] == [30, 3]
    assert result["model_accuracy"] > 0.9
    assert result["constant_neurons"] == 0
    assert len(result["quantised_errors"]) == len(result["tuned_errors"]) == 1
    out, err = cli.run(f"{words} --pictures {folder}")
    assert "quantised 2/2: loss" in err
    for word in ("30-3", "accuracy in floating point", "accuracy as tuned", "error of layer 0"):
        assert word in out
    assert "there is no hidden layer: biases are spread over the pixels' weights" in out
    assert {path.name for path in folder.iterdir()} == {"imported.png", "imported.svg"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_end_of_tuning_saves_the_network_so_far(start, model, data, number):
    output = model.parent / "net.safetensors"
    process = start(f"import {model} --data {data} -o {output} --tune 400")
    while "quantised 1/400" not in (line := process.stderr.readline()):
        assert line
    process.send_signal(number)
    _, err = process.communicate()
    assert (process.returncode, "interrupted" in err) == (130, True)
    assert load_network(output).provenance["interrupted"] is True


def test_the_scale_of_the_input_is_told_and_a_near_tie_is_warned_of(cli, model, data):
    """Without biases the classes are the same with any scale."""
    words = f"import {model} --data {data} -o {model.parent / 'net.safetensors'}"
    out, err = cli.run(words)
    assert "white pixels are taken as 1 in the model's input: cross-entropy" in out
    assert "give white" not in err
    np.savez(model, W0=np.load(model)["W0"])
    out, err = cli.run(words)
    assert "white pixels are taken as" not in out
    assert "give white" in err
    recipe = model.parent / "recipe.toml"
    recipe.write_text("white = 1\naugment = 'none'")
    out, err = cli.run(f"{words} --tune 1 --recipe {recipe}")
    assert "white pixels are taken as" not in out + err
    assert "the quantised network is kept" in out
