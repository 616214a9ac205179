"""Spans of a graph: the logits, and the nodes between two activations that form each layer."""

import math
from typing import Any, NamedTuple

import numpy as np

from allspin.host.foreign.graph.evaluator import Evaluator
from allspin.host.foreign.graph.onnx_graph import Graph, attributes
from allspin.host.foreign.graph.operators import (
    ACTIVATIONS,
    ALONE,
    BEHIND_LOGITS,
    CLASSICAL,
    ROUNDING,
    SAME,
    SHARES,
    WEIGHTS,
)
from allspin.sim.errors import UserError
from allspin.sim.network.layer_kinds import Shape


def find_logits(graph: Graph, makers: dict[str, Any], derived: set[str]) -> str:
    """Return the one tensor that all outputs derive from; nodes that round it become identities."""
    behind: set[str] = set()  # tensors computed from shares or classes
    steps: set[str] = set()  # whole numbers, until they are dequantised
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


def check_sign(graph: Graph, makers: dict[str, Any], logits: str, shape: tuple[int, ...]) -> None:
    """Refuse a single output for two classes that does not rise with the second one."""
    name = graph.model.graph.output[0].name
    while name != logits and makers[name].op_type in CLASSICAL | SAME:
        kind, inputs = makers[name].op_type, makers[name].input
        name = inputs[1 if kind == "ArrayFeatureExtractor" else 0]
    if name != logits:
        found = Evaluator(graph, name, logits, shape)(np.array([[-9.0], [9.0]]))
        if not found[0, -1] < found[1, -1]:
            raise UserError(f"{graph.path}: {name!r} must rise with {logits!r}, its one output")


class Span(NamedTuple):
    """Span of a layer: its input, its sums, and its activation.

    Attributes
    ----------
    source, target : str
        Tensors of the input and of the sums.
    stride : tuple of int
        Strides of all its nodes together, down and across.
    after : list of str
        Operators of the activation.
    """

    source: str
    target: str
    stride: Shape
    after: list[str]


def _span(graph: Graph, derived: set[str], target: str) -> tuple[str, list[Any]]:
    """Return the activation, or the input, before a tensor, and the nodes between them."""
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


def layer_spans(graph: Graph, makers: dict[str, Any], derived: set[str], logits: str) -> list[Span]:
    """Return the spans of the layers, first to last."""
    spans: list[Span] = []
    axes = graph.axes
    target, source, after = logits, "", []
    while source != graph.input.name:
        source, nodes = _span(graph, derived, target)
        turns = {node.output[0] for node in nodes if node.op_type == "Transpose"} & axes.keys()
        kinds = {node.op_type for node in nodes if node.output[0] not in turns}
        if kinds & WEIGHTS:
            each = [attributes(node).get("strides", [1, 1]) for node in nodes]
            stride = tuple(math.prod(sides[axis] for sides in each) for axis in (0, -1))
            spans.insert(0, Span(source, target, stride, after))
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
