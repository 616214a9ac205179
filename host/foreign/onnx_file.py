"""A graph's own logits: ONNX's reference evaluator, on the graph cut there."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.foreign.description import MAX_BYTES, Reals
from allspin.sim.errors import UserError
from allspin.sim.files import open_file, read_file

# The package `onnx`, which is not needed for anything else.


def onnx_package() -> ModuleType:
    """The package, with what is used of it.

    Raises
    ------
    UserError
        If it is not installed.
    """
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
        import onnx.reference
    except ImportError:
        raise UserError(
            "ONNX files need a package that is not here: pip install onnx, or allspin[onnx]"
        ) from None
    return onnx


# Weights that lie in a file beside an ONNX model, where PyTorch's exporter puts them.

KIND = "file of an ONNX model's weights"
FIELDS = ("offset", "length")
MAX_DIGITS = 12
"""Of a place in a file."""


def is_external(tensor: Any) -> bool:
    """Whether a tensor's values lie in another file."""
    external = onnx_package().TensorProto.EXTERNAL
    return tensor.data_location == external or bool(tensor.external_data)


class ExternalFiles:
    """The files beside a model, of which at most as much is read as a model may have.

    Parameters
    ----------
    model : Path
        The model's file.
    """

    def __init__(self, model: Path) -> None:
        self._folder = model.parent
        self._left = MAX_BYTES

    def take_in(self, tensor: Any) -> None:
        """Read a tensor's values, and put them into it.

        Parameters
        ----------
        tensor : onnx.TensorProto
            One whose values lie in another file.

        Raises
        ------
        ValueError
            If it names no plain file beside the model, or no possible place in it.
        UserError
            If the file cannot be read.
        """
        about = {entry.key: entry.value for entry in tensor.external_data}
        name = about.get("location", "")
        if name in ("", ".", "..") or "\0" in name or Path(name).name != name:
            raise ValueError(
                f"its values lie in {name[:80]!r}, which is no file beside the model; save the "
                "model in one file (PyTorch: external_data=False)"
            )
        size = self._bytes_of(tensor)
        for field in FIELDS:
            word = about.get(field, "0")
            if not (word.isascii() and word.isdigit() and len(word) <= MAX_DIGITS):
                raise ValueError(f"the {field} of its values is {word[:40]!r}")
        if int(about.get("length", size)) != size:
            raise ValueError("its values do not fit its shape")
        tensor.raw_data = self._read(self._folder / name, int(about.get("offset", 0)), size)
        tensor.data_location = onnx_package().TensorProto.DEFAULT
        del tensor.external_data[:]

    def _bytes_of(self, tensor: Any) -> int:
        """Bytes of a tensor's values by its type and shape."""
        onnx = onnx_package()
        numbers = onnx.TensorProto
        whole = (numbers.FLOAT, numbers.DOUBLE, numbers.FLOAT16, numbers.BFLOAT16)
        if tensor.data_type not in (*whole, numbers.INT64, numbers.INT32, numbers.INT8):
            raise ValueError("its values are no numbers that a file beside the model has")
        if any(side < 0 for side in tensor.dims):
            raise ValueError("it has no possible shape")
        item = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
        size = item * math.prod(tensor.dims)
        if size > self._left:
            raise ValueError(f"its values make more than {MAX_BYTES:,} bytes")
        self._left -= size
        return size

    def _read(self, path: Path, offset: int, size: int) -> bytes:
        file, there = open_file(path, KIND, MAX_BYTES)
        with file:
            if offset + size > there:
                raise UserError(f"{path} is cut short: weights end at byte {offset + size:,}")
            try:
                file.seek(offset)
                content = file.read(size)
            except OSError as error:
                raise UserError(f"cannot read {KIND} {path}: {error.strerror}") from error
        if len(content) != size:
            raise UserError(f"{path} changed while it was read; try again")
        return content


# An ONNX file as a graph: parsed within limits, nothing of it computed yet.

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
