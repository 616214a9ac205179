"""A small network of real numbers, and graphs as other tools make them of it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from allspin.host.data.datasets import load_dataset

SHAPE = (4, 5)
PIXELS, HIDDEN, CLASSES = 20, 7, 3
INPUTS = np.random.default_rng(4).uniform(size=(6, PIXELS))
"""Inputs from 0 to 1, shape (images, pixels)."""


def _drawn(seed: int, **shapes: Any) -> dict[str, npt.NDArray[np.float32]]:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


ARRAYS = _drawn(3, w0=(PIXELS, HIDDEN), b0=HIDDEN, w1=(HIDDEN, CLASSES), b1=CLASSES)
"""Weights (inputs, outputs) and biases of two layers."""
node = helper.make_node


def model(
    nodes: Sequence[Any],
    constants: Mapping[str, npt.ArrayLike] = ARRAYS,
    shape: Sequence[Any] = (None, PIXELS),
    outputs: tuple[str, ...] = ("output",),
) -> onnx.ModelProto:
    """A model of nodes and initializers, whose input is ``input``."""
    graph = helper.make_graph(
        nodes,
        "main_graph",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
        [onnx.ValueInfoProto(name=output) for output in outputs],
        [numpy_helper.from_array(np.asarray(array), key) for key, array in constants.items()],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def torch_model() -> onnx.ModelProto:
    """Return the graph that ``torch.onnx.export`` writes of five kinds of modules."""
    norm = _drawn(5, scale=HIDDEN, bias=HIDDEN, mean=HIDDEN, var=HIDDEN)
    for name in ("scale", "var"):
        norm[name] = np.abs(norm[name]) + np.float32(0.5)
    nodes = [
        node("Flatten", ["input"], ["flat"], name="/0/Flatten", axis=1),
        node("Gemm", ["flat", "1.weight", "b0"], ["sums"], alpha=1.0, beta=1.0, transB=1),
        node("BatchNormalization", ["sums", *norm], ["normal"], epsilon=1e-3, momentum=0.9),
        node("Constant", [], ["low"], value=numpy_helper.from_array(np.array(0, np.float32))),
        node("Constant", [], ["high"], value=numpy_helper.from_array(np.array(2, np.float32))),
        node("Clip", ["normal", "low", "high"], ["held"]),
        node("Dropout", ["held"], ["dropped"]),
        node("Gemm", ["dropped", "5.weight", "b1"], ["output"], alpha=1.0, beta=1.0, transB=1),
    ]
    weights = {"1.weight": ARRAYS["w0"].T, "5.weight": ARRAYS["w1"].T}
    return model(nodes, {**ARRAYS, **weights, **norm}, ["batch", 1, *SHAPE])


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[onnx.ModelProto], Path]:
    """Write a model; its file."""

    def save(content: onnx.ModelProto) -> Path:
        path = tmp_path / "model.onnx"
        path.write_bytes(content.SerializeToString())
        return path

    return save


@pytest.fixture
def elsewhere(idx_folder, tmp_path) -> SimpleNamespace:
    """A network that another program made: random hidden neurons, a readout of least squares.

    It has the npz file's `path`, the `dataset`, and the `accuracy` on its test images.
    """
    dataset = load_dataset(idx_folder(classes=4, train=700, test=200, shape=(6, 7)))
    rng = np.random.default_rng(0)
    w0 = rng.normal(size=(42, 24)).astype(np.float32) / 4
    b0 = rng.uniform(-0.5, 0.5, 24).astype(np.float32)

    def hidden(images):
        levels = images.reshape(len(images), -1) / 255
        return np.hstack([np.maximum(levels @ w0 + b0, 0), np.ones((len(images), 1))])

    right = np.eye(4)[dataset.train_labels]
    readout = np.linalg.lstsq(hidden(dataset.train_images), right, rcond=None)[0]
    classes = (hidden(dataset.test_images) @ readout).argmax(axis=1)
    path = tmp_path / "elsewhere.npz"
    np.savez(path, W0=w0, b0=b0, W1=readout[:-1], b1=readout[-1])
    accuracy = float(np.mean(classes == dataset.test_labels))
    return SimpleNamespace(path=path, dataset=dataset, accuracy=accuracy)
