"""Files by their names: which are read, and how others are converted."""

import sys

import numpy as np
import pytest

from allspin.host.foreign.description import Dense, FloatNetwork, InputScaling
from allspin.host.foreign.model import read_model
from allspin.sim.errors import UserError


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("net.pt", "s.save_file(torch.load('net.pt', weights_only=True), 'net.safetensors')"),
        ("net.PTH", "is a pickle, which may run any program and is not opened"),
        ("net.keras", ".export('net.onnx', format='onnx')"),
        ("net.txt", "must be a model named .onnx, .safetensors (PyTorch's names) or .npz"),
        ("net", "must be a model named .onnx"),
        ("missing.npz", "cannot read npz file"),
        ("missing.safetensors", "cannot read safetensors file"),
        ("missing.onnx", "cannot read ONNX model"),
    ],
)
def test_other_files_are_refused_in_a_line(tmp_path, name, words):
    with pytest.raises(UserError) as refused:
        read_model(tmp_path / name, (4, 5))
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_other_images_are_refused(tmp_path):
    path = tmp_path / "net.npz"
    np.savez(path, W0=np.ones((6, 3)))
    with pytest.raises(UserError, match="takes 6 inputs; the images have 4 x 5 pixels"):
        read_model(path, (4, 5))


def test_other_formats_need_no_onnx(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    path = tmp_path / "net.npz"
    np.savez(path, W0=np.eye(20, 3))
    assert read_model(path, (4, 5)).network.topology == (20, 3)


def test_a_scaling_goes_into_the_first_layer():
    rng = np.random.default_rng(0)
    layers = (
        Dense(rng.normal(size=(6, 5)), rng.normal(size=5), high=1.5),
        Dense(rng.normal(size=(5, 3)), rng.normal(size=3)),
    )
    network, scaling = FloatNetwork(layers), InputScaling(255.0, 33.3, 78.6)
    images = rng.integers(0, 256, (7, 2, 3), dtype=np.uint8)
    by_hand = np.clip(
        ((images.reshape(7, 6) - 33.3) / 78.6) @ layers[0].weights + layers[0].biases, 0, 1.5
    )
    expected = by_hand @ layers[1].weights + layers[1].biases
    assert network.logits(scaling.apply(images)) == pytest.approx(expected)
    assert network.scaled(scaling).logits(images.reshape(7, 6) / 255) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((0, 0, 1), "white must be a finite number greater than 0"),
        ((1, np.nan, 1), "mean must be a finite number"),
        ((1, 0, -1), "scale must be a finite number greater than 0"),
    ],
)
def test_scalings_that_are_none(values, words):
    with pytest.raises(ValueError, match=words):
        InputScaling(*values)
