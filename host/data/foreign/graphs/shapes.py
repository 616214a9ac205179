"""Operators that compute nothing of the images: shapes, types, what stands behind the logits."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from allspin.host.data.foreign.graphs.arithmetic import constant_of, stream_of
from allspin.host.data.foreign.graphs.attributes import constant, integer, integers
from allspin.host.data.foreign.graphs.package import onnx_package
from allspin.host.data.foreign.graphs.values import Answer, Sides, Stream, Value


def hold(node: Any, inputs: Sequence[Value | None]) -> Value:
    """The operator Constant."""
    return constant(node)


def same(node: Any, inputs: Sequence[Value | None]) -> Value:
    """The operator Identity; Dropout, which does nothing after training."""
    if not inputs or inputs[0] is None:
        raise ValueError("it has no input")
    mode = inputs[2] if node.op_type == "Dropout" and len(inputs) > 2 else None
    if mode is not None and bool(np.any(constant_of(mode, "training_mode"))):
        raise ValueError("it is in training mode; export the model for inference")
    return inputs[0]


def cast(node: Any, inputs: Sequence[Value | None]) -> Value:
    """The operator Cast: of what comes of the images to real numbers only, of sides to whole."""
    value = same(node, inputs)
    types = onnx_package().TensorProto
    reals = {types.FLOAT, types.DOUBLE, types.FLOAT16, types.BFLOAT16}
    whole = integer(node, "to", 0) not in reals
    if isinstance(value, Stream) and whole:
        raise ValueError("it rounds what comes of the images to whole numbers")
    if isinstance(value, Sides) and integer(node, "to", 0) not in (types.INT64, types.INT32):
        raise ValueError("it makes sides of a shape something else than whole numbers")
    return value


def _target(stream: Stream, shape: list[int]) -> tuple[int, ...]:
    """Shape of a sample behind a Reshape to a shape whose first side is the images'."""
    if len(shape) < 2 or len(shape) > 8 or any(side < -1 for side in shape):
        raise ValueError(f"it reshapes to {shape}; the first side must be that of the images")
    first, *rest = shape
    known = math.prod(side for side in rest if side != -1)
    if -1 in rest and first != -1 and rest.count(-1) == 1 and 0 not in rest:
        rest = [stream.features // known if side == -1 else side for side in rest]
    if first not in (-1, 0, 1) or math.prod(rest) != stream.features or min(rest) < 1:
        raise ValueError(
            f"it reshapes samples of shape {stream.shape} to {shape}, which mixes images"
        )
    return tuple(rest)


def _wanted(value: Value | None) -> list[int]:
    """The shape that a Reshape takes, with 0 where the number of images stays."""
    if isinstance(value, Sides):
        if value.scalar or None in value.sides[1:]:
            raise ValueError("the number of images must be the first side of its shape, if any")
        return [0 if side is None else side for side in value.sides]
    wanted = constant_of(value, "shape")
    if wanted.dtype.kind != "i" or wanted.ndim != 1 or wanted.size > 8:
        raise ValueError("its shape must be a list of whole numbers")
    return [int(side) for side in wanted]


def reshape(node: Any, inputs: Sequence[Value | None]) -> Value:
    """The operator Reshape, of weights or within each image."""
    value = same(node, inputs)
    if isinstance(value, Answer):
        return value
    if len(inputs) != 2:
        raise ValueError("it takes two inputs")
    shape = _wanted(inputs[1])
    if isinstance(value, Stream):
        return value.reshaped(_target(value, shape))
    if any(side < -1 or side == 0 for side in shape):
        raise ValueError(f"it reshapes weights to {shape}")
    return constant_of(value, "input").reshape(shape)


def flatten(node: Any, inputs: Sequence[Value | None]) -> Value:
    """The operator Flatten, of each image."""
    stream = stream_of(inputs[0] if inputs else None)
    if integer(node, "axis", 1) not in (1, -len(stream.shape)):
        raise ValueError("its axis must be 1, so that images stay apart")
    return stream.reshaped((stream.features,))


def transpose(node: Any, inputs: Sequence[Value | None]) -> Value:
    """The operator Transpose, of weights."""
    value = constant_of(inputs[0] if inputs else None, "input")
    order = integers(node, "perm")
    if order is not None and sorted(order) != list(range(value.ndim)):
        raise ValueError(f"its perm {order[:8]} is no order of {value.ndim} axes")
    return value.transpose(order)


def answer(node: Any, inputs: Sequence[Value | None]) -> Value:
    """Softmax, LogSoftmax and ArgMax: of the logits."""
    value = same(node, inputs)
    if isinstance(value, Answer):
        return value
    stream = stream_of(value)
    default = 0 if node.op_type == "ArgMax" else -1
    if integer(node, "axis", default) not in (-1, len(stream.shape)):
        raise ValueError("its axis must be that of the classes, the last one")
    return Answer(stream, node.input[0])


def label(node: Any, inputs: Sequence[Value | None]) -> Value:
    """ArrayFeatureExtractor and ZipMap: labels of what was made of the logits."""
    found = [value for value in inputs if isinstance(value, Answer)]
    if len(found) != 1:
        raise ValueError("it is supported only behind the logits")
    return found[0]
