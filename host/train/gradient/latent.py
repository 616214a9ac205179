"""A network in training: its latent real numbers, and how they learn."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from allspin.host.train.gradient.number_formats import GRID, Array, NumberFormats
from allspin.host.train.gradient.windows import path_of
from allspin.sim.network.adc import Adc
from allspin.sim.network.layer import GAIN_BITS, MAX_SHIFT, Converter, Layer
from allspin.sim.network.layer_kinds import DENSE, LayerKind
from allspin.sim.network.network import Network

SPREAD = 0.3
"""Standard deviation of the neurons' input currents before training."""
OUTERMOST = 2.5
"""Outermost level, in standard deviations of a column's weights, when quantisation starts."""
GAIN_ROOM = 1.5
"""How far a gain may grow in training before it meets the end of its range."""
SMALLEST = 1e-6
"""Least standard deviation that anything is divided by."""
AT_ONCE = 2**18
"""Row values of all positions and images of a pass: they stay in the cache."""
LEAST, MOST = 8, 40
"""Images of a pass: they share a chip, and a batch is to see several."""
FIRST_IMAGES = 2000
"""Images that the first weights are scaled on."""
MANY = 16
"""As many times the images of a pass, where there are convolutions."""
SMALLEST_GAIN = 1e-9
"""Stands for a gain of 0, which has no logarithm."""


class LatentColumns(NamedTuple):
    """A layer of a network in training, in units of full scale.

    Attributes
    ----------
    weights : ndarray of float, shape (rows, columns)
        Latent weights, from -1 to 1.
    gains, offsets : ndarray of float, shape (columns,)
        Current per column sum, and current taken off.
    """

    weights: npt.NDArray[np.floating[Any]]
    gains: npt.NDArray[np.floating[Any]]
    offsets: npt.NDArray[np.floating[Any]]


class LatentNetwork:
    """Weights, gains and offsets as real numbers, behind the integers that the machine runs.

    Quantities are in units of full scale: a weight of 1 is the outermost level, a row value of 1
    the largest pixel or activation, a current of 1 the largest input current of a neuron.

    Parameters
    ----------
    formats : NumberFormats
        Number formats.
    topology : tuple of int
        Values of an image, and the columns of each layer.
    rng : Generator
        Draws the first weights.
    kinds : sequence of LayerKind
        Of the first layers; all others are dense.
    neuron_per : str
        As of `allspin.sim.network.network.Network`.

    Attributes
    ----------
    weights : list of ndarray of float32
        Of each layer, shape (rows, columns).
    log_gains, offsets : list of ndarray of float32
        Of each hidden layer, shape (columns,): the logarithm of the current per column sum, and
        the current taken off.
    log_scale : ndarray of float32, shape (1,)
        Logarithm of what the loss takes a sum of full scale for.
    values : ndarray of float32
        All of these, one after another: they are views of what an optimiser changes in place.
    quantised : bool
        Whether the network computes with the machine's integers.
    shifts : list of int
        Right shift of each hidden layer's V-I converters.
    adcs : list of Adc or None
        Each layer's converters once it does, where columns are cut into tiles.
    shapes : list of tuple of int
        Rows and columns of each layer.
    paths : list of Direct
        How each layer's values come to its rows.
    at_once : int or None
        Images that a pass has at most, where there are convolutions.
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
        self.paths = [path_of(kind, neuron_per == "position") for kind in self.kinds]
        self.shapes: list[tuple[int, int]] = []
        values, most = topology[0], 0
        for kind, path, columns in zip(self.kinds, self.paths, topology[1:], strict=True):
            self.shapes.append((path.rows(values), columns))
            values = math.prod(kind.shape(columns))
            if kind.positions > 1:
                most = max(most, kind.positions * max(self.shapes[-1]))
        self.at_once = min(max(AT_ONCE // most, LEAST), MOST) if most else None
        self.quantised = False
        first = [
            rng.standard_normal(shape, dtype=np.float32) / np.float32(np.sqrt(shape[0]))
            for shape in self.shapes
        ]
        others = np.zeros(2 * sum(topology[1:-1]) + 1, np.float32)
        self.values = np.concatenate([*map(np.ravel, first), others])
        *parts, self.log_scale = self.parts(self.values)
        self.weights, hidden = parts[: self.layers], parts[self.layers :]
        self.log_gains, self.offsets = hidden[: self.layers - 1], hidden[self.layers - 1 :]
        self.shifts = [0] * (self.layers - 1)
        self.adcs: list[Adc | None] = [None] * self.layers

    def gains(self, layer: int) -> Array:
        """Current per column sum, both of full scale, shape (columns,)."""
        return np.exp(self.log_gains[layer])

    def parts(self, values: Array) -> list[Array]:
        """Views of values of all parameters, or of gradients by them, as `values` has them."""
        hidden = [(columns,) for columns in self.topology[1:-1]]
        shapes = [*self.shapes, *hidden, *hidden, (1,)]
        parts = np.split(values, np.cumsum([math.prod(shape) for shape in shapes])[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]

    def passes(self, start: int, end: int) -> list[tuple[int, int]]:
        """Some images, cut into those of a pass each: of whole chips, into those of a chip."""
        ends = [*range(start, end, self.at_once or max(end - start, 1)), end]
        return list(pairwise(ends))

    def few(self, images: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Of some images as many as a first look takes, which is one pass."""
        return images[: FIRST_IMAGES if self.at_once is None else MANY * self.at_once]

    def clip(self) -> None:
        """Hold the latent weights within reach of the levels, once there are levels."""
        for weights in self.weights if self.quantised else ():
            np.clip(weights, -1, 1, out=weights)

    def fit_first_weights(self, values: Array) -> None:
        """Scale the first weights so that the neurons work in the middle of their range.

        Parameters
        ----------
        values : ndarray of float32, shape (rows, images)
            Row values of some images, as integers.
        """
        drive = values.T / np.float32(self.formats.input_top(0))
        start = np.float32(self.formats.neuron.start)
        for path, weights, offsets in zip(self.paths, self.weights, self.offsets, strict=False):
            rows = path.driven(drive)
            spread = path.product(rows, weights).std(axis=0)
            weights *= np.float32(SPREAD) / np.maximum(spread, np.float32(SMALLEST))
            sums = path.product(rows, weights)
            offsets[:] = sums.mean(axis=0) - start
            drive, _ = path.handed_on(self.formats.respond(np.clip(sums - offsets, 0, 1))[0])
        self.weights[-1] /= np.maximum((drive @ self.weights[-1]).std(), np.float32(SMALLEST))

    def start_quantising(self) -> None:
        """Pass from real numbers to the machine's integers: every column gets its gain."""
        for layer, weights in enumerate(self.weights):
            last = layer == self.layers - 1
            spread = weights.std(axis=None if last else 0)
            outer = np.float32(OUTERMOST) * np.maximum(spread, np.float32(SMALLEST))
            weights /= outer
            (self.log_scale if last else self.log_gains[layer])[:] += np.log(outer)
        self._fit_shifts()

    def take(self, columns: Sequence[LatentColumns], scale: float) -> None:
        """Pass to the machine's integers with layers that come from elsewhere.

        Parameters
        ----------
        columns : sequence of LatentColumns
            Of each layer; gains and offsets of the last one count for nothing.
        scale : float
            Of the logits: what the loss takes a sum of full scale for.
        """
        for weights, taken in zip(self.weights, columns, strict=True):
            weights[:] = taken.weights
        for gains, offsets, taken in zip(self.log_gains, self.offsets, columns, strict=False):
            gains[:] = np.log(np.maximum(taken.gains, SMALLEST_GAIN))
            offsets[:] = taken.offsets
        self.log_scale[:] = np.log(scale)
        self._fit_shifts()

    def _fit_shifts(self) -> None:
        """Quantise, and let gains use as many of their bits as leaves them room to grow."""
        for layer in range(self.layers - 1):
            largest = GAIN_ROOM * float(self.gains(layer).max()) * self._gain_unit(layer)
            shift = int(np.floor(np.log2((2**GAIN_BITS - 1) / largest)))
            self.shifts[layer] = min(max(shift, 0), MAX_SHIFT)
        self.quantised = True
        self.clip()

    def _gain_unit(self, layer: int) -> float:
        """A gain of 1 in steps of current per step of column sum."""
        return self.formats.current_top / (self.formats.input_top(layer) * self.formats.outermost)

    def states(self, layer: int) -> npt.NDArray[Any]:
        """State of each synapse of a layer: the nearest level's, as whole numbers."""
        own = self.formats.own_levels is not None
        top = GRID - 1 if own else self.formats.states - 1
        place = self.weights[layer] + np.float32(1)
        place *= np.float32(top / 2)
        np.rint(place, out=place)
        np.clip(place, 0, top, out=place)
        return self.formats.nearest_states[place.astype(np.intp)] if own else place

    def words(self, layer: int) -> Array:
        """R_AH words of a layer, as whole numbers."""
        levels = self.formats.levels
        words = self.states(layer)
        if self.formats.own_levels is not None:
            return levels.astype(np.float32)[words]
        words *= np.float32(levels[1] - levels[0])
        words += np.float32(levels[0])
        return words

    def converter(self, layer: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Gains and offsets of a layer's V-I converters, as whole numbers."""
        unit = self._gain_unit(layer) * 2.0 ** self.shifts[layer]
        gains = self.gains(layer).astype(np.float64) * unit
        offsets = self.offsets[layer].astype(np.float64) * self.formats.current_top
        bound = 2 ** (self.formats.current_bits + 1)
        return (
            np.clip(np.rint(gains), 0, 2**GAIN_BITS - 1),
            np.clip(np.rint(offsets), -bound, bound - 1),
        )

    def export(self, image_shape: tuple[int, ...], provenance: dict[str, Any]) -> Network:
        """The network that the machine runs.

        Parameters
        ----------
        image_shape : tuple of int
            Height and width of an image.
        provenance : dict
            Where the network comes from.
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
            parts = converter, table, self.adcs[layer], self.kinds[layer]
            layers.append(Layer(states, formats.levels, *parts))
        return formats.network(layers, image_shape, provenance, self.neuron_per)


BETA_1 = 0.9
BETA_2 = 0.999
EPSILON = 1e-8


class Adam:
    """Adam (Kingma and Ba, 2015, arXiv:1412.6980), in place, and a running average.

    Parameters
    ----------
    values : ndarray of float32
        What learns; changed in place.
    memory : float
        Steps over which the running average of the values reaches back; it reaches back over a
        part of the steps so far while they are few.

    Attributes
    ----------
    average : ndarray of float32
        Running average of the values: a better network than the last step's.
    """

    def __init__(self, values: Array, memory: float) -> None:
        self.values = values
        self.memory = memory
        self.average = values.copy()
        self._steps = 0
        self._first, self._second = np.zeros((2, *values.shape), np.float32)

    def step(self, gradient: Array, rate: float) -> None:
        """Move against the gradient.

        Parameters
        ----------
        gradient : ndarray of float32
            By each value; overwritten.
        rate : float
            Learning rate.
        """
        self._steps += 1
        self._first *= np.float32(BETA_1)
        self._first += np.float32(1 - BETA_1) * gradient
        np.multiply(gradient, gradient, out=gradient)
        gradient *= np.float32(1 - BETA_2)
        self._second *= np.float32(BETA_2)
        self._second += gradient
        np.sqrt(self._second, out=gradient)
        gradient *= np.float32(1 / np.sqrt(1 - BETA_2**self._steps))
        gradient += np.float32(EPSILON)
        np.divide(self._first, gradient, out=gradient)
        gradient *= np.float32(-rate / (1 - BETA_1**self._steps))
        self.values += gradient

    def follow(self) -> None:
        """Take the values into the running average."""
        share = np.float32(1 / min(self._steps + 1, self.memory))
        self.average += share * (self.values - self.average)
