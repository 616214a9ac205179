"""Network that learns in the array: crossbars with hidden neurons between them."""

import math
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from allspin.host.learn.devices import CrossbarDevices
from allspin.host.learn.neurons import Hidden, ReluHidden, SotHidden
from allspin.host.learn.parameters import ArrayParameters
from allspin.host.learn.weights import PulsedWeights, SoftwareWeights, Weights
from allspin.host.train.gradient.layer_passes import backward_pass, forward_pass
from allspin.host.train.gradient.loss import cross_entropy
from allspin.host.train.gradient.number_formats import Array
from allspin.sim.device.neuron_variation import NeuronVariation

CHUNK = 2500
"""Images that are classified at a time."""


def row_values(images: npt.NDArray[np.uint8]) -> Array:
    """Return the row currents of images, shape (images, rows); grey level 255 is full current."""
    values = images.reshape(len(images), -1).astype(np.float32)
    values /= np.float32(255)
    return values


class _Pass(NamedTuple):
    """Record of a layer's forward pass.

    Attributes
    ----------
    drive : ndarray of float32, shape (images, rows)
        Row currents.
    slopes : ndarray of float32, shape (images, columns), or None
        Slopes of the neurons behind the crossbar; None in the last layer.
    """

    drive: Array
    slopes: Array | None


class ArrayNetwork:
    """Crossbars with hidden neurons between them, in training.

    Parameters
    ----------
    parameters : ArrayParameters
        Topology, devices and learning rule.
    rows, classes : int
        Rows of the first crossbar and columns of the last.

    Attributes
    ----------
    weights : list of Weights
        The crossbars.
    neurons : list of Hidden
        The neurons behind each crossbar except the last.
    bias : ndarray of float32, shape (classes,)
        Biases of the output in software; 0 by default.
    """

    def __init__(self, parameters: ArrayParameters, rows: int, classes: int) -> None:
        self.parameters = parameters
        rng = np.random.default_rng([parameters.seed, 0])
        self.weights: list[Weights] = []
        for layer, shape in enumerate(pairwise((rows, *parameters.hidden, classes))):
            initial = rng.standard_normal(shape, np.float32) * np.float32(math.sqrt(2 / shape[0]))
            if parameters.synapse is None:
                self.weights.append(SoftwareWeights(initial))
            else:
                self.weights.append(PulsedWeights(parameters.synapse, parameters, initial, layer))
        self.neurons = self.hidden_neurons(parameters.neuron_variation)
        self.bias = np.zeros(classes, np.float32)
        self._velocities = [np.zeros_like(crossbar.matrix) for crossbar in self.weights]

    def hidden_neurons(self, variation: NeuronVariation) -> list[Hidden]:
        """Make the neurons behind each crossbar except the last, with a given variation."""
        parameters = self.parameters
        layers = range(len(parameters.hidden))
        if parameters.neuron is None:
            return [ReluHidden() for _ in layers]
        return [SotHidden(parameters.neuron, parameters, variation, layer) for layer in layers]

    @property
    def pulsed(self) -> list[PulsedWeights]:
        """The crossbars of devices."""
        return [crossbar for crossbar in self.weights if isinstance(crossbar, PulsedWeights)]

    @property
    def devices(self) -> list[CrossbarDevices]:
        """The devices of all crossbars, first to last; of pairs, the first devices first."""
        return [devices for crossbar in self.pulsed for devices in crossbar.devices]

    @property
    def pulse_counts(self) -> npt.NDArray[np.uint32]:
        """Pulses that each device got, crossbar by crossbar as in `devices`."""
        counts = [devices.pulse_counts.ravel() for devices in self.devices]
        return np.concatenate(counts) if counts else np.zeros(0, np.uint32)

    def learn(
        self, values: Array, labels: npt.NDArray[np.integer], rng: np.random.Generator
    ) -> float:
        """Learn from one batch.

        Parameters
        ----------
        values : ndarray of float32, shape (images, rows)
            Row currents, 0 to 1.
        labels : ndarray of int, shape (images,)
            Classes.
        rng : numpy.random.Generator
            Draws of read noise and of the neurons' C2C.

        Returns
        -------
        float
            Mean cross-entropy of the batch before the update, in nats.
        """
        matrices = [crossbar.matrix for crossbar in self.weights]
        logits, passes = self._forward(values, matrices, self.neurons, rng)
        losses, slopes = cross_entropy(logits, labels)
        slopes *= np.float32(-self.parameters.rate / len(labels))
        if self.parameters.output_bias:
            self.bias += slopes.sum(axis=0)
        backward_pass(
            [partial(self._learn_layer, layer, done) for layer, done in enumerate(passes)], slopes
        )
        return float(np.mean(losses))

    def _learn_layer(self, layer: int, done: _Pass, slopes: Array) -> Array:
        """Change a crossbar; return the slopes by its row currents."""
        if done.slopes is not None:
            slopes = slopes * done.slopes
        # Slopes go back through the weights of the forward pass, so before the change.
        by_drive = slopes @ self.weights[layer].matrix.T if layer else slopes
        self._change(layer, done.drive, slopes)
        return by_drive

    def _change(self, layer: int, drive: Array, slopes: Array) -> None:
        """Ask a crossbar for the changes of a batch."""
        crossbar = self.weights[layer]
        momentum = np.float32(self.parameters.momentum)
        if momentum:
            velocity = self._velocities[layer]
            velocity *= momentum
            velocity += drive.T @ slopes
            crossbar.update(velocity.copy())
        elif len(drive) == 1:
            # A single image drives few rows, and only driven rows change.
            rows = np.flatnonzero(drive[0])
            crossbar.update(np.multiply.outer(drive[0, rows], slopes[0]), rows)
        else:
            crossbar.update(drive.T @ slopes)

    def _forward(
        self,
        values: Array,
        matrices: Sequence[Array],
        neurons: Sequence[Hidden],
        rng: np.random.Generator,
    ) -> tuple[Array, list[_Pass]]:
        """Return the logits of images, and a record of each layer."""
        full_current = 1.0
        layers = []
        for matrix, behind in zip(matrices, [*neurons, None], strict=True):
            layers.append(partial(self._forward_layer, matrix, behind, full_current, rng))
            full_current = self.parameters.full_scale
        return forward_pass(layers, values)

    def _forward_layer(
        self,
        matrix: Array,
        neurons: Hidden | None,
        full_current: float,
        rng: np.random.Generator,
        drive: Array,
    ) -> tuple[Array, _Pass]:
        """Compute a crossbar and the neurons behind it; see `_forward`."""
        sums = self._sums(drive, matrix, full_current, rng)
        if neurons is None:
            return sums + self.bias, _Pass(drive, None)
        activations, slopes = neurons.forward(sums, rng)
        return activations, _Pass(drive, slopes)

    def _sums(
        self, drive: Array, matrix: Array, full_current: float, rng: np.random.Generator
    ) -> Array:
        """Compute column sums with read noise; `full_current` is the full current of a row."""
        sums = drive @ matrix
        device = self.parameters.device
        if device is not None and device.imperfections.read_noise:
            weight_range = 1 if self.parameters.pair else 2
            noise = weight_range * full_current * device.imperfections.read_noise
            sums += np.float32(noise) * rng.standard_normal(sums.shape, np.float32)
        return sums

    def classify(
        self,
        values: Array,
        *,
        seed: tuple[int, ...] = (0,),
        matrices: Sequence[Array] | None = None,
        neurons: Sequence[Hidden] | None = None,
    ) -> npt.NDArray[np.int64]:
        """Return the class of each image.

        Parameters
        ----------
        values : ndarray of float32, shape (images, rows)
            Row currents, 0 to 1.
        seed : tuple of int
            Seed of read noise and of the neurons' C2C.
        matrices : sequence of ndarray, optional
            Weights in place of the network's own.
        neurons : sequence of Hidden, optional
            Neurons in place of the network's own.
        """
        if matrices is None:
            matrices = [crossbar.matrix for crossbar in self.weights]
        if neurons is None:
            neurons = self.neurons
        rng = np.random.default_rng(seed)
        classes = []
        for start in range(0, len(values), CHUNK):
            logits, _ = self._forward(values[start : start + CHUNK], matrices, neurons, rng)
            classes.append(np.argmax(logits, axis=1))
        return np.concatenate(classes)
