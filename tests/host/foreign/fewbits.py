"""Networks of few bits in NumPy: trained, answered, and written as other tools write them."""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Array = npt.NDArray[np.float64]


class Rounding(NamedTuple):
    """Steps of some bits; of one bit, the sign."""

    bits: int
    scale: float = 1.0
    signed: bool = True

    @property
    def ends(self) -> tuple[float, float]:
        """Outermost steps; signed ones are symmetric."""
        top = 2 ** (self.bits - self.signed) - 1
        return -top * self.signed, top

    def __call__(self, x: Array) -> Array:
        if self.bits == 1:
            return np.where(x >= 0, self.scale, -self.scale)
        return np.clip(np.rint(x / self.scale), *self.ends) * self.scale


class FewBits(NamedTuple):
    """Layers with a normalisation between two of them; `enter` rounds ``2 * inputs - 1``."""

    weights: list[Array]
    norms: list[tuple[Array, Array]]
    weight: Rounding
    activation: Rounding
    enter: Rounding | None

    def logits(self, inputs: Array) -> Array:
        """Compute the sums of the last layer."""
        values = inputs if self.enter is None else self.enter(2 * inputs - 1)
        for weights, (mean, spread) in zip(self.weights, self.norms, strict=False):
            values = self.activation((values @ self.weight(weights) - mean) / spread)
        return values @ self.weight(self.weights[-1])


def trained(
    inputs: Array,
    labels: npt.NDArray[np.int64],
    widths: tuple[int, ...],
    weight: Rounding,
    activation: Rounding,
    enter: Rounding | None = None,
    steps: int = 300,
) -> FewBits:
    """Train a network through its rounding with a straight-through gradient.

    One output is the logit of the second of two classes.
    """
    rng = np.random.default_rng(0)
    wide = weight.scale * max(weight.ends[1], 1)
    layers = [rng.uniform(-wide, wide, shape) for shape in pairwise(widths)]
    moments = [(np.zeros_like(w), np.zeros_like(w)) for w in layers]
    held = (0, np.inf) if not activation.signed else (-1, 1)
    values = inputs if enter is None else enter(2 * inputs - 1)
    wanted = np.eye(max(labels) + 1)[labels][:, -widths[-1] :]
    for step in range(1, steps + 1):
        chosen = rng.integers(0, len(values), 100)
        passed, sums, spreads = [values[chosen]], [], []
        for number, weights in enumerate(layers):
            z = passed[-1] @ weight(weights)
            last = number == len(layers) - 1
            spreads.append(np.full(z.shape[1], 4.0) if last else z.std(axis=0) + 1e-3)
            sums.append((z - (0 if last else z.mean(axis=0))) / spreads[-1])
            passed.append(activation(sums[-1]))
        shares = np.exp(sums[-1] - np.logaddexp.reduce(sums[-1], axis=1, keepdims=True))
        if widths[-1] == 1:
            shares = 1 / (1 + np.exp(-sums[-1]))
        slope = shares - wanted[chosen]
        for number in reversed(range(len(layers))):
            if number < len(layers) - 1:  # the normalisation takes both off again
                slope -= slope.mean(axis=0) + sums[number] * (slope * sums[number]).mean(axis=0)
            slope = slope / spreads[number]
            by_weight = passed[number].T @ slope
            if number:
                inside = (sums[number - 1] > held[0]) & (sums[number - 1] < held[1])
                slope = (slope @ weight(layers[number]).T) * inside
            first, second = moments[number]
            first += 0.1 * (by_weight - first)
            second += 0.01 * (by_weight**2 - second)
            size = np.sqrt(second / (1 - 0.99**step)) + 1e-9
            layers[number] -= 0.01 * wide * first / (1 - 0.9**step) / size
            np.clip(layers[number], -wide, wide, out=layers[number])
    norms: list[tuple[Array, Array]] = []
    for weights in layers[:-1]:
        z = values @ weight(weights)
        norms.append((z.mean(axis=0), z.std(axis=0) + 1e-3))
        values = activation((z - norms[-1][0]) / norms[-1][1])
    return FewBits(layers, norms, weight, activation, enter)


class _Writer:
    """An unfinished graph; `domain` is QONNX's, or None for ONNX's own quantisers."""

    def __init__(self, domain: str | None) -> None:
        self.domain = domain
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, value: npt.ArrayLike, dtype: npt.DTypeLike = np.float32) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def node(self, kind: str, *inputs: str, **others: Any) -> str:
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **others))
        return name

    def rounded(self, x: str, to: Rounding) -> str:
        scale, signed = self.constant(to.scale), int(to.signed)
        if self.domain is not None and to.bits == 1:
            return self.node("BipolarQuant", x, scale, domain=self.domain)
        if self.domain is not None:
            others = {"signed": signed, "narrow": signed, "rounding_mode": "ROUND"}
            numbers = self.constant(0), self.constant(to.bits)
            return self.node("Quant", x, scale, *numbers, domain=self.domain, **others)
        whole = np.int8 if to.signed else np.uint8
        zero = self.constant(0, whole)
        steps = self.node("QuantizeLinear", x, scale, zero)
        held = self.node("Clip", steps, *(self.constant(end, whole) for end in to.ends))
        return self.node("DequantizeLinear", held, scale, zero)


def graph_of(network: FewBits, domain: str | None, tail: Rounding | None) -> bytes:
    """A network as an ONNX file, as Brevitas writes it; `tail` rounds its logits."""
    writer, x = _Writer(domain), "images"
    if network.enter is not None:
        doubled = writer.node("Mul", x, writer.constant(2))
        x = writer.rounded(writer.node("Sub", doubled, writer.constant(1)), network.enter)
    for number, weights in enumerate(network.weights):
        turned = writer.rounded(writer.constant(weights.T), network.weight)
        x = writer.node("MatMul", x, writer.node("Transpose", turned, perm=[1, 0]))
        if number < len(network.norms):
            mean, spread = network.norms[number]
            ones, nothing = writer.constant(np.ones_like(mean)), writer.constant(0 * mean)
            numbers = ones, nothing, writer.constant(mean), writer.constant(spread**2)
            x = writer.node("BatchNormalization", x, *numbers, epsilon=0.0)
            x = x if network.activation.signed else writer.node("Relu", x)
            x = writer.rounded(x, network.activation)
    x = x if tail is None else writer.rounded(x, tail)
    # Old files are for one image, and without a version of QONNX's operators.
    width, batch = len(network.weights[0]), 1 if domain == "finn.custom_op.general" else None
    graph = helper.make_graph(
        writer.nodes,
        "few_bits",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [batch, width])],
        [onnx.ValueInfoProto(name=x)],
        writer.constants,
    )
    opsets = [helper.make_opsetid("", 14)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=7).SerializeToString()
