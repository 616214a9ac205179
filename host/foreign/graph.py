"""From a graph to the layers that it computes, node by node."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from allspin.host.foreign.description import MAX_WEIGHTS, FloatNetwork, Reals
from allspin.host.foreign.onnx_file import DOMAINS, Graph, evaluated, onnx_package
from allspin.host.foreign.stream import Constant, Stream
from allspin.sim.errors import UserError, refused
from allspin.sim.network.network import MAX_LINES

IMAGES = 99_991
"""Images that shapes are computed with: a prime, so that nothing else comes to it."""
MAX_SIDES = 16
"""Numbers of a shape that is computed."""
MAX_COMPUTED = 4 * MAX_WEIGHTS
"""Numbers of all constants that nodes make."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What is made of the logits: shares, classes, labels; nothing here depends on it."""

    stream: Stream


Value = Constant | Stream | Answer
Operator = Callable[[dict[str, Any], Sequence[Value | None]], Value]
"""What a node makes of its attributes and inputs, of which one comes of the images."""


def _stream(value: Value | None) -> Stream:
    """A value that must be what images became."""
    if not isinstance(value, Stream):
        raise ValueError("it works on what comes of the images, and its input is a constant")
    return value


def _constant(value: Value | None, what: str) -> Constant:
    """A value that must not depend on the images."""
    if not isinstance(value, np.ndarray):
        raise ValueError(f"its {what} must be a constant, not what comes of the images")
    return value


def _operands(inputs: Sequence[Value | None]) -> tuple[Stream, Reals, bool]:
    """Of two inputs what comes of the images, the constant, and whether the former is first."""
    for stream, constant in (inputs, reversed(inputs)):
        if isinstance(stream, Stream) and isinstance(constant, np.ndarray):
            return stream, stream.spread(constant), stream is inputs[0]
    raise ValueError("it joins two branches; layers must follow one another")


def _add(attributes: dict[str, Any], inputs: Sequence[Value | None]) -> Value:
    stream, constant, _ = _operands(inputs)
    return stream.plus(constant)


def _sub(attributes: dict[str, Any], inputs: Sequence[Value | None]) -> Value:
    stream, constant, first = _operands(inputs)
    if first:
        return stream.plus(-constant)
    return stream.times(-np.ones(stream.features)).plus(constant)


def _mul(attributes: dict[str, Any], inputs: Sequence[Value | None]) -> Value:
    stream, constant, _ = _operands(inputs)
    return stream.times(constant)


def _div(attributes: dict[str, Any], inputs: Sequence[Value | None]) -> Value:
    stream, constant, first = _operands(inputs)
    if not first or np.any(constant == 0):
        raise ValueError("it must divide by a constant that is not 0")
    return stream.times(1 / constant)


def _matmul(attributes: dict[str, Any], inputs: Sequence[Value | None]) -> Value:
    return _stream(inputs[0]).product(_constant(inputs[1], "second input"))


def _gemm(attributes: dict[str, Any], inputs: Sequence[Value | None]) -> Value:
    if attributes.get("transA"):
        raise ValueError("transA is not supported: images are rows")
    weights = _constant(inputs[1], "second input")
    stream = _stream(inputs[0]).product(weights.T if attributes.get("transB") else weights)
    stream = stream.times(np.full(stream.features, attributes.get("alpha", 1.0)))
    if len(inputs) > 2 and inputs[2] is not None:
        biases = _constant(inputs[2], "third input").astype(np.float64)
        stream = stream.plus(stream.spread(biases * attributes.get("beta", 1.0)))
    return stream


def _batch_normalization(attributes: dict[str, Any], inputs: Sequence[Value | None]) -> Value:
    """As it is after training."""
    if attributes.get("training_mode"):
        raise ValueError("it is in training mode; export the model for inference")
    stream, *parameters = inputs
    stream = _stream(stream)
    scale, bias, mean, variance = (
        _constant(each, "parameters").astype(np.float64) for each in parameters
    )
    channels = stream.shape[:1]
    if any(array.shape != channels for array in (scale, bias, mean, variance)):
        raise ValueError(f"its parameters must be of shape {channels}, one for each channel")
    if np.any(variance < 0):
        raise ValueError("a variance is less than 0")
    factor = scale / np.sqrt(variance + attributes.get("epsilon", 1e-5))
    over = (*channels, *(1 for _ in stream.shape[1:]))
    scaled = stream.times(stream.spread(factor.reshape(over)))
    return scaled.plus(stream.spread((bias - mean * factor).reshape(over)))


def _relu(attributes: dict[str, Any], inputs: Sequence[Value | None]) -> Value:
    return _stream(inputs[0]).clipped(0.0, np.inf)


def _clip(attributes: dict[str, Any], inputs: Sequence[Value | None]) -> Value:
    """Its bounds are attributes before opset 11, and inputs from then on."""
    stream, *bounds = inputs
    low, high = attributes.get("min", -np.inf), attributes.get("max", np.inf)
    if bounds and bounds[0] is not None:
        low = _constant(bounds[0], "min").astype(np.float64).item()
    if len(bounds) > 1 and bounds[1] is not None:
        high = _constant(bounds[1], "max").astype(np.float64).item()
    return _stream(stream).clipped(low, high)


def _same(attributes: dict[str, Any], inputs: Sequence[Value | None]) -> Value:
    """Identity; Dropout, which does nothing after training."""
    if len(inputs) > 2 and inputs[2] is not None and np.any(_constant(inputs[2], "training_mode")):
        raise ValueError("it is in training mode; export the model for inference")
    return _stream(inputs[0])


def _cast(attributes: dict[str, Any], inputs: Sequence[Value | None]) -> Value:
    types = onnx_package().TensorProto
    if attributes.get("to") not in (types.FLOAT, types.DOUBLE, types.FLOAT16, types.BFLOAT16):
        raise ValueError("it rounds what comes of the images to whole numbers")
    return _stream(inputs[0])


def _shape(attributes: dict[str, Any], inputs: Sequence[Value | None]) -> Value:
    sides = np.array([IMAGES, *_stream(inputs[0]).shape], np.int64)
    return sides[attributes.get("start", 0) : attributes.get("end", len(sides))]


def _reshape(attributes: dict[str, Any], inputs: Sequence[Value | None]) -> Value:
    """Within each image: the first side of the shape is the images'."""
    stream, wanted = _stream(inputs[0]), _constant(inputs[1], "shape")
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
    return stream.reshaped(tuple(rest))


def _flatten(attributes: dict[str, Any], inputs: Sequence[Value | None]) -> Value:
    stream = _stream(inputs[0])
    if attributes.get("axis", 1) not in (1, -len(stream.shape)):
        raise ValueError("its axis must be 1, so that images stay apart")
    return stream.reshaped((stream.features,))


def _softmax(attributes: dict[str, Any], inputs: Sequence[Value | None], axis: int = -1) -> Value:
    stream = _stream(inputs[0])
    if attributes.get("axis", axis) not in (-1, len(stream.shape)):
        raise ValueError("its axis must be that of the classes, the last one")
    return Answer(stream)


def _arg_max(attributes: dict[str, Any], inputs: Sequence[Value | None]) -> Value:
    return _softmax(attributes, inputs, axis=0)


def _only_constants(attributes: dict[str, Any], inputs: Sequence[Value | None]) -> Value:
    raise ValueError("it is supported of constants and of shapes only")


def _only_answers(attributes: dict[str, Any], inputs: Sequence[Value | None]) -> Value:
    raise ValueError("it is supported only behind the logits")


OPERATORS: dict[str, Operator] = {
    "Add": _add,
    "ArgMax": _arg_max,
    "ArrayFeatureExtractor": _only_answers,
    "BatchNormalization": _batch_normalization,
    "Cast": _cast,
    "Clip": _clip,
    "Concat": _only_constants,
    "Constant": _only_constants,
    "Div": _div,
    "Dropout": _same,
    "Flatten": _flatten,
    "Gather": _only_constants,
    "Gemm": _gemm,
    "Identity": _same,
    "LogSoftmax": _softmax,
    "MatMul": _matmul,
    "Mul": _mul,
    "Relu": _relu,
    "Reshape": _reshape,
    "Shape": _shape,
    "Slice": _only_constants,
    "Softmax": _softmax,
    "Squeeze": _only_constants,
    "Sub": _sub,
    "Transpose": _only_constants,
    "Unsqueeze": _only_constants,
    "ZipMap": _only_answers,
}
"""What each operator that is supported makes of what comes of the images."""
CLASSICAL = {"ArrayFeatureExtractor", "ZipMap"}
"""Those of the set ``ai.onnx.ml``."""
BROADCASTING = {"Add", "Div", "Mul", "Sub"}
OF_CONSTANTS = BROADCASTING | {
    *("Cast", "Concat", "Constant", "Gather", "Identity", "Reshape", "Slice", "Squeeze"),
    *("Transpose", "Unsqueeze"),
}
"""Operators that ONNX's evaluator computes where all inputs are constants."""
BEHIND_LOGITS = {
    *("ArgMax", "ArrayFeatureExtractor", "Cast", "Dropout", "Identity", "LogSoftmax", "Reshape"),
    *("Softmax", "ZipMap"),
}


def _node_name(node: Any) -> str:
    made = f"that makes {node.output[0]!r}" if node.output else "without outputs"
    return f"the node {node.name!r}" if node.name else f"the node {made}"


def _operator(graph: Graph, node: Any) -> Operator:
    """What a node does.

    Raises
    ------
    UserError
        If it is not supported.
    """
    domain = DOMAINS.get(node.domain)
    expected = "ai.onnx.ml" if node.op_type in CLASSICAL else ""
    if node.op_type not in OPERATORS or domain != expected:
        name = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
        raise UserError(
            f"{graph.path}: {_node_name(node)} has the operator {name}, which is not supported; "
            f"those are: {', '.join(OPERATORS)}"
        )
    return OPERATORS[node.op_type]


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


def _computed(graph: Graph, node: Any, values: dict[str, Value]) -> Constant:
    """What a node makes of constants, if that is no larger than they are."""
    inputs = {name: _constant(values[name], "input") for name in node.input if name}
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
    operator = _operator(graph, node)
    for name in node.input:
        if name and name not in values:
            raise UserError(
                f"{graph.path}: {_node_name(node)} ({node.op_type}) takes {name!r}, which no node "
                "before it makes (nodes in a circle, or not in order)"
            )
    inputs = [values[name] if name else None for name in node.input]
    for value in inputs:
        if isinstance(value, Answer):
            if node.op_type in BEHIND_LOGITS:
                return value
            raise ValueError(
                "it works on what comes of the images, and its input is behind the logits"
            )
    if node.op_type in OF_CONSTANTS and not any(isinstance(value, Stream) for value in inputs):
        return _computed(graph, node, values)
    attributes = onnx_package().helper.get_attribute_value
    return operator({each.name: attributes(each) for each in node.attribute}, inputs)


def _walk(graph: Graph, first: Stream) -> dict[str, Value]:
    """Values of all names, in the order in which they are made."""
    values: dict[str, Value] = {**graph.constants, graph.input.name: first}
    computed = 0
    for node in graph.nodes:
        what = f"{graph.path}: {_node_name(node)} ({node.op_type}): "
        # Errors of many kinds, about a stranger's graph; layers refuse what is not finite.
        with refused(what, kinds=Exception), np.errstate(all="ignore"):
            value = _value(graph, node, values)
        computed += value.size if isinstance(value, np.ndarray) else 0
        if computed > MAX_COMPUTED:
            raise UserError(f"{graph.path} makes too many constants of its weights")
        name = node.output[0]
        if name in values:
            raise UserError(f"{graph.path} has two nodes that make {name!r}")
        values[name] = value
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
    values = _walk(graph, Stream.of_images(sample_shape(graph, image_shape)))
    ends: dict[int, Stream] = {}
    for output in graph.model.graph.output:
        value = values.get(output.name)
        if not isinstance(value, Answer | Stream):
            raise UserError(f"{graph.path}: its output {output.name!r} does not come of the images")
        stream = value.stream if isinstance(value, Answer) else value
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
