"""From a graph to the layers that it computes.

Between two activations a network is linear: what ONNX's evaluator answers where nothing, and where
one number alone enters such a span, is its biases and a row of its weights.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from allspin.host.foreign.description import (
    MAX_WEIGHTS,
    Dense,
    Evaluator,
    FloatNetwork,
    Graph,
    Reals,
    attributes,
    onnx_package,
    relu,
)
from allspin.host.foreign.quantisers import OPERATORS, QONNX
from allspin.sim.errors import UserError, refused
from allspin.sim.network.network import MAX_LINES

ROUNDING = OPERATORS.keys() | {"DequantizeLinear", "QuantizeLinear"}
ACTIVATIONS = ROUNDING | {"Clip", "Relu"}
WEIGHTS = {"Gemm", "MatMul"}
SAME = {"Cast", "Dropout", "Flatten", "Identity", "Reshape"}
"""Operators that leave numbers as they are."""
CLASSICAL = {"ArrayFeatureExtractor", "LabelEncoder", "ZipMap"}
"""Those of the set ``ai.onnx.ml`` that turn classes into labels."""
LABELS = ("classlabels_strings", "values_strings")
"""Attributes of these that hold labels, in the order of the classes."""
ALONE = SAME | {"Add", "BatchNormalization", "Div", "Mul", "Scaler", "Sub"}
"""Operators that take each number by itself, if a constant is the other one."""
SHARES = {"LogSoftmax", "Sigmoid", "Softmax"}
BEHIND_LOGITS = CLASSICAL | SAME | SHARES | {"ArgMax", "Concat", "Slice", "Sub"}
SUPPORTED = (
    ACTIVATIONS
    | WEIGHTS
    | BEHIND_LOGITS
    | ALONE
    | {"Constant", "Gather", "Pow", "Shape", "Squeeze", "Transpose", "Unsqueeze"}
)
DOMAINS_OF = dict.fromkeys(CLASSICAL | {"Scaler"}, "ai.onnx.ml") | dict.fromkeys(OPERATORS, QONNX)
"""Sets of operators that are not ONNX's own."""
MAX_COMPUTED = 4 * MAX_WEIGHTS
"""Numbers of what a node makes of constants, or of an image."""
AT_ONCE = 128
"""Numbers of which each enters alone, one after another, that are asked together."""
PROBES = 16
"""Random images that a span must be linear for."""
MAX_APART = 1e-3
"""Share of the largest output that rounding may make there."""
LADDER = np.array([10.0**power for power in range(-3, 9)])
"""Sums, of either sign, at which an activation is asked for the least that it answers: steps of
eight bits or more that an integer holds lie between two of them."""


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


def _checked(graph: Graph) -> tuple[dict[str, Any], set[str]]:
    """What makes each name, and the names of what comes of the images."""
    makers: dict[str, Any] = {}
    known, derived = {"", graph.input.name, *graph.constants}, {graph.input.name}
    for node in graph.nodes:
        made, kind = node.output[0], node.op_type
        title = repr(node.name) if node.name else f"that makes {made!r}"
        with refused(f"{graph.path}: the node {title} ({kind}): "):
            if "Conv" in kind:
                raise ValueError("a convolution is not read; layers must be fully connected")
            if kind not in SUPPORTED or node.domain != DOMAINS_OF.get(kind, ""):
                raise ValueError(
                    f"this operator of {node.domain or 'ai.onnx'} is not supported; those are: "
                    f"{', '.join(sorted(SUPPORTED))}"
                )
            if missing := set(node.input) - known:
                raise ValueError(
                    f"it takes {min(missing)!r}, which no node before it makes (nodes in a "
                    "circle, or not in order)"
                )
            if made in known:
                raise ValueError(f"there are two nodes that make {made!r}")
        makers[made] = node
        known.update(node.output)
        if kind != "Shape" and derived.intersection(node.input):
            derived.update(node.output)
    return makers, derived


def _check_sizes(graph: Graph) -> None:
    """Refuse a graph whose nodes make too much of little."""
    with refused(f"{graph.path}: its shapes: ", kinds=Exception):
        found = onnx_package().shape_inference.infer_shapes(graph.model).graph.value_info
    for value in found:
        sides = [max(1, side.dim_value) for side in value.type.tensor_type.shape.dim]
        if math.prod(sides) > MAX_COMPUTED:
            raise UserError(f"{graph.path}: {value.name!r} is too large: {sides}")


def _logits(graph: Graph, makers: dict[str, Any], derived: set[str]) -> str:
    """The one tensor that all outputs of a graph are made of; nodes that round it become others."""
    behind: set[str] = set()  # what is made of shares or classes
    steps: set[str] = set()  # what is a whole number, until it is dequantised
    of_images = [node for node in graph.nodes if derived.intersection(node.input)]
    last = max((k for k, node in enumerate(of_images) if node.op_type in WEIGHTS), default=-1)
    for node in of_images[last + 1 :]:
        kind = node.op_type
        if kind in ROUNDING or (kind == "Clip" and node.input[0] in steps):
            if kind == "QuantizeLinear":
                steps.update(node.output)
            del node.attribute[:], node.input[1:]
            node.op_type, node.domain = "Identity", ""
        elif kind in SHARES | CLASSICAL | {"ArgMax"} or behind.intersection(node.input):
            behind.update(node.output)
    ends, wanted = set(), {output.name for output in graph.model.graph.output}
    while wanted:
        name = wanted.pop()
        if name not in derived:
            raise UserError(f"{graph.path}: its output {name!r} does not come of the images")
        node = makers.get(name)
        if node is None or (name not in behind and node.op_type not in SAME):
            ends.add(name)
            continue
        axis = attributes(node).get("axis", 0 if node.op_type == "ArgMax" else 1)
        if node.op_type not in BEHIND_LOGITS or (
            node.op_type in BEHIND_LOGITS - CLASSICAL - SAME and axis not in (-1, 1)
        ):
            raise UserError(
                f"{graph.path}: the node that makes {name!r} ({node.op_type}): it must keep the "
                "order of the classes, and its axis be theirs, the last one"
            )
        labels = graph.constants.get(node.input[0], np.zeros(0))
        if labels.dtype.kind in "iu" and list(labels) != sorted(labels):
            raise UserError(f"{graph.path}: the labels {node.input[0]!r} must rise, as classes do")
        wanted |= derived.intersection(node.input)
    if len(ends) != 1:
        raise UserError(f"{graph.path} has {len(ends)} different outputs; it must have one")
    return ends.pop()


def _check_sign(graph: Graph, makers: dict[str, Any], logits: str, shape: tuple[int, ...]) -> None:
    """Refuse one output for two classes unless what is made of it rises with the second one."""
    name = graph.model.graph.output[0].name
    while name != logits and makers[name].op_type in CLASSICAL | SAME:
        kind, inputs = makers[name].op_type, makers[name].input
        name = inputs[1 if kind == "ArrayFeatureExtractor" else 0]
    if name != logits:
        found = Evaluator(graph, name, logits, shape)(np.array([[-9.0], [9.0]]))
        if not found[0, -1] < found[1, -1]:
            raise UserError(f"{graph.path}: {name!r} must rise with {logits!r}, its one output")


def _span(graph: Graph, derived: set[str], target: str) -> tuple[str, set[str]]:
    """The activation, or the input, that a tensor comes of, and the operators between them."""
    wanted, kinds, ends = {target}, set(), set()
    for node in reversed(graph.nodes):
        if node.output[0] in wanted and node.op_type in ACTIVATIONS:
            ends.add(node.output[0])
        elif node.output[0] in wanted:
            kinds.add(node.op_type)
            wanted |= derived.intersection(node.input)
    ends |= wanted & {graph.input.name}
    if len(ends) != 1:
        raise UserError(
            f"{graph.path}: {target!r} joins two branches; layers must follow one another"
        )
    return ends.pop(), kinds


def _linear(compute: Evaluator, low: float | Reals) -> Dense:
    """The layer that gives what is computed of numbers from `low` on, one or one each."""
    inputs, reach = compute.inputs, compute.reach
    biases = compute(np.full((1, inputs), low))[0]
    if inputs * len(biases) > MAX_WEIGHTS:
        raise ValueError(f"a layer of {inputs} x {len(biases)} is too large")
    # Some at a time: of all inputs the matrix may be larger than the memory.
    alone = (np.eye(min(AT_ONCE, inputs - k), inputs, k) for k in range(0, inputs, AT_ONCE))
    found = np.concatenate([compute(low + reach * some) for some in alone])
    layer = Dense((found - biases) / reach, biases)
    probes = np.rint(np.random.default_rng(0).uniform(0, 100, (PROBES, inputs)))
    found, expected = compute(low + probes), probes @ layer.weights + biases
    apart = np.abs(found - expected).max()
    if not apart <= MAX_APART * np.abs(expected).max():
        raise ValueError("they are not linear, as a layer in inference is")
    return layer


def _activation(compute: Evaluator) -> tuple[Callable[[Reals], Reals], Reals]:
    """What answers sums from 0 on, and what it leaves out for that: the least of each column."""
    below, above = (compute(np.tile(s * LADDER[:, None], compute.inputs)) for s in (-1, 1))
    least = below.min(axis=0)
    if not np.all((least > -LADDER[-2]) & (least <= above.min(axis=0))):
        raise ValueError(
            "a neuron holds its output from below, and its output rises; this one's goes "
            f"from {least.min():g} to {above.min():g}"
        )
    return lambda sums: compute(sums) - least, least


def read_layers(graph: Graph, image_shape: tuple[int, int]) -> tuple[FloatNetwork, str]:
    """The layers of a graph.

    Parameters
    ----------
    graph : Graph
        The graph.
    image_shape : tuple of int
        Height and width of the images.

    Returns
    -------
    network : FloatNetwork
        The layers.
    logits : str
        Name of what they compute.

    Raises
    ------
    UserError
        If images do not fit, or the graph is not a chain of layers; the node or the span is named.
    """
    makers, derived = _checked(graph)
    shape = sample_shape(graph, image_shape)
    logits = _logits(graph, makers, derived)
    _check_sizes(graph)
    spans: list[tuple[str, str]] = []  # of weights
    target, source = logits, ""
    while source != graph.input.name:
        source, kinds = _span(graph, derived, target)
        if kinds & WEIGHTS:
            spans.insert(0, (source, target))
        elif not spans:
            raise UserError(
                f"{graph.path} must end in a layer of weights, whose outputs are the logits; "
                f"{logits!r} is no such output"
            )
        elif not kinds <= ALONE:
            raise UserError(
                f"{graph.path}: the nodes from {source!r} to {target!r}: there is no layer of "
                f"weights before the activation, and {min(kinds - ALONE)} mixes what it takes"
            )
        if source != graph.input.name:
            target = makers[source].input[0]
    layers: list[Dense] = []
    low: float | Reals = 0.0
    for number, (source, target) in enumerate(spans):
        what = f"{graph.path}: the nodes from {source!r} to {target!r}: "
        # Errors of many kinds, about a stranger's graph; layers refuse what is not finite.
        with refused(what, kinds=Exception), np.errstate(all="ignore"):
            layer = _linear(Evaluator(graph, target, source, shape), low)
            activation, low = relu, 0.0
            if target != logits:
                end = spans[number + 1][0]
                if (makers[end].op_type, makers[end].input[0]) != ("Relu", target):
                    activation, low = _activation(Evaluator(graph, end, target, shape))
            layers.append(Dense(layer.weights, layer.biases, activation))
    with refused(f"{graph.path}: "):
        network = FloatNetwork(tuple(layers))
        if spans[0][0] != graph.input.name:
            enter = Evaluator(graph, spans[0][0], graph.input.name, shape)
            network = replace(network, enter=enter)
    if network.topology[-1] == 1:
        _check_sign(graph, makers, logits, shape)
    return network, logits


def class_names(graph: Graph) -> list[str]:
    """What a graph calls its classes, in the order of its columns; nothing if they are numbers."""
    about = (attributes(node) for node in graph.model.graph.node if node.op_type in CLASSICAL)
    found = [each[name] for each in about for name in LABELS if each.get(name)]
    return [name.decode("utf-8", "replace") for name in found[0]] if found else []
