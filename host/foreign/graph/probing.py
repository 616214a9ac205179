"""Weights of a layer, measured by probing a span of a graph with test inputs.

Between two activations a network is linear. The answer of ONNX's evaluator to inputs of 0 gives
the biases; its answer to one number alone gives a row of the weights. Between two maps the span is
a convolution, whatever its operators are: a line alone shows how far kernels reach, and one number
alone gives a row of their weights in the answer at one position. Random inputs check both.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.foreign.float_network import (
    MAX_WEIGHTS,
    FloatLayer,
    Reals,
)
from allspin.host.foreign.graph.evaluator import Evaluator
from allspin.sim.network.layer_kinds import DENSE, Convolution, LayerKind, Shape

NOTHING = 1e-6
"""Share of the largest answer below which an answer is rounding."""
AT_ONCE = 128
"""Inputs with one number each that are evaluated together."""
MAX_ANSWERS = 1 << 24
"""Most numbers of the answers to them."""
MAX_OUTPUTS = 1 << 20
"""Most numbers of one answer, with many more than a layer of the machine can have."""
PROBES = 16
"""Random images on which a span must be linear."""
MAX_APART = 1e-3
"""Largest rounding error on them, as a share of the largest output."""


def _reach(met: npt.NDArray[np.bool_], stride: int) -> tuple[int, int]:
    """Return the length of kernels along an axis, and their begin before the map.

    Parameters
    ----------
    met : ndarray of bool, shape (lines, places)
        True where a place's kernels meet a line.
    stride : int
        Lines between two places.
    """
    lines, places = met.shape
    line, place = np.nonzero(met)
    offsets = line - stride * place
    # Lines at a kernel's end may be 0, but the number of places is known.
    last = stride * (places - 1)
    begin = min(0, lines - 1 - last, *offsets)
    end = max(0, lines - stride - last, *offsets)
    return int(end - begin + 1), int(-begin)


class _Probe:
    """Probe of a span, some inputs at a time, since all answers may exceed the memory.

    Parameters
    ----------
    compute : Evaluator
        Evaluator of the span.
    low : float or ndarray
        Value of all other inputs.
    """

    def __init__(self, compute: Evaluator, low: float | Reals) -> None:
        self._compute = compute
        self._low = low
        inputs = np.full((1, compute.inputs), low)
        self.nothing = compute.maps(inputs)[0]
        if self.nothing.size > MAX_OUTPUTS:
            raise ValueError(f"a layer of {self.nothing.size:,} outputs is too large")

    def alone(self, shape: Shape, places: Sequence[Any], value: Any) -> Iterator[Reals]:
        """Yield the change of the answer by a value at each place of an input, per 1."""
        count = max(1, min(AT_ONCE, MAX_ANSWERS // max(1, self.nothing.size)))
        for start in range(0, len(places), count):
            some = places[start : start + count]
            given = np.zeros((len(some), *shape))
            for one, place in zip(given, some, strict=True):
                one[place] = value
            reach = self._compute.reach
            inputs = self._low + reach * given.reshape(len(some), -1)
            answers = self._compute.maps(inputs)
            yield from (answers - self.nothing) / reach

    def kernels(self, shape: Shape, stride: Shape) -> Convolution:
        """Return the convolution of a map that the span must be."""
        rng = np.random.default_rng(0)
        lengths = []
        padding = []
        ends = []
        for axis in (0, 1):
            # A whole line of different numbers, so that weights do not cancel one another.
            others = np.delete(shape, axis)
            value = rng.integers(1, 10, others) + 0.0
            lines = [(slice(None),) * axis + (line,) for line in range(shape[axis])]
            answers = self.alone(shape, lines, value)
            met = np.array([np.abs(each).max(axis=(1 - axis, 2)) for each in answers])
            length, before = _reach(met > NOTHING * met.max(), stride[axis])
            last = stride[axis] * (self.nothing.shape[axis] - 1)
            lengths.append(length)
            padding.append(before)
            ends.append(max(last + length - before - shape[axis], 0))
        height, width = lengths
        top, left = padding
        bottom, right = ends
        return Convolution(shape, (height, width), stride, (top, left, bottom, right))


def _seen(kind: Convolution, axis: int) -> list[tuple[int, int] | None]:
    """Return a line of the map and a place for each line of a kernel; None if it meets no line."""
    found: list[tuple[int, int] | None] = []
    for offset in range(kind.kernel[axis]):
        places = np.arange(kind.places[axis])
        lines = kind.stride[axis] * places + offset - kind.padding[axis]
        inside = np.flatnonzero((lines >= 0) & (lines < kind.map[axis]))
        if not inside.size:
            found.append(None)
            continue
        middle = inside[inside.size // 2]
        found.append((int(lines[middle]), int(middle)))
    return found


def _weights(probe: _Probe, kind: LayerKind, inputs: int) -> Reals:
    """Measure the weights of a layer (rows, columns)."""
    if not isinstance(kind, Convolution):
        answers = probe.alone((inputs,), range(inputs), 1)
        return np.array([answer.ravel() for answer in answers])
    channels = kind.map[2]
    weights = np.zeros((*kind.kernel, channels, probe.nothing.shape[2]))
    rows = []
    inputs_alone = []
    positions = []
    for ky, down in enumerate(_seen(kind, 0)):
        for kx, across in enumerate(_seen(kind, 1)):
            if down is None or across is None:
                continue
            for channel in range(channels):
                rows.append((ky, kx, channel))
                inputs_alone.append((down[0], across[0], channel))
                positions.append((down[1], across[1]))
    answers = probe.alone(kind.map, inputs_alone, 1)
    for row, position, answer in zip(rows, positions, answers, strict=True):
        weights[row] = answer[position]
    return weights.reshape(-1, weights.shape[3])


def linear_layer(compute: Evaluator, low: float | Reals, shape: Shape, stride: Shape) -> FloatLayer:
    """Measure the layer that computes a span, for inputs that begin at `low`.

    Parameters
    ----------
    compute : Evaluator
        Evaluator of the span.
    low : float or ndarray
        Least value of the inputs: one for all, or one each.
    shape : tuple of int
        Shape of the input; a map has three sides.
    stride : tuple of int
        Strides of all its nodes together.
    """
    probe = _Probe(compute, low)
    kind: LayerKind = DENSE
    if len(shape) == probe.nothing.ndim == 3 and math.prod(probe.nothing.shape[:2]) > 1:
        kind = probe.kernels(shape, stride)
    rows = kind.rows(shape)
    columns = probe.nothing.size // kind.positions
    if rows * columns > MAX_WEIGHTS:
        raise ValueError(f"a layer of {rows} x {columns} is too large")
    weights = _weights(probe, kind, compute.inputs)
    layer = FloatLayer(weights, probe.nothing.ravel(), kind=kind)
    rng = np.random.default_rng(0)
    probes = np.rint(rng.uniform(0, 100, (PROBES, compute.inputs)))
    expected = layer.sums(probes)
    apart = np.abs(compute(low + probes) - expected).max()
    if not apart <= MAX_APART * np.abs(expected).max():
        if kind is DENSE:
            raise ValueError("they are not linear, as a layer in inference is")
        raise ValueError("they are no convolution: linear, and the same at all positions")
    return layer
