"""An ONNX file as a graph: parsed within limits, nothing of it computed yet."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.data.foreign.description import MAX_BYTES
from allspin.host.data.foreign.graphs.external import ExternalFiles, is_external
from allspin.host.data.foreign.graphs.package import onnx_package
from allspin.sim.errors import UserError
from allspin.sim.files.user_file import read_file

MAX_NODES = 1000
"""Nodes of a graph; a network of 15 layers has less than a hundred."""
MAX_TENSORS = 1000
MAX_RANK = 8
"""Dimensions of a tensor."""
FIRST_OPSET = 7
"""The first version of the operators in which arithmetic broadcasts as it does today."""
DOMAINS = {"": "", "ai.onnx": "", "ai.onnx.ml": "ai.onnx.ml"}
"""Names of the sets of operators, and the one that each goes by."""


@dataclass(frozen=True, eq=False)
class Graph:
    """A graph that was read.

    Parameters
    ----------
    path : Path
        Its file.
    model : onnx.ModelProto
        As it was parsed.
    nodes : list of onnx.NodeProto
        Those that its outputs depend on, in the file's order.
    constants : dict of str to ndarray
        Its initializers.
    input : onnx.ValueInfoProto
        What the images enter by.
    """

    path: Path
    model: Any
    nodes: list[Any]
    constants: dict[str, npt.NDArray[Any]]
    input: Any


def tensor_array(tensor: Any) -> npt.NDArray[Any]:
    """A tensor's values.

    Raises
    ------
    ValueError
        If they lie in another file, are no numbers, or are not as many as its shape says.
    """
    onnx = onnx_package()
    if is_external(tensor):
        raise ValueError("its values lie in another file")
    if len(tensor.dims) > MAX_RANK or any(side < 0 for side in tensor.dims):
        raise ValueError(f"it has no possible shape: {list(tensor.dims)[:MAX_RANK]}")
    try:
        array = np.asarray(onnx.numpy_helper.to_array(tensor))
    except Exception as error:  # of many kinds: the tensor is a stranger's
        raise ValueError(f"its values do not fit its type and shape ({error})") from error
    if array.dtype.kind not in "biuf" and array.dtype.name != "bfloat16":
        raise ValueError(f"its values are no numbers but {array.dtype}")
    if array.shape != tuple(tensor.dims):
        raise ValueError("its values do not fit its shape")
    return array


def _parsed(path: Path) -> Any:
    """The file's content as a model."""
    onnx = onnx_package()
    data = read_file(path, "ONNX model", MAX_BYTES)
    try:
        model = onnx.ModelProto.FromString(data)
    except Exception as error:  # the parser's own, which belongs to another package
        raise UserError(f"{path} is not an ONNX model, or is cut short ({error})") from error
    if not model.graph.node or not model.graph.output:
        raise UserError(f"{path} is not an ONNX model: it has no graph with nodes and outputs")
    return model


def _check_size(path: Path, model: Any) -> None:
    counts = {
        "nodes": (len(model.graph.node), MAX_NODES),
        "initializers": (len(model.graph.initializer), MAX_TENSORS),
    }
    for what, (count, limit) in counts.items():
        if count > limit:
            raise UserError(f"{path} has {count:,} {what}; at most {limit:,} are taken")
    for opset in model.opset_import:
        if DOMAINS.get(opset.domain) == "" and opset.version < FIRST_OPSET:
            raise UserError(
                f"{path} has operators of version {opset.version}; export it with opset "
                f"{FIRST_OPSET} or later"
            )


def _needed(path: Path, graph: Any) -> list[Any]:
    """The nodes that the outputs depend on, in the file's order."""
    makers: dict[str, int] = {}
    for place, node in enumerate(graph.node):
        for name in filter(None, node.output):
            if name in makers:
                raise UserError(f"{path} has two nodes that make {name!r}")
            makers[name] = place
    wanted = [output.name for output in graph.output]
    places: set[int] = set()
    while wanted:
        place = makers.get(wanted.pop())
        if place is not None and place not in places:
            places.add(place)
            wanted += graph.node[place].input
    return [graph.node[place] for place in sorted(places)]


def _constants(path: Path, graph: Any, used: set[str]) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    if len(graph.sparse_initializer):
        raise UserError(f"{path} has sparse weights; save them dense")
    files = ExternalFiles(path)
    for tensor in graph.initializer:
        if tensor.name in used:
            try:
                if is_external(tensor):
                    files.take_in(tensor)
                yield tensor.name, tensor_array(tensor)
            except ValueError as error:
                raise UserError(f"{path}: the initializer {tensor.name!r}: {error}") from error


def read_graph(path: Path) -> Graph:
    """Read an ONNX file.

    Parameters
    ----------
    path : Path
        The file; weights may lie in files beside it.

    Raises
    ------
    UserError
        If the package is missing, the file is none, damaged or too large, its weights are not
        there, or it has not exactly one input.
    """
    onnx_package()
    model = _parsed(path)
    _check_size(path, model)
    nodes = _needed(path, model.graph)
    used = {name for node in nodes for name in node.input}
    constants = dict(_constants(path, model.graph, used))
    inputs = [i for i in model.graph.input if i.name in used and i.name not in constants]
    if len(inputs) != 1:
        names = ", ".join(repr(i.name) for i in inputs[:5])
        raise UserError(
            f"{path} must have one input, the images; it has {len(inputs)}"
            f"{f' ({names})' if names else ''}"
        )
    return Graph(path, model, nodes, constants, inputs[0])
