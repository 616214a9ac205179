"""The fast golden model: the same integers as `allspin.sim.network.reference`, for many images.

Column sums are floating-point matrix products, in single precision where that is exact; all other
arithmetic is int64.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.sim.network.adc import Adc
from allspin.sim.network.layer import Layer
from allspin.sim.network.network import Network
from allspin.sim.network.pixels import grey_levels, in_line, quantise_pixels, row_values
from allspin.sim.network.reference import Integers, LayerTrace, UseNoise

CHUNK = 320
"""Number of images that drive the first layer at a time: their row values take a megabyte, which
stays in the processor's cache."""
BATCH = 4 * CHUNK
"""Number of images computed at a time by all further layers: many draws at once are faster."""
MAX_ROW_VALUES = 2**18
"""Largest number of row values, over all positions and images, in a convolution's batch: they stay
in the cache."""
MIN_BATCH = 16
"""Smallest number of images in a batch, for maps of any size."""
BATCH_BYTES = 2**24
"""Memory that a batch of a shipped network needs, in training too."""
EXACT_FLOAT32 = 2**24
"""Integers of a smaller magnitude, and their sums below it, are exact in float32."""

Values = npt.NDArray[Any]
"""Row values: integers, of type uint8, or float32 as a product needs them."""


def keep_freed_memory() -> None:
    """Make the C library keep freed memory.

    By default it returns freed memory to the system, and fetching new pages takes a fifth of a
    batch's time. After a block of some size is freed, it keeps blocks up to that size: see
    mallopt(3).
    """
    np.empty(BATCH_BYTES, np.uint8)


def activate(network: Network, layer: Layer, currents: Integers) -> npt.NDArray[np.uint8]:
    """Compute the activations of a layer's neurons from their input currents."""
    return network.neuron.activations(
        currents, layer.table, network.current_bits, network.hidden_bits
    )


def convert(adc: Adc, sums: Integers, driven: npt.NDArray[np.bool_]) -> Integers:
    """Convert a tile's column sums to ADC codes.

    Parameters
    ----------
    adc : Adc
        The ADCs; `sums` already include their offsets.
    sums : ndarray of int64, shape (images, uses)
        Column sums in words times row values; overwritten.
    driven : ndarray of bool, shape (images, positions)
        True where a row of the tile is driven; the code is 0 elsewhere.
    """
    sums += 1 << adc.shift >> 1
    sums >>= adc.shift
    np.clip(sums, -(1 << adc.bits - 1), (1 << adc.bits - 1) - 1, out=sums)
    sums.reshape(*driven.shape, -1)[~driven] = 0
    return sums


class GoldenModel:
    """Golden model of one network.

    Parameters
    ----------
    network : Network, str or Path
        Network to run, a network file, or the name of a shipped network.
    words : sequence of ndarray of int8, optional
        R_AH words of each layer, shape (rows, columns), in place of the network's own, for
        another chip of the same network.
    noise : UseNoise, optional
        Noise that a chip adds to sums and currents at each use.

    Raises
    ------
    ValueError
        If the shapes of `words` are not the network's.
    """

    def __init__(
        self,
        network: Network | str | Path,
        words: list[npt.NDArray[np.int8]] | None = None,
        noise: UseNoise | None = None,
    ) -> None:
        keep_freed_memory()
        self.network = network = Network.named(network)
        self.noise = noise
        own = [layer.words for layer in network.layers]
        self.words = own if words is None else words
        if [w.shape for w in self.words] != [w.shape for w in own]:
            raise ValueError(
                f"words must have shapes {[w.shape for w in own]}, "
                f"not {[w.shape for w in self.words]}"
            )
        self._matrices: list[npt.NDArray[np.floating]] = []
        self._real = [words is None and layer.matrix is not None for layer in network.layers]
        for number, layer in enumerate(network.layers):
            matrix = layer.matrix if words is None else None
            if matrix is None:
                matrix = self._word_matrix(number)
            self._matrices.append(matrix)
        # Gain and offset of each use: the columns' repeat at each position.
        self._gains = []
        self._offsets = []
        for layer in network.layers:
            if layer.converter is not None:
                self._gains.append(np.resize(layer.converter.gains, layer.uses))
                self._offsets.append(np.resize(layer.converter.offsets, layer.uses))
        # A convolution drives its rows at many positions; dense layers need no smaller batches.
        row_values_per_image = [
            layer.rows * layer.kind.positions
            for layer in network.layers
            if layer.kind.positions > 1
        ]
        fitting = MAX_ROW_VALUES // max(row_values_per_image, default=1)
        self._batch = max(MIN_BATCH, min(BATCH, fitting))

    def _word_matrix(self, number: int) -> npt.NDArray[np.floating]:
        """Return a layer's words in single precision if all its sums are exact in it."""
        words = self.words[number]
        top = 2 ** self.network.input_bits(number) - 1
        largest_sum = int(np.abs(words.astype(np.int32)).sum(axis=0).max()) * top
        return words.astype(np.float32 if largest_sum < EXACT_FLOAT32 else float)

    def answer(self, number: int, inputs: Values, sums: Integers, first: int = 0) -> LayerTrace:
        """Compute currents, activations and outputs of a layer from its column sums.

        Parameters
        ----------
        number : int
            Number of the layer.
        inputs : ndarray, shape (images, inputs)
            Values that drove the layer; copied to the trace.
        sums : ndarray of int64, shape (images, uses)
            Column sums.
        first : int
            Number of the first image, which only a chip's noise depends on.
        """
        layer = self.network.layers[number]
        if layer.converter is None:
            return LayerTrace(inputs, sums)
        currents = sums * self._gains[number]
        currents >>= layer.converter.shift
        currents -= self._offsets[number]
        if self.noise is not None:
            currents = self.noise.on_currents(number, first, currents)
        np.clip(currents, 0, 2**self.network.current_bits - 1, out=currents)
        if currents.flags.c_contiguous:
            activations = activate(self.network, layer, currents)
        else:  # a convolution's array is in Fortran order, which the look-up would change
            activations = activate(self.network, layer, currents.T).T
        outputs = layer.kind.pass_on(activations)
        return LayerTrace(inputs, sums, currents, activations, outputs)

    def _sums(self, number: int, inputs: Values, first: int) -> Integers:
        """Compute the column sums of a layer, with a chip's noise at each use."""
        layer = self.network.layers[number]
        matrix = self._matrices[number]
        adc = layer.adc
        if adc is None:
            values = inputs.astype(matrix.dtype, copy=False)
            sums = self._whole(number, layer.kind.products(values, matrix))
            if self.noise is None:
                return sums
            return self.noise.on_sums(number, first, np.ascontiguousarray(sums))
        sums = np.zeros((len(inputs), layer.uses), np.int64)
        for tile, (tile_sums, driven) in enumerate(self.tile_sums(number, adc.rows, inputs)):
            if adc.offsets is not None:
                tile_sums += np.resize(adc.offsets[tile], layer.uses)
            if self.noise is not None:
                tile_sums = self.noise.on_tile(number, tile, first, tile_sums)
            sums += convert(adc, tile_sums, driven)
        sums <<= adc.shift
        return sums

    def tile_sums(
        self, number: int, rows: int, inputs: Values
    ) -> Iterator[tuple[Integers, npt.NDArray[np.bool_]]]:
        """Compute the column sums of each tile of a layer, before the ADCs convert them.

        Parameters
        ----------
        number : int
            Number of the layer.
        rows : int
            Rows of a tile.
        inputs : ndarray, shape (images, inputs)
            Values that drive the layer.

        Yields
        ------
        sums : ndarray of int64, shape (images, uses)
            Column sums in words times row values.
        driven : ndarray of bool, shape (images, positions)
            True where a row of the tile is driven.
        """
        matrix = self._matrices[number]
        layer = self.network.layers[number]
        values = inputs.astype(matrix.dtype, copy=False)
        for start in range(0, len(matrix), rows):
            part = matrix[start : start + rows]
            sums = np.ascontiguousarray(layer.kind.products(values, part, start))
            ones = np.ones((len(part), 1), part.dtype)
            yield self._whole(number, sums), layer.kind.products(values, ones, start) > 0

    def _whole(self, number: int, products: npt.NDArray[np.floating]) -> Integers:
        """Convert sums to integers; only the sums of a real-valued matrix need rounding."""
        if self._real[number]:
            np.rint(products, out=products)
        return products.astype(np.int64)

    def _flat(self, images: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        """Check the images and flatten them."""
        if images.dtype != np.uint8:
            shares = images.dtype.kind == "f" and images.size
            if not (shares and images.min() >= 0 and images.max() <= 1):  # NaN is neither
                raise ValueError(
                    "images must be grey levels, 0 to 255, of type uint8, or shares of white, 0 to "
                    f"1, of a floating type, not {images.dtype}: give images.astype('uint8')"
                )
            images = grey_levels(images)
        return in_line(images, self.network.image_shape)

    def trace(self, images: npt.NDArray[np.uint8], first: int = 0) -> list[LayerTrace]:
        """Compute every intermediate value of a batch, layer by layer.

        Parameters
        ----------
        images : ndarray of uint8, shape (images, height, width) or (images, rows)
            Grey levels, 0 to 255.
        first : int
            Number of the first image, which only a chip's noise depends on.

        Raises
        ------
        ValueError
            If the images have another type, or not as many pixels as the first layer has
            rows.
        """
        values = quantise_pixels(self._flat(images), self.network.pixel_bits)
        return list(self._layers(values, self._sums(0, values, first), first))

    def _layers(self, inputs: Values, sums: Integers, first: int) -> Iterator[LayerTrace]:
        """Yield the trace of each layer, from the column sums of the first."""
        for number in range(len(self.network.layers)):
            trace = self.answer(number, inputs, sums, first)
            yield trace
            if trace.outputs is not None:
                inputs = trace.outputs
                sums = self._sums(number + 1, inputs, first)

    def logits(self, images: npt.NDArray[Any], first: int = 0) -> npt.NDArray[np.int64]:
        """Compute the column sums of the last layer.

        Parameters
        ----------
        images : ndarray of uint8 or float, shape (images, height, width) or (images, rows)
            Grey levels, 0 to 255, or shares of white, 0 to 1; a single image is accepted.
        first : int
            Number of the first image, which only a chip's noise depends on.

        Returns
        -------
        ndarray of int64, shape (images, classes)
            (classes,) for a single image.

        Raises
        ------
        ValueError
            If the images have another type, or not as many pixels as the first layer has
            rows.
        """
        images = np.asarray(images)
        if images.size == self.network.topology[0] and len(images) != 1:
            return self.logits(images[np.newaxis], first)[0]
        flat = self._flat(images)
        bits = self.network.pixel_bits
        out = np.empty((len(images), self.network.classes), dtype=np.int64)
        for start in range(0, len(images), self._batch):
            part = flat[start : start + self._batch]
            # Row values of the whole batch would not stay in the cache. They have no name, so they
            # are freed before the next ones, which take their place.
            sums = [
                self._sums(0, row_values(part[at : at + CHUNK], bits), first + start + at)
                for at in range(0, len(part), CHUNK)
            ]
            *_, last = self._layers(part, np.concatenate(sums), first + start)
            out[start : start + self._batch] = last.sums
        return out

    def classify(self, images: npt.NDArray[Any], first: int = 0) -> npt.NDArray[np.int64]:
        """Return the class of each image: the lowest class with the largest logit."""
        return np.argmax(self.logits(images, first), axis=-1)
