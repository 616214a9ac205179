"""ONNX file as a graph: its nodes, constants and input, read within limits."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.foreign.float_network import (
    MAX_BYTES,
    MAX_WEIGHTS,
)
from allspin.host.foreign.graph.quantisers import QONNX
from allspin.host.foreign.graph.sizes import Sizes
from allspin.sim.errors import UserError, refused
from allspin.sim.files import check_file
from allspin.sim.systems import naming_extras

MAX_NODES = 1000
"""Largest number of nodes; a network of 15 layers has less than a hundred."""
FIRST_OPSET = 7
"""The first version of the operators in which arithmetic broadcasts as it does today."""
DOMAINS = {"": "", "ai.onnx": "", "ai.onnx.ml": "ai.onnx.ml", QONNX: QONNX}
DOMAINS |= dict.fromkeys(("onnx.brevitas", "finn.custom_op.general"), QONNX)
"""Names of the sets of operators, and the canonical name of each."""


def onnx_package() -> ModuleType:
    """Return the package `onnx`, with its evaluator loaded.

    Raises
    ------
    UserError
        If the package is not installed.
    """
    with naming_extras():
        import onnx.reference  # the one part that the package does not load itself
    return onnx


@dataclass(frozen=True, eq=False)
class Graph:
    """ONNX graph.

    Parameters
    ----------
    path : Path
        File of the graph.
    model : onnx.ModelProto
        The parsed model.
    nodes : list of onnx.NodeProto
        Nodes that the outputs depend on, in the file's order.
    constants : dict of str to ndarray
        Initializers of the graph.
    input : onnx.ValueInfoProto
        Input of the images.
    axes : dict of str to int
        Axis of the channels in each tensor of four axes.
    sizes : Sizes
        Limits of what is computed of the graph.
    """

    path: Path
    model: Any
    nodes: list[Any]
    constants: dict[str, npt.NDArray[Any]]
    input: Any
    axes: dict[str, int] = field(default_factory=dict)
    sizes: Sizes = field(default_factory=Sizes)

    def channels_last(self, name: str, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the values of a tensor; those of a map as (images, y, x, channels)."""
        axis = self.axes.get(name, 3) if values.ndim == 4 else -1
        return np.moveaxis(values, axis, -1)


def _parsed(path: Path) -> Any:
    """Parse a file within limits; tensors in other files are not read yet."""
    onnx = onnx_package()
    check_file(path, "ONNX model", MAX_BYTES)
    damaged = f"{path} is not an ONNX model, or is cut short: "
    with refused(damaged, "; export it again", Exception):
        model = onnx.load(path, load_external_data=False)
        if not model.graph.node or not model.graph.output:
            raise ValueError("it has no graph with nodes and outputs")
    if (count := len(model.graph.node)) > MAX_NODES:
        raise UserError(f"{path} has {count:,} nodes; at most {MAX_NODES:,} are taken")
    for opset in model.opset_import:
        if DOMAINS.get(opset.domain) == "" and opset.version < FIRST_OPSET:
            raise UserError(
                f"{path} has operators of version {opset.version}; export it with opset "
                f"{FIRST_OPSET} or later"
            )
    for node in model.graph.node:
        node.domain = DOMAINS.get(node.domain, node.domain)
    model.opset_import.add(domain=QONNX, version=1)  # older files leave it out
    return model


def read_graph(path: Path) -> Graph:
    """Read an ONNX file.

    Parameters
    ----------
    path : Path
        The file; weights may lie in files beside it.

    Raises
    ------
    UserError
        If the package is missing, the file is damaged, too large or not ONNX, its weights are
        missing, or it does not have exactly one input.
    """
    onnx, model = onnx_package(), _parsed(path)
    wanted, nodes = {output.name for output in model.graph.output}, []
    for node in reversed(model.graph.node):  # each node stands behind its inputs
        if wanted.intersection(filter(None, node.output)):
            nodes.insert(0, node)
            wanted.update(node.input)
    tensors = [tensor for tensor in model.graph.initializer if tensor.name in wanted]
    if (weights := sum(abs(math.prod(tensor.dims)) for tensor in tensors)) > MAX_WEIGHTS:
        raise UserError(f"{path} has {weights:,} weights; at most {MAX_WEIGHTS:,} are taken")
    labels = {name for node in nodes if node.domain == "ai.onnx.ml" for name in node.input}
    constants = {}
    for tensor in tensors:
        what = f"{path}: the initializer {tensor.name!r}: "
        with refused(what, "; save the model again, best in one file", Exception):
            if onnx.external_data_helper.uses_external_data(tensor):
                onnx.external_data_helper.load_external_data_for_tensor(tensor, str(path.parent))
            array = np.asarray(onnx.numpy_helper.to_array(tensor))
            kinds = "biufO" if tensor.name in labels else "biuf"
            if array.dtype.kind not in kinds and array.dtype.name != "bfloat16":
                raise ValueError(f"its values are no numbers but {array.dtype}")
            if array.shape != tuple(tensor.dims):
                raise ValueError(f"its values do not fit its shape {tuple(tensor.dims)}")
            constants[tensor.name] = array
    inputs = [i for i in model.graph.input if i.name in wanted and i.name not in constants]
    if len(inputs) != 1:
        names = ", ".join(repr(i.name) for i in inputs[:5])
        raise UserError(
            f"{path} must have one input, the images; it has {len(inputs)} "
            f"({names or 'are its nodes in order?'})"
        )
    return Graph(path, model, nodes, constants, inputs[0])


def attributes(node: Any) -> dict[str, Any]:
    """Return a node's attributes as Python values."""
    value = onnx_package().helper.get_attribute_value
    return {each.name: value(each) for each in node.attribute}
