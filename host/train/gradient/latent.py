"""Network in training: latent real numbers behind the integers that the machine runs."""

import math
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from allspin.host.train.gradient.geometry import geometry_of
from allspin.host.train.gradient.layer_passes import forward_pass
from allspin.host.train.gradient.number_formats import GRID, Array, NumberFormats
from allspin.sim.network.adc import Adc
from allspin.sim.network.layer import GAIN_BITS, MAX_SHIFT, Converter, Layer
from allspin.sim.network.layer_kinds import DENSE, LayerKind
from allspin.sim.network.network import Network

FIRST_CURRENT_SPREAD = 0.3
"""Standard deviation of the neurons' input currents before training."""
OUTERMOST = 2.5
"""Outermost level, in standard deviations of a column's weights, when quantisation starts."""
GAIN_ROOM = 1.5
"""Factor by which a gain may grow in training before it reaches the end of its range."""
SMALLEST = 1e-6
"""Least standard deviation that anything is divided by."""
PASS_VALUES = 2**18
"""Row values of all positions and images of a pass, so that they stay in the cache."""
LEAST_IMAGES, MOST_IMAGES = 8, 40
"""Images of a pass. They share a chip, and a batch must see several chips."""
SAMPLE_IMAGES = 2000
"""Images that scale the first weights."""
SAMPLE_PASSES = 16
"""The same in passes, for networks with convolutions."""
SMALLEST_GAIN = 1e-9
"""Gain in place of 0, which has no logarithm."""


class LatentColumns(NamedTuple):
    """Layer of a network in training, in units of full scale.

    Attributes
    ----------
    weights : ndarray of float, shape (rows, columns)
        Latent weights, from -1 to 1.
    gains, offsets : ndarray of float, shape (columns,)
        Current per column sum, and current that is subtracted.
    """

    weights: npt.NDArray[np.floating[Any]]
    gains: npt.NDArray[np.floating[Any]]
    offsets: npt.NDArray[np.floating[Any]]


class LatentNetwork:
    """Weights, gains and offsets as real numbers, behind the integers that the machine runs.

    All quantities are in units of full scale: a weight of 1 is the outermost level, a row value
    of 1 the largest pixel or activation, a current of 1 the largest input current of a neuron.

    Parameters
    ----------
    formats : NumberFormats
        Number formats.
    topology : tuple of int
        Values of an image, and the columns of each layer.
    rng : Generator
        Draws of the first weights.
    kinds : sequence of LayerKind
        Kinds of the first layers; all others are dense.
    neuron_per : str
        ``column`` or ``position``: see `allspin.sim.network.network.Network`.

    Attributes
    ----------
    weights : list of ndarray of float32
        Weights of each layer, shape (rows, columns).
    log_gains, offsets : list of ndarray of float32
        Values of each hidden layer, shape (columns,): logarithm of the current per column sum, and
        the current that is subtracted.
    log_scale : ndarray of float32, shape (1,)
        Logarithm of the logit that the loss assigns to a sum of full scale.
    values : ndarray of float32
        All of the above, one after another; they are views of this array, which an optimiser
        changes in place.
    quantised : bool
        True if the network computes with the machine's integers.
    shifts : list of int
        Right shift of each hidden layer's V-I converters.
    adcs : list of Adc or None
        ADCs of each layer's tiles; None if columns are not cut into tiles.
    shapes : list of tuple of int
        Rows and columns of each layer.
    geometries : list of DenseGeometry
        Geometry of each layer.
    pass_images : int or None
        Largest number of images in a pass if the network has convolutions.
    """

    def __init__(
        self,
        formats: NumberFormats,
        topology: tuple[int, ...],
        rng: np.random.Generator,
        kinds: Sequence[LayerKind] = (),
        neuron_per: str = "column",
    ) -> None:
        self.formats = formats
        self.topology = topology
        self.layers = len(topology) - 1
        self.neuron_per = neuron_per
        self.kinds = [*kinds, *[DENSE] * (self.layers - len(kinds))]
        self.geometries = [geometry_of(kind, neuron_per == "position") for kind in self.kinds]
        self.shapes: list[tuple[int, int]] = []
        self.pass_images = self._lay_out_layers()
        self.quantised = False
        first = [
            rng.standard_normal(shape, dtype=np.float32) / np.float32(np.sqrt(shape[0]))
            for shape in self.shapes
        ]
        others = np.zeros(2 * sum(topology[1:-1]) + 1, np.float32)
        self.values = np.concatenate([*map(np.ravel, first), others])
        *parts, self.log_scale = self.parts(self.values)
        hidden_layers = self.layers - 1
        self.weights = parts[: self.layers]
        self.log_gains = parts[self.layers :][:hidden_layers]
        self.offsets = parts[self.layers :][hidden_layers:]
        self.shifts = [0] * hidden_layers
        self.adcs: list[Adc | None] = [None] * self.layers

    def _lay_out_layers(self) -> int | None:
        """Compute the shapes of the layers; return the largest number of images in a pass."""
        inputs = self.topology[0]
        most_values = 0
        for kind, geometry, columns in zip(
            self.kinds, self.geometries, self.topology[1:], strict=True
        ):
            shape = (geometry.rows(inputs), columns)
            self.shapes.append(shape)
            inputs = math.prod(kind.shape(columns))
            if kind.positions > 1:
                most_values = max(most_values, kind.positions * max(shape))
        if not most_values:
            return None
        return min(max(PASS_VALUES // most_values, LEAST_IMAGES), MOST_IMAGES)

    def gains(self, layer: int) -> Array:
        """Return the current per column sum, both in full scales, shape (columns,)."""
        return np.exp(self.log_gains[layer])

    def parts(self, values: Array) -> list[Array]:
        """Return views of values of all parameters, or of gradients by them, in `values`' order."""
        hidden = [(columns,) for columns in self.topology[1:-1]]
        shapes = [*self.shapes, *hidden, *hidden, (1,)]
        parts = np.split(values, np.cumsum([math.prod(shape) for shape in shapes])[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]

    def passes(self, start: int, end: int) -> list[tuple[int, int]]:
        """Cut a range of images into passes; the images of a pass may share a chip."""
        size = self.pass_images or max(end - start, 1)
        return list(pairwise([*range(start, end, size), end]))

    def sample(self, images: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the first of some images, enough to scale weights or logits on."""
        if self.pass_images is None:
            return images[:SAMPLE_IMAGES]
        return images[: SAMPLE_PASSES * self.pass_images]

    def clip(self) -> None:
        """Hold the latent weights within the outermost levels, once quantised."""
        if not self.quantised:
            return
        for weights in self.weights:
            np.clip(weights, -1, 1, out=weights)

    def fit_first_weights(self, values: Array) -> None:
        """Scale the first weights so that neurons work in the middle of their range.

        Parameters
        ----------
        values : ndarray of float32, shape (rows, images)
            Row values of some images, as integers.
        """
        drive = values.T / np.float32(self.formats.input_top(0))
        hidden = [partial(self._fit_hidden_layer, layer) for layer in range(self.layers - 1)]
        drive, _ = forward_pass(hidden, drive)
        self.weights[-1] /= np.maximum((drive @ self.weights[-1]).std(), np.float32(SMALLEST))

    def _fit_hidden_layer(self, layer: int, drive: Array) -> tuple[Array, None]:
        """Scale the first weights of a hidden layer; return its outputs."""
        geometry, weights, offsets = (
            self.geometries[layer],
            self.weights[layer],
            self.offsets[layer],
        )
        rows = geometry.unroll(drive)
        spread = geometry.product(rows, weights).std(axis=0)
        weights *= np.float32(FIRST_CURRENT_SPREAD) / np.maximum(spread, np.float32(SMALLEST))
        sums = geometry.product(rows, weights)
        offsets[:] = sums.mean(axis=0) - np.float32(self.formats.neuron.start)
        activations, _ = self.formats.respond(np.clip(sums - offsets, 0, 1))
        outputs, _ = geometry.pass_on(activations)
        return outputs, None

    def start_quantising(self) -> None:
        """Pass from real numbers to the machine's integers: every column gets its gain."""
        for layer, weights in enumerate(self.weights):
            last = layer == self.layers - 1
            spread = weights.std(axis=None if last else 0)
            outer = np.float32(OUTERMOST) * np.maximum(spread, np.float32(SMALLEST))
            weights /= outer
            scale = self.log_scale if last else self.log_gains[layer]
            scale[:] += np.log(outer)
        self._fit_shifts()

    def take(self, columns: Sequence[LatentColumns], scale: float) -> None:
        """Pass to the machine's integers with layers that were quantised elsewhere.

        Parameters
        ----------
        columns : sequence of LatentColumns
            The layers; gains and offsets of the last one are ignored.
        scale : float
            Logit that the loss assigns to a sum of full scale.
        """
        for weights, taken in zip(self.weights, columns, strict=True):
            weights[:] = taken.weights
        for gains, offsets, taken in zip(self.log_gains, self.offsets, columns, strict=False):
            gains[:] = np.log(np.maximum(taken.gains, SMALLEST_GAIN))
            offsets[:] = taken.offsets
        self.log_scale[:] = np.log(scale)
        self._fit_shifts()

    def _fit_shifts(self) -> None:
        """Quantise, with gains in as many bits as leave them room to grow."""
        for layer in range(self.layers - 1):
            largest = GAIN_ROOM * float(self.gains(layer).max()) * self._gain_unit(layer)
            shift = int(np.floor(np.log2((2**GAIN_BITS - 1) / largest)))
            self.shifts[layer] = min(max(shift, 0), MAX_SHIFT)
        self.quantised = True
        self.clip()

    def _gain_unit(self, layer: int) -> float:
        """Return a gain of 1 in steps of current per step of column sum."""
        return self.formats.current_top / (self.formats.input_top(layer) * self.formats.outermost)

    def states(self, layer: int) -> npt.NDArray[Any]:
        """Return the state of each synapse, with the nearest level, as whole numbers."""
        has_own_levels = self.formats.own_levels is not None
        top = GRID - 1 if has_own_levels else self.formats.states - 1
        place = self.weights[layer] + np.float32(1)
        place *= np.float32(top / 2)
        np.rint(place, out=place)
        np.clip(place, 0, top, out=place)
        return self.formats.nearest_states[place.astype(np.intp)] if has_own_levels else place

    def words(self, layer: int) -> Array:
        """Return the R_AH words of a layer, as whole numbers."""
        levels = self.formats.levels
        words = self.states(layer)
        if self.formats.own_levels is not None:
            return levels.astype(np.float32)[words]
        words *= np.float32(levels[1] - levels[0])
        words += np.float32(levels[0])
        return words

    def converter(self, layer: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return gains and offsets of a layer's V-I converters, as whole numbers."""
        unit = self._gain_unit(layer) * 2.0 ** self.shifts[layer]
        gains = np.rint(self.gains(layer).astype(np.float64) * unit)
        offsets = np.rint(self.offsets[layer].astype(np.float64) * self.formats.current_top)
        bound = 2 ** (self.formats.current_bits + 1)
        return np.clip(gains, 0, 2**GAIN_BITS - 1), np.clip(offsets, -bound, bound - 1)

    def export(self, image_shape: tuple[int, ...], provenance: dict[str, Any]) -> Network:
        """Return the network that the machine runs.

        Parameters
        ----------
        image_shape : tuple of int
            Height and width of an image.
        provenance : dict
            Origin of the network.
        """
        formats = self.formats
        layers = []
        for layer in range(self.layers):
            converter = table = None
            if layer < self.layers - 1:
                gains, offsets = (each.astype(np.int32) for each in self.converter(layer))
                converter = Converter(gains, offsets, self.shifts[layer])
                table = formats.table if formats.neuron.has_table else None
            states = self.states(layer).astype(np.uint8)
            adc, kind = self.adcs[layer], self.kinds[layer]
            layers.append(Layer(states, formats.levels, converter, table, adc, kind))
        return formats.network(layers, image_shape, provenance, self.neuron_per)
