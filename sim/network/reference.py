"""The reference golden model: the machine's equations as they are written, in int64.

A reader can check it against the paper and ``docs/formats.md``::

    value      = (grey (2^pixel_bits - 1) + 127) // 255            for each pixel
    sum        = SUM over rows of value * word                     for each column
    code       = (sum + offset + 2^shift // 2) >> shift, clamped   for each tile, if there are tiles
    sum        = 2^shift SUM over tiles of code
    current    = (sum gain >> shift) - offset, clamped to 0 .. 2^current_bits - 1
    activation = table[current]                                    value of the next layer

A convolution evaluates these at each position of its kernels, with the values of the map under
the kernels::

    row (ky kernel width + kx) channels + channel = map[oy stride + ky - top, ox stride + kx - left]

and 0 outside the map. Sums, currents and activations of all positions are stored side by side: use
``position columns + column``. With pooling, the next layer's value is the largest of 2 x 2
activations.

A chip changes words, gains and offsets, and adds noise to sums and currents at each use
(`UseNoise`). `allspin.sim.network.golden` computes the same integers, fast.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from allspin.sim.network.adc import Adc
from allspin.sim.network.layer import Layer
from allspin.sim.network.layer_kinds import Convolution, LayerKind
from allspin.sim.network.network import Network
from allspin.sim.parameters import Brief

Integers = npt.NDArray[np.int64]


class UseNoise(Protocol):
    """Noise at each use; its draws are named by the number of the image."""

    def on_sums(self, layer: int, first: int, sums: Integers) -> Integers:
        """Add noise to the column sums (images, uses) of a layer; image `first` is the first."""
        ...

    def on_tile(self, layer: int, tile: int, first: int, sums: Integers) -> Integers:
        """Add noise to the column sums (images, uses) of a tile before the ADCs convert them."""
        ...

    def on_currents(self, layer: int, first: int, currents: Integers) -> Integers:
        """Add noise to input currents (images, uses) before they are clamped; may overwrite them.

        A current that no draw can move into the range may stay unchanged.
        """
        ...


@dataclass(frozen=True, eq=False)
class LayerTrace(Brief):
    """Values that one layer computes for a batch of images.

    Attributes
    ----------
    inputs : ndarray of int, shape (images, inputs)
        Values that drive the layer; for a dense layer, the values of its rows.
    sums : ndarray of int64, shape (images, uses)
        Column sums, at each position.
    currents : ndarray of int64, shape (images, uses), or None
        Neurons' input currents; None in the last layer, like `activations` and `outputs`.
    activations : ndarray of uint8, shape (images, uses), or None
        Neurons' outputs.
    outputs : ndarray of uint8, shape (images, outputs), or None
        Outputs of the layer: the activations, or the pooled ones.
    """

    inputs: npt.NDArray[Any]
    sums: Integers
    currents: Integers | None = None
    activations: npt.NDArray[np.uint8] | None = None
    outputs: npt.NDArray[np.uint8] | None = None


def under_kernels(kind: LayerKind, values: Integers) -> Integers:
    """Return the row values at each position (images, positions, rows) from a layer's inputs."""
    if not isinstance(kind, Convolution):
        return values[:, np.newaxis]
    top, left, bottom, right = kind.padding
    down, across = kind.stride
    maps = values.reshape(-1, *kind.map)
    maps = np.pad(maps, ((0, 0), (top, bottom), (left, right), (0, 0)))
    height, width = kind.places
    rows = [
        maps[:, ky : ky + down * height : down, kx : kx + across * width : across]
        for ky in range(kind.kernel[0])
        for kx in range(kind.kernel[1])
    ]
    return np.concatenate(rows, axis=3).reshape(len(values), kind.positions, -1)


def pooled(kind: LayerKind, activations: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return a layer's outputs (images, outputs) from its activations (images, uses)."""
    if not isinstance(kind, Convolution) or kind.pool == 1:
        return activations
    height, width = kind.pooled
    maps = activations.reshape(len(activations), *kind.places, -1)
    maps = maps[:, : 2 * height, : 2 * width].reshape(len(maps), height, 2, width, 2, -1)
    return maps.max(axis=(2, 4)).reshape(len(maps), -1)


def trace(
    network: Network,
    images: npt.NDArray[np.uint8],
    words: Sequence[npt.NDArray[np.int8]] | None = None,
    noise: UseNoise | None = None,
    first: int = 0,
) -> list[LayerTrace]:
    """Compute every value of a batch of images, layer by layer.

    Parameters
    ----------
    network : Network
        Network to run.
    images : ndarray of uint8, shape (images, height, width) or (images, inputs)
        Grey levels, 0 to 255; with channels (images, height, width, channels).
    words : sequence of ndarray of int8, each (rows, columns), optional
        R_AH words of each layer, in place of the network's own.
    noise : UseNoise, optional
        Noise that a chip adds at each use.
    first : int
        Number of the first image, which names the draws of the noise.
    """
    grey = images.reshape(len(images), -1).astype(np.int64)
    values = (grey * (2**network.pixel_bits - 1) + 127) // 255
    traces = []
    for number, layer in enumerate(network.layers):
        if words is not None:
            cells = words[number].astype(np.int64)
        elif layer.matrix is not None:
            cells = layer.matrix
        else:
            cells = layer.words.astype(np.int64)
        driven = under_kernels(layer.kind, values)
        if layer.adc is not None:
            sums = _tile_sums(layer, layer.adc, number, driven, cells, noise, first)
        else:
            sums = np.rint(driven @ cells).astype(np.int64)  # only a real-valued matrix is rounded
            sums = sums.reshape(len(values), layer.uses)
            if noise is not None:
                sums = noise.on_sums(number, first, sums)
        if layer.converter is None:
            traces.append(LayerTrace(values, sums))
            break
        gains = np.resize(layer.converter.gains, layer.uses)
        offsets = np.resize(layer.converter.offsets, layer.uses)
        currents = (sums * gains >> layer.converter.shift) - offsets
        if noise is not None:
            currents = noise.on_currents(number, first, currents)
        currents = np.clip(currents, 0, 2**network.current_bits - 1)
        if layer.table is not None:
            activations = layer.table[currents]
        else:
            bits = network.current_bits, network.hidden_bits
            activations = network.neuron.activations(currents, None, *bits)
        outputs = pooled(layer.kind, activations)
        traces.append(LayerTrace(values, sums, currents, activations, outputs))
        values = outputs.astype(np.int64)
    return traces


def _tile_sums(
    layer: Layer,
    adc: Adc,
    number: int,
    values: Integers,
    cells: npt.NDArray[Any],
    noise: UseNoise | None,
    first: int,
) -> Integers:
    """Compute a layer's column sums from the conversions of its tiles, at each position."""
    total = np.zeros((len(values), layer.uses), np.int64)
    for tile in range(adc.tiles(len(cells))):
        rows = slice(tile * adc.rows, (tile + 1) * adc.rows)
        sums = np.rint(values[:, :, rows] @ cells[rows]).astype(np.int64)
        if adc.offsets is not None:
            sums = sums + adc.offsets[tile]
        sums = sums.reshape(total.shape)
        if noise is not None:
            sums = noise.on_tile(number, tile, first, sums)
        codes = (sums + 2**adc.shift // 2) >> adc.shift
        codes = np.clip(codes, -(2 ** (adc.bits - 1)), 2 ** (adc.bits - 1) - 1)
        driven = np.any(values[:, :, rows], axis=2)
        total += np.where(np.repeat(driven, layer.columns, axis=1), codes, 0) << adc.shift
    return total


def logits(
    network: Network,
    images: npt.NDArray[np.uint8],
    words: Sequence[npt.NDArray[np.int8]] | None = None,
    noise: UseNoise | None = None,
    first: int = 0,
) -> Integers:
    """Compute the column sums of the last layer, shape (images, classes); see `trace`."""
    return trace(network, images, words, noise, first)[-1].sums
