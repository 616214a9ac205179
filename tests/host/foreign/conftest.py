"""Small networks of real numbers, and the graphs that other tools make of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from allspin.host.data.datasets import Dataset, load_dataset

HEIGHT, WIDTH, HIDDEN, CLASSES = 4, 5, 7, 3
PIXELS = HEIGHT * WIDTH


@dataclass(frozen=True, eq=False)
class Arrays:
    """Weights (inputs, outputs) and biases of a network of two layers."""

    w0: npt.NDArray[np.float32]
    b0: npt.NDArray[np.float32]
    w1: npt.NDArray[np.float32]
    b1: npt.NDArray[np.float32]


@pytest.fixture
def arrays() -> Arrays:
    rng = np.random.default_rng(3)
    shapes = ((PIXELS, HIDDEN), (HIDDEN,), (HIDDEN, CLASSES), (CLASSES,))
    return Arrays(*(rng.normal(size=shape).astype(np.float32) for shape in shapes))


@pytest.fixture
def inputs() -> npt.NDArray[np.float64]:
    """Inputs from 0 to 1, shape (images, pixels)."""
    return np.random.default_rng(4).uniform(size=(6, PIXELS))


def model(
    nodes: list[Any],
    constants: Mapping[str, npt.ArrayLike],
    shape: list[Any],
    outputs: tuple[str, ...] = ("output",),
    name: str = "input",
) -> onnx.ModelProto:
    """A model of nodes and initializers."""
    graph = helper.make_graph(
        nodes,
        "main_graph",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)],
        [onnx.ValueInfoProto(name=output) for output in outputs],
        [numpy_helper.from_array(np.asarray(array), key) for key, array in constants.items()],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def torch_model(arrays: Arrays) -> onnx.ModelProto:
    """As ``torch.onnx.export`` writes Flatten, Linear, BatchNorm1d, ReLU6 and Linear."""
    rng = np.random.default_rng(5)
    norm = {
        "2.weight": rng.uniform(0.5, 2, HIDDEN),
        "2.bias": rng.normal(size=HIDDEN),
        "2.running_mean": rng.normal(size=HIDDEN),
        "2.running_var": rng.uniform(0.5, 2, HIDDEN),
    }
    node = helper.make_node
    linear = {"alpha": 1.0, "beta": 1.0, "transB": 1}
    nodes = [
        node("Flatten", ["input"], ["/0/Flatten_output_0"], name="/0/Flatten", axis=1),
        node(
            "Gemm",
            ["/0/Flatten_output_0", "1.weight", "1.bias"],
            ["/1/Gemm_output_0"],
            name="/1/Gemm",
            **linear,
        ),
        node(
            "BatchNormalization",
            ["/1/Gemm_output_0", *norm],
            ["/2/BatchNormalization_output_0"],
            name="/2/BatchNormalization",
            epsilon=1e-3,
            momentum=0.9,
            training_mode=0,
        ),
        node("Constant", [], ["/3/low"], value=numpy_helper.from_array(np.array(0, np.float32))),
        node("Constant", [], ["/3/high"], value=numpy_helper.from_array(np.array(2, np.float32))),
        node(
            "Clip",
            ["/2/BatchNormalization_output_0", "/3/low", "/3/high"],
            ["/3/Clip_output_0"],
            name="/3/Clip",
        ),
        node("Dropout", ["/3/Clip_output_0"], ["/4/Dropout_output_0"], name="/4/Dropout"),
        node(
            "Gemm",
            ["/4/Dropout_output_0", "5.weight", "5.bias"],
            ["output"],
            name="/5/Gemm",
            **linear,
        ),
    ]
    constants = {
        "1.weight": arrays.w0.T,
        "1.bias": arrays.b0,
        **{name: array.astype(np.float32) for name, array in norm.items()},
        "5.weight": arrays.w1.T,
        "5.bias": arrays.b1,
    }
    return model(nodes, constants, ["batch", 1, HEIGHT, WIDTH])


def keras_model(arrays: Arrays) -> onnx.ModelProto:
    """As Keras writes Normalization, Flatten, Dense with ReLU, and Dense with softmax."""
    node = helper.make_node
    rng = np.random.default_rng(6)
    constants = {
        "mean": rng.uniform(0, 100, (1, HEIGHT, WIDTH)).astype(np.float32),
        "deviation": rng.uniform(50, 90, (1, HEIGHT, WIDTH)).astype(np.float32),
        "flat": np.array([-1, PIXELS], np.int64),
        "dense/kernel": arrays.w0,
        "dense/bias": arrays.b0,
        "dense_1/kernel": arrays.w1,
        "dense_1/bias": arrays.b1,
    }
    nodes = [
        node("Sub", ["input", "mean"], ["sub"], name="sequential/normalization/sub"),
        node("Div", ["sub", "deviation"], ["div"], name="sequential/normalization/truediv"),
        node("Reshape", ["div", "flat"], ["flattened"], name="sequential/flatten/Reshape"),
        node("MatMul", ["flattened", "dense/kernel"], ["m0"], name="sequential/dense/MatMul"),
        node("Add", ["m0", "dense/bias"], ["a0"], name="sequential/dense/BiasAdd"),
        node("Relu", ["a0"], ["r0"], name="sequential/dense/Relu"),
        node("MatMul", ["r0", "dense_1/kernel"], ["m1"], name="sequential/dense_1/MatMul"),
        node("Add", ["m1", "dense_1/bias"], ["a1"], name="sequential/dense_1/BiasAdd"),
        node("Softmax", ["a1"], ["output"], name="sequential/dense_1/Softmax", axis=-1),
    ]
    return model(nodes, constants, ["unk__1", HEIGHT, WIDTH])


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[onnx.ModelProto], Path]:
    """Write a model; its file."""

    def save(content: onnx.ModelProto) -> Path:
        path = tmp_path / "model.onnx"
        path.write_bytes(content.SerializeToString())
        return path

    return save


@dataclass(frozen=True)
class Elsewhere:
    """A network that another program made.

    Parameters
    ----------
    path : Path
        Its npz file.
    data : Path
        Folder of the data set.
    dataset : Dataset
        The data set.
    accuracy : float
        Share of the test images that it classifies rightly.
    """

    path: Path
    data: Path
    dataset: Dataset
    accuracy: float


@pytest.fixture
def elsewhere(idx_folder, tmp_path) -> Elsewhere:
    """Random hidden neurons, and a readout of least squares."""
    data = idx_folder(classes=4, train=700, test=200, shape=(6, 7))
    dataset = load_dataset(data)
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
    return Elsewhere(path, data, dataset, float(np.mean(classes == dataset.test_labels)))
