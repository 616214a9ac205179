"""Files by their names: which are read, and how others are converted."""

import io
import re
import sys
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from safetensors.numpy import save

from allspin.host.foreign import model, named_arrays
from allspin.host.foreign.model import read_model
from allspin.sim.errors import UserError
from allspin.sim.network.netfile import network_to_bytes
from allspin.sim.network.random_network import random_network
from tests.host.data.conftest import damaged
from tests.host.foreign.conftest import SHAPE, torch_model


def packed(**arrays) -> bytes:
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    return content.getvalue()


@pytest.fixture
def layers_of(tmp_path, monkeypatch):
    """The layers of a file's content, for images of 2 x 2 pixels, without the package onnx."""
    monkeypatch.setitem(sys.modules, "onnx", None)

    def read(name, content):
        (tmp_path / name).write_bytes(content)
        return read_model(tmp_path / name, (2, 2)).network

    return read


def test_layers_of_npz_follow_their_numbers(layers_of):
    rng = np.random.default_rng(0)
    shapes = [(4, 5)] + [(5, 5)] * 10 + [(5, 3)]
    weights = [rng.normal(size=shape) for shape in shapes]
    biases = {"b3": rng.normal(size=5).astype(np.float32), "b11": np.array([1, -2, 3], np.int16)}
    matrices = {f"W{k}": np.asfortranarray(weights[k]) for k in rng.permutation(len(shapes))}
    network = layers_of("model.npz", packed(**matrices, **biases))
    values = rng.uniform(size=(3, 4))
    expected = values
    for number in range(11):
        expected = np.maximum(expected @ weights[number] + biases.get(f"b{number}", 0), 0)
    assert network.logits(values) == pytest.approx(expected @ weights[11] + biases["b11"])


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


def test_arrays_as_flax_names_them_in_bfloat16_and_with_a_count(layers_of):
    rng = np.random.default_rng(0)
    tensors: dict[str, Any] = {
        "step": np.array(1000, np.int32),
        "opt/step": np.array(7, np.float32),
    }
    kernels = {}
    for number, shape in ((2, (5, 3)), (10, (3, 2)), (0, (4, 5))):
        name = f"params/Dense_{number}"
        exact = rng.integers(-255, 256, shape) / 64  # eight bits, as bfloat16 has
        kernels[number] = exact
        tensors[f"{name}/kernel"] = exact.astype(ml_dtypes.bfloat16)
        tensors[f"{name}/bias"] = np.arange(shape[1], dtype=np.float32)
    network = layers_of("model.safetensors", save(tensors))
    assert [layer.weights.tolist() for layer in network.layers] == [
        kernels[number].tolist() for number in (0, 2, 10)
    ]
    assert network.layers[1].biases.tolist() == [0, 1, 2]


W = np.ones((4, 3))
ONE = np.ones((3, 4), np.float32)
NPZ = {
    "objects": ({"W0": np.array([[None]])}, "W0 cannot be read: Object arrays cannot be loaded"),
    "text": ({"W0": np.array(["a"])}, "W0 must hold real numbers, not <U1"),
    "no layer": ({"weights": W}, "it has no array W0"),
    "a gap": ({"W0": W, "W2": W}, "it has an array 'W2'"),
    "biases": ({"W0": W, "b0": np.ones(4)}, "W0: 3 outputs need as many biases"),
    "vector": ({"W0": np.ones(4)}, "W0: weights must be inputs x outputs"),
    "not a number": ({"W0": W * np.nan}, "W0: weights must be finite numbers"),
    "layers": ({"W0": W, "W1": W}, "layer 0 has 3 outputs, but layer 1 takes 4"),
    "images": ({"W0": np.ones((6, 3))}, "takes 6 inputs; the images have 2 x 2 pixels"),
}
TENSORS = {
    "norm": (
        {"0.weight": ONE, "1.weight": ONE[0], "1.running_mean": ONE[0]},
        "1.weight: weights must be inputs x outputs",
    ),
    "convolution": (
        {"conv.weight": np.ones((2, 1, 3, 3), np.float32)},
        "conv.weight, of shape (2, 1, 3, 3), is a convolution's, which is read of ONNX",
    ),
    "names": ({"w": ONE}, "it has no array named NAME.weight or NAME/kernel"),
    "a number": ({"0.weight": ONE, "scale": np.array(2, np.float32)}, "it has an array 'scale'"),
    "another": ({"0.weight": ONE, "scale": ONE}, "it has an array 'scale'"),
    "order": (
        {"out.weight": ONE, "in.weight": np.ones((4, 3), np.float32), "z.weight": ONE[:2]},
        "layer 1 has 3 outputs, but layer 2 takes 4",
    ),
}
OWN = network_to_bytes(random_network((6, 4, 3), 1))
REFUSED = {
    **{f"npz, {case}": ("model.npz", packed(**given), said) for case, (given, said) in NPZ.items()},
    **{case: ("net.safetensors", save(given), said) for case, (given, said) in TENSORS.items()},
    "own": ("net.safetensors", OWN, "is a network file of allspin already"),
    "header": ("net.safetensors", (1 << 40).to_bytes(8, "little"), "is not a safetensors file"),
    "cut": ("net.safetensors", save({"0.weight": ONE})[:-1], "is not a safetensors file, or is"),
    "pickle": (
        "net.pt",
        b"",
        "s.save_file(torch.load('net.pt', weights_only=True), 'net.safetensors')",
    ),
    "capitals": ("net.PTH", b"", "is a pickle, which may run any program and is not opened"),
    "Keras": ("net.keras", b"", ".export('net.onnx', format='onnx')"),
    "no name": (
        "net",
        b"",
        "must be a model named .onnx, .safetensors (PyTorch's or Flax's names) or .npz",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_files_without_a_network_are_refused_in_a_line(layers_of, case):
    name, content, words = REFUSED[case]
    with pytest.raises(UserError, match=re.escape(words)) as refused:
        layers_of(name, content)
    assert name in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors", ".onnx"])
def test_files_that_are_not_there(tmp_path, suffix):
    with pytest.raises(UserError, match="cannot read"):
        read_model(tmp_path / f"missing{suffix}", (4, 5))


def test_an_archive_that_unpacks_to_too_much_is_not_unpacked(layers_of, monkeypatch):
    monkeypatch.setattr(model, "MAX_UNPACKED", 1000)
    with pytest.raises(UserError, match=r"it unpacks to 3,328 bytes, at most 1,000 are read"):
        layers_of("model.npz", packed(W0=np.zeros((20, 20))))
    monkeypatch.setattr(named_arrays, "MAX_WEIGHTS", 11)
    with pytest.raises(UserError, match=r"has 12 weights; at most 11 are taken"):
        layers_of("model.npz", packed(W0=W))


TENSORS_WHOLE = save({"0.weight": ONE, "0.bias": ONE[:, 0].copy(), "2.weight": ONE[:, :3]})
WHOLE = {
    "damaged.safetensors": (TENSORS_WHOLE, (2, 2)),
    "damaged.onnx": (torch_model().SerializeToString(), SHAPE),
    "steps.onnx": (Path(__file__).with_name("qonnx.onnx").read_bytes(), SHAPE),
}
"""Contents of files, and the images that they take."""


@pytest.mark.parametrize("name", WHOLE)
@settings(max_examples=60)
@given(st.data())
def test_damaged_files_are_read_or_refused(tmp_path_factory, name, data):
    content, shape = WHOLE[name]
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(damaged(data, content)[: data.draw(st.none() | st.integers(0, len(content)))])
    try:
        read_model(path, shape).answers(np.zeros((2, np.prod(shape))))
    except UserError as error:
        assert name in str(error)  # noqa: PT017
