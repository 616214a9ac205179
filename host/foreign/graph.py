"""From a graph to the layers that it computes, node by node."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from allspin.host.foreign import values as arithmetic
from allspin.host.foreign import values as shapes
from allspin.host.foreign.description import MAX_WEIGHTS, FloatNetwork
from allspin.host.foreign.onnx_file import DOMAINS, Graph
from allspin.host.foreign.values import Answer, Operator, Sides, Stream, Value, integer, integers
from allspin.sim.errors import UserError
from allspin.sim.network.network import MAX_LINES

# Operators on shapes: exporters compute the shape that a Reshape takes of the images' own.

MAX_SIDES = 16


def shape(node: Any, inputs: Sequence[Value | None]) -> Value:
    """The operator Shape, of what comes of the images."""
    if len(inputs) != 1 or not isinstance(inputs[0], Stream):
        raise ValueError("it is supported of what comes of the images only")
    sides = (None, *inputs[0].shape)
    end = integer(node, "end", len(sides))
    return Sides(sides[integer(node, "start", 0) : end])


def _sides(value: Value | None) -> Sides:
    """A shape, or a list of whole numbers as one."""
    if isinstance(value, Sides):
        return value
    if (
        isinstance(value, np.ndarray)
        and value.dtype.kind == "i"
        and value.ndim <= 1
        and value.size <= MAX_SIDES
    ):
        return Sides(tuple(int(side) for side in value.reshape(-1)), value.ndim == 0)
    raise ValueError("it is supported of shapes only")


def _whole(value: Value | None, what: str) -> list[int]:
    """Constants of a node on shapes."""
    found = _sides(value).sides
    if None in found:
        raise ValueError(f"its {what} depend on the number of images")
    return [side for side in found if side is not None]


def _axes(node: Any, inputs: Sequence[Value | None]) -> list[int]:
    """The axes of Squeeze and Unsqueeze, an input since opset 13."""
    return _whole(inputs[1], "axes") if len(inputs) > 1 else integers(node, "axes") or [0]


def gather(node: Any, inputs: Sequence[Value | None]) -> Value:
    """The operator Gather: sides by their number."""
    if len(inputs) != 2 or integer(node, "axis", 0) != 0:
        raise ValueError("it is supported along the axis 0 of a shape only")
    sides, numbers = _sides(inputs[0]).sides, _sides(inputs[1])
    return Sides(tuple(sides[number] for number in _whole(numbers, "indices")), numbers.scalar)


def unsqueeze(node: Any, inputs: Sequence[Value | None]) -> Value:
    """The operator Unsqueeze: one side as a list."""
    sides = _sides(inputs[0] if inputs else None)
    if not sides.scalar or _axes(node, inputs) not in ([0], [-1]):
        raise ValueError("it is supported of one side of a shape only")
    return Sides(sides.sides)


def squeeze(node: Any, inputs: Sequence[Value | None]) -> Value:
    """The operator Squeeze: a list of one side as this."""
    sides = _sides(inputs[0] if inputs else None)
    if len(sides.sides) != 1 or _axes(node, inputs) not in ([0], [-1]):
        raise ValueError("it is supported of a list of one side only")
    return Sides(sides.sides, True)


def part(node: Any, inputs: Sequence[Value | None]) -> Value:
    """The operator Slice: neighbouring sides."""
    if not 3 <= len(inputs) <= 5:
        raise ValueError("it takes starts and ends as inputs; export with opset 10 or later")
    sides = _sides(inputs[0]).sides
    places = [_whole(place, "places") for place in inputs[1:]]
    start, end, axis, step = *places, *([0], [1])[len(places) - 2 :]
    if len(start) != 1 or len(end) != 1 or axis not in ([0], [-1]) or step != [1]:
        raise ValueError("it is supported of neighbouring sides of a shape only")
    return Sides(tuple(sides[start[0] : end[0]]))


def concat(node: Any, inputs: Sequence[Value | None]) -> Value:
    """The operator Concat: lists of sides, one behind another."""
    lists = [_sides(value) for value in inputs]
    if integer(node, "axis", 0) not in (0, -1) or any(sides.scalar for sides in lists):
        raise ValueError("it is supported of lists of sides only")
    found = tuple(side for sides in lists for side in sides.sides)
    if len(found) > MAX_SIDES:
        raise ValueError(f"it makes a shape of {len(found)} sides")
    return Sides(found)


OPERATORS: dict[str, Operator] = {
    "Add": arithmetic.add,
    "ArgMax": shapes.answer,
    "ArrayFeatureExtractor": shapes.label,
    "BatchNormalization": arithmetic.batch_normalization,
    "Cast": shapes.cast,
    "Clip": arithmetic.clip,
    "Concat": concat,
    "Constant": shapes.hold,
    "Div": arithmetic.div,
    "Dropout": shapes.same,
    "Flatten": shapes.flatten,
    "Gather": gather,
    "Gemm": arithmetic.gemm,
    "Identity": shapes.same,
    "LogSoftmax": shapes.answer,
    "MatMul": arithmetic.matmul,
    "Mul": arithmetic.mul,
    "Relu": arithmetic.relu,
    "Reshape": shapes.reshape,
    "Shape": shape,
    "Slice": part,
    "Softmax": shapes.answer,
    "Squeeze": squeeze,
    "Sub": arithmetic.sub,
    "Transpose": shapes.transpose,
    "Unsqueeze": unsqueeze,
    "ZipMap": shapes.label,
}
"""What each operator that is supported makes of its inputs."""
CLASSICAL = {"ArrayFeatureExtractor", "ZipMap"}
"""Those of the set ``ai.onnx.ml``."""
MAX_COMPUTED = 4 * MAX_WEIGHTS
"""Numbers of all constants that nodes make."""


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
    whole = [side.dim_value if side.HasField("dim_value") else None for side in kind.shape.dim]
    inner = whole[1:]
    if not kind.HasField("shape"):
        return (pixels,)
    for side in whole:
        if side is not None and not 1 <= side <= MAX_LINES:
            raise UserError(f"{graph.path} takes inputs with a side of {side}")
    known = math.prod(side for side in inner if side is not None)
    open_sides = inner.count(None)
    if 1 <= len(inner) <= 3 and known > 0 and open_sides <= 1 and pixels % known == 0:
        shape = tuple(pixels // known if side is None else side for side in inner)
        if math.prod(shape) == pixels:
            return shape
    if open_sides == len(inner) == 2:
        return image_shape
    shown = " x ".join("?" if side is None else str(side) for side in whole[:8])
    raise UserError(
        f"{graph.path} takes inputs of shape {shown or 'of one number'}; the images have "
        f"{image_shape[0]} x {image_shape[1]} pixels of one channel"
    )


def _walk(graph: Graph, first: Stream) -> dict[str, Value]:
    values: dict[str, Value] = {**graph.constants, graph.input.name: first}
    computed = 0
    for node in graph.nodes:
        operator = _operator(graph, node)
        inputs: list[Value | None] = []
        for name in node.input:
            if name and name not in values:
                raise UserError(
                    f"{graph.path}: {_node_name(node)} ({node.op_type}) takes {name!r}, which no "
                    "node before it makes (nodes in a circle, or not in order)"
                )
            inputs.append(values[name] if name else None)
        try:
            with np.errstate(all="ignore"):  # layers refuse what is not finite
                value = operator(node, inputs)
        except (ValueError, IndexError) as error:
            raise UserError(
                f"{graph.path}: {_node_name(node)} ({node.op_type}): {error}"
            ) from error
        if isinstance(value, np.ndarray):
            computed += value.size
            if computed > MAX_COMPUTED:
                raise UserError(f"{graph.path} makes too many constants of its weights")
        if node.output and node.output[0]:
            values[node.output[0]] = value
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
    ends: dict[int, tuple[Stream, str]] = {}
    for output in graph.model.graph.output:
        value = values.get(output.name)
        if isinstance(value, Answer):
            ends[id(value.stream)] = value.stream, value.name
        elif isinstance(value, Stream):
            ends.setdefault(id(value), (value, output.name))
        else:
            raise UserError(f"{graph.path}: its output {output.name!r} does not come of the images")
    if len(ends) != 1:
        raise UserError(f"{graph.path} has {len(ends)} different outputs; it must have one")
    ((stream, name),) = ends.values()
    if stream.weights is None:
        raise UserError(
            f"{graph.path} must end in a layer of weights, whose outputs are the logits; "
            f"{name!r} is no such output"
        )
    try:
        with np.errstate(all="ignore"):  # as above
            return FloatNetwork((*stream.layers, stream.dense())), name
    except ValueError as error:
        raise UserError(f"{graph.path}: {error}") from error
