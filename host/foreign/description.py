"""A network in real numbers, and the ONNX graph that one may be read of."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.foreign.quantisers import QONNX, quantisers
from allspin.sim.errors import UserError, refused
from allspin.sim.files import check_file
from allspin.sim.network.layer_kinds import DENSE, MAX_LINES, LayerKind
from allspin.sim.parameters import Parameters, number
from allspin.sim.systems import naming_extras

Reals = npt.NDArray[np.float64]

LARGEST = 1e12
"""Magnitude of a weight or bias: what fifteen layers make of it is a number yet."""
MAX_WEIGHTS = 1 << 26
"""Weights of all layers together: half a gigabyte of real numbers."""
MAX_BYTES = 4 * MAX_WEIGHTS + (1 << 20)
"""Bytes of a model's file: so many weights in single precision, and what describes them."""


def relu(sums: Reals) -> Reals:
    """What a layer answers if nothing else is said."""
    return np.maximum(sums, 0)


@dataclass(frozen=True, eq=False)
class FloatLayer:
    """A layer: sums of weighted inputs and biases, and of these, but in the last one, activations.

    Values of maps are in the order of `allspin.sim.network.layer_kinds`.

    Parameters
    ----------
    weights : array_like of float, shape (rows, columns)
        Of a dense layer, a row for each input; of a convolution, a column for each kernel.
    biases : array_like of float, shape (uses,)
        Of each column, or of each at each position of a convolution.
    activation : callable
        From sums, shape (images, uses), to activations, which rise with them from 0 on.
    kind : LayerKind
        Dense, or a convolution, which may hand on the largest of 2 x 2 activations.

    Raises
    ------
    ValueError
        If shapes do not fit, there are more than 65,535 rows or columns, or a number is not
        finite.
    """

    weights: Reals
    biases: Reals
    activation: Callable[[Reals], Reals] = relu
    kind: LayerKind = DENSE

    def __post_init__(self) -> None:
        for name in ("weights", "biases"):
            values = np.asarray(getattr(self, name), np.float64)
            if not np.all(np.abs(values) <= LARGEST):  # nor NaN
                raise ValueError(f"{name} must be finite numbers of at most {LARGEST:g}")
            object.__setattr__(self, name, values)
        shape = self.weights.shape
        if len(shape) != 2 or not all(1 <= side <= MAX_LINES for side in shape):
            raise ValueError(
                f"weights must be inputs x outputs, each from 1 to {MAX_LINES}, "
                f"not of shape {shape}"
            )
        uses = self.kind.positions * shape[1]
        if self.biases.shape != (uses,):
            raise ValueError(f"{uses} outputs need as many biases, not shape {self.biases.shape}")

    @property
    def inputs(self) -> int:
        """Values that it takes."""
        return self.kind.inputs(len(self.weights))

    @property
    def outputs(self) -> int:
        """Values that it hands on."""
        return math.prod(self.kind.shape(self.weights.shape[1]))

    def sums(self, values: Reals) -> Reals:
        """Its sums, shape (images, uses), of inputs, shape (images, inputs)."""
        return self.kind.products(values, self.weights) + self.biases


@dataclass(frozen=True)
class InputScaling(Parameters):
    """What becomes of grey levels before they enter a network: ``(level * white - mean) / scale``.

    Parameters
    ----------
    white : float
        What a white pixel is worth before that, its level being 1; usually 1 or 255.
    mean : float
        Taken off.
    scale : float
        Divided by.

    Raises
    ------
    ValueError
        If a number is beyond `LARGEST`, or white or scale is not greater than 0.
    """

    white: float = number(1.0, 1 / LARGEST, LARGEST)
    mean: float = number(0.0, -LARGEST, LARGEST)
    scale: float = number(1.0, 1 / LARGEST, LARGEST)

    def apply(self, images: npt.NDArray[np.uint8]) -> Reals:
        """What enters a network for grey levels of 0 to 255, shape (images, pixels)."""
        return self.scale_levels(images.reshape(len(images), -1) / 255.0)

    def scale_levels(self, levels: Reals) -> Reals:
        """The same for levels of 0 to 1."""
        return (levels * self.white - self.mean) / self.scale

    def to_dict(self) -> dict[str, Any]:
        """As provenance and JSON have it."""
        return {"white": self.white, "mean": self.mean, "scale": self.scale}


def unchanged(inputs: Reals) -> Reals:
    """What enters the first layer if nothing else is said."""
    return inputs


@dataclass(frozen=True, eq=False)
class FloatNetwork:
    """A whole network of real numbers.

    Parameters
    ----------
    layers : tuple of FloatLayer
        First to last; each takes as many inputs as the one before has outputs.
    enter : callable
        What becomes of inputs, shape (images, inputs), before the first layer, each by itself.

    Raises
    ------
    ValueError
        If they do not fit one another.
    """

    layers: tuple[FloatLayer, ...]
    enter: Callable[[Reals], Reals] = unchanged

    def __post_init__(self) -> None:
        for layer, (before, after) in enumerate(zip(self.layers, self.layers[1:], strict=False)):
            if before.outputs != after.inputs:
                raise ValueError(
                    f"layer {layer} has {before.outputs} outputs, but layer {layer + 1} takes "
                    f"{after.inputs}"
                )

    @property
    def topology(self) -> tuple[int, ...]:
        """Values between the layers, from the inputs to the classes."""
        return (self.layers[0].inputs, *(layer.outputs for layer in self.layers))

    def scaled(self, scaling: InputScaling) -> "FloatNetwork":
        """The same network of levels from 0 to 1."""
        return replace(self, enter=lambda levels: self.enter(scaling.scale_levels(levels)))

    def trace(self, inputs: Reals) -> list[Reals]:
        """What each layer hands on of some inputs: its activations, and the logits in the end.

        Parameters
        ----------
        inputs : ndarray of float64, shape (images, inputs)
        """
        values, outputs = self.enter(inputs), []
        for place, layer in enumerate(self.layers):
            values = layer.sums(values)
            if place < len(self.layers) - 1:
                values = layer.kind.pass_on(layer.activation(values))
            outputs.append(values)
        return outputs

    def logits(self, inputs: Reals) -> Reals:
        """Outputs of the last layer, shape (images, classes)."""
        # Some at a time: maps of all images may be larger than the memory.
        parts = (inputs[k : k + BATCH] for k in range(0, len(inputs), BATCH))
        return np.concatenate([self.trace(part)[-1] for part in parts])


MAX_NODES = 1000
"""Nodes of a graph; a network of 15 layers has less than a hundred."""
FIRST_OPSET = 7
"""The first version of the operators in which arithmetic broadcasts as it does today."""
DOMAINS = {"": "", "ai.onnx": "", "ai.onnx.ml": "ai.onnx.ml", QONNX: QONNX}
DOMAINS |= dict.fromkeys(("onnx.brevitas", "finn.custom_op.general"), QONNX)
"""Names of the sets of operators, and the one that each goes by."""
ALONE, ALONE_IN_HALF = 2.0**60, 2.0**6
"""The number that enters alone: beside its products, biases are at or below the last digit."""
BATCH = 500
"""Images that are evaluated at a time, where the graph takes any number."""


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


def _as_trained(node: Any) -> Any:
    """A node that uses the mean and variance of training, whatever the images.

    Of opset 9 to 13 the evaluator mixes those of the batch in, with a weight of 1 - momentum.
    """
    if node.op_type != "BatchNormalization":
        return node
    about = {**attributes(node), "momentum": 1.0}
    return onnx_package().helper.make_node(node.op_type, node.input, node.output, **about)


def _unpooled(node: Any) -> Any:
    """A node that leaves all places of a map where it would take the largest of some."""
    if node.op_type != "MaxPool":
        return _as_trained(node)
    return onnx_package().helper.make_node("Identity", node.input, node.output[:1])


class Evaluator:
    """What computes a part of a graph, by ONNX's evaluator; maps have their channels last.

    Parameters
    ----------
    graph : Graph
        The graph.
    target : str
        What is computed.
    source : str
        What it is computed of: the graph's input, or what a node makes of it.
    shape : tuple of int
        Of an image where it enters the graph.
    pooled : bool
        Whether the largest of some places of a map are taken where the graph does so.

    Attributes
    ----------
    shape : tuple of int
        Of what an image is at the source.

    Raises
    ------
    UserError
        If ONNX's evaluator cannot.
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
        # Where a graph asks for a shape beside its way, it is that of the images.
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
        self._sample = self._images
        if source != graph.input.name:
            self._sample = Evaluator(graph, source, graph.input.name, shape).compute(self._images)
        self.shape = graph.channels_last(source, self._sample).shape[1:]
        self.inputs = math.prod(self.shape)
        self._is_real = np.issubdtype(self._sample.dtype, np.inexact)
        self.reach = 1.0
        if self._is_real:
            self.reach = ALONE_IN_HALF if self._sample.dtype == np.float16 else ALONE

    def compute(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """What becomes of values of the source, as it takes them."""
        given = {
            self._graph.input.name: np.repeat(self._images[:1], len(values), axis=0),
            self._source: values,
        }
        what = f"{self._graph.path}: what becomes of {self._source!r} up to {self._target!r}: "
        with refused(what, "; export it again, for images as rows", Exception):
            return np.asarray(self._session.run([self._target], given)[0])

    def maps(self, values: Reals) -> Reals:
        """The same of lists of numbers, shape (images, inputs), in the target's shape."""
        given = values.reshape(-1, *self.shape)
        if given.ndim == 4:
            given = np.moveaxis(given, -1, self._graph.axes.get(self._source, 3))
        given = (given if self._is_real else np.rint(given)).astype(self._sample.dtype)
        # A batch that is fixed must be full: the last one is filled with images that do not count.
        missing = -len(given) % self._fixed if self._fixed else 0
        padded = np.concatenate([given, np.repeat(given[-1:], missing, axis=0)])
        batch = self._fixed or BATCH
        parts = [padded[start : start + batch] for start in range(0, len(padded), batch)]
        found = [self.compute(part).astype(np.float64) for part in parts]
        return self._graph.channels_last(self._target, np.concatenate(found)[: len(given)])

    def __call__(self, values: Reals) -> Reals:
        """The same as lists, shape (images, outputs)."""
        return self.maps(values).reshape(len(values), -1)
