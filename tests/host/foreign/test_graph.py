"""Graphs as other tools write them, against ONNX's own evaluator; and what is refused."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto
from onnx.reference import ReferenceEvaluator

from allspin.host.foreign import graph as graphs
from allspin.host.foreign.model import read_model
from allspin.sim.errors import UserError
from tests.host.foreign.conftest import (
    ARRAYS,
    CLASSES,
    HIDDEN,
    INPUTS,
    PIXELS,
    SHAPE,
    model,
    node,
    torch_model,
)

FILES = {
    # A `MLPClassifier` of scikit-learn 1.9.1, by skl2onnx 1.20.0.
    "sklearn": (1, {"MatMul", "Softmax", "ArgMax", "ArrayFeatureExtractor", "ZipMap", "Cast"}),
    # Linear layers behind ``(x / 255 - 0.1307) / 0.3081``, by torch.onnx.export of PyTorch 2.13.0
    # as it is set: for one image, with the weights in a file beside it.
    "pytorch": (255, {"Gemm", "Reshape", "Div", "LogSoftmax"}),
    # Rescaling, Flatten, Dense, Dropout and Dense, by the export of Keras 3.15.1 on PyTorch.
    "keras": (255, {"Shape", "Gather", "Unsqueeze", "Concat", "Reshape", "Softmax"}),
}
"""Files for images of 4 x 5 pixels: what a white pixel is worth, and what they have."""


@pytest.mark.parametrize("name", FILES)
def test_files_of_other_tools(name):
    path = Path(__file__).with_name(f"{name}.onnx")
    white, operators = FILES[name]
    assert {each.op_type for each in onnx.load(path).graph.node} >= operators
    read = read_model(path, SHAPE)
    logits = read.network.logits(white * INPUTS)
    assert read.answers(white * INPUTS) == pytest.approx(logits, abs=1e-5)
    if name == "keras":
        given = (255 * INPUTS).reshape(-1, *SHAPE).astype(np.float32)
        content = onnx.load(path)
        (shares,) = ReferenceEvaluator(content).run(["39"], {content.graph.input[0].name: given})
        expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        assert expected == pytest.approx(np.asarray(shares), abs=1e-5)


# Graphs that are read, and what they must be.


def clipped(low: float) -> onnx.ModelProto:
    """A Clip at any lower bound, and factors on either side of it."""
    nodes = [
        node("Flatten", ["input"], ["flat"]),
        node("MatMul", ["flat", "w0"], ["sums"]),
        node("Clip", ["sums", "low", "high"], ["held"]),
        node("Mul", ["held", "half"], ["scaled"]),
        node("Transpose", ["turned"], ["w"], perm=[1, 0]),
        node("Gemm", ["scaled", "w", "b1"], ["output"], alpha=0.5, beta=2.0),
    ]
    constants = {"low": np.float32(low), "high": np.float32(1.5), "turned": ARRAYS["w1"].T}
    constants["half"] = np.full((1, HIDDEN), 0.5, np.float32)
    return model(nodes, {**ARRAYS, **constants}, [None, *SHAPE])


def keras() -> onnx.ModelProto:
    """As Keras writes a Normalization and a Dense."""
    rng = np.random.default_rng(6)
    constants = {
        "mean": rng.uniform(0, 1, (1, *SHAPE)).astype(np.float32),
        "deviation": rng.uniform(0.5, 0.9, (1, *SHAPE)).astype(np.float32),
        "flat": np.array([-1, PIXELS], np.int64),
        "one": np.float32(1),
    }
    nodes = [
        node("Sub", ["input", "mean"], ["centred"]),
        node("Div", ["centred", "deviation"], ["scaled"]),
        node("Reshape", ["scaled", "flat"], ["row"]),
        node("MatMul", ["row", "w0"], ["m"]),
        node("Add", ["b0", "m"], ["a"]),
        node("Sub", ["one", "a"], ["s"]),
        node("MatMul", ["s", "w1"], ["output"]),
    ]
    return model(nodes, {**ARRAYS, **constants}, ["unk__1", *SHAPE])


def held_twice() -> onnx.ModelProto:
    """A ReLU that is clipped, which is one activation."""
    nodes = [
        node("MatMul", ["input", "w0"], ["sums"]),
        node("Relu", ["sums"], ["held"]),
        node("Clip", ["held", "low", "high"], ["held_again"]),
        node("MatMul", ["held_again", "w1"], ["output"]),
    ]
    return model(nodes, {**ARRAYS, "low": np.float32(0), "high": np.float32(1.5)})


def opened(*sides: int | None) -> onnx.ModelProto:
    """A layer of images some of whose sides are open."""
    flat = [node("Flatten", ["input"], ["flat"]), node("MatMul", ["flat", "w0"], ["output"])]
    return model(flat, ARRAYS, sides)


def normalized(version: int) -> onnx.ModelProto:
    """Before opset 14 a normalization has no training mode, and is that of inference."""
    content = torch_model()
    content.opset_import[0].version = version
    return content


# Shapes that a graph computes.

NUMBERS = {
    "zero": np.array(0),
    "first": np.array([0]),
    "second": np.array([1]),
    "third": np.array([2]),
    "end": np.array([9]),
    "rest": np.array([-1]),
    "pixels": np.array([PIXELS]),
}
SIDES = node("Shape", ["input"], ["sides"])
BATCH = [
    SIDES,
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
        SIDES,
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
        SIDES,
        node("Gather", ["sides", "first"], ["batches"]),
        node("Slice", ["sides", "third", "end"], ["others"]),
        node("Concat", ["batches", "rest", "others"], ["shape"], axis=0),
    ],
}


def reshaped(nodes) -> onnx.ModelProto:
    ends = [node("Reshape", ["input", "shape"], ["shaped"]), node("Flatten", ["shaped"], ["flat"])]
    layer = node("MatMul", ["flat", "w0"], ["output"])
    return model([*nodes, *ends, layer], {**ARRAYS, **NUMBERS}, ["batch", *SHAPE])


ONE, TWO = (PIXELS, HIDDEN), (PIXELS, HIDDEN, CLASSES)
READ = {
    **{f"PyTorch, opset {v}": (normalized(v), TWO, 2.0) for v in (11, 13, 14, 18)},
    "Keras": (keras(), (PIXELS, CLASSES), np.inf),
    "clipped below 0": (clipped(-0.5), TWO, 2.0),
    "clipped above 0": (clipped(0.25), TWO, 1.25),
    "held twice": (held_twice(), TWO, 1.5),
    "both sides open": (opened(None, None, None), ONE, np.inf),
    "one side open": (opened(None, 1, SHAPE[0], None), ONE, np.inf),
    "a row of any length": (opened(None, None), ONE, np.inf),
    "images by the three": (opened(3, PIXELS), ONE, np.inf),
    **{way: (reshaped(nodes), ONE, np.inf) for way, nodes in WAYS.items()},
}
"""Graphs, widths of their layers, and the first one's largest activation."""


@pytest.mark.parametrize("case", READ)
def test_the_layers_of_a_graph_are_what_onnx_computes(saved, case):
    content, topology, high = READ[case]
    path = saved(content)
    read = read_model(path, SHAPE)
    assert read.network.topology == topology
    assert read.network.layers[0].high == high
    content.opset_import[0].version = 18
    sides = content.graph.input[0].type.tensor_type.shape.dim
    shape = (1, *SHAPE) if len(sides) == 4 else SHAPE if len(sides) == 3 else (PIXELS,)
    given = {"input": INPUTS.reshape(-1, *shape).astype(np.float32)}
    (expected,) = ReferenceEvaluator(content).run(["output"], given)
    assert read.network.logits(INPUTS) == pytest.approx(np.asarray(expected), abs=1e-4)
    assert read.answers(INPUTS) == pytest.approx(np.asarray(expected), abs=1e-6)


# What is refused.


def two_layers(*between, shape=(None, PIXELS), outputs=("output",), **constants):
    """A MatMul, some nodes from `m` to `x`, and another MatMul."""
    first = node("MatMul", ["input", "w0"], ["m"], name="first")
    second = node("MatMul", ["x", "w1"], ["output"], name="second")
    return model([first, *between, second], {**ARRAYS, **constants}, shape, outputs)


RELU = node("Relu", ["m"], ["x"], name="middle")
UNKNOWN_TYPE = two_layers(RELU)
UNKNOWN_TYPE.graph.input[0].type.tensor_type.elem_type = 33
NO_LAYERS = {
    "type": (UNKNOWN_TYPE, "its input is of an unknown type: 33"),
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
        "'output' joins two branches; layers must follow one another",
    ),
    "behind the logits": (
        two_layers(node("Softmax", ["m"], ["x"], name="middle")),
        "the nodes from 'input' to 'output': they are not linear",
    ),
    "shape": (
        two_layers(RELU, w1=np.zeros((HIDDEN + 1, CLASSES), np.float32)),
        "what becomes of 'x' up to 'output': ",
    ),
    "broadcast": (
        two_layers(node("Add", ["m", "b"], ["x"], name="middle"), b=np.zeros(4, np.float32)),
        "what becomes of 'input' up to 'output': ",
    ),
    "columns for images": (
        two_layers(node("Gemm", ["m", "c"], ["x"], transA=1), c=np.eye(HIDDEN, dtype=np.float32)),
        "what becomes of 'input' up to 'output': ",
    ),
    "images in a row": (
        two_layers(node("Flatten", ["m"], ["x"], axis=0)),
        "what becomes of 'input' up to 'output': ",
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
        "the nodes from 'r' to 'd': there is no layer of weights before the activation",
    ),
    "training": (
        two_layers(
            node("BatchNormalization", ["m", "n", "n", "n", "n"], ["x"], training_mode=1),
            n=np.ones(HIDDEN, np.float32),
        ),
        "they are not linear, as a layer in inference is",
    ),
    "dropping": (
        two_layers(node("Dropout", ["m", "", "t"], ["x"]), t=np.array(True)),
        "what becomes of 'input' up to 'output': ",
    ),
    "rounding": (two_layers(node("Cast", ["m"], ["x"], to=7)), "export it again"),
    "mixed images": (
        two_layers(node("Reshape", ["m", "s"], ["x"]), s=np.array([7, -1], np.int64)),
        "what becomes of 'input' up to 'output': ",
    ),
    "not finite": (
        two_layers(RELU, w1=np.full((HIDDEN, CLASSES), np.inf, np.float32)),
        "weights must be finite numbers of at most 1e+12",
    ),
    "zero": (
        two_layers(node("Div", ["m", "z"], ["x"]), z=np.float32(0)),
        "must be finite numbers",
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
        "what becomes of 'input' up to 'output': ",
    ),
    "images": (
        two_layers(RELU, shape=(None, 3, 28, 28)),
        "takes inputs of shape ? x 3 x 28 x 28; the images have 4 x 5 pixels of one channel",
    ),
    "shape of a constant": (
        reshaped([node("Shape", ["w0"], ["shape"])]),
        "what becomes of 'input' up to 'output': ",
    ),
    "images last": (
        reshaped([*BATCH, node("Concat", ["rest", "batches"], ["shape"], axis=0)]),
        "what becomes of 'input' up to 'output': ",
    ),
    "a product of images": (
        reshaped([*BATCH, node("Mul", ["batches", "pixels"], ["shape"])]),
        "what becomes of 'input' up to 'output': ",
    ),
    "a shape of no list": (
        reshaped([*BATCH, node("Identity", ["batch"], ["shape"])]),
        "what becomes of 'input' up to 'output': ",
    ),
    "a shape of reals": (
        reshaped([*BATCH, node("Cast", ["batches"], ["shape"], to=TensorProto.FLOAT)]),
        "what becomes of 'input' up to 'output': ",
    ),
    "what ONNX refuses": (
        reshaped([*BATCH, node("Concat", ["batch", "rest"], ["shape"], axis=0)]),
        "what becomes of 'input' up to 'output': ",
    ),
    "beyond the end": (
        reshaped([SIDES, node("Gather", ["sides", "end"], ["shape"])]),
        "what becomes of 'input' up to 'output': ",
    ),
    "weights for a shape": (
        reshaped([node("Gather", ["w0", "zero"], ["shape"])]),
        "what becomes of 'input' up to 'output': ",
    ),
    "images for a shape": (
        reshaped([node("Squeeze", ["input"], ["shape"])]),
        "what becomes of 'input' up to 'output': ",
    ),
}


@pytest.mark.parametrize("case", NO_LAYERS)
def test_what_is_no_network_is_refused_in_a_line(saved, case):
    content, words = NO_LAYERS[case]
    with pytest.raises(UserError) as refused:
        read_model(saved(content), SHAPE)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "model.onnx" in str(refused.value)


def test_what_is_too_large_to_be_computed(saved, monkeypatch):
    monkeypatch.setattr(graphs, "MAX_COMPUTED", 80)
    outer = {"c": np.zeros((9, 1), np.float32), "r": np.zeros((1, 9), np.float32)}
    nodes = node("Add", ["c", "r"], ["s"]), node("Add", ["m", "s"], ["x"])
    with pytest.raises(UserError, match=r"'s' is too large: \[9, 9\]"):
        read_model(saved(two_layers(*nodes, **outer)), SHAPE)
