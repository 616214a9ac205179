"""From a graph to the layers that it computes, node by node."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.foreign.description import MAX_WEIGHTS, Dense, FloatNetwork, Reals
from allspin.host.foreign.onnx_file import DOMAINS, Graph, attributes, evaluated, onnx_package
from allspin.sim.errors import UserError, refused
from allspin.sim.network.network import MAX_LINES

Constant = npt.NDArray[Any]

IMAGES = 99_991
"""Images that shapes are computed with: a prime, so that nothing else comes to it."""
MAX_SIDES = 16
"""Numbers of a shape that is computed."""
MAX_COMPUTED = 4 * MAX_WEIGHTS
"""Numbers of all constants that nodes make."""
MAX_PRODUCTS = 10**12
"""Multiplications to make one layer of several that stand in a row."""


@dataclass(frozen=True, eq=False)
class Stream:
    """What images become on their way, one sample of it: ``(x @ weights) * gain + shift``.

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
    layers: tuple[Dense, ...] = ()

    @property
    def features(self) -> int:
        """Numbers of a sample."""
        return math.prod(self.shape)

    def spread(self, operand: Constant) -> Reals:
        """A constant as one number for each feature, by the rules of broadcasting."""
        values = operand.astype(np.float64)
        if values.ndim == len(self.shape) + 1 and values.shape[0] == 1:
            values = values[0]
        try:
            return np.broadcast_to(values, self.shape).reshape(-1)
        except ValueError:
            raise ValueError(
                f"a constant of shape {operand.shape} does not fit samples of shape {self.shape}"
            ) from None

    def times(self, factor: Reals | float) -> "Stream":
        """Every feature times a number, of its own if there are several."""
        return replace(self, gain=self.gain * factor, shift=self.shift * factor)

    def plus(self, number: Reals) -> "Stream":
        """A number of its own added to every feature."""
        return replace(self, shift=self.shift + number)

    def product(self, matrix: Constant) -> "Stream":
        """The features as a row, times a matrix."""
        if matrix.ndim != 2 or matrix.shape[0] != self.shape[-1] or self.features != self.shape[-1]:
            raise ValueError(
                f"samples of shape {self.shape} cannot be multiplied with weights of shape "
                f"{matrix.shape}"
            )
        real, columns = matrix.astype(np.float64), matrix.shape[1]
        if self.weights is None:
            weights = self.gain[:, None] * real
        else:
            inputs = len(self.weights)
            if inputs * matrix.size > MAX_PRODUCTS or inputs * columns > MAX_WEIGHTS:
                raise ValueError("layers in a row, with nothing between them, are too large")
            weights = (self.weights * self.gain) @ real
        shape = (*self.shape[:-1], columns)
        return Stream(shape, np.ones(columns), self.shift @ real, weights, self.layers)

    def dense(self, low: float = 0.0, high: float = np.inf) -> Dense:
        """The layer of what has happened since the last one."""
        if self.weights is None:
            raise ValueError("there is no layer of weights before it")
        return Dense(self.weights * self.gain, self.shift - low, high - low)

    def clipped(self, low: float, high: float) -> "Stream":
        """The features held between two numbers: the end of a layer."""
        if self.weights is None and self.layers:  # such as Relu and then Clip for a ReLU6
            *before, last = self.layers
            start = float(self.shift[0])
            if not (np.all(self.gain == 1) and np.all(self.shift == start) and low <= start < high):
                raise ValueError("activations that were scaled are held a second time")
            held = replace(last, high=min(last.high, high - start))
            return replace(self, layers=(*before, held))
        if not np.isfinite(low) or not low < high:
            raise ValueError(f"a neuron holds its output from below, not from {low:g} to {high:g}")
        ones = np.ones(self.features)
        return Stream(self.shape, ones, low * ones, None, (*self.layers, self.dense(low, high)))


@dataclass(frozen=True, eq=False)
class Answer:
    """What is made of the logits: shares, classes, labels; nothing here depends on it."""

    stream: Stream


Value = Constant | Stream | Answer


@dataclass(frozen=True, eq=False)
class Step:
    """A node with its inputs.

    Parameters
    ----------
    kind : str
        Its operator.
    inputs : sequence
        None for one that is left out at its place.
    about : dict
        Its attributes.
    """

    kind: str
    inputs: Sequence[Value | None]
    about: dict[str, Any]

    @property
    def stream(self) -> Stream:
        """The first input, which must be what images became."""
        if not isinstance(self.inputs[0], Stream):
            raise ValueError("it works on what comes of the images, and its input is a constant")
        return self.inputs[0]

    def has(self, place: int) -> bool:
        """Whether there is an input that may be left out."""
        return place < len(self.inputs) and self.inputs[place] is not None

    def constant(self, place: int) -> Constant:
        """An input that must not depend on the images."""
        value = self.inputs[place]
        if not isinstance(value, np.ndarray):
            raise ValueError(
                f"its input {place + 1} must be a constant, not what comes of the images"
            )
        return value


def _arithmetic(step: Step) -> Value:
    """Add, Sub, Mul and Div of what comes of the images and a constant, in either order."""
    first = isinstance(step.inputs[0], Stream)
    stream, constant = step.inputs if first else reversed(step.inputs)
    if not isinstance(stream, Stream) or not isinstance(constant, np.ndarray):
        raise ValueError("it joins two branches; layers must follow one another")
    operand = stream.spread(constant)
    match step.kind:
        case "Add":
            return stream.plus(operand)
        case "Sub":
            return stream.plus(-operand) if first else stream.times(-1.0).plus(operand)
        case "Mul":
            return stream.times(operand)
    if not first or np.any(operand == 0):
        raise ValueError("it must divide by a constant that is not 0")
    return stream.times(1 / operand)


def _product(step: Step) -> Value:
    """MatMul, and Gemm with its factors and biases."""
    if step.about.get("transA"):
        raise ValueError("transA is not supported: images are rows")
    weights = step.constant(1)
    stream = step.stream.product(weights.T if step.about.get("transB") else weights)
    stream = stream.times(step.about.get("alpha", 1.0))
    if step.has(2):
        biases = step.constant(2).astype(np.float64)
        stream = stream.plus(stream.spread(biases * step.about.get("beta", 1.0)))
    return stream


def _normalization(step: Step) -> Value:
    """As it is after training."""
    if step.about.get("training_mode"):
        raise ValueError("it is in training mode; export the model for inference")
    stream = step.stream
    channels = stream.shape[:1]
    scale, bias, mean, variance = (step.constant(k).astype(np.float64) for k in range(1, 5))
    if any(array.shape != channels for array in (scale, bias, mean, variance)):
        raise ValueError(f"its parameters must be of shape {channels}, one for each channel")
    if np.any(variance < 0):
        raise ValueError("a variance is less than 0")
    factor = scale / np.sqrt(variance + step.about.get("epsilon", 1e-5))
    over = (*channels, *(1 for _ in stream.shape[1:]))
    scaled = stream.times(stream.spread(factor.reshape(over)))
    return scaled.plus(stream.spread((bias - mean * factor).reshape(over)))


def _clip(step: Step) -> Value:
    """Relu; Clip, whose bounds are attributes before opset 11, and inputs from then on."""
    least = 0.0 if step.kind == "Relu" else -np.inf
    bounds = [step.about.get("min", least), step.about.get("max", np.inf)]
    for place in (1, 2):
        if step.has(place):
            bounds[place - 1] = step.constant(place).astype(np.float64).item()
    return step.stream.clipped(*bounds)


def _same(step: Step) -> Value:
    """Identity; Dropout, which does nothing after training; Cast to other real numbers."""
    if step.has(2) and np.any(step.constant(2)):
        raise ValueError("it is in training mode; export the model for inference")
    types = onnx_package().TensorProto
    real = types.FLOAT, types.DOUBLE, types.FLOAT16, types.BFLOAT16
    if step.about.get("to", types.FLOAT) not in real:
        raise ValueError("it rounds what comes of the images to whole numbers")
    return step.stream


def _shape(step: Step) -> Value:
    sides = np.array([IMAGES, *step.stream.shape], np.int64)
    return sides[step.about.get("start", 0) : step.about.get("end", len(sides))]


def _reshape(step: Step) -> Value:
    """Within each image: the first side of the shape is the images'."""
    stream, wanted = step.stream, step.constant(1)
    if wanted.dtype.kind != "i" or wanted.ndim != 1:
        raise ValueError("its shape must be a list of whole numbers")
    first, *rest = wanted.tolist()
    known = math.prod(side for side in rest if side != -1)
    if first != -1 and rest.count(-1) == 1 and known > 0:
        rest = [stream.features // known if side == -1 else side for side in rest]
    possible = rest and min(rest) > 0 and math.prod(rest) == stream.features
    if not possible or first not in (-1, 0, 1, IMAGES):
        sides = ["images" if side == IMAGES else str(side) for side in wanted.tolist()]
        raise ValueError(
            f"it reshapes samples of shape {stream.shape} to ({', '.join(sides[:MAX_SIDES])}), "
            "which mixes images"
        )
    return replace(stream, shape=tuple(rest))


def _flatten(step: Step) -> Value:
    stream = step.stream
    if step.about.get("axis", 1) not in (1, -len(stream.shape)):
        raise ValueError("its axis must be 1, so that images stay apart")
    return replace(stream, shape=(stream.features,))


def _answer(step: Step) -> Value:
    """Softmax, LogSoftmax and ArgMax, whose axes are others where none is said."""
    axis = step.about.get("axis", 0 if step.kind == "ArgMax" else -1)
    if axis not in (-1, len(step.stream.shape)):
        raise ValueError("its axis must be that of the classes, the last one")
    return Answer(step.stream)


OPERATORS: dict[str, Callable[[Step], Value]] = {
    **dict.fromkeys(("Add", "Div", "Mul", "Sub"), _arithmetic),
    **dict.fromkeys(("ArgMax", "LogSoftmax", "Softmax"), _answer),
    **dict.fromkeys(("Cast", "Dropout", "Identity"), _same),
    **dict.fromkeys(("Clip", "Relu"), _clip),
    **dict.fromkeys(("Gemm", "MatMul"), _product),
    "BatchNormalization": _normalization,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Shape": _shape,
}
"""What operators make of what comes of the images."""
BROADCASTING = {"Add", "Div", "Mul", "Sub"}
OF_CONSTANTS = BROADCASTING | {
    *("Cast", "Concat", "Constant", "Gather", "Identity", "Reshape", "Slice", "Squeeze"),
    *("Transpose", "Unsqueeze"),
}
"""Operators that ONNX's evaluator computes where all inputs are constants."""
CLASSICAL = {"ArrayFeatureExtractor", "ZipMap"}
"""Those of the set ``ai.onnx.ml``."""
BEHIND_LOGITS = CLASSICAL | {
    *("ArgMax", "Cast", "Dropout", "Identity", "LogSoftmax", "Reshape", "Softmax"),
}


def sample_shape(graph: Graph, image_shape: tuple[int, int]) -> tuple[int, ...]:
    """Shape of one image where it enters the graph.

    Raises
    ------
    UserError
        If images of `image_shape` do not fit.
    """
    pixels = math.prod(image_shape)
    kind = graph.input.type.tensor_type
    if not kind.HasField("shape"):
        return (pixels,)
    whole = [side.dim_value if side.HasField("dim_value") else None for side in kind.shape.dim]
    for side in whole:
        if side is not None and not 1 <= side <= MAX_LINES:
            raise UserError(f"{graph.path} takes inputs with a side of {side}")
    inner = whole[1:]
    if inner == [None, None]:
        return image_shape
    # One side that is open is what the others leave of the pixels.
    left = pixels // math.prod(side for side in inner if side is not None)
    shape = tuple(left if side is None else side for side in inner)
    if 1 <= len(shape) <= 3 and inner.count(None) <= 1 and math.prod(shape) == pixels:
        return shape
    shown = " x ".join("?" if side is None else str(side) for side in whole[:8])
    raise UserError(
        f"{graph.path} takes inputs of shape {shown or 'of one number'}; the images have "
        f"{image_shape[0]} x {image_shape[1]} pixels of one channel"
    )


def _computed(graph: Graph, node: Any, inputs: dict[str, Constant]) -> Constant:
    """What a node makes of constants, if that is no larger than they are."""
    sizes = [each.size for each in inputs.values()]
    if node.op_type in ("Concat", "Gather") and max(sizes) > MAX_SIDES:
        raise ValueError("it is supported of shapes only")
    if node.op_type in BROADCASTING:
        shapes = [each.shape for each in inputs.values()]
        if math.prod(np.broadcast_shapes(*shapes)) > max(sizes):
            raise ValueError(f"constants of shapes {' and '.join(map(str, shapes))} do not fit")
    return evaluated(graph, node, inputs)


def _value(graph: Graph, node: Any, values: dict[str, Value]) -> Value:
    """What a node makes of its inputs."""
    kind = node.op_type
    supported = OPERATORS.keys() | OF_CONSTANTS | BEHIND_LOGITS
    domain = "ai.onnx.ml" if kind in CLASSICAL else ""
    if kind not in supported or DOMAINS.get(node.domain) != domain:
        raise ValueError(
            f"this operator of {node.domain or 'ai.onnx'} is not supported; those are: "
            f"{', '.join(sorted(supported))}"
        )
    named = {name: values.get(name) for name in node.input if name}
    for name, value in named.items():
        if value is None:
            raise ValueError(
                f"it takes {name!r}, which no node before it makes (nodes in a circle, or not in "
                "order)"
            )
        if isinstance(value, Answer):
            if kind in BEHIND_LOGITS:
                return value
            raise ValueError(
                "it works on what comes of the images, and its input is behind the logits"
            )
    constants = {name: value for name, value in named.items() if isinstance(value, np.ndarray)}
    if kind in OF_CONSTANTS and len(constants) == len(named):
        return _computed(graph, node, constants)
    if kind not in OPERATORS:
        where = "behind the logits" if kind in CLASSICAL else "of constants and of shapes"
        raise ValueError(f"it is supported {where} only")
    return OPERATORS[kind](Step(kind, [named.get(each) for each in node.input], attributes(node)))


def _walk(graph: Graph, first: Stream) -> dict[str, Value]:
    """Values of all names, in the order in which they are made."""
    values: dict[str, Value] = {**graph.constants, graph.input.name: first}
    computed = 0
    for node in graph.nodes:
        made = node.output[0]
        title = repr(node.name) if node.name else f"that makes {made!r}"
        # Errors of many kinds, about a stranger's graph; layers refuse what is not finite.
        what = f"{graph.path}: the node {title} ({node.op_type}): "
        with refused(what, kinds=Exception), np.errstate(all="ignore"):
            if made in values:
                raise ValueError(f"there are two nodes that make {made!r}")
            values[made] = value = _value(graph, node, values)
        computed += value.size if isinstance(value, np.ndarray) else 0
        if computed > MAX_COMPUTED:
            raise UserError(f"{graph.path} makes too many constants of its weights")
    return values


def read_layers(graph: Graph, image_shape: tuple[int, int]) -> tuple[FloatNetwork, str]:
    """The layers that a graph computes.

    Parameters
    ----------
    graph : Graph
        The graph.
    image_shape : tuple of int
        Height and width of an image.

    Returns
    -------
    network : FloatNetwork
    logits : str
        What the graph calls the outputs of the last layer.

    Raises
    ------
    UserError
        If a node is not supported, or the layers are none that a network has.
    """
    pixels = math.prod(image_shape)
    first = Stream(sample_shape(graph, image_shape), np.ones(pixels), np.zeros(pixels))
    values = _walk(graph, first)
    ends: dict[int, Stream] = {}
    for output in graph.model.graph.output:
        value = values.get(output.name)
        stream = value.stream if isinstance(value, Answer) else value
        if not isinstance(stream, Stream):
            raise UserError(f"{graph.path}: its output {output.name!r} does not come of the images")
        ends[id(stream)] = stream
    if len(ends) != 1:
        raise UserError(f"{graph.path} has {len(ends)} different outputs; it must have one")
    (stream,) = ends.values()
    logits = next(name for name, value in values.items() if value is stream)
    if stream.weights is None:
        raise UserError(
            f"{graph.path} must end in a layer of weights, whose outputs are the logits; "
            f"{logits!r} is no such output"
        )
    with refused(f"{graph.path}: "), np.errstate(all="ignore"):  # as above
        return FloatNetwork((*stream.layers, stream.dense())), logits
