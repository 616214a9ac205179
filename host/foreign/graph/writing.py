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


class _Writer:
    """Graph under construction.

    Constants and nodes are in the file in the order of their creation.
    """

    def __init__(self, network: Network) -> None:
        self.onnx = onnx_package()
        self.network = network
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

    def shifted(self, name: str, cast: str, source: str, shift: str, signed: str) -> str:
        """Shift non-negative numbers to the right; BitShift takes unsigned ones only."""
        unsigned = self.cast(cast, source, "UINT64")
        return self.cast(
            signed, self.node("BitShift", name, unsigned, shift, direction="RIGHT"), "INT64"
        )

    def sums(self, number: int, layer: Layer, rows: str) -> str:
        """Add the column sums of a layer, int32, which holds 65,535 rows; of tiles, int64."""
        if layer.adc is None:
            words = self.constant(f"words.{number}", layer.words, np.int8)
            return self.node("MatMulInteger", f"sums.{number}", rows, words)
        total = ""
        for tile in range(layer.adc.tiles(layer.rows)):
            here = self.conversions(f"{number}.{tile}", tile, layer, layer.adc, rows)
            total = self.node("Add", f"added.{number}.{tile}", total, here) if total else here
        step = self.constant(f"step.{number}", 1 << layer.adc.shift)
        return self.node("Mul", f"sums.{number}", total, step)

    def conversions(self, name: str, tile: int, layer: Layer, adc: Adc, rows: str) -> str:
        """Add the conversions of a tile's sums, int64.

        A whole number of steps makes sums positive for the shift, and is subtracted behind it.
        """
        first, end = tile * adc.rows, (tile + 1) * adc.rows
        axis = f"axis.{name}"
        part = self.node(
            "Slice",
            f"part.{name}",
            rows,
            self.constant(f"first.{name}", [first]),
            self.constant(f"end.{name}", [end]),
            self.constant(axis, [1]),
        )
        words = self.constant(f"words.{name}", layer.words[first:end], np.int8)
        read = self.node("MatMulInteger", f"read.{name}", part, words)
        offsets = np.int64(0) if adc.offsets is None else adc.offsets[tile].astype(np.int64)
        above = LIFT >> adc.shift
        added = offsets + (1 << adc.shift >> 1) + (above << adc.shift)
        wide = self.cast(f"tile.{name}", read, "INT64")
        lifted = self.node("Add", f"lifted.{name}", wide, self.constant(f"lift.{name}", added))
        steps = self.constant(f"steps.{name}", adc.shift, np.uint64)
        signed = self.shifted(f"code.{name}", f"positive.{name}", lifted, steps, f"whole.{name}")
        taken_off = self.constant(f"above.{name}", above)
        lowered = self.node("Sub", f"lowered.{name}", signed, taken_off)
        low = self.constant(f"low.{name}", -(1 << adc.bits - 1))
        high = self.constant(f"high.{name}", (1 << adc.bits - 1) - 1)
        codes = self.node("Clip", f"codes.{name}", lowered, low, high)
        if adc.offsets is None:  # without offsets, a tile that is not driven gives 0
            return codes
        most = self.node("ReduceMax", f"most.{name}", part, axis, keepdims=1)
        driven = self.cast(f"driven.{name}", self.cast(f"any.{name}", most, "BOOL"), "INT64")
        return self.node("Mul", f"driven_codes.{name}", codes, driven)

    def under(self, number: int, layer: Layer, values: str) -> str:
        """Add the row values of a layer, one row of them for each position: im2col."""
        taps = layer.kind.taps(layer.rows)
        if taps.size == layer.inputs and np.array_equal(taps[0], np.arange(taps.size)):
            return values
        # The place behind the last is 0, for rows that are not driven.
        sides = self.constant(f"sides.{number}", [0, 0, 0, 1])
        padded = self.node("Pad", f"padded.{number}", values, sides)
        places = self.constant(f"taps.{number}", taps.ravel())
        laid = self.node("Gather", f"laid.{number}", padded, places, axis=1)
        shape = self.constant(f"laid_shape.{number}", [-1, layer.rows])
        return self.node("Reshape", f"driven_rows.{number}", laid, shape)

    def uses(self, number: int, layer: Layer, sums: str) -> str:
        """Put the sums of an image's positions side by side."""
        if layer.uses == layer.columns:
            return sums
        shape = self.constant(f"uses_shape.{number}", [-1, layer.uses])
        return self.node("Reshape", f"uses.{number}", sums, shape)

    def handed_on(self, number: int, layer: Layer, name: str) -> str:
        """Add the outputs of a layer: its activations, or the largest of each pool."""
        picked = layer.kind.pooled_uses(layer.columns)
        if picked.size == layer.uses and len(picked) == 1:
            return name
        each = [
            self.node(
                *("Gather", f"picked.{number}.{place}", name),
                self.constant(f"picks.{number}.{place}", uses),
                axis=1,
            )
            for place, uses in enumerate(picked)
        ]
        return self.node("Max", f"pooled.{number}", *each)

    def activations(self, number: int, layer: Layer, sums: str) -> str:
        """Add the activations of a hidden layer, uint8.

        A current below 0 counts as 0. So the offset, times a power of two, is subtracted before the
        shift, and negative results are set to 0 there.
        """
        converter, network = layer.converter, self.network
        assert converter is not None
        often = layer.uses // converter.gains.size  # positions that share a converter
        gains = self.constant(f"gains.{number}", np.tile(converter.gains, often))
        offsets = np.tile(converter.offsets.astype(np.int64), often) << converter.shift
        taken_off = self.constant(f"offsets.{number}", offsets)
        nothing = self.constant(f"nothing.{number}", 0)
        shift = self.constant(f"shift.{number}", converter.shift, np.uint64)
        top = self.constant(f"top.{number}", 2**network.current_bits - 1)
        currents = np.arange(2**network.current_bits)
        bits = network.current_bits, network.hidden_bits
        answers = network.neuron.activations(currents, layer.table, *bits)
        table = self.constant(f"neuron.{number}", answers, np.uint8)

        wide = self.cast(f"wide.{number}", sums, "INT64")
        product = self.node("Mul", f"product.{number}", wide, gains)
        less = self.node("Sub", f"less.{number}", product, taken_off)
        held = self.node("Max", f"held.{number}", less, nothing)
        signed = self.shifted(
            f"shifted.{number}", f"unsigned.{number}", held, shift, f"signed.{number}"
        )
        current = self.node("Clip", f"current.{number}", signed, nothing, top)
        return self.node("Gather", f"rows.{number + 1}", table, current, axis=0)

    def model(self) -> Any:
        """Return the whole model."""
        helper, types, network = self.onnx.helper, self.onnx.TensorProto, self.network
        # Row values of the first layer, uint8, one row a pixel.
        values = self.constant("pixel_values", pixel_values(network.pixel_bits), np.uint8)
        levels = self.cast("grey_levels", IMAGES, "INT32")
        rows = self.node(
            "Flatten", "rows.0", self.node("Gather", "pixels", values, levels, axis=0), axis=1
        )
        sums = ""
        for number, layer in enumerate(network.layers):
            sums = self.sums(number, layer, self.under(number, layer, rows))
            sums = self.uses(number, layer, sums)
            if layer.converter is not None:
                rows = self.handed_on(number, layer, self.activations(number, layer, sums))
        self.node("ArgMax", CLASSES, self.cast(LOGITS, sums, "INT64"), axis=1, keepdims=0)
        tensor = helper.make_tensor_value_info
        graph = helper.make_graph(
            self.nodes,
            "-".join(map(str, network.topology)),
            [tensor(IMAGES, types.UINT8, ["N", *network.image_shape])],
            [
                tensor(LOGITS, types.INT64, ["N", network.classes]),
                tensor(CLASSES, types.INT64, ["N"]),
            ],
            self.constants,
        )
        opsets = [helper.make_opsetid("", OPSET)]
        return helper.make_model(
            graph, producer_name="allspin", opset_imports=opsets, ir_version=IR_VERSION
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
    model = _Writer(network).model()
    onnx_package().checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)
