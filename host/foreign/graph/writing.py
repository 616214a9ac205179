"""Network as an ONNX graph of whole numbers, with the machine's logits bit for bit."""

from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.foreign.graph.onnx_graph import onnx_package
from allspin.sim.network.adc import Adc
from allspin.sim.network.layer import Layer
from allspin.sim.network.network import Network
from allspin.sim.network.pixels import pixel_values

IMAGES, LOGITS, CLASSES = "images", "logits", "classes"
"""The graph's input and outputs."""
LIFT = 1 << 40
"""More than any column sum with an offset."""
OPSET = 18
IR_VERSION = 8
"""Version that evaluators read since 2022."""


class _Graph:
    """Graph under construction.

    Constants and nodes are in the file in the order of their creation.
    """

    def __init__(self) -> None:
        self.onnx = onnx_package()
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, values: npt.ArrayLike, dtype: npt.DTypeLike = np.int64) -> str:
        """Add a constant; return its name."""
        array = np.ascontiguousarray(values, dtype)
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def node(self, operator: str, name: str, *inputs: str, **attributes: Any) -> str:
        """Add a node of one output; return its name."""
        make = self.onnx.helper.make_node
        self.nodes.append(make(operator, inputs, [name], name=name, **attributes))
        return name

    def cast(self, name: str, source: str, kind: str) -> str:
        """Add a Cast."""
        return self.node("Cast", name, source, to=getattr(self.onnx.TensorProto, kind))


class _Part:
    """Part of a graph, with its number behind each name: a layer, or a tile of one."""

    def __init__(self, graph: _Graph, number: object) -> None:
        self.graph = graph
        self.number = number

    def constant(self, name: str, values: npt.ArrayLike, dtype: npt.DTypeLike = np.int64) -> str:
        """Add a constant; return its name."""
        return self.graph.constant(f"{name}.{self.number}", values, dtype)

    def node(self, operator: str, name: str, *inputs: str, **attributes: Any) -> str:
        """Add a node of one output; return its name."""
        return self.graph.node(operator, f"{name}.{self.number}", *inputs, **attributes)

    def cast(self, name: str, source: str, kind: str) -> str:
        """Add a Cast."""
        return self.graph.cast(f"{name}.{self.number}", source, kind)

    def shifted(self, name: str, cast: str, source: str, shift: str, signed: str) -> str:
        """Shift non-negative numbers to the right; BitShift takes unsigned ones only."""
        unsigned = self.cast(cast, source, "UINT64")
        shifted = self.node("BitShift", name, unsigned, shift, direction="RIGHT")
        return self.cast(signed, shifted, "INT64")


class _LayerWriter(_Part):
    """Part of a graph that computes one layer."""

    def __init__(self, graph: _Graph, number: int, layer: Layer, network: Network) -> None:
        super().__init__(graph, number)
        self.next_rows = f"rows.{number + 1}"
        self.layer = layer
        self.network = network

    def sums(self, rows: str) -> str:
        """Add the column sums, int32, which holds 65,535 rows; of tiles, int64."""
        layer = self.layer
        if layer.adc is None:
            words = self.constant("words", layer.words, np.int8)
            return self.node("MatMulInteger", "sums", rows, words)
        total = ""
        for tile in range(layer.adc.tiles(layer.rows)):
            part = _Part(self.graph, f"{self.number}.{tile}")
            here = self.conversions(part, tile, layer.adc, rows)
            total = part.node("Add", "added", total, here) if total else here
        step = self.constant("step", 1 << layer.adc.shift)
        return self.node("Mul", "sums", total, step)

    def conversions(self, part: _Part, tile: int, adc: Adc, rows: str) -> str:
        """Add the conversions of a tile's sums, int64.

        A whole number of steps makes sums positive for the shift, and is subtracted behind it.
        """
        start = tile * adc.rows
        stop = start + adc.rows
        first = part.constant("first", [start])
        end = part.constant("end", [stop])
        axis = part.constant("axis", [1])
        own = part.node("Slice", "part", rows, first, end, axis)
        words = part.constant("words", self.layer.words[start:stop], np.int8)
        read = part.node("MatMulInteger", "read", own, words)
        offsets = np.int64(0) if adc.offsets is None else adc.offsets[tile].astype(np.int64)
        above = LIFT >> adc.shift
        wide = part.cast("tile", read, "INT64")
        lift = part.constant("lift", offsets + (1 << adc.shift >> 1) + (above << adc.shift))
        lifted = part.node("Add", "lifted", wide, lift)
        steps = part.constant("steps", adc.shift, np.uint64)
        signed = part.shifted("code", "positive", lifted, steps, "whole")
        taken_off = part.constant("above", above)
        lowered = part.node("Sub", "lowered", signed, taken_off)
        low = part.constant("low", -(1 << adc.bits - 1))
        high = part.constant("high", (1 << adc.bits - 1) - 1)
        codes = part.node("Clip", "codes", lowered, low, high)
        if adc.offsets is None:  # without offsets, a tile that is not driven gives 0
            return codes
        most = part.node("ReduceMax", "most", own, axis, keepdims=1)
        driven = part.cast("driven", part.cast("any", most, "BOOL"), "INT64")
        return part.node("Mul", "driven_codes", codes, driven)

    def driven_rows(self, values: str) -> str:
        """Add the row values, one row of them for each position: im2col."""
        layer = self.layer
        taps = layer.kind.taps(layer.rows)
        if taps.size == layer.inputs and np.array_equal(taps[0], np.arange(taps.size)):
            return values
        # The place behind the last is 0, for rows that are not driven.
        sides = self.constant("sides", [0, 0, 0, 1])
        padded = self.node("Pad", "padded", values, sides)
        places = self.constant("taps", taps.ravel())
        laid = self.node("Gather", "laid", padded, places, axis=1)
        shape = self.constant("laid_shape", [-1, layer.rows])
        return self.node("Reshape", "driven_rows", laid, shape)

    def uses(self, sums: str) -> str:
        """Put the sums of an image's positions side by side."""
        if self.layer.uses == self.layer.columns:
            return sums
        shape = self.constant("uses_shape", [-1, self.layer.uses])
        return self.node("Reshape", "uses", sums, shape)

    def outputs(self, activations: str) -> str:
        """Add the outputs: the activations, or the largest of each pool."""
        picked = self.layer.kind.pooled_uses(self.layer.columns)
        if picked.size == self.layer.uses and len(picked) == 1:
            return activations
        each = []
        for place, uses in enumerate(picked):
            part = _Part(self.graph, f"{self.number}.{place}")
            picks = part.constant("picks", uses)
            each.append(part.node("Gather", "picked", activations, picks, axis=1))
        return self.node("Max", "pooled", *each)

    def activations(self, sums: str) -> str:
        """Add the activations of a hidden layer, uint8.

        A current below 0 counts as 0. So the offset, times a power of two, is subtracted before the
        shift, and negative results are set to 0 there.
        """
        converter = self.layer.converter
        network = self.network
        assert converter is not None
        often = self.layer.uses // converter.gains.size  # positions that share a converter
        gains = self.constant("gains", np.tile(converter.gains, often))
        offsets = np.tile(converter.offsets.astype(np.int64), often) << converter.shift
        taken_off = self.constant("offsets", offsets)
        nothing = self.constant("nothing", 0)
        shift = self.constant("shift", converter.shift, np.uint64)
        top = self.constant("top", 2**network.current_bits - 1)
        answers = network.neuron.activations(
            np.arange(2**network.current_bits),
            self.layer.table,
            network.current_bits,
            network.hidden_bits,
        )
        table = self.constant("neuron", answers, np.uint8)

        wide = self.cast("wide", sums, "INT64")
        product = self.node("Mul", "product", wide, gains)
        less = self.node("Sub", "less", product, taken_off)
        held = self.node("Max", "held", less, nothing)
        signed = self.shifted("shifted", "unsigned", held, shift, "signed")
        current = self.node("Clip", "current", signed, nothing, top)
        return self.graph.node("Gather", self.next_rows, table, current, axis=0)


def _model(network: Network) -> Any:
    """Return the whole model."""
    graph = _Graph()
    helper = graph.onnx.helper
    types = graph.onnx.TensorProto
    # Row values of the first layer, uint8, one row a pixel.
    values = graph.constant("pixel_values", pixel_values(network.pixel_bits), np.uint8)
    levels = graph.cast("grey_levels", IMAGES, "INT32")
    pixels = graph.node("Gather", "pixels", values, levels, axis=0)
    rows = graph.node("Flatten", "rows.0", pixels, axis=1)
    sums = ""
    for number, layer in enumerate(network.layers):
        part = _LayerWriter(graph, number, layer, network)
        sums = part.uses(part.sums(part.driven_rows(rows)))
        if layer.converter is not None:
            rows = part.outputs(part.activations(sums))
    logits = graph.cast(LOGITS, sums, "INT64")
    graph.node("ArgMax", CLASSES, logits, axis=1, keepdims=0)
    tensor = helper.make_tensor_value_info
    made = helper.make_graph(
        graph.nodes,
        "-".join(map(str, network.topology)),
        [tensor(IMAGES, types.UINT8, ["N", *network.image_shape])],
        [tensor(LOGITS, types.INT64, ["N", network.classes]), tensor(CLASSES, types.INT64, ["N"])],
        graph.constants,
    )
    opsets = [helper.make_opsetid("", OPSET)]
    return helper.make_model(
        made, producer_name="allspin", opset_imports=opsets, ir_version=IR_VERSION
    )


def network_graph(network: Network) -> bytes:
    """Return a network as the content of an ONNX file.

    Parameters
    ----------
    network : Network
        The ideal network: no chip's variation, no array.

    Returns
    -------
    bytes
        A model from ``images``, uint8 of shape (N, height, width), or with channels behind, to
        ``logits``, int64 of shape (N, classes), and ``classes``, int64 of shape (N,); ONNX's
        checker has passed it. Equal networks give equal bytes.

    Raises
    ------
    UserError
        If the package `onnx` is not installed.
    """
    model = _model(network)
    onnx_package().checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)
