"""Evaluator of a part of an ONNX graph."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.foreign.float_network import (
    BATCH,
    Reals,
)
from allspin.host.foreign.graph.onnx_graph import Graph, attributes, onnx_package
from allspin.host.foreign.graph.quantisers import quantisers
from allspin.host.foreign.graph.sizes import TooLarge
from allspin.sim.errors import UserError, refused

LONE_VALUE, LONE_VALUE_IN_HALF = 2.0**60, 2.0**6
"""Value of a number that enters alone; its products leave biases at or below the last digit."""


def _as_trained(node: Any) -> Any:
    """Return a node that uses the mean and variance of training for all images.

    Of opset 9 to 13 the evaluator mixes those of the batch in, with a weight of 1 - momentum.
    """
    if node.op_type != "BatchNormalization":
        return node
    about = {**attributes(node), "momentum": 1.0}
    return onnx_package().helper.make_node(node.op_type, node.input, node.output, **about)


def _unpooled(node: Any) -> Any:
    """Return a node that keeps all places of a map in place of a MaxPool."""
    if node.op_type != "MaxPool":
        return _as_trained(node)
    return onnx_package().helper.make_node("Identity", node.input, node.output[:1])


class Evaluator:
    """Evaluator of a part of a graph, by ONNX's reference evaluator; maps have channels last.

    Parameters
    ----------
    graph : Graph
        The graph.
    target : str
        Tensor that is computed.
    source : str
        Tensor that it is computed from: the graph's input, or a node's output.
    shape : tuple of int
        Shape of an image where it enters the graph.
    pooled : bool
        True to take the maxima that the graph's pools take; False to keep all places.

    Attributes
    ----------
    shape : tuple of int
        Shape of an image at the source.

    Raises
    ------
    UserError
        If ONNX's evaluator cannot compute the part.
    """

    def __init__(
        self,
        graph: Graph,
        target: str,
        source: str,
        shape: tuple[int, ...],
        *,
        pooled: bool = True,
    ) -> None:
        onnx, kind = onnx_package(), graph.input.type.tensor_type
        self._graph, self._target, self._source = graph, target, source
        dtype = np.dtype(np.float32)
        if kind.elem_type:
            with refused(f"{graph.path}: its input is of an unknown type: ", kinds=KeyError):
                dtype = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)
        self._fixed = max(0, kind.shape.dim[0].dim_value) if kind.shape.dim else 0
        # A node beside the span may ask for the shape of the images.
        self._images = np.zeros((self._fixed or 1, *shape), dtype)
        wanted, nodes = {target}, []
        for node in reversed(graph.nodes):
            if wanted.intersection(node.output) - {source, ""}:
                nodes.insert(0, _as_trained(node) if pooled else _unpooled(node))
                wanted.update(node.input)
        with refused(f"{graph.path}: ONNX's evaluator does not take it: ", kinds=Exception):
            part = onnx.helper.make_graph(
                nodes,
                "part",
                [graph.input],
                [onnx.ValueInfoProto(name=target)],
                [each for each in graph.model.graph.initializer if each.name in wanted],
            )
            model = onnx.helper.make_model(
                part, opset_imports=graph.model.opset_import, ir_version=graph.model.ir_version
            )
            self._session = onnx.reference.ReferenceEvaluator(model, new_ops=quantisers())
            for node, computed in zip(nodes, self._session.rt_nodes_, strict=True):
                computed.run = graph.sizes.guarded(node, attributes(node), computed.run)
        self._batch = self._fixed or BATCH
        self._sample = self._images
        if source != graph.input.name:
            self._sample = Evaluator(graph, source, graph.input.name, shape).compute(self._images)
        self.shape = graph.channels_last(source, self._sample).shape[1:]
        self.inputs = math.prod(self.shape)
        self._is_real = np.issubdtype(self._sample.dtype, np.inexact)
        self.reach = 1.0
        if self._is_real:
            self.reach = LONE_VALUE_IN_HALF if self._sample.dtype == np.float16 else LONE_VALUE

    def compute(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Compute the target from values of the source, in the source's own shape."""
        given = {
            self._graph.input.name: np.repeat(self._images[:1], len(values), axis=0),
            self._source: values,
        }
        what = f"{self._graph.path}: what becomes of {self._source!r} up to {self._target!r}: "
        with refused(what, "; export it again, for images as rows", Exception):
            self._graph.sizes.begin()
            return np.asarray(self._session.run([self._target], given)[0])

    def _parts(self, values: npt.NDArray[Any]) -> Iterator[Reals]:
        """Yield the target of as many images at a time as the graph's limit allows."""
        while len(values):
            try:
                found = self.compute(values[: self._batch]).astype(np.float64)
            except TooLarge as error:
                if self._fixed or self._batch == 1:
                    raise UserError(f"{self._graph.path}: {error}") from error
                self._batch = (min(self._batch, len(values)) + 1) // 2
            else:
                yield found
                values = values[self._batch :]

    def maps(self, values: Reals) -> Reals:
        """Compute the target, in its own shape, from lists of shape (images, inputs)."""
        given = values.reshape(-1, *self.shape)
        if given.ndim == 4:
            given = np.moveaxis(given, -1, self._graph.axes.get(self._source, 3))
        given = (given if self._is_real else np.rint(given)).astype(self._sample.dtype)
        # A batch of fixed size must be full: the last is filled with images that do not count.
        missing = -len(given) % self._fixed if self._fixed else 0
        padded = np.concatenate([given, np.repeat(given[-1:], missing, axis=0)])
        found = np.concatenate(list(self._parts(padded)))
        return self._graph.channels_last(self._target, found[: len(given)])

    def __call__(self, values: Reals) -> Reals:
        """Compute the target as lists of shape (images, outputs)."""
        return self.maps(values).reshape(len(values), -1)
