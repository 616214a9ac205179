"""A network in training: latent real numbers behind the integers that the machine runs.

One class serves both phases. Before quantisation its layers compute with real numbers; from
then on the forward pass is the machine's, bit for bit, and the backward pass takes each
rounding for the identity (straight-through estimator: Bengio, Leonard and Courville, 2013,
arXiv:1308.3432).

Quantities are in units of full scale: a weight of 1 is the outermost level, a row value of 1
the largest pixel, a current of 1 the largest input current of a neuron.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from sim.golden import EXACT_FLOAT32
from sim.levels import uniform_levels
from sim.network import GAIN_BITS, MAX_SHIFT, Converter, Layer, Network
from sim.neuron import Neuron, ReluNeuron, SotNeuron

Array = npt.NDArray[np.float32]

SPREAD = 0.3
"""Standard deviation of the neurons' input currents before training."""
START = 0.15
"""Mean of the neurons' input currents before training."""
FINE = 4096
"""Entries of the tables that stand for a neuron's smooth response and its slope."""
OUTERMOST = 2.5
"""Outermost level, in standard deviations of a column's weights, when quantisation starts."""


@dataclass(frozen=True)
class Machine:
    """The number formats that a network is trained for.

    Parameters
    ----------
    neuron : Neuron
        Of the hidden layers.
    states : int
        States of a synapse.
    pixel_bits, hidden_bits, rah_bits, current_bits : int
        As `sim.network.Network` has them.
    """

    neuron: Neuron
    states: int
    pixel_bits: int
    hidden_bits: int
    rah_bits: int
    current_bits: int

    def input_top(self, layer: int) -> int:
        """Largest value that drives the rows of a layer."""
        return 2 ** (self.pixel_bits if layer == 0 else self.hidden_bits) - 1


class LatentNetwork:
    """Weights, gains and offsets as real numbers, with forward and backward pass.

    Parameters
    ----------
    machine : Machine
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
        Whether the forward pass is the machine's.
    """

    def __init__(
        self, machine: Machine, topology: tuple[int, ...], rng: np.random.Generator
    ) -> None:
        self.machine = machine
        self.topology = topology
        self.layers = len(topology) - 1
        self.quantised = False
        self.parameters: list[Array] = [
            rng.standard_normal((rows, columns), dtype=np.float32) / np.float32(np.sqrt(rows))
            for rows, columns in pairwise(topology)
        ]
        for columns in topology[1:-1]:
            self.parameters += [np.zeros(columns, np.float32), np.zeros(columns, np.float32)]
        self.parameters.append(np.zeros(1, np.float32))
        levels = uniform_levels(machine.states, machine.rah_bits)
        self._levels = levels
        self._step = int(levels[1]) - int(levels[0])
        self._outer = int(levels[-1])
        top = 2**machine.current_bits - 1
        fine = np.arange(FINE) / (FINE - 1)
        response = machine.neuron.response(fine)
        self._fine = response.astype(np.float32)
        self._fine_slope = np.gradient(response, fine).astype(np.float32)
        coarse = np.arange(top + 1) / top
        self._coarse_slope = np.interp(coarse, fine, self._fine_slope).astype(np.float32)
        self._table = _activation_table(machine)
        self._shifts = [0] * (self.layers - 1)

    # -- what learns ---------------------------------------------------------------------

    def weights(self, layer: int) -> Array:
        """Latent weights of a layer, shape (rows, columns)."""
        return self.parameters[layer]

    def _gains(self, layer: int) -> Array:
        return np.exp(self.parameters[self.layers + 2 * layer])

    def _offsets(self, layer: int) -> Array:
        return self.parameters[self.layers + 2 * layer + 1]

    def fit_first_weights(self, values: Array) -> None:
        """Scale the first weights so that the neurons work in the middle of their range.

        Parameters
        ----------
        values : ndarray of float32, shape (rows, images)
            Row values of some images, as integers.
        """
        drive = values.T / np.float32(self.machine.input_top(0))
        for layer in range(self.layers):
            weights = self.weights(layer)
            sums = drive @ weights
            if layer == self.layers - 1:
                weights /= max(float(sums.std()), 1e-6)
                break
            weights *= SPREAD / np.maximum(sums.std(axis=0), 1e-6)
            sums = drive @ weights
            self._offsets(layer)[:] = sums.mean(axis=0) - START
            drive = self._respond(np.clip(sums - self._offsets(layer), 0, 1))[0]

    def start_quantising(self) -> None:
        """Pass from real numbers to the machine's integers: every column gets its gain."""
        for layer in range(self.layers):
            weights = self.weights(layer)
            last = layer == self.layers - 1
            spread = weights.std() if last else weights.std(axis=0)
            outer = np.maximum(OUTERMOST * spread, 1e-6).astype(np.float32)
            weights /= outer
            self.parameters[-1 if last else self.layers + 2 * layer][:] += np.log(outer)
            if not last:
                unit = self._gain_unit(layer)
                largest = float(self._gains(layer).max()) * unit * 1.5
                shift = int(np.floor(np.log2((2**GAIN_BITS - 1) / largest)))
                self._shifts[layer] = min(max(shift, 0), MAX_SHIFT)
        self.quantised = True
        self.clip()

    def assign(self, values: list[Array]) -> None:
        """Take other values for all parameters."""
        for parameter, value in zip(self.parameters, values, strict=True):
            parameter[:] = value

    def clip(self) -> None:
        """Hold the latent weights within reach of the levels."""
        if self.quantised:
            for layer in range(self.layers):
                np.clip(self.weights(layer), -1, 1, out=self.weights(layer))

    # -- integers ------------------------------------------------------------------------

    def _gain_unit(self, layer: int) -> float:
        """Gain of 1 (full scale to full scale) as a multiplier without shift."""
        machine = self.machine
        return (2**machine.current_bits - 1) / (machine.input_top(layer) * self._outer)

    def _states(self, layer: int) -> Array:
        states = self.weights(layer) + np.float32(1)
        states *= np.float32((self.machine.states - 1) / 2)
        np.rint(states, out=states)
        return np.clip(states, 0, self.machine.states - 1, out=states)

    def _words(self, layer: int) -> Array:
        """R_AH words of a layer, as whole float32 numbers."""
        words = self._states(layer)
        words *= np.float32(self._step)
        words -= np.float32(self._outer)
        return words

    def _converter(self, layer: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Gains and offsets of a layer, as whole numbers."""
        gains = self._gains(layer).astype(np.float64) * (
            self._gain_unit(layer) * 2.0 ** self._shifts[layer]
        )
        top = 2**self.machine.current_bits
        offsets = self._offsets(layer).astype(np.float64) * (top - 1)
        return (
            np.clip(np.rint(gains), 0, 2**GAIN_BITS - 1),
            np.clip(np.rint(offsets), -2 * top, 2 * top - 1),
        )

    def export(self, image_shape: tuple[int, int], provenance: dict[str, object]) -> Network:
        """The network that the machine runs.

        Parameters
        ----------
        image_shape : tuple of int
            Height and width of an image.
        provenance : dict
            Where the network comes from.
        """
        machine = self.machine
        table = self._table.astype(np.uint8) if machine.neuron.has_table else None
        layers = []
        for layer in range(self.layers):
            converter = None
            if layer < self.layers - 1:
                gains, offsets = self._converter(layer)
                converter = Converter(
                    gains.astype(np.int32), offsets.astype(np.int32), self._shifts[layer]
                )
            layers.append(
                Layer(
                    states=self._states(layer).astype(np.uint8),
                    levels=self._levels,
                    converter=converter,
                    table=None if converter is None else table,
                )
            )
        return Network(
            layers=tuple(layers),
            neuron=machine.neuron,
            image_shape=image_shape,
            pixel_bits=machine.pixel_bits,
            hidden_bits=machine.hidden_bits,
            rah_bits=machine.rah_bits,
            current_bits=machine.current_bits,
            provenance=provenance,
        )

    # -- forward and backward ------------------------------------------------------------

    def _respond(self, currents: Array) -> tuple[Array, Array]:
        """Smooth response and slope at currents from 0 to 1."""
        place = (currents * np.float32(FINE - 1) + np.float32(0.5)).astype(np.int32)
        return self._fine[place], self._fine_slope[place]

    def forward(
        self, values: Array, noise: float = 0.0, rng: np.random.Generator | None = None
    ) -> tuple[Array, list[tuple[Array, ...]]]:
        """Column sums of the last layer, and what the backward pass needs.

        Parameters
        ----------
        values : ndarray of float32, shape (rows, images)
            Row values as integers.
        noise : float
            Standard deviation of the noise on each weight, as a fraction of the range of
            R_AH (outermost level to outermost level).
        rng : Generator, optional
            Draws the noise.

        Returns
        -------
        sums : ndarray of float32, shape (images, classes)
            In units of full scale; quantised and without noise, a multiple of the machine's.
        record : list
            For `backward`.
        """
        record: list[tuple[Array, ...]] = []
        drive = values.T
        for layer in range(self.layers):
            top = self.machine.input_top(layer)
            if self.quantised:
                matrix, unit = self._words(layer), np.float32(1 / (top * self._outer))
            else:
                matrix, unit = self.weights(layer), np.float32(1 / top if layer == 0 else 1)
            if noise and rng is not None:
                sigma = np.float32(2 * noise * (self._outer if self.quantised else 1))
                if not self.quantised:
                    sigma *= np.float32(OUTERMOST) * matrix.std()
                matrix = matrix + sigma * rng.standard_normal(matrix.shape, dtype=np.float32)
            sums = self._column_sums(drive, matrix, top)
            if layer == self.layers - 1:
                record.append((drive, matrix, sums))
                return (sums * unit).astype(np.float32), record
            if self.quantised:
                gains, offsets = self._converter(layer)
                currents = np.floor(sums * (gains * 2.0 ** -self._shifts[layer])) - offsets
                inside = (currents >= 0) & (currents < 2**self.machine.current_bits)
                np.clip(currents, 0, 2**self.machine.current_bits - 1, out=currents)
                place = currents.astype(np.int32)
                activations, slopes = self._table[place], self._coarse_slope[place]
            else:
                currents = sums * (self._gains(layer) * unit) - self._offsets(layer)
                inside = (currents > 0) & (currents < 1)
                activations, slopes = self._respond(np.clip(currents, 0, 1))
            record.append((drive, matrix, sums, slopes * inside))
            drive = activations
        raise AssertionError("a network has a layer")

    def _column_sums(self, drive: Array, matrix: Array, top: int) -> npt.NDArray[np.floating]:
        if self.quantised and float(np.abs(matrix).sum(axis=0).max()) * top >= EXACT_FLOAT32:
            return drive.astype(np.float64) @ matrix
        return drive @ matrix

    def backward(self, slope: Array, record: list[tuple[Array, ...]]) -> list[Array]:
        """Gradient of the loss by each parameter.

        Parameters
        ----------
        slope : ndarray of float32, shape (images, classes)
            Gradient by the sums that `forward` returned.
        record : list
            From the same call of `forward`.

        Returns
        -------
        list of ndarray of float32
            As `parameters`; that by the scale of the logits is left at 0.
        """
        gradients = [np.zeros_like(parameter) for parameter in self.parameters]
        for layer in reversed(range(self.layers)):
            drive, matrix, sums = record[layer][:3]
            top = np.float32(self.machine.input_top(layer))
            per_drive = np.float32(1) / (top if self.quantised or layer == 0 else 1)
            per_weight = np.float32(1 / self._outer if self.quantised else 1)
            if layer < self.layers - 1:
                slope = slope * record[layer][3]
                gains = self._gains(layer)
                unit = per_drive * per_weight
                by_gain = np.einsum("ij,ij->j", slope, sums.astype(np.float32)) * unit
                gradients[self.layers + 2 * layer] = by_gain * gains
                gradients[self.layers + 2 * layer + 1] = -slope.sum(axis=0)
                slope = slope * gains
            gradients[layer] = drive.T @ (slope * per_drive)
            if layer:
                slope = (slope * per_weight) @ matrix.T
        return gradients


def _activation_table(machine: Machine) -> Array:
    """Activation (a whole number) at each input current."""
    match machine.neuron:
        case SotNeuron() as neuron:
            table = neuron.table(machine.current_bits, machine.hidden_bits)
        case ReluNeuron():
            drop = machine.current_bits - machine.hidden_bits
            rounded = (np.arange(2**machine.current_bits) + ((1 << drop) >> 1)) >> drop
            table = np.minimum(rounded, 2**machine.hidden_bits - 1)
    return table.astype(np.float32)
