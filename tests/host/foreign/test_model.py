"""Files by their names: which are read, and how others are converted."""

import io
import re
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from allspin.host.foreign import model
from allspin.host.foreign.description import Dense, FloatNetwork, InputScaling
from allspin.host.foreign.model import read_model
from allspin.sim.errors import UserError
from allspin.sim.network.netfile import network_to_bytes
from allspin.sim.network.random_networks import random_network


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
        ((0, 0, 1), "white must be a number from 1e-12 to 1e"),
        ((1, np.nan, 1), "mean must be a number from -1e"),
        ((1, 0, -1), "scale must be a number from 1e-12 to 1e"),
    ],
)
def test_scalings_that_are_none(values, words):
    with pytest.raises(ValueError, match=words):
        InputScaling(*values)


# Networks in npz: as NumPy saves them, and what strangers may put there.


def packed(**arrays) -> bytes:
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **arrays)
    return content.getvalue()


@pytest.fixture
def layers_of(tmp_path):
    """The layers of a file's content, for images of 2 x 2 pixels."""

    def read(name, content):
        (tmp_path / name).write_bytes(content)
        return read_model(tmp_path / name, (2, 2)).network

    return read


def test_layers_of_npz_follow_their_numbers(layers_of):
    rng = np.random.default_rng(0)
    shapes = [(4, 5)] + [(5, 5)] * 10 + [(5, 3)]
    weights = [rng.normal(size=shape) for shape in shapes]
    biases = {"b3": rng.normal(size=5).astype(np.float32), "b11": np.array([1, -2, 3], np.int16)}
    order = rng.permutation(len(shapes))
    given = {f"W{k}": np.asfortranarray(weights[k]) for k in order}
    network = layers_of("model.npz", packed(**given, **biases))
    assert network.topology == (4, *[5] * 11, 3)
    for number, layer in enumerate(network.layers):
        assert np.array_equal(layer.weights, weights[number])
        assert np.array_equal(layer.biases, biases.get(f"b{number}", np.zeros(len(layer.biases))))
    values = rng.uniform(size=(3, 4))
    expected = values
    for number in range(11):
        expected = np.maximum(expected @ weights[number] + biases.get(f"b{number}", 0), 0)
    assert network.logits(values) == pytest.approx(expected @ weights[11] + biases["b11"])


W = np.ones((4, 3))
REFUSED_NPZ = {
    "objects": ({"W0": np.array([[None]])}, "W0 cannot be read: it holds Python objects"),
    "text": ({"W0": np.array(["a"])}, "W0 must hold real numbers, not <U1"),
    "no layer": ({"weights": W}, "it has no array W0"),
    "a gap": ({"W0": W, "W2": W}, "it has an array 'W2'"),
    "biases": ({"W0": W, "b0": np.ones(4)}, "W0: 3 outputs need as many biases"),
    "vector": ({"W0": np.ones(4)}, "W0: weights must be inputs x outputs"),
    "not a number": ({"W0": W * np.nan}, "W0: weights must be finite numbers"),
    "layers": ({"W0": W, "W1": W}, "layer 0 has 3 outputs, but layer 1 takes 4"),
    "one output": ({"W0": np.ones((4, 1))}, "at least two outputs"),
    "many": ({f"W{k}": np.eye(2) for k in range(16)}, "1 to 15 layers, not 16"),
}


@pytest.mark.parametrize("case", REFUSED_NPZ)
def test_npz_without_a_network_is_refused_in_a_line(layers_of, case):
    arrays, words = REFUSED_NPZ[case]
    content = io.BytesIO()
    np.savez(content, **arrays)
    with pytest.raises(UserError, match=re.escape(words)) as refused:
        layers_of("model.npz", content.getvalue())
    assert "\n" not in str(refused.value)


def test_what_unpacks_to_too_much_is_not_unpacked(layers_of, monkeypatch):
    monkeypatch.setattr(model, "MAX_UNPACKED", 1000)
    with pytest.raises(UserError, match=r"it unpacks to 3,328 bytes, at most 1,000 are read"):
        layers_of("model.npz", packed(W0=np.zeros((20, 20))))


# Networks in safetensors, with PyTorch's names.


@pytest.mark.parametrize(
    "names", [("0", "2", "10"), ("fc1", "fc2", "fc10"), ("net.a", "net.b", "net.c")]
)
def test_layers_follow_their_names_numbers_by_value(layers_of, names):
    rng = np.random.default_rng(0)
    shapes = ((6, 4), (5, 6), (3, 5))
    weights = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    biases = [rng.normal(size=shape[0]).astype(np.float32) for shape in shapes]
    tensors = {f"{name}.weight": weights[k] for k, name in enumerate(names)}
    tensors |= {f"{name}.bias": biases[k] for k, name in enumerate(names) if k != 1}
    network = layers_of("model.safetensors", save(tensors))
    values = rng.uniform(size=(3, 4))
    hidden = np.maximum(values @ weights[0].T + biases[0], 0)
    hidden = np.maximum(hidden @ weights[1].T, 0)
    assert network.logits(values) == pytest.approx(hidden @ weights[2].T + biases[2], abs=1e-5)


def as_bfloat16(content):
    """A file of half precision that says its numbers are of the other kind of 16 bits."""
    end = 8 + int.from_bytes(content[:8], "little")
    header = content[8:end].replace(b'"F16"', b'"BF16"')
    return len(header).to_bytes(8, "little") + header + content[end:]


ONE = np.ones((3, 4), np.float32)
REFUSED_TENSORS = {
    "norm": (
        save({"0.weight": ONE, "1.weight": ONE[0], "1.running_mean": ONE[0]}),
        "'1.running_mean' belongs to a BatchNorm, whose place in the module no names tell",
    ),
    "convolution": (
        save({"conv.weight": np.ones((2, 1, 3, 3), np.float32)}),
        "conv.weight: weights must be inputs x outputs",
    ),
    "names": (save({"w": ONE}), "it has no array named NAME.weight"),
    "another": (save({"0.weight": ONE, "scale": ONE}), "it has an array 'scale'"),
    "order": (
        save({"out.weight": ONE, "in.weight": np.ones((4, 3), np.float32), "z.weight": ONE[:2]}),
        "layer 1 has 3 outputs, but layer 2 takes 4",
    ),
    "own": (network_to_bytes(random_network((6, 4, 3), 1)), "is a network file of allspin already"),
    "header": ((1 << 40).to_bytes(8, "little") + b"{}", "is not a safetensors file"),
    "cut": (save({"0.weight": ONE})[:-1], "is not a safetensors file, or is damaged"),
    "brain": (
        as_bfloat16(save({"0.weight": ONE.astype(np.float16)})),
        "0.weight must hold real numbers, not bfloat16; save it in single precision",
    ),
    "short": (b"{}", "is not a safetensors file"),
}


@pytest.mark.parametrize("case", REFUSED_TENSORS)
def test_tensors_without_a_network_are_refused_in_a_line(layers_of, case):
    content, words = REFUSED_TENSORS[case]
    with pytest.raises(UserError) as refused:
        layers_of("model.safetensors", content)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


@settings(max_examples=60)
@given(data=st.data())
def test_damaged_files_are_read_or_refused(tmp_path_factory, data):
    content = bytearray(save({"0.weight": ONE, "0.bias": ONE[:, 0].copy(), "2.weight": ONE[:, :3]}))
    header = int.from_bytes(content[:8], "little")
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, 8 + header - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.safetensors"
    path.write_bytes(content)
    refused = "damaged.safetensors"
    try:
        read_model(path, (2, 2))
    except UserError as error:
        refused = str(error)
    assert "damaged.safetensors" in refused
