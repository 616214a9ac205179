"""A graph's own logits: ONNX's reference evaluator, on the graph cut there."""

from collections.abc import Callable
from typing import Any

import numpy as np

from allspin.host.data.foreign.description import Reals
from allspin.host.data.foreign.graphs.loading import DOMAINS, Graph
from allspin.host.data.foreign.graphs.package import onnx_package
from allspin.sim.errors import UserError

BATCH = 500
"""Images at a time, where the graph takes any number."""


def _as_trained(node: Any) -> Any:
    """A node that uses the mean and variance of training, whatever the images.

    Of opset 9 to 13 the evaluator mixes those of the batch in, with a weight of 1 - momentum.
    """
    if node.op_type != "BatchNormalization":
        return node
    copied = type(node)()
    copied.CopyFrom(node)
    kept = [each for each in node.attribute if each.name != "momentum"]
    del copied.attribute[:]
    copied.attribute.extend([*kept, onnx_package().helper.make_attribute("momentum", 1.0)])
    return copied


def _cut(graph: Graph, logits: str) -> Any:
    """The model whose only output is the logits: nodes before them, and no others."""
    onnx = onnx_package()
    helper = onnx.helper
    makers = {name: node for node in graph.nodes for name in node.output if name}
    wanted, needed = [logits], set()
    while wanted:
        node = makers.get(wanted.pop())
        if node is not None and id(node) not in needed:
            needed.add(id(node))
            wanted += node.input
    nodes = [_as_trained(node) for node in graph.nodes if id(node) in needed]
    used = {name for node in nodes for name in node.input}
    made = helper.make_graph(
        nodes,
        "logits",
        [graph.input],
        [onnx.ValueInfoProto(name=logits)],
        [tensor for tensor in graph.model.graph.initializer if tensor.name in used],
    )
    opsets = [o for o in graph.model.opset_import if DOMAINS.get(o.domain) == ""]
    return helper.make_model(made, opset_imports=opsets, ir_version=graph.model.ir_version)


def evaluator(graph: Graph, logits: str, shape: tuple[int, ...]) -> Callable[[Reals], Reals]:
    """What computes a graph's logits.

    Parameters
    ----------
    graph : Graph
        The graph.
    logits : str
        Where it is cut.
    shape : tuple of int
        Of an image where it enters the graph.

    Returns
    -------
    callable
        From inputs, shape (images, pixels), to logits, shape (images, classes); it raises a
        `UserError` where ONNX's evaluator cannot.
    """
    onnx = onnx_package()
    kind = graph.input.type.tensor_type
    dtype = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type) if kind.elem_type else np.float32
    sides = kind.shape.dim
    batch = sides[0].dim_value if len(sides) and sides[0].dim_value > 0 else BATCH
    try:
        session = onnx.reference.ReferenceEvaluator(_cut(graph, logits))
    except Exception as error:  # of many kinds, about a stranger's graph
        raise UserError(f"{graph.path}: ONNX's evaluator does not take it ({error})") from error

    def answers(inputs: Reals) -> Reals:
        given = inputs.reshape(-1, *shape)
        if not np.issubdtype(dtype, np.inexact):
            given = np.rint(given)
        # A batch that is fixed must be full: the last one is filled with images that do not count.
        full = -(-len(given) // batch) * batch if sides and sides[0].dim_value > 0 else len(given)
        padded = np.concatenate([given, np.repeat(given[-1:], full - len(given), axis=0)])
        parts = []
        try:
            for start in range(0, len(padded), batch):
                part = padded[start : start + batch].astype(dtype)
                (found,) = session.run([logits], {graph.input.name: part})
                parts.append(np.asarray(found, np.float64).reshape(len(part), -1))
        except Exception as error:  # as above
            raise UserError(f"{graph.path}: ONNX's evaluator fails on it ({error})") from error
        return np.concatenate(parts)[: len(given)]

    return answers
