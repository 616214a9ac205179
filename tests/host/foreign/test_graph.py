"""Graphs as other tools write them, against ONNX's own evaluator; and what is refused."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from allspin.host.foreign import graph as graphs
from allspin.host.foreign.graph import read_layers
from allspin.host.foreign.model import read_model
from allspin.host.foreign.onnx_file import read_graph
from allspin.sim.errors import UserError
from tests.host.foreign.conftest import (
    CLASSES,
    HEIGHT,
    HIDDEN,
    PIXELS,
    WIDTH,
    keras_model,
    model,
    torch_model,
)

SHAPE = (HEIGHT, WIDTH)
node = helper.make_node
SKLEARN = Path(__file__).with_name("sklearn.onnx")
"""A `MLPClassifier` of scikit-learn 1.9.1 for images of 4 x 5 pixels, by skl2onnx 1.20.0."""
PYTORCH = SKLEARN.with_name("pytorch.onnx")
"""Linear layers behind ``(x / 255 - 0.1307) / 0.3081``, by torch.onnx.export of PyTorch 2.13.0 as
it is set: for one image, with the weights in a file beside it."""
KERAS = SKLEARN.with_name("keras.onnx")
"""Rescaling, Flatten, Dense, Dropout and Dense, by the export of Keras 3.15.1 on PyTorch."""


def whole(path: Path, inputs, shape: tuple[int, ...], output: str):
    """An output of the whole model, as ONNX evaluates it."""
    given = inputs.reshape(-1, *shape).astype(np.float32)
    session = ReferenceEvaluator(onnx.load(path))
    (found,) = session.run([output], {onnx.load(path).graph.input[0].name: given})
    return np.asarray(found)


def test_a_graph_of_pytorch(arrays, saved, inputs):
    path = saved(torch_model(arrays))
    read = read_model(path, SHAPE)
    assert read.network.topology == (PIXELS, HIDDEN, CLASSES)
    assert read.network.layers[0].high == 2
    expected = whole(path, inputs, (1, *SHAPE), "output")
    assert read.network.logits(inputs) == pytest.approx(expected, abs=1e-4)
    assert read.answers(inputs) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("version", [11, 13, 14])
def test_statistics_of_training_are_used_whatever_the_opset(arrays, saved, inputs, version):
    """Before opset 14 a normalization has no training mode, and is that of inference."""
    content = torch_model(arrays)
    expected = whole(saved(content), inputs, (1, *SHAPE), "output")
    content.opset_import[0].version = version
    (norm,) = (each for each in content.graph.node if each.op_type == "BatchNormalization")
    if version < 14:
        kept = [each for each in norm.attribute if each.name != "training_mode"]
        del norm.attribute[:]
        norm.attribute.extend(kept)
    read = read_model(saved(content), SHAPE)
    assert read.answers(inputs) == pytest.approx(expected, abs=1e-6)
    assert read.network.logits(inputs) == pytest.approx(expected, abs=1e-4)


def test_a_graph_of_keras(arrays, saved, inputs):
    path = saved(keras_model(arrays))
    read = read_model(path, SHAPE)
    levels = 255 * inputs
    logits = read.network.logits(levels)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert shares == pytest.approx(whole(path, levels, SHAPE, "output"), abs=1e-5)
    assert read.answers(levels) == pytest.approx(logits, abs=1e-4)


@pytest.mark.parametrize(
    ("path", "hidden", "white", "operators"),
    [
        (SKLEARN, 6, 1, {"MatMul", "Softmax", "ArgMax", "ArrayFeatureExtractor", "ZipMap", "Cast"}),
        (PYTORCH, 7, 255, {"Gemm", "Reshape", "Div", "LogSoftmax"}),
        (KERAS, 7, 255, {"Shape", "Gather", "Unsqueeze", "Concat", "Reshape", "Softmax"}),
    ],
)
def test_files_of_other_tools(inputs, path, hidden, white, operators):
    assert {node.op_type for node in onnx.load(path).graph.node} >= operators
    read = read_model(path, SHAPE)
    assert read.network.topology == (PIXELS, hidden, CLASSES)
    logits = read.network.logits(white * inputs)
    assert read.answers(white * inputs) == pytest.approx(logits, abs=1e-5)


def test_shares_of_a_whole_file_are_those_of_the_logits(inputs):
    logits = read_model(KERAS, SHAPE).network.logits(255 * inputs)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert shares == pytest.approx(whole(KERAS, 255 * inputs, SHAPE, "39"), abs=1e-5)


@pytest.mark.parametrize("low", [-0.5, 0.25])
def test_a_clip_at_any_lower_bound(arrays, saved, inputs, low):
    nodes = [
        node("Flatten", ["input"], ["flat"]),
        node("MatMul", ["flat", "w0"], ["sums"]),
        node("Clip", ["sums", "low", "high"], ["held"]),
        node("Relu", ["held"], ["held_again"]) if low >= 0 else node("Identity", ["held"], ["i"]),
        node("Mul", ["held", "half"], ["scaled"]),
        node("Transpose", ["w1"], ["turned"], perm=[1, 0]),
        node("Gemm", ["scaled", "turned", "b1"], ["output"], alpha=0.5, beta=2.0),
    ]
    constants = {
        "w0": arrays.w0,
        "low": np.float32(low),
        "high": np.float32(1.5),
        "half": np.full((1, HIDDEN), 0.5, np.float32),
        "w1": arrays.w1.T,
        "b1": arrays.b1,
    }
    path = saved(model(nodes, constants, [None, *SHAPE]))
    read = read_model(path, SHAPE)
    expected = whole(path, inputs, SHAPE, "output")
    assert read.network.logits(inputs) == pytest.approx(expected, abs=1e-4)


def test_a_relu_that_is_clipped_is_one_activation(arrays, saved, inputs):
    nodes = [
        node("MatMul", ["input", "w0"], ["sums"]),
        node("Relu", ["sums"], ["held"]),
        node("Clip", ["held", "low", "high"], ["held_again"]),
        node("MatMul", ["held_again", "w1"], ["output"]),
    ]
    constants = {"w0": arrays.w0, "w1": arrays.w1, "low": np.float32(0), "high": np.float32(1.5)}
    path = saved(model(nodes, constants, [None, PIXELS]))
    read = read_model(path, SHAPE)
    assert read.network.layers[0].high == 1.5
    expected = whole(path, inputs, (PIXELS,), "output")
    assert read.network.logits(inputs) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    "shape", [(None, None), (7, PIXELS), (None, 1, HEIGHT, None), (None, None, None)]
)
def test_sides_that_are_open_are_the_images(saved, inputs, shape):
    flat = node("Flatten", ["input"], ["flat"])
    weights = {"w": np.random.default_rng(1).normal(size=(PIXELS, 3)).astype(np.float32)}
    nodes = [flat, node("MatMul", ["flat", "w"], ["output"])]
    read = read_model(saved(model(nodes, weights, list(shape))), SHAPE)
    assert read.answers(inputs) == pytest.approx(read.network.logits(inputs), abs=1e-5)


def test_two_layers_with_nothing_between_them_are_one(arrays, saved, inputs):
    nodes = [
        node("MatMul", ["input", "w0"], ["m"]),
        node("Add", ["b0", "m"], ["a"]),
        node("Sub", ["one", "a"], ["s"]),
        node("MatMul", ["s", "w1"], ["output"]),
    ]
    constants = {"w0": arrays.w0, "b0": arrays.b0, "w1": arrays.w1, "one": np.float32(1)}
    path = saved(model(nodes, constants, [None, PIXELS]))
    read = read_model(path, SHAPE)
    assert read.network.topology == (PIXELS, CLASSES)
    expected = whole(path, inputs, (PIXELS,), "output")
    assert read.network.logits(inputs) == pytest.approx(expected, abs=1e-4)


def two_layers(*between, shape=(None, PIXELS), outputs=("output",), **constants):
    """A MatMul, some nodes from `m` to `x`, and another MatMul."""
    rng = np.random.default_rng(0)
    arrays = {
        "w0": rng.normal(size=(PIXELS, HIDDEN)).astype(np.float32),
        "w1": rng.normal(size=(HIDDEN, CLASSES)).astype(np.float32),
        **constants,
    }
    nodes = [
        node("MatMul", ["input", "w0"], ["m"], name="first"),
        *between,
        node("MatMul", ["x", "w1"], ["output"], name="second"),
    ]
    return model(nodes, arrays, list(shape), outputs)


RELU = node("Relu", ["m"], ["x"], name="middle")
REFUSED = {
    "operator": (
        two_layers(node("Tanh", ["m"], ["x"], name="middle")),
        "the node 'middle' (Tanh): this operator of ai.onnx is not supported; those are: Add",
    ),
    "domain": (
        two_layers(node("Relu", ["m"], ["x"], name="middle", domain="com.microsoft")),
        "(Relu): this operator of com.microsoft is not supported",
    ),
    "circle": (
        two_layers(node("Add", ["m", "y"], ["x"]), node("Identity", ["x"], ["y"])),
        "takes 'y', which no node before it makes (nodes in a circle",
    ),
    "twice": (two_layers(RELU, RELU), "two nodes that make 'x'"),
    "branches": (
        two_layers(node("Relu", ["m"], ["r"]), node("Add", ["m", "r"], ["x"], name="middle")),
        "the node 'middle' (Add): it joins two branches",
    ),
    "behind the logits": (
        two_layers(node("Softmax", ["m"], ["x"], name="middle")),
        "the node 'second' (MatMul): it works on what comes of the images, and its input is",
    ),
    "shape": (
        two_layers(RELU, w1=np.zeros((HIDDEN + 1, CLASSES), np.float32)),
        "samples of shape (7,) cannot be multiplied with weights of shape (8, 3)",
    ),
    "broadcast": (
        two_layers(node("Add", ["m", "b"], ["x"], name="middle"), b=np.zeros(4, np.float32)),
        "a constant of shape (4,) does not fit samples of shape (7,)",
    ),
    "columns for images": (
        two_layers(node("Gemm", ["m", "c"], ["x"], transA=1), c=np.eye(HIDDEN, dtype=np.float32)),
        "transA is not supported: images are rows",
    ),
    "images in a row": (
        two_layers(node("Flatten", ["m"], ["x"], axis=0)),
        "its axis must be 1, so that images stay apart",
    ),
    "order": (
        two_layers(node("Identity", ["r"], ["x"]), node("Relu", ["m"], ["r"])),
        "must have one input, the images; it has 0 (are its nodes in order?)",
    ),
    "shares of images": (
        two_layers(node("Softmax", ["m"], ["x"], axis=0), outputs=("x",)),
        "its axis must be that of the classes, the last one",
    ),
    "held again": (
        two_layers(
            node("Relu", ["m"], ["r"]),
            node("Mul", ["r", "two"], ["d"]),
            node("Relu", ["d"], ["x"]),
            two=np.float32(2),
        ),
        "activations that were scaled are held a second time",
    ),
    "training": (
        two_layers(
            node("BatchNormalization", ["m", "n", "n", "n", "n"], ["x"], training_mode=1),
            n=np.ones(HIDDEN, np.float32),
        ),
        "it is in training mode; export the model for inference",
    ),
    "rounding": (two_layers(node("Cast", ["m"], ["x"], to=7)), "it rounds what comes"),
    "mixed images": (
        two_layers(node("Reshape", ["m", "s"], ["x"]), s=np.array([7, -1], np.int64)),
        "which mixes images",
    ),
    "not finite": (
        two_layers(RELU, w1=np.full((HIDDEN, CLASSES), np.inf, np.float32)),
        "weights must be finite numbers of at most 1e+12",
    ),
    "zero": (
        two_layers(node("Div", ["m", "z"], ["x"]), z=np.float32(0)),
        "it must divide by a constant that is not 0",
    ),
    "no lower bound": (
        two_layers(node("Clip", ["m", "", "h"], ["x"]), h=np.float32(1)),
        "a neuron holds its output from below",
    ),
    "an end in a Relu": (two_layers(RELU, outputs=("x",)), "must end in a layer of weights"),
    "two ends": (two_layers(RELU, outputs=("m", "output")), "has 2 different outputs"),
    "a side": (
        two_layers(RELU, shape=(1 << 40, PIXELS)),
        "takes inputs with a side of 1099511627776",
    ),
    "negative sides": (two_layers(RELU, shape=(None, -4, -5)), "takes inputs with a side of -4"),
    "constants": (
        two_layers(
            node("Add", ["c", "r"], ["s"]),
            node("Add", ["m", "s"], ["x"]),
            c=np.zeros((9, 1), np.float32),
            r=np.zeros((1, 9), np.float32),
        ),
        "constants of shapes (9, 1) and (1, 9) do not fit",
    ),
    "images": (
        two_layers(RELU, shape=(None, 3, 28, 28)),
        "takes inputs of shape ? x 3 x 28 x 28; the images have 4 x 5 pixels of one channel",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_network_is_refused_in_a_line(saved, case):
    content, words = REFUSED[case]
    with pytest.raises(UserError) as refused:
        read_model(saved(content), SHAPE)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "model.onnx" in str(refused.value)


def test_constants_without_end(saved, monkeypatch):
    monkeypatch.setattr(graphs, "MAX_COMPUTED", HIDDEN**2 - 1)
    turned = node("Transpose", ["c"], ["t"])
    content = two_layers(turned, node("MatMul", ["m", "t"], ["x"]), c=np.eye(HIDDEN))
    with pytest.raises(UserError, match="makes too many constants of its weights"):
        read_model(saved(content), SHAPE)


# Shapes that a graph computes.

WEIGHTS = np.random.default_rng(1).normal(size=(PIXELS, 3)).astype(np.float32)
NUMBERS = {
    "zero": np.array(0),
    "first": np.array([0]),
    "second": np.array([1]),
    "third": np.array([2]),
    "end": np.array([9]),
    "rest": np.array([-1]),
    "pixels": np.array([PIXELS]),
    "w": WEIGHTS,
}
BATCH = [
    node("Shape", ["input"], ["sides"]),
    node("Gather", ["sides", "zero"], ["batch"]),
    node("Unsqueeze", ["batch", "first"], ["batches"]),
]
WAYS = {
    "as Keras on PyTorch": [
        *BATCH,
        node("Cast", ["batches"], ["whole"], to=TensorProto.INT64),
        node("Concat", ["whole", "rest"], ["shape"], axis=0),
    ],
    "as tf2onnx": [
        node("Shape", ["input"], ["sides"]),
        node("Slice", ["sides", "first", "second", "first"], ["list"]),
        node("Squeeze", ["list", "first"], ["batch"]),
        node("Unsqueeze", ["batch", "first"], ["batches"]),
        node("Concat", ["batches", "pixels"], ["shape"], axis=0),
    ],
    "of ends": [
        node("Shape", ["input"], ["batches"], start=0, end=1),
        node("Concat", ["batches", "rest"], ["shape"], axis=0),
    ],
    "by several numbers": [
        node("Shape", ["input"], ["sides"]),
        node("Gather", ["sides", "first"], ["batches"]),
        node("Slice", ["sides", "third", "end"], ["others"]),
        node("Concat", ["batches", "rest", "others"], ["shape"], axis=0),
    ],
}


def graph(nodes, saved):
    shape = ["batch", HEIGHT, WIDTH]
    flat = [node("Flatten", ["shaped"], ["flat"])]
    ends = [node("Reshape", ["input", "shape"], ["shaped"]), *flat]
    content = model([*nodes, *ends, node("MatMul", ["flat", "w"], ["output"])], NUMBERS, shape)
    return content, read_graph(saved(content))


@pytest.mark.parametrize("way", WAYS)
def test_reshapes_of_computed_shapes(way, saved, inputs):
    content, read = graph(WAYS[way], saved)
    network, logits = read_layers(read, (HEIGHT, WIDTH))
    assert logits == "output"
    given = inputs.reshape(-1, HEIGHT, WIDTH).astype(np.float32)
    (expected,) = ReferenceEvaluator(content).run(None, {"input": given})
    assert network.logits(inputs) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([node("Shape", ["w"], ["shape"])], "its input is a constant"),
        (
            [*BATCH, node("Concat", ["rest", "batches"], ["shape"], axis=0)],
            "it reshapes samples of shape (4, 5) to (-1, images), which mixes images",
        ),
        ([*BATCH, node("Mul", ["batches", "pixels"], ["shape"])], "which mixes images"),
        ([*BATCH, node("Identity", ["batch"], ["shape"])], "must be a list of whole numbers"),
        ([*BATCH, node("Concat", ["batch", "rest"], ["shape"], axis=0)], "(Concat): "),
        (
            [*BATCH, node("Cast", ["batches"], ["shape"], to=TensorProto.FLOAT)],
            "must be a list of whole numbers",
        ),
        (
            [node("Shape", ["input"], ["sides"]), node("Gather", ["sides", "end"], ["shape"])],
            "(Gather): ",
        ),
        (
            [node("Shape", ["input"], ["sides"]), node("Gather", ["sides", "sides"], ["shape"])],
            "(Gather): ",
        ),
        ([node("Gather", ["w", "zero"], ["shape"])], "it is supported of shapes only"),
        ([node("Squeeze", ["input"], ["shape"])], "of constants and of shapes only"),
    ],
)
def test_shapes_that_are_refused(nodes, words, saved):
    _, read = graph(nodes, saved)
    with pytest.raises(UserError) as refused:
        read_layers(read, (HEIGHT, WIDTH))
    assert words in str(refused.value)
