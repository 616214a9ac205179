"""Operators that compute: what each makes of constants and of what images become."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from allspin.host.data.foreign.graphs.attributes import integer, real
from allspin.host.data.foreign.graphs.values import Constant, Sides, Stream, Value

Operator = Callable[[Any, Sequence[Value | None]], Value]


def stream_of(value: Value | None) -> Stream:
    """A value that must be what images became.

    Raises
    ------
    ValueError
        If it is a constant, or made of the logits.
    """
    if not isinstance(value, Stream):
        what = "a constant" if isinstance(value, np.ndarray) else "missing or behind the logits"
        raise ValueError(f"it works on what comes of the images, and its input is {what}")
    return value


def constant_of(value: Value | None, what: str) -> Constant:
    """A value that must be a constant.

    Raises
    ------
    ValueError
        If it depends on the images.
    """
    if not isinstance(value, np.ndarray):
        raise ValueError(f"its {what} must be a constant, not what comes of the images")
    return value


def _pair(inputs: Sequence[Value | None]) -> tuple[Value, Value]:
    if len(inputs) != 2 or inputs[0] is None or inputs[1] is None:
        raise ValueError("it takes two inputs")
    if any(isinstance(value, Sides) for value in inputs):
        raise ValueError("it computes with the sides of a shape; only parts of them are taken")
    return inputs[0], inputs[1]


def _constants(operator: Any, left: Constant, right: Constant) -> Constant:
    shape = np.broadcast_shapes(left.shape, right.shape)
    if math.prod(shape) > max(left.size, right.size):
        raise ValueError(f"constants of shapes {left.shape} and {right.shape} do not fit")
    return operator(left.astype(np.float64), right.astype(np.float64))


def _one_of(left: Value, right: Value) -> tuple[Stream, Constant]:
    """Of two values the one that comes of the images, and the constant."""
    if isinstance(left, Stream) and isinstance(right, np.ndarray):
        return left, right
    if isinstance(right, Stream) and isinstance(left, np.ndarray):
        return right, left
    raise ValueError("it joins two branches; layers must follow one another")


OnStream = Callable[[Stream, Constant, bool], Value]
"""What an operator makes of what comes of the images, of a constant, and of which is first."""


def _elementwise(on_constants: np.ufunc) -> Callable[[OnStream], Operator]:
    """Make an operator of two inputs of what it makes of constants, and of a stream and one."""

    def decorate(on_stream: OnStream) -> Operator:
        def operator(node: Any, inputs: Sequence[Value | None]) -> Value:
            left, right = _pair(inputs)
            if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
                return _constants(on_constants, left, right)
            stream, constant = _one_of(left, right)
            return on_stream(stream, stream.spread(constant), stream is left)

        operator.__doc__ = on_stream.__doc__
        return operator

    return decorate


@_elementwise(np.add)
def add(stream: Stream, constant: Constant, first: bool) -> Value:
    """The operator Add."""
    return stream.plus(constant)


@_elementwise(np.subtract)
def sub(stream: Stream, constant: Constant, first: bool) -> Value:
    """The operator Sub."""
    if first:
        return stream.plus(-constant)
    return stream.times(-np.ones(stream.features)).plus(constant)


@_elementwise(np.multiply)
def mul(stream: Stream, constant: Constant, first: bool) -> Value:
    """The operator Mul."""
    return stream.times(constant)


@_elementwise(np.divide)
def div(stream: Stream, constant: Constant, first: bool) -> Value:
    """The operator Div."""
    if not first or np.any(constant == 0):
        raise ValueError("it must divide by a constant that is not 0")
    return stream.times(1 / constant)


def matmul(node: Any, inputs: Sequence[Value | None]) -> Value:
    """The operator MatMul."""
    left, right = _pair(inputs)
    return stream_of(left).product(constant_of(right, "second input"))


def gemm(node: Any, inputs: Sequence[Value | None]) -> Value:
    """The operator Gemm."""
    if len(inputs) not in (2, 3):
        raise ValueError("it takes two or three inputs")
    if integer(node, "transA", 0):
        raise ValueError("transA is not supported: images are rows")
    weights = constant_of(inputs[1], "second input")
    if integer(node, "transB", 0):
        weights = weights.T
    stream = stream_of(inputs[0]).product(weights)
    stream = stream.times(np.full(stream.features, real(node, "alpha", 1.0)))
    if len(inputs) == 3 and inputs[2] is not None:
        biases = constant_of(inputs[2], "third input").astype(np.float64)
        stream = stream.plus(stream.spread(biases * real(node, "beta", 1.0)))
    return stream


def batch_normalization(node: Any, inputs: Sequence[Value | None]) -> Value:
    """The operator BatchNormalization, as it is after training."""
    if len(inputs) != 5:
        raise ValueError("it takes five inputs")
    if integer(node, "training_mode", 0):
        raise ValueError("it is in training mode; export the model for inference")
    stream = stream_of(inputs[0])
    names = ("scale", "B", "input_mean", "input_var")
    scale, bias, mean, variance = (
        constant_of(value, name).astype(np.float64)
        for value, name in zip(inputs[1:], names, strict=True)
    )
    channels = stream.shape[:1]
    if any(array.shape != channels for array in (scale, bias, mean, variance)):
        raise ValueError(f"its parameters must be of shape {channels}, one for each channel")
    if np.any(variance < 0):
        raise ValueError("a variance is less than 0")
    factor = scale / np.sqrt(variance + real(node, "epsilon", 1e-5))
    over = (*channels, *(1 for _ in stream.shape[1:]))
    scaled = stream.times(stream.spread(factor.reshape(over)))
    return scaled.plus(stream.spread((bias - mean * factor).reshape(over)))


def relu(node: Any, inputs: Sequence[Value | None]) -> Value:
    """The operator Relu."""
    return stream_of(inputs[0]).clipped(0.0, np.inf)


def clip(node: Any, inputs: Sequence[Value | None]) -> Value:
    """The operator Clip, whose bounds are attributes before opset 11 and inputs from then on."""
    bounds = [real(node, "min", -np.inf), real(node, "max", np.inf)]
    for place, (value, name) in enumerate(zip(inputs[1:3], ("min", "max"), strict=False)):
        if value is not None:
            bound = constant_of(value, name)
            if bound.size != 1:
                raise ValueError(f"its {name} must be one number")
            bounds[place] = float(bound.astype(np.float64).reshape(()))
    return stream_of(inputs[0]).clipped(bounds[0], bounds[1])
