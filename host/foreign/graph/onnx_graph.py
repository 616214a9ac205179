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
from allspin.sim.errors import UserError, refused
from allspin.sim.files import check_file
from allspin.sim.systems import naming_extras

MAX_NODES = 1000
"""Nodes of a graph; a network of 15 layers has less than a hundred."""
FIRST_OPSET = 7
"""The first version of the operators in which arithmetic broadcasts as it does today."""
DOMAINS = {"": "", "ai.onnx": "", "ai.onnx.ml": "ai.onnx.ml", QONNX: QONNX}
DOMAINS |= dict.fromkeys(("onnx.brevitas", "finn.custom_op.general"), QONNX)
"""Names of the sets of operators, and the one that each goes by."""


def onnx_package() -> ModuleType:
    """The package, with what is used of it.

    Raises
    ------
    UserError
        If it is not installed.
    """
    with naming_extras():
        import onnx.reference  # the one part that the package does not load itself
    return onnx


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
    axes : dict of str to int
        Which axis of a tensor of four is its channels'.
    """

    path: Path
    model: Any
    nodes: list[Any]
    constants: dict[str, npt.NDArray[Any]]
    input: Any
    axes: dict[str, int] = field(default_factory=dict)

    def channels_last(self, name: str, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Values of a tensor, those of a map as (images, y, x, channels)."""
        axis = self.axes.get(name, 3) if values.ndim == 4 else -1
        return np.moveaxis(values, axis, -1)


def _parsed(path: Path) -> Any:
    """The file's content as a model, within limits; tensors in other files are not read yet."""
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
        If the package is missing, the file is none, damaged or too large, its weights are not
        there, or it has not exactly one input.
    """
    onnx, model = onnx_package(), _parsed(path)
    wanted, nodes = {output.name for output in model.graph.output}, []
    for node in reversed(model.graph.node):  # each stands behind what it takes
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
    """A node's attributes, as Python has them."""
    value = onnx_package().helper.get_attribute_value
    return {each.name: value(each) for each in node.attribute}
