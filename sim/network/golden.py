"""The golden model for many images: `allspin.sim.network.reference`, to the last bit, and fast.

Column sums are products of reals, in single precision where that is exact; all else is int64.
With its answers a network is cut into tiles (`cut`).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.sim.network.adc import MAX_ADC_SHIFT, Adc
from allspin.sim.network.network import Layer, Network, Tiles, uncut, with_steps
from allspin.sim.network.pixels import grey_levels, in_line, quantise_pixels, row_values
from allspin.sim.network.reference import Integers, LayerTrace, UseNoise

CHUNK = 320
"""Images that drive the first layer at a time: their row values are a megabyte, which stays in
the cache."""
BATCH = 4 * CHUNK
"""Images computed at a time in all that follows: the more draws at once, the faster each is."""
DRIVEN = 2**18
"""Row values of all positions and images that a convolution's batch has: they stay in the cache."""
LEAST = 16
"""Images of a batch at least, however large their maps are."""
KEPT = 2**24
"""Bytes: as much as a batch needs of a network like those that ship, in training too."""
EXACT_FLOAT32 = 2**24
"""Integers of a smaller magnitude are exact in float32, and so are their sums."""

Values = npt.NDArray[Any]
"""Row values: whole numbers, of type uint8, or float32 as a product wants them."""


def keep_freed_memory() -> None:
    """Let the C library keep what is freed.

    It returns freed memory to the system, and pages that are fetched anew take a fifth of a batch's
    time. Once a block of some size is freed, it keeps as much: see mallopt(3).
    """
    np.empty(KEPT, np.uint8)


def activate(network: Network, layer: Layer, currents: Integers) -> npt.NDArray[np.uint8]:
    """What the neurons of a network's layer make of their input currents."""
    bits = network.current_bits, network.hidden_bits
    return network.neuron.activations(currents, layer.table, *bits)


def converted(adc: Adc, sums: Integers, driven: npt.NDArray[np.bool_]) -> Integers:
    """What a tile's converters make of its column sums: whole steps.

    Parameters
    ----------
    adc : Adc
        The converters; their offsets are in the sums.
    sums : ndarray of int64, shape (images, uses)
        In words times row values; overwritten.
    driven : ndarray of bool, shape (images, positions)
        Where a row of the tile is driven; elsewhere nothing is converted.
    """
    sums += 1 << adc.shift >> 1
    sums >>= adc.shift
    np.clip(sums, -(1 << adc.bits - 1), (1 << adc.bits - 1) - 1, out=sums)
    sums.reshape(*driven.shape, -1)[~driven] = 0
    return sums


class GoldenModel:
    """A network, ready to compute.

    Parameters
    ----------
    network : Network, str or Path
        What to run; or its file, or the name of one that ships.
    words : sequence of ndarray of int8, optional
        R_AH words of each layer, shape (rows, columns), in place of the network's own:
        another chip of the same network.
    noise : UseNoise, optional
        What a chip adds to sums and currents at each use.

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
                top = 2 ** network.input_bits(number) - 1
                held = self.words[number]
                largest = int(np.abs(held.astype(np.int32)).sum(axis=0).max()) * top
                matrix = held.astype(np.float32 if largest < EXACT_FLOAT32 else float)
            self._matrices.append(matrix)
        self._of_uses = [
            [np.resize(part, each.uses) for part in (each.converter.gains, each.converter.offsets)]
            for each in network.layers
            if each.converter is not None
        ]
        # What drives a convolution is of many positions; dense layers need no smaller batches.
        maps = [each.rows * n for each in network.layers if (n := each.kind.positions) > 1]
        self._batch = max(LEAST, min(BATCH, DRIVEN // max(maps, default=1)))

    def answer(self, number: int, inputs: Values, sums: Integers, first: int = 0) -> LayerTrace:
        """What the foot of a layer's columns makes of their sums.

        Parameters
        ----------
        number : int
            The layer.
        inputs : ndarray, shape (images, inputs)
            What drove it; only handed on.
        sums : ndarray of int64, shape (images, uses)
            Column sums.
        first : int
            Number of the first image; only a chip's noise depends on it.
        """
        layer = self.network.layers[number]
        if layer.converter is None:
            return LayerTrace(inputs, sums)
        gains, offsets = self._of_uses[number]
        currents = sums * gains
        currents >>= layer.converter.shift
        currents -= offsets
        if self.noise is not None:
            currents = self.noise.on_currents(number, first, currents)
        np.clip(currents, 0, 2**self.network.current_bits - 1, out=currents)
        if currents.flags.c_contiguous:
            activations = activate(self.network, layer, currents)
        else:  # as a convolution's are: in their own order, or a table's look-up would turn them
            activations = activate(self.network, layer, currents.T).T
        outputs = layer.kind.handed_on(activations)
        return LayerTrace(inputs, sums, currents, activations, outputs)

    def _sums(self, number: int, inputs: Values, first: int) -> Integers:
        """Column sums of a layer, with what a chip adds at each use."""
        layer, matrix = self.network.layers[number], self._matrices[number]
        adc = layer.adc
        if adc is None:
            values = inputs.astype(matrix.dtype, copy=False)
            sums = self._whole(number, layer.kind.products(values, matrix))
            if self.noise is None:
                return sums
            return self.noise.on_sums(number, first, np.ascontiguousarray(sums))
        sums = np.zeros((len(inputs), layer.uses), np.int64)
        for tile, (read, driven) in enumerate(self.reads(number, adc.rows, inputs)):
            if adc.offsets is not None:
                read += np.resize(adc.offsets[tile], layer.uses)
            if self.noise is not None:
                read = self.noise.on_tile(number, tile, first, read)
            sums += converted(adc, read, driven)
        sums <<= adc.shift
        return sums

    def reads(
        self, number: int, rows: int, inputs: Values
    ) -> Iterator[tuple[Integers, npt.NDArray[np.bool_]]]:
        """Column sums of each tile of a layer, before they are converted.

        Parameters
        ----------
        number : int
            The layer.
        rows : int
            Rows of a tile.
        inputs : ndarray, shape (images, inputs)
            What drives the layer.

        Yields
        ------
        sums : ndarray of int64, shape (images, uses)
            In words times row values.
        driven : ndarray of bool, shape (images, positions)
            Where a row of the tile is driven.
        """
        matrix, layer = self._matrices[number], self.network.layers[number]
        values = inputs.astype(matrix.dtype, copy=False)
        for start in range(0, len(matrix), rows):
            part = matrix[start : start + rows]
            sums = np.ascontiguousarray(layer.kind.products(values, part, start))
            ones = np.ones((len(part), 1), part.dtype)
            yield self._whole(number, sums), layer.kind.products(values, ones, start) > 0

    def _whole(self, number: int, products: npt.NDArray[np.floating]) -> Integers:
        """Sums as whole numbers: all are but those of a matrix that no words say."""
        if self._real[number]:
            np.rint(products, out=products)
        return products.astype(np.int64)

    def _flat(self, images: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        """The images with their values in a line, checked."""
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
        """Every intermediate value of a batch, layer by layer.

        Parameters
        ----------
        images : ndarray of uint8, shape (images, height, width) or (images, rows)
            Grey levels, 0 to 255.
        first : int
            Number of the first image; only a chip's noise depends on it.

        Raises
        ------
        ValueError
            If the images have another type, or not as many pixels as the first layer has
            rows.
        """
        values = quantise_pixels(self._flat(images), self.network.pixel_bits)
        return list(self._layers(values, self._sums(0, values, first), first))

    def _layers(self, inputs: Values, sums: Integers, first: int) -> Iterator[LayerTrace]:
        """What each layer computes, by the column sums of the first one."""
        for number in range(len(self.network.layers)):
            trace = self.answer(number, inputs, sums, first)
            yield trace
            if trace.outputs is not None:
                inputs = trace.outputs
                sums = self._sums(number + 1, inputs, first)

    def logits(self, images: npt.NDArray[Any], first: int = 0) -> npt.NDArray[np.int64]:
        """Column sums of the last layer.

        Parameters
        ----------
        images : ndarray of uint8 or float, shape (images, height, width) or (images, rows)
            Grey levels, 0 to 255, or shares of white, 0 to 1; or a single image.
        first : int
            Number of the first image; only a chip's noise depends on it.

        Returns
        -------
        ndarray of int64, shape (images, classes)
            Of a single image (classes,).

        Raises
        ------
        ValueError
            If the images have another type, or not as many pixels as the first layer has
            rows.
        """
        images, rows = np.asarray(images), self.network.topology[0]
        if images.size == rows and len(images) != 1:
            return self.logits(images[np.newaxis], first)[0]
        flat, bits = self._flat(images), self.network.pixel_bits
        out = np.empty((len(images), self.network.classes), dtype=np.int64)
        for start in range(0, len(images), self._batch):
            part = flat[start : start + self._batch]
            # Row values of all of it would leave the cache. Without a name they are freed before
            # the next ones, which take their place.
            sums = [
                self._sums(0, row_values(part[own : own + CHUNK], bits), first + start + own)
                for own in range(0, len(part), CHUNK)
            ]
            *_, last = self._layers(part, np.concatenate(sums), first + start)
            out[start : start + self._batch] = last.sums
        return out

    def classify(self, images: npt.NDArray[Any], first: int = 0) -> npt.NDArray[np.int64]:
        """Class of each image: the lowest one with the largest logit."""
        return np.argmax(self.logits(images, first), axis=-1)


TRIED = 6
"""Steps that are tried of a layer: from the one that no sum saturates downwards."""
ROUNDS = 3
"""How often all layers are gone through at most."""
CALIBRATION = 5000
"""Images that choose at most."""

Pixels = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]
Read = tuple[Integers, npt.NDArray[np.bool_]]
"""Of a tile: sums of images and uses, and where a row of it is driven."""


def cut(network: Network, tiles: Tiles, images: Pixels, labels: Labels) -> Network:
    """Cut a network into tiles, with the steps that lose fewest images.

    A step that loses little of the sums is not the one that loses few images: most sums are small,
    and saturated large ones often cost nothing. So each layer's step is the power of two with which
    most images are classified rightly, the other layers' being what they are.

    Parameters
    ----------
    network : Network
        Cut already or not: as if it were not.
    tiles : Tiles
        Into what.
    images : ndarray of uint8, shape (images, height, width)
        Images that choose the steps, the first 5,000 of them: none that the network is tested
        with.
    labels : ndarray of int64, shape (images,)
        Their classes.

    Returns
    -------
    Network
        Every layer with its `Adc`.
    """
    pixels, labels = images[:CALIBRATION], labels[:CALIBRATION]
    first = quantise_pixels(pixels.reshape(len(pixels), -1), network.pixel_bits)
    model = GoldenModel(uncut(network))
    # As it is where there is no step yet.
    shifts: list[int | None] = [None] * len(network.layers)

    def summed(shift: int | None, reads: list[Read]) -> Integers:
        """Column sums of a layer, converted with a step, or as they are."""
        total = np.zeros_like(reads[0][0])
        adc = None if shift is None else Adc(tiles.rows, tiles.bits, shift)
        for sums, driven in reads:
            total += sums if adc is None else converted(adc, sums.copy(), driven) << adc.shift
        return total

    def reads_of(number: int, values: Pixels) -> list[Read]:
        return list(model.reads(number, tiles.rows, values))

    def right(number: int, sums: Integers) -> int:
        """Images that are right with a layer's sums, the layers behind it being as they are."""
        values = model.answer(number, first, sums).outputs
        while values is not None:
            number += 1
            sums = summed(shifts[number], reads_of(number, values))
            values = model.answer(number, first, sums).outputs
        return int(np.count_nonzero(np.argmax(sums, axis=1) == labels))

    for _ in range(ROUNDS):
        before, values = list(shifts), first
        for number in range(len(shifts)):
            reads = reads_of(number, values)
            most = max(int(np.abs(sums).max()) for sums, _ in reads)
            top = min(max(0, most.bit_length() - (tiles.bits - 1)), MAX_ADC_SHIFT)
            # With most images right; the finest of equals.
            tried = range(max(0, top - TRIED + 1), top + 1) if top else range(1)
            best = [right(number, summed(shift, reads)) for shift in tried] if top else [0]
            shifts[number] = tried[int(np.argmax(best))]
            answer = model.answer(number, values, summed(shifts[number], reads))
            values = values if answer.outputs is None else answer.outputs
        if shifts == before:
            break
    return with_steps(network, tiles, [shift for shift in shifts if shift is not None])
