"""What flows along the edges of a graph as it is read: constants, and what images become."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.foreign.description import MAX_WEIGHTS, Dense, Reals
from allspin.host.foreign.onnx_file import onnx_package, tensor_array
from allspin.sim.network.network import MAX_LINES

# Attributes of nodes, which are a stranger's, by type.


def _find(node: Any, name: str, kind: int) -> Any:
    for attribute in node.attribute:
        if attribute.name == name:
            if attribute.type != kind:
                raise ValueError(f"its attribute {name} is of another type")
            return attribute
    return None


def integer(node: Any, name: str, default: int) -> int:
    """An attribute that is a whole number."""
    found = _find(node, name, onnx_package().AttributeProto.INT)
    return default if found is None else int(found.i)


def real(node: Any, name: str, default: float) -> float:
    """An attribute that is a real number."""
    found = _find(node, name, onnx_package().AttributeProto.FLOAT)
    return default if found is None else float(found.f)


def integers(node: Any, name: str) -> list[int] | None:
    """An attribute that is a list of whole numbers; None where it is missing."""
    found = _find(node, name, onnx_package().AttributeProto.INTS)
    return None if found is None else list(found.ints)


def constant(node: Any) -> npt.NDArray[Any]:
    """What a node of the operator Constant holds.

    Raises
    ------
    ValueError
        If it is no number or tensor of numbers.
    """
    kinds = onnx_package().AttributeProto
    for attribute in node.attribute:
        if attribute.name == "value" and attribute.type == kinds.TENSOR:
            return tensor_array(attribute.t)
        if attribute.name == "value_float" and attribute.type == kinds.FLOAT:
            return np.array(attribute.f, np.float32)
        if attribute.name == "value_int" and attribute.type == kinds.INT:
            return np.array(attribute.i, np.int64)
        if attribute.name == "value_floats" and attribute.type == kinds.FLOATS:
            return np.array(attribute.floats, np.float32)
        if attribute.name == "value_ints" and attribute.type == kinds.INTS:
            return np.array(attribute.ints, np.int64)
    raise ValueError("it holds no number or tensor of numbers")


Constant = npt.NDArray[Any]

MAX_PRODUCTS = 10**12
"""Multiplications to make one layer of several that stand in a row."""


@dataclass(frozen=True, eq=False)
class Stream:
    """What images become, one sample of it: ``(x @ weights) * gain + shift``.

    Parameters
    ----------
    shape : tuple of int
        Of a sample, without the axis of the images.
    gain, shift : ndarray of float64, shape (features,)
        In the row-major order of the sample.
    weights : ndarray of float64, shape (inputs, features), or None
        None where nothing was multiplied with since `layers`: x is then the features themselves.
    layers : tuple of Dense
        What makes x of the images; x is the images' levels where there are none.
    """

    shape: tuple[int, ...]
    gain: Reals
    shift: Reals
    weights: Reals | None = None
    layers: tuple[Dense, ...] = field(default=())

    @classmethod
    def of_images(cls, shape: tuple[int, ...]) -> "Stream":
        """The images themselves."""
        return cls(shape, np.ones(math.prod(shape)), np.zeros(math.prod(shape)))

    @property
    def features(self) -> int:
        """Numbers of a sample."""
        return math.prod(self.shape)

    def reshaped(self, shape: tuple[int, ...]) -> "Stream":
        """The same numbers in the same order."""
        return replace(self, shape=shape)

    def spread(self, operand: Constant) -> Reals:
        """A constant as one number for each feature, by the rules of broadcasting.

        Raises
        ------
        ValueError
            If it does not fit, or would make the sample larger.
        """
        values = operand.astype(np.float64)
        if values.ndim == len(self.shape) + 1 and values.shape[0] == 1:
            values = values[0]
        try:
            fits = np.broadcast_shapes(values.shape, self.shape) == self.shape
        except ValueError:
            fits = False
        if not fits:
            raise ValueError(
                f"a constant of shape {operand.shape} does not fit samples of shape {self.shape}"
            )
        if not np.all(np.isfinite(values)):
            raise ValueError("a constant is not finite")
        return np.broadcast_to(values, self.shape).reshape(-1)

    def times(self, factor: Reals) -> "Stream":
        """Every feature times a number of its own."""
        return replace(self, gain=self.gain * factor, shift=self.shift * factor)

    def plus(self, number: Reals) -> "Stream":
        """A number of its own added to every feature."""
        return replace(self, shift=self.shift + number)

    def product(self, matrix: Constant) -> "Stream":
        """The features as a row, times a matrix.

        Raises
        ------
        ValueError
            If the matrix does not fit, or is too large.
        """
        if matrix.ndim != 2 or matrix.shape[0] != self.shape[-1] or self.features != self.shape[-1]:
            raise ValueError(
                f"samples of shape {self.shape} cannot be multiplied with weights of shape "
                f"{matrix.shape}"
            )
        if matrix.size > MAX_WEIGHTS or not 1 <= matrix.shape[1] <= MAX_LINES:
            raise ValueError(
                f"weights of shape {matrix.shape} are too large: a layer has at most {MAX_LINES:,} "
                f"columns, and a network {MAX_WEIGHTS:,} weights"
            )
        real = matrix.astype(np.float64)
        if self.weights is None:
            weights = self.gain[:, None] * real
        else:
            inputs = self.weights.shape[0]
            if inputs * matrix.size > MAX_PRODUCTS or inputs * matrix.shape[1] > MAX_WEIGHTS:
                raise ValueError("layers in a row, with nothing between them, are too large")
            weights = (self.weights * self.gain) @ real
        columns = matrix.shape[1]
        return Stream(
            (*self.shape[:-1], columns), np.ones(columns), self.shift @ real, weights, self.layers
        )

    def dense(self, low: float = 0.0, high: float = np.inf) -> Dense:
        """The layer of what has happened since the last one.

        Raises
        ------
        ValueError
            If nothing was multiplied with, or a number is not what a layer takes.
        """
        if self.weights is None:
            raise ValueError("there is no layer of weights before it")
        return Dense(self.weights * self.gain, self.shift - low, high - low)

    def clipped(self, low: float, high: float) -> "Stream":
        """The features held between two numbers: the end of a layer.

        Raises
        ------
        ValueError
            If there is no layer to end, or nothing is held from below.
        """
        if self.weights is None and self.layers:
            return self._clipped_again(low, high)
        if not np.isfinite(low) or not low < high:
            raise ValueError(f"a neuron holds its output from below, not from {low:g} to {high:g}")
        layers = (*self.layers, self.dense(low, high))
        ones = np.ones(self.features)
        return Stream(self.shape, ones, low * ones, None, layers)

    def _clipped_again(self, low: float, high: float) -> "Stream":
        """Activations held once more, such as Relu and then Clip for a ReLU6."""
        *before, last = self.layers
        start = float(self.shift[0])
        if not (np.all(self.gain == 1) and np.all(self.shift == start) and low <= start < high):
            raise ValueError("activations that were scaled are held a second time")
        high = min(last.high, high - start)
        return replace(self, layers=(*before, Dense(last.weights, last.biases, high)))


@dataclass(frozen=True, eq=False)
class Answer:
    """What is made of the logits: shares, classes, labels; nothing here depends on it.

    Parameters
    ----------
    stream : Stream
        The logits.
    name : str
        What the graph calls them.
    """

    stream: Stream
    name: str


@dataclass(frozen=True)
class Sides:
    """Sides of what comes of the images, where a graph computes with them.

    Parameters
    ----------
    sides : tuple of int or None
        None is the number of images, which is not known.
    scalar : bool
        One side that is no list.
    """

    sides: tuple[int | None, ...]
    scalar: bool = False


Value = Constant | Stream | Answer | Sides


# Operators that compute: what each makes of constants and of what images become.

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


# Operators that compute nothing of the images: shapes, types, what stands behind the logits.


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
