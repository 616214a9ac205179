"""Shapes that a graph computes, against ONNX's own evaluator; and what is refused."""

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from allspin.host.foreign.graph import read_layers
from allspin.host.foreign.onnx_file import read_graph
from allspin.sim.errors import UserError
from tests.host.foreign.conftest import HEIGHT, PIXELS, WIDTH, model

node = helper.make_node
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
        ([node("Shape", ["w"], ["shape"])], "of what comes of the images only"),
        (
            [*BATCH, node("Concat", ["rest", "batches"], ["shape"], axis=0)],
            "the number of images must be the first side",
        ),
        (
            [*BATCH, node("Mul", ["batches", "pixels"], ["shape"])],
            "it computes with the sides of a shape",
        ),
        ([*BATCH, node("Identity", ["batch"], ["shape"])], "must be the first side"),
        (
            [*BATCH, node("Concat", ["batch", "rest"], ["shape"], axis=0)],
            "of lists of sides only",
        ),
        (
            [*BATCH, node("Cast", ["batches"], ["shape"], to=TensorProto.FLOAT)],
            "something else than whole numbers",
        ),
        (
            [node("Shape", ["input"], ["sides"]), node("Gather", ["sides", "end"], ["shape"])],
            "Gather",
        ),
        (
            [node("Shape", ["input"], ["sides"]), node("Gather", ["sides", "sides"], ["shape"])],
            "its indices depend on the number of images",
        ),
        ([node("Gather", ["w", "zero"], ["shape"])], "of shapes only"),
    ],
)
def test_refused(nodes, words, saved):
    _, read = graph(nodes, saved)
    with pytest.raises(UserError) as refused:
        read_layers(read, (HEIGHT, WIDTH))
    assert words in str(refused.value)
