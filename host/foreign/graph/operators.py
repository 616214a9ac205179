"""Operators that are supported, and the checks of a graph's nodes and shapes."""

import math
from typing import Any

from allspin.host.foreign.graph import sizes
from allspin.host.foreign.graph.onnx_graph import Graph, attributes, onnx_package
from allspin.host.foreign.graph.quantisers import OPERATORS, QONNX
from allspin.sim.errors import UserError, check_one_of, refused
from allspin.sim.network.layer_kinds import MAX_LINES, Shape

ROUNDING = OPERATORS.keys() | {"DequantizeLinear", "QuantizeLinear"}
RELU = {"MaxPool", "Relu"}
"""Operators of a ReLU, perhaps with a pool."""
ACTIVATIONS = ROUNDING | RELU | {"Clip"}
AVERAGES = {"AveragePool", "GlobalAveragePool", "ReduceMean"}
MAPS = {"AveragePool", "Conv", "GlobalAveragePool", "MaxPool"}
"""Operators with channels on the second axis."""
PADDINGS = ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID")
"""Values of the attribute ``auto_pad`` of these."""
WEIGHTS = AVERAGES | {"Conv", "Gemm", "MatMul"}
SAME = {"Cast", "Dropout", "Flatten", "Identity", "Reshape"}
"""Operators that do not change numbers."""
CLASSICAL = {"ArrayFeatureExtractor", "LabelEncoder", "ZipMap"}
"""Operators of the set ``ai.onnx.ml`` that turn classes into labels."""
LABELS = ("classlabels_strings", "values_strings")
"""Attributes of these with labels, in the order of the classes."""
ALONE = SAME | {"Add", "BatchNormalization", "Div", "Mul", "Scaler", "Sub"}
"""Operators that work on each number by itself, if their other input is a constant."""
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
"""Operators outside ONNX's own set, and their sets."""


def sample_shape(graph: Graph, image_shape: Shape) -> Shape:
    """Return the shape of one image where it enters the graph.

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
    # One open side is the number of pixels divided by the other sides.
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
    """Return the axis of the channels in a batch, by the shape of an image."""
    height, width, channels = map_shape
    return {map_shape: 3, (channels, height, width): 1}


def follow_channels(graph: Graph, shape: Shape, image_shape: Shape) -> None:
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


def check_nodes(graph: Graph) -> tuple[dict[str, Any], set[str]]:
    """Check the nodes; return the node of each name, and the names that depend on the images."""
    makers: dict[str, Any] = {}
    known, derived = {"", graph.input.name, *graph.constants}, {graph.input.name}
    for node in graph.nodes:
        made, kind = node.output[0], node.op_type
        title = repr(node.name) if node.name else f"that makes {made!r}"
        with refused(f"{graph.path}: the node {title} ({kind}): "):
            about = attributes(node) if kind in MAPS else {}
            if about.get("group", 1) != 1 or {*about.get("dilations", ())} - {1}:
                raise ValueError("groups and dilations are not read; each must be 1")
            padding = about.get("auto_pad", b"NOTSET").decode("utf-8", "replace")
            check_one_of("auto_pad", padding, PADDINGS)
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


def check_sizes(graph: Graph) -> None:
    """Refuse a graph that makes a large tensor from a small one."""
    with refused(f"{graph.path}: its shapes: ", kinds=Exception):
        found = onnx_package().shape_inference.infer_shapes(graph.model).graph.value_info
    for value in found:
        sides = [max(1, side.dim_value) for side in value.type.tensor_type.shape.dim]
        if math.prod(sides) > sizes.MAX_COMPUTED:
            raise UserError(f"{graph.path}: {value.name!r} is too large: {sides}")


def class_names(graph: Graph) -> list[str]:
    """Return the labels of a graph's classes, in order; an empty list if they are numbers."""
    about = (attributes(node) for node in graph.model.graph.node if node.op_type in CLASSICAL)
    found = [each[name] for each in about for name in LABELS if each.get(name)]
    return [name.decode("utf-8", "replace") for name in found[0]] if found else []
