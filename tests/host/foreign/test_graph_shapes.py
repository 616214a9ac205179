"""Shapes that a graph computes from those of its inputs."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from tests.host.foreign.conftest import (
    ARRAYS,
    HIDDEN,
    PIXELS,
    SHAPE,
    model,
    node,
)
from tests.host.foreign.graph_checks import check_layers, check_refused

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
    """Return a layer of images that are reshaped to the shape that nodes compute."""
    ends = [node("Reshape", ["input", "shape"], ["shaped"]), node("Flatten", ["shaped"], ["flat"])]
    layer = node("MatMul", ["flat", "w0"], ["output"])
    return model([*nodes, *ends, layer], {**ARRAYS, **NUMBERS}, ["batch", *SHAPE])


NO_SHAPES = {
    "shape of a constant": [node("Shape", ["w0"], ["shape"])],
    "images last": [*BATCH, node("Concat", ["rest", "batches"], ["shape"], axis=0)],
    "a product of images": [*BATCH, node("Mul", ["batches", "pixels"], ["shape"])],
    "a shape of no list": [*BATCH, node("Identity", ["batch"], ["shape"])],
    "a shape of reals": [*BATCH, node("Cast", ["batches"], ["shape"], to=TensorProto.FLOAT)],
    "what ONNX refuses": [*BATCH, node("Concat", ["batch", "rest"], ["shape"], axis=0)],
    "beyond the end": [SIDES, node("Gather", ["sides", "end"], ["shape"])],
    "weights for a shape": [node("Gather", ["w0", "zero"], ["shape"])],
    "images for a shape": [node("Squeeze", ["input"], ["shape"])],
}
"""Nodes from which a shape cannot be computed."""


@pytest.mark.parametrize("way", WAYS)
def test_a_shape_that_is_computed(saved, way):
    content = reshaped(WAYS[way])
    check_layers(content, saved(content), (PIXELS, HIDDEN))


@pytest.mark.parametrize("case", NO_SHAPES)
def test_a_shape_that_cannot_be_computed(saved, case):
    check_refused(saved(reshaped(NO_SHAPES[case])), "what becomes of 'input' up to 'output': ")
