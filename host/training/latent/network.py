"""A network in training: latent real numbers behind the integers that the machine runs.

Quantities are in units of full scale: a weight of 1 is the outermost level, a row value of 1
the largest pixel or activation, a current of 1 the largest input current of a neuron.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from allspin.host.training.latent.number_formats import GRID, Array, NumberFormats
from allspin.sim.network.adc import Adc
from allspin.sim.network.network import GAIN_BITS, MAX_SHIFT, Converter, Layer, Network

SPREAD = 0.3
"""Standard deviation of the neurons' input currents before training."""
OUTERMOST = 2.5
"""Outermost level, in standard deviations of a column's weights, when quantisation starts."""
GAIN_ROOM = 1.5
"""How far a gain may grow in training before it meets the end of its range."""
SMALLEST = 1e-6
"""Least standard deviation that anything is divided by."""
SMALLEST_GAIN = 1e-9
"""Stands for a gain of 0, which has no logarithm."""


class Columns(NamedTuple):
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
    """Weights, gains and offsets as real numbers.

    Parameters
    ----------
    formats : NumberFormats
        Number formats.
    topology : tuple of int
        Widths from the pixels to the classes.
    rng : Generator
        Draws the first weights.

    Attributes
    ----------
    parameters : list of ndarray of float32
        Everything that learns, changed in place by an optimiser: the weights of each layer,
        shape (rows, columns); then of each hidden layer the logarithm of the columns' gains
        and their offsets; then the logarithm of the scale of the logits.
    quantised : bool
        Whether the network computes with the machine's integers.
    adcs : list of Adc or None
        Each layer's converters once it does, where columns are cut into tiles.
    """

    def __init__(
        self, formats: NumberFormats, topology: tuple[int, ...], rng: np.random.Generator
    ) -> None:
        self.formats = formats
        self.topology = topology
        self.layers = len(topology) - 1
        self.quantised = False
        self.parameters: list[Array] = [
            rng.standard_normal(shape, dtype=np.float32) / np.float32(np.sqrt(shape[0]))
            for shape in pairwise(topology)
        ]
        for columns in topology[1:-1]:
            self.parameters += [np.zeros(columns, np.float32), np.zeros(columns, np.float32)]
        self.parameters.append(np.zeros(1, np.float32))
        self._shifts = [0] * (self.layers - 1)
        self.adcs: list[Adc | None] = [None] * self.layers

    def weights(self, layer: int) -> Array:
        """Latent weights of a layer, shape (rows, columns)."""
        return self.parameters[layer]

    def gain_place(self, layer: int) -> int:
        """Where `parameters` has the gains of a layer; the offsets are next."""
        return self.layers + 2 * layer

    def gains(self, layer: int) -> Array:
        """Current per column sum, both of full scale, shape (columns,)."""
        return np.exp(self.parameters[self.gain_place(layer)])

    def offsets(self, layer: int) -> Array:
        """Current taken off, shape (columns,)."""
        return self.parameters[self.gain_place(layer) + 1]

    def assign(self, values: list[Array]) -> None:
        """Take other values for all parameters."""
        for parameter, value in zip(self.parameters, values, strict=True):
            parameter[:] = value

    def clip(self) -> None:
        """Hold the latent weights within reach of the levels, once there are levels."""
        if self.quantised:
            for layer in range(self.layers):
                np.clip(self.weights(layer), -1, 1, out=self.weights(layer))

    # -- the two beginnings --------------------------------------------------------------

    def fit_first_weights(self, values: Array) -> None:
        """Scale the first weights so that the neurons work in the middle of their range.

        Parameters
        ----------
        values : ndarray of float32, shape (rows, images)
            Row values of some images, as integers.
        """
        drive = values.T / np.float32(self.formats.input_top(0))
        start = np.float32(self.formats.neuron.start)
        for layer in range(self.layers):
            weights = self.weights(layer)
            sums = drive @ weights
            if layer == self.layers - 1:
                weights /= np.maximum(sums.std(), np.float32(SMALLEST))
                return
            weights *= np.float32(SPREAD) / np.maximum(sums.std(axis=0), np.float32(SMALLEST))
            sums = drive @ weights
            self.offsets(layer)[:] = sums.mean(axis=0) - start
            drive, _ = self.formats.respond(np.clip(sums - self.offsets(layer), 0, 1))

    def start_quantising(self) -> None:
        """Pass from real numbers to the machine's integers: every column gets its gain."""
        for layer in range(self.layers):
            weights = self.weights(layer)
            last = layer == self.layers - 1
            spread = weights.std(axis=None if last else 0)
            outer = np.float32(OUTERMOST) * np.maximum(spread, np.float32(SMALLEST))
            weights /= outer
            self.parameters[-1 if last else self.gain_place(layer)][:] += np.log(outer)
            if not last:
                self._fit_shift(layer)
        self.quantised = True
        self.clip()

    def take(self, columns: Sequence[Columns], scale: float) -> None:
        """Pass to the machine's integers with layers that come from elsewhere.

        Parameters
        ----------
        columns : sequence of Columns
            Of each layer; gains and offsets of the last one count for nothing.
        scale : float
            Of the logits: what the loss takes a sum of full scale for.
        """
        for layer, taken in enumerate(columns):
            self.weights(layer)[:] = taken.weights
            if layer < self.layers - 1:
                place = self.gain_place(layer)
                self.parameters[place][:] = np.log(np.maximum(taken.gains, SMALLEST_GAIN))
                self.parameters[place + 1][:] = taken.offsets
                self._fit_shift(layer)
        self.parameters[-1][:] = np.log(scale)
        self.quantised = True
        self.clip()

    def _fit_shift(self, layer: int) -> None:
        """Let the gains of a layer use as many of their bits as leaves them room to grow."""
        largest = GAIN_ROOM * float(self.gains(layer).max()) * self._gain_unit(layer)
        shift = int(np.floor(np.log2((2**GAIN_BITS - 1) / largest)))
        self._shifts[layer] = min(max(shift, 0), MAX_SHIFT)

    # -- integers ------------------------------------------------------------------------

    def _gain_unit(self, layer: int) -> float:
        """A gain of 1 in steps of current per step of column sum."""
        return self.formats.current_top / (self.formats.input_top(layer) * self.formats.outermost)

    def shift(self, layer: int) -> int:
        """Right shift of a layer's V-I converters."""
        return self._shifts[layer]

    def states(self, layer: int) -> npt.NDArray[Any]:
        """State of each synapse of a layer: the nearest level's, as whole numbers."""
        if self.formats.own_levels is not None:
            place = (self.weights(layer) + np.float32(1)) * np.float32((GRID - 1) / 2)
            np.rint(place, out=place)
            return self.formats.nearest_states[np.clip(place, 0, GRID - 1).astype(np.intp)]
        states = self.weights(layer) + np.float32(1)
        states *= np.float32((self.formats.states - 1) / 2)
        np.rint(states, out=states)
        return np.clip(states, 0, self.formats.states - 1, out=states)

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
        formats = self.formats
        gains = self.gains(layer).astype(np.float64)
        gains *= self._gain_unit(layer) * 2.0 ** self.shift(layer)
        offsets = self.offsets(layer).astype(np.float64) * formats.current_top
        bound = 2 ** (formats.current_bits + 1)
        return (
            np.clip(np.rint(gains), 0, 2**GAIN_BITS - 1),
            np.clip(np.rint(offsets), -bound, bound - 1),
        )

    def export(self, image_shape: tuple[int, int], provenance: dict[str, Any]) -> Network:
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
            converter, table = None, None
            if layer < self.layers - 1:
                gains, offsets = self.converter(layer)
                converter = Converter(
                    gains.astype(np.int32), offsets.astype(np.int32), self.shift(layer)
                )
                table = formats.table if formats.neuron.has_table else None
            states = self.states(layer).astype(np.uint8)
            layers.append(Layer(states, formats.levels, converter, table, self.adcs[layer]))
        return formats.network(layers, image_shape, provenance)
