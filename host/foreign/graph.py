"""From a graph to the layers that it computes.

Between two activations a network is linear: what ONNX's evaluator answers where nothing, and where
one number alone enters such a span, is its biases and a row of its weights. Between two maps it is
a convolution, whatever its operators are: a line alone shows how far kernels reach, and one number
alone has a row of their weights in the answer at one position. Random inputs check either.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from allspin.host.foreign.description import (
    MAX_WEIGHTS,
    Evaluator,
    FloatLayer,
    FloatNetwork,
    Graph,
    Reals,
    attributes,
    onnx_package,
    relu,
)
from allspin.host.foreign.quantisers import OPERATORS, QONNX
from allspin.sim.errors import UserError, refused
from allspin.sim.network.layer_kinds import DENSE, MAX_LINES, Convolution, LayerKind, Shape

ROUNDING = OPERATORS.keys() | {"DequantizeLinear", "QuantizeLinear"}
RELU = {"MaxPool", "Relu"}
"""Operators that make a ReLU, of which the largest of some places may be taken."""
ACTIVATIONS = ROUNDING | RELU | {"Clip"}
AVERAGES = {"AveragePool", "GlobalAveragePool", "ReduceMean"}
MAPS = {"AveragePool", "Conv", "GlobalAveragePool", "MaxPool"}
"""Operators whose channels are the second axis."""
WEIGHTS = AVERAGES | {"Conv", "Gemm", "MatMul"}
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
    | {"Constant", "Gather", "Pad", "Pow", "Shape", "Squeeze", "Transpose", "Unsqueeze"}
)
DOMAINS_OF = dict.fromkeys(CLASSICAL | {"Scaler"}, "ai.onnx.ml") | dict.fromkeys(OPERATORS, QONNX)
"""Sets of operators that are not ONNX's own."""
MAX_COMPUTED = 4 * MAX_WEIGHTS
"""Numbers of what a node makes of constants, or of an image."""
NOTHING = 1e-6
"""Share of the largest answer up to which rounding makes one."""
AT_ONCE = 128
"""Numbers of which each enters alone, one after another, that are asked together."""
PROBES = 16
"""Random images that a span must be linear for."""
MAX_APART = 1e-3
"""Share of the largest output that rounding may make there."""
LADDER = np.array([10.0**power for power in range(-3, 9)])
"""Sums, of either sign, at which an activation is asked for the least that it answers: steps of
eight bits or more that an integer holds lie between two of them."""


def sample_shape(graph: Graph, image_shape: Shape) -> Shape:
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
    if inner.count(None) == 2:  # height and width
        sides = iter(image_shape)
        inner = [next(sides) if side is None else side for side in inner]
    # One side that is open is what the others leave of the pixels.
    left = pixels // math.prod(side for side in inner if side is not None)
    shape = tuple(left if side is None else side for side in inner)
    if 1 <= len(shape) <= 3 and inner.count(None) <= 1 and math.prod(shape) == pixels:
        map_shape = (*image_shape, 1)[:3]
        if shape in _axes(map_shape) or map_shape[2] == 1 or len(shape) == 1:
            return shape
    shown = " x ".join("?" if side is None else str(side) for side in whole[:8])
    raise UserError(
        f"{graph.path} takes inputs of shape {shown or 'of one number'}; the images have "
        f"{image_shape[0]} x {image_shape[1]} pixels of "
        f"{f'{image_shape[2]} channels' if len(image_shape) == 3 else 'one channel'}"
    )


def _axes(map_shape: Shape) -> dict[Shape, int]:
    """Where the channels of a map's batch are, by the shape that an image has."""
    height, width, channels = map_shape
    return {map_shape: 3, (channels, height, width): 1}


def _follow_channels(graph: Graph, shape: Shape, image_shape: Shape) -> None:
    """Find the axis of the channels in each map of a graph."""
    axes = graph.axes
    if (axis := _axes((*image_shape, 1)[:3]).get(shape)) is not None:
        axes[graph.input.name] = axis
    for node in graph.nodes:
        before = [axes[name] for name in node.input if name in axes]
        turned = list(attributes(node).get("perm", ())) if node.op_type == "Transpose" else ()
        if node.op_type in MAPS:
            axes[node.output[0]] = 1
        elif before:
            axes[node.output[0]] = turned.index(before[0]) if len(turned) == 4 else before[0]


def _checked(graph: Graph) -> tuple[dict[str, Any], set[str]]:
    """What makes each name, and the names of what comes of the images."""
    makers: dict[str, Any] = {}
    known, derived = {"", graph.input.name, *graph.constants}, {graph.input.name}
    for node in graph.nodes:
        made, kind = node.output[0], node.op_type
        title = repr(node.name) if node.name else f"that makes {made!r}"
        with refused(f"{graph.path}: the node {title} ({kind}): "):
            about = attributes(node) if kind in MAPS else {}
            if about.get("group", 1) != 1 or {*about.get("dilations", ())} - {1}:
                raise ValueError("groups and dilations are not read; each must be 1")
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


class _Span(NamedTuple):
    """Where a layer begins and its sums are, and what there is up to the next layer.

    Attributes
    ----------
    source, target : str
        Names of tensors.
    stride : tuple of int
        Of all its nodes together, down and across.
    after : list of str
        Operators of the activation.
    """

    source: str
    target: str
    stride: Shape
    after: list[str]


def _span(graph: Graph, derived: set[str], target: str) -> tuple[str, list[Any]]:
    """The activation, or the input, that a tensor comes of, and the nodes between them."""
    wanted, nodes, ends = {target}, [], set()
    for node in reversed(graph.nodes):
        if node.output[0] in wanted and node.op_type in ACTIVATIONS:
            ends.add(node.output[0])
        elif node.output[0] in wanted:
            nodes.append(node)
            wanted |= derived.intersection(node.input)
    ends |= wanted & {graph.input.name}
    if len(ends) != 1:
        raise UserError(
            f"{graph.path}: {target!r} joins two branches; layers must follow one another"
        )
    return ends.pop(), nodes


def _spans(graph: Graph, makers: dict[str, Any], derived: set[str], logits: str) -> list[_Span]:
    """The layers of weights, first to last."""
    spans: list[_Span] = []
    axes = graph.axes
    target, source, after = logits, "", []
    while source != graph.input.name:
        source, nodes = _span(graph, derived, target)
        turns = {node.output[0] for node in nodes if node.op_type == "Transpose"} & axes.keys()
        kinds = {node.op_type for node in nodes if node.output[0] not in turns}
        if kinds & WEIGHTS:
            each = [attributes(node).get("strides", [1, 1]) for node in nodes]
            stride = tuple(math.prod(sides[axis] for sides in each) for axis in (0, -1))
            spans.insert(0, _Span(source, target, stride, after))
            after = []
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
        else:
            after.extend(kinds)
        if source != graph.input.name:
            target = makers[source].input[0]
            after.append(makers[source].op_type)
    if "MaxPool" in after:
        raise UserError(f"{graph.path}: there is no layer of weights before the first MaxPool")
    return spans


def _reach(met: npt.NDArray[np.bool_], stride: int) -> tuple[int, int]:
    """Length of kernels along an axis, and how far they begin before the map.

    Parameters
    ----------
    met : ndarray of bool, shape (lines, places)
        Which lines each place's kernels meet.
    stride : int
        Lines between two places.
    """
    lines, places = met.shape
    line, place = np.nonzero(met)
    offsets = line - stride * place
    # Lines at a kernel's end may be 0, but places are what they are.
    last = stride * (places - 1)
    begin = min(0, lines - 1 - last, *offsets)
    end = max(0, lines - stride - last, *offsets)
    return int(end - begin + 1), int(-begin)


class _Probe:
    """What asks a span, some inputs at a time: of all, answers may be larger than the memory.

    Parameters
    ----------
    compute : Evaluator
        The span.
    low : float or ndarray
        What inputs are where they are not asked for.
    """

    def __init__(self, compute: Evaluator, low: float | Reals) -> None:
        self._compute, self._low = compute, low
        self.nothing = compute.maps(np.full((1, compute.inputs), low))[0]

    def alone(self, shape: Shape, places: Sequence[Any], value: Any) -> Iterator[Reals]:
        """What a value at each place of an input of a shape adds to the answer, per 1."""
        for start in range(0, len(places), AT_ONCE):
            some = places[start : start + AT_ONCE]
            given = np.zeros((len(some), *shape))
            for one, place in zip(given, some, strict=True):
                one[place] = value
            lists = self._low + self._compute.reach * given.reshape(len(some), -1)
            yield from (self._compute.maps(lists) - self.nothing) / self._compute.reach

    def kernels(self, shape: Shape, stride: Shape) -> Convolution:
        """The convolution of a map of a shape that a span is, if it is one."""
        rng, found = np.random.default_rng(0), []
        for axis in (0, 1):
            # All of a line, and no two numbers of it alike: they do not make up for one another.
            others = np.delete(shape, axis)
            value = rng.integers(1, 10, others) + 0.0
            lines = [(slice(None),) * axis + (line,) for line in range(shape[axis])]
            answers = self.alone(shape, lines, value)
            met = np.array([np.abs(each).max(axis=(1 - axis, 2)) for each in answers])
            found.append(_reach(met > NOTHING * met.max(), stride[axis]))
        (height, top), (width, left) = found
        kernel = height, width
        ends = (
            step * (places - 1) + length - before - side
            for step, places, length, before, side in zip(
                stride, self.nothing.shape, kernel, (top, left), shape, strict=False
            )
        )
        return Convolution(shape, kernel, stride, (top, left, *(max(end, 0) for end in ends)))


def _seen(kind: Convolution, axis: int) -> list[tuple[int, int] | None]:
    """Of each line of a kernel, the line of the map that it is on at a place, and the place."""
    found = []
    for offset in range(kind.kernel[axis]):
        places = np.arange(kind.places[axis])
        lines = kind.stride[axis] * places + offset - kind.padding[axis]
        inside = np.flatnonzero((lines >= 0) & (lines < kind.map[axis]))
        middle = inside[len(inside) // 2] if len(inside) else None
        found.append(None if middle is None else (int(lines[middle]), int(middle)))
    return found


def _weights(probe: _Probe, kind: LayerKind, inputs: int) -> Reals:
    """The weights of a layer of a kind (rows, columns), of what is answered."""
    if not isinstance(kind, Convolution):
        return np.array([each.ravel() for each in probe.alone((inputs,), range(inputs), 1)])
    weights = np.zeros((*kind.kernel, kind.map[2], probe.nothing.shape[2]))
    seen = [
        (np.s_[ky, kx, channel], (down[0], across[0], channel), (down[1], across[1]))
        for ky, down in enumerate(_seen(kind, 0))
        for kx, across in enumerate(_seen(kind, 1))
        for channel in range(kind.map[2])
        if down and across
    ]
    answers = probe.alone(kind.map, [place for _, place, _ in seen], 1)
    for (row, _, position), answer in zip(seen, answers, strict=True):
        weights[row] = answer[position]
    return weights.reshape(-1, weights.shape[3])


def _linear(compute: Evaluator, low: float | Reals, shape: Shape, stride: Shape) -> FloatLayer:
    """The layer that gives what is computed of numbers from `low` on, one or one each.

    Parameters
    ----------
    compute : Evaluator
        What computes it.
    low : float or ndarray
        Where numbers begin.
    shape : tuple of int
        Of what it takes; a map has three sides.
    stride : tuple of int
        Of its nodes together.
    """
    probe, kind = _Probe(compute, low), DENSE
    if len(shape) == probe.nothing.ndim == 3 and math.prod(probe.nothing.shape[:2]) > 1:
        kind = probe.kernels(shape, stride)
    size = kind.rows(shape), probe.nothing.size // kind.positions
    if math.prod(size) > MAX_WEIGHTS:
        raise ValueError(f"a layer of {size[0]} x {size[1]} is too large")
    weights = _weights(probe, kind, compute.inputs)
    layer = FloatLayer(weights, probe.nothing.ravel(), kind=kind)
    probes = np.rint(np.random.default_rng(0).uniform(0, 100, (PROBES, compute.inputs)))
    found, expected = compute(low + probes), layer.sums(probes)
    apart = np.abs(found - expected).max()
    if not apart <= MAX_APART * np.abs(expected).max():
        if kind is DENSE:
            raise ValueError("they are not linear, as a layer in inference is")
        raise ValueError("they are no convolution: linear, and the same at all positions")
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


def _pooled(layer: FloatLayer, compute: Evaluator, low: float | Reals) -> FloatLayer:
    """A layer that hands on the largest activations, which the graph does as well."""
    if isinstance(layer.kind, Convolution):
        layer = replace(layer, kind=replace(layer.kind, pool=2))
        sizes = np.geomspace(1e-3, 1e4, PROBES)[:, None]
        sums = sizes * np.random.default_rng(0).normal(0, 1, (PROBES, compute.inputs))
        expected = layer.kind.pass_on(layer.activation(sums) + low)
        found = compute(sums)
        most = MAX_APART * np.abs(expected).max(axis=1, keepdims=True)
        if found.shape == expected.shape and np.all(np.abs(found - expected) <= most):
            return layer
    raise ValueError("a pool must take the largest of each 2 x 2 activations of a convolution")


def read_layers(graph: Graph, image_shape: Shape) -> tuple[FloatNetwork, str]:
    """The layers of a graph.

    Parameters
    ----------
    graph : Graph
        The graph.
    image_shape : tuple of int
        Height and width of the images, and channels if they have some.

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
    _follow_channels(graph, shape, image_shape)
    logits = _logits(graph, makers, derived)
    _check_sizes(graph)
    spans = _spans(graph, makers, derived, logits)
    layers: list[FloatLayer] = []
    low: float | Reals = 0.0
    for number, (source, target, stride, after) in enumerate(spans):
        what = f"{graph.path}: the nodes from {source!r} to {target!r}: "
        # Errors of many kinds, about a stranger's graph; layers refuse what is not finite.
        with refused(what, kinds=Exception), np.errstate(all="ignore"):
            compute = Evaluator(graph, target, source, shape)
            image = source == graph.input.name and len(compute.shape) < 3
            taken = (*image_shape, 1)[:3] if image else compute.shape
            layer = _linear(compute, low, taken, stride)
            activation, low = relu, 0.0
            if target != logits:
                end = spans[number + 1].source
                if not {*after} <= RELU | SAME:
                    alone = Evaluator(graph, end, target, shape, pooled=False)
                    activation, low = _activation(alone)
                layer = replace(layer, activation=activation)
                if "MaxPool" in after:
                    layer = _pooled(layer, Evaluator(graph, end, target, shape), low)
                    low = layer.kind.pass_on(np.atleast_2d(low))[0] if np.ndim(low) else low
            layers.append(layer)
    with refused(f"{graph.path}: "):
        network = FloatNetwork(tuple(layers))
        if spans[0].source != graph.input.name:
            enter = Evaluator(graph, spans[0].source, graph.input.name, shape)
            network = replace(network, enter=enter)
    if network.topology[-1] == 1:
        _check_sign(graph, makers, logits, shape)
    return network, logits


def class_names(graph: Graph) -> list[str]:
    """What a graph calls its classes, in the order of its columns; nothing if they are numbers."""
    about = (attributes(node) for node in graph.model.graph.node if node.op_type in CLASSICAL)
    found = [each[name] for each in about for name in LABELS if each.get(name)]
    return [name.decode("utf-8", "replace") for name in found[0]] if found else []
