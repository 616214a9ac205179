"""The golden model as its equations are written: what gateware is compared with.

One layer after another, in int64, for a reader to check against the paper and ``docs/formats.md``::

    value      = (grey (2^pixel_bits - 1) + 127) // 255            of a pixel
    sum        = SUM over rows of value * word                     of a column
    code       = (sum + offset + 2^shift // 2) >> shift, clamped   of a tile, where there are tiles
    sum        = 2^shift SUM over tiles of code
    current    = (sum gain >> shift) - offset, clamped to 0 .. 2^current_bits - 1
    activation = table[current]                                    the next layer's value

A chip changes words, gains and offsets (`allspin.sim.chip.chip.Chip.varied`), and adds noise to
sums and currents at each use (`UseNoise`). `allspin.sim.network.golden` computes the same, fast.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from allspin.sim.network.formats import Adc
from allspin.sim.network.network import Network
from allspin.sim.parameters import Brief

Integers = npt.NDArray[np.int64]


class UseNoise(Protocol):
    """What differs from use to use: its draws are named by the number of the image."""

    def on_sums(self, layer: int, first: int, sums: Integers) -> Integers:
        """Column sums (images, columns) of a layer, the first of image number `first`."""
        ...

    def on_tile(self, layer: int, tile: int, first: int, sums: Integers) -> Integers:
        """Column sums (images, columns) of a tile, before they are converted."""
        ...

    def on_currents(self, layer: int, first: int, currents: Integers) -> Integers:
        """Neurons' input currents (images, columns) before they are clamped; it may overwrite them.

        One that stays on the same side of the range whatever is drawn may be left as it is.
        """
        ...


@dataclass(frozen=True, eq=False)
class LayerTrace(Brief):
    """What one layer computed for a batch of images.

    Attributes
    ----------
    inputs : ndarray of int, shape (images, rows)
        Values that drove the rows.
    sums : ndarray of int64, shape (images, columns)
        Column sums.
    currents : ndarray of int64, shape (images, columns), or None
        Neurons' input currents; None in the last layer, as `activations`.
    activations : ndarray of uint8, shape (images, columns), or None
        Neurons' outputs.
    """

    inputs: npt.NDArray[Any]
    sums: Integers
    currents: Integers | None = None
    activations: npt.NDArray[np.uint8] | None = None


def trace(
    network: Network,
    images: npt.NDArray[np.uint8],
    words: Sequence[npt.NDArray[np.int8]] | None = None,
    noise: UseNoise | None = None,
    first: int = 0,
) -> list[LayerTrace]:
    """Every value of a batch of images, layer by layer.

    Parameters
    ----------
    network : Network
        What to run.
    images : ndarray of uint8, shape (images, height, width) or (images, rows)
        Grey levels, 0 to 255.
    words : sequence of ndarray of int8, each (rows, columns), optional
        R_AH words of each layer, in place of the network's own.
    noise : UseNoise, optional
        What a chip adds at each use.
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
        if layer.adc is not None:
            sums = _tile_sums(layer.adc, number, values, cells, noise, first)
        else:
            sums = np.rint(values @ cells).astype(np.int64)  # whole but for a matrix of reals
            if noise is not None:
                sums = noise.on_sums(number, first, sums)
        if layer.converter is None:
            traces.append(LayerTrace(values, sums))
            break
        gains, offsets = layer.converter.gains, layer.converter.offsets
        currents = (sums * gains >> layer.converter.shift) - offsets
        if noise is not None:
            currents = noise.on_currents(number, first, currents)
        currents = np.clip(currents, 0, 2**network.current_bits - 1)
        if layer.table is not None:
            activations = layer.table[currents]
        else:
            bits = network.current_bits, network.hidden_bits
            activations = network.neuron.activations(currents, None, *bits)
        traces.append(LayerTrace(values, sums, currents, activations))
        values = activations.astype(np.int64)
    return traces


def _tile_sums(
    adc: Adc,
    number: int,
    values: Integers,
    cells: npt.NDArray[Any],
    noise: UseNoise | None,
    first: int,
) -> Integers:
    """Column sums of a layer each of whose tiles is converted by itself."""
    total = np.zeros((len(values), cells.shape[1]), np.int64)
    for tile in range(adc.tiles(len(cells))):
        rows = slice(tile * adc.rows, (tile + 1) * adc.rows)
        sums = np.rint(values[:, rows] @ cells[rows]).astype(np.int64)
        if adc.offsets is not None:
            sums = sums + adc.offsets[tile]
        if noise is not None:
            sums = noise.on_tile(number, tile, first, sums)
        codes = (sums + 2**adc.shift // 2) >> adc.shift
        codes = np.clip(codes, -(2 ** (adc.bits - 1)), 2 ** (adc.bits - 1) - 1)
        driven = np.any(values[:, rows], axis=1)
        total += np.where(driven[:, None], codes, 0) << adc.shift
    return total


def logits(
    network: Network,
    images: npt.NDArray[np.uint8],
    words: Sequence[npt.NDArray[np.int8]] | None = None,
    noise: UseNoise | None = None,
    first: int = 0,
) -> Integers:
    """Column sums of the last layer, shape (images, classes); parameters as of `trace`."""
    return trace(network, images, words, noise, first)[-1].sums
