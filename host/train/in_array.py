"""``train --in-array``: any topology, learnt by pulses, then written down in whole numbers."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise, product

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from allspin.host.data.datasets import Dataset
from allspin.host.train.array_devices import (
    ArrayParameters,
    Hidden,
    PulsedWeights,
    ReluHidden,
    SoftwareWeights,
    SotHidden,
    Weights,
)
from allspin.host.train.gradient.number_formats import Array
from allspin.host.train.lesson import cross_entropy
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.errors import UserError

VERSION = 1
"""It changes when the same parameters train to another network."""
MARKS = 4
"""How often in an epoch the test accuracy is taken, for the learning curve."""
CHUNK = 2500
"""Test images computed at a time."""


def row_values(images: npt.NDArray[np.uint8]) -> Array:
    """Row currents of images: grey 255 is full current, shape (images, rows)."""
    values = images.reshape(len(images), -1).astype(np.float32)
    values /= np.float32(255)
    return values


class ArrayNetwork:
    """Crossbars with hidden neurons between them, in training.

    Parameters
    ----------
    parameters : ArrayParameters
        What it is made of.
    rows, classes : int
        Rows of the first crossbar and columns of the last.

    Attributes
    ----------
    weights : list of Weights
        The crossbars.
    neurons : list of Hidden
        The neurons behind each crossbar but the last.
    bias : ndarray of float32, shape (classes,)
        Biases of the output, in software; 0 unless they are asked for.
    """

    def __init__(self, parameters: ArrayParameters, rows: int, classes: int) -> None:
        self.parameters = parameters
        rng = np.random.default_rng([parameters.seed, 0])
        self.weights: list[Weights] = []
        for layer, shape in enumerate(pairwise((rows, *parameters.hidden, classes))):
            initial = rng.standard_normal(shape, np.float32) * np.float32(math.sqrt(2 / shape[0]))
            self.weights.append(
                SoftwareWeights(initial)
                if parameters.synapse is None
                else PulsedWeights(parameters.synapse, parameters, initial, layer)
            )
        self.neurons = self.hidden_neurons(parameters.neuron_variation)
        self.bias = np.zeros(classes, np.float32)
        self.velocities = [np.zeros_like(each.matrix) for each in self.weights]

    def hidden_neurons(self, variation: NeuronVariation) -> list[Hidden]:
        """The neurons behind each crossbar but the last, where devices differ so."""
        given = self.parameters
        return [
            ReluHidden()
            if given.neuron is None
            else SotHidden(given.neuron, given, variation, layer)
            for layer in range(len(given.hidden))
        ]

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
            The neurons' deviations at this use.

        Returns
        -------
        float
            Mean cross-entropy of the batch before it was learnt, in nats.
        """
        matrices = [crossbar.matrix for crossbar in self.weights]
        drives, slopes, logits = self._forward(values, matrices, self.neurons, rng)
        losses, back = cross_entropy(logits, labels)
        back *= np.float32(-self.parameters.rate / len(labels))
        if self.parameters.output_bias:
            self.bias += back.sum(axis=0)
        for layer in reversed(range(len(self.weights))):
            crossbar, drive, given = self.weights[layer], drives[layer], back
            if layer:
                # Through the weights that the batch was computed with.
                back = (back @ crossbar.matrix.T) * slopes[layer - 1]
            self._change(layer, drive, given)
        return float(np.mean(losses))

    def _forward(
        self, values: Array, matrices: list[Array], neurons: list[Hidden], rng: np.random.Generator
    ) -> tuple[list[Array], list[Array], Array]:
        """What drives the rows of each crossbar, slopes of the neurons, and sums of the output."""
        drives, slopes, full = [values], [], 1.0
        for matrix, behind in zip(matrices, neurons, strict=False):
            activations, slope = behind.forward(self._sums(drives[-1], matrix, full, rng), rng)
            drives.append(activations)
            slopes.append(slope)
            full = self.parameters.full_scale
        return drives, slopes, self._sums(drives[-1], matrices[-1], full, rng) + self.bias

    def _sums(self, drive: Array, matrix: Array, full: float, rng: np.random.Generator) -> Array:
        """Sums of columns, with read noise; `full` is the full current of a row."""
        sums, device = drive @ matrix, self.parameters.device
        if device is not None and device.imperfections.read_noise:
            # A cell's range is a range of weights of 2, of a pair of 1.
            noise = (1 if self.parameters.pair else 2) * full * device.imperfections.read_noise
            sums += np.float32(noise) * rng.standard_normal(sums.shape, np.float32)
        return sums

    @property
    def pulsed(self) -> list[PulsedWeights]:
        """The crossbars of devices."""
        return [crossbar for crossbar in self.weights if isinstance(crossbar, PulsedWeights)]

    @property
    def given(self) -> npt.NDArray[np.uint32]:
        """Pulses that each device got, all crossbars together; of pairs the first ones first."""
        films = [films for crossbar in self.pulsed for films in crossbar.films]
        return np.concatenate([np.zeros(0, np.uint32), *(each.given.ravel() for each in films)])

    def _change(self, layer: int, drive: Array, back: Array) -> None:
        """Ask a crossbar for the changes of a batch."""
        crossbar, momentum = self.weights[layer], np.float32(self.parameters.momentum)
        if momentum:
            velocity = self.velocities[layer]
            velocity *= momentum
            velocity += drive.T @ back
            crossbar.update(velocity.copy())
        elif len(drive) == 1:
            # Of one image most rows are not driven, and ask for nothing.
            rows = np.flatnonzero(drive[0])
            crossbar.update(np.multiply.outer(drive[0, rows], back[0]), rows)
        else:
            crossbar.update(drive.T @ back)

    def answers(
        self,
        values: Array,
        *,
        seed: tuple[int, ...] = (0,),
        matrices: list[Array] | None = None,
        neurons: list[Hidden] | None = None,
    ) -> npt.NDArray[np.int64]:
        """Class of each image.

        Parameters
        ----------
        values : ndarray of float32, shape (images, rows)
            Row currents, 0 to 1.
        seed : tuple of int
            Names the neurons' deviations at these uses.
        matrices : list of ndarray, optional
            Other weights to read.
        neurons : list of Hidden, optional
            Other neurons.
        """
        read = matrices or [crossbar.matrix for crossbar in self.weights]
        rng, answers = np.random.default_rng(seed), []
        for start in range(0, len(values), CHUNK):
            part = values[start : start + CHUNK]
            sums = self._forward(part, read, neurons or self.neurons, rng)[-1]
            answers.append(np.argmax(sums, axis=1))
        return np.concatenate(answers)


@dataclass(frozen=True, eq=False)
class ArrayTrained:
    """What came of a training in the array.

    Attributes
    ----------
    network : ArrayNetwork
        As it was at the end: nothing is chosen by the test images.
    curve : list of (int, float, float)
        The learning curve: training images seen so far, mean cross-entropy since the mark before,
        in nats, and accuracy on the test images.
    answers : ndarray of int64, shape (test images,)
        Classes at the end.
    seconds : float
        Of processor time for the training, without the test images; it uses one core.
    interrupted : bool
        Whether Ctrl-C ended it early.
    """

    network: ArrayNetwork
    curve: list[tuple[int, float, float]]
    answers: npt.NDArray[np.int64]
    seconds: float
    interrupted: bool = False


Watch = Callable[[ArrayNetwork, list[tuple[int, float, float]], list[float]], None]
"""Watches a training: see `train_in_array`."""


def train_in_array(
    dataset: Dataset,
    parameters: ArrayParameters,
    *,
    marks: int = MARKS,
    progress: Callable[[float, str, bool], None] = lambda share, words, whole: None,
    watch: Watch = lambda network, curve, losses: None,
) -> ArrayTrained:
    """Train a network in the array.

    Parameters
    ----------
    dataset : Dataset
        All training images are learnt from, but for those that do not fill the epoch's last batch.
    parameters : ArrayParameters
        What and how.
    marks : int
        Points of the learning curve in an epoch.
    progress : callable
        Told at each mark which share of the training is done, how good it is, and whether an epoch
        has ended.
    watch : callable
        Told before each batch and at the end: the network, the learning curve so far, and the mean
        cross-entropy of each batch since its last mark. What it raises ends the training.

    Raises
    ------
    UserError
        If there are fewer training images than a batch takes.
    """
    batch, labels = parameters.batch, dataset.train_labels
    steps = len(dataset.train_images) // batch
    if not steps:
        raise UserError(
            f"training in the array needs at least a batch of {batch} images, "
            f"not {len(dataset.train_images)}; give a larger data set"
        )
    values, test_values = row_values(dataset.train_images), row_values(dataset.test_images)
    stops = sorted({0, *(round(steps * (mark + 1) / marks) for mark in range(marks))})
    curve: list[tuple[int, float, float]] = []
    losses: list[float] = []
    answers, seconds, interrupted = np.zeros(len(test_values), np.int64), 0.0, False
    with threadpool_limits(1):
        network = ArrayNetwork(parameters, values.shape[1], dataset.classes)
        noise = np.random.default_rng([parameters.seed, 2])

        def mark() -> None:
            """Put what was learnt since the last mark on the curve."""
            nonlocal answers
            answers = network.answers(test_values, seed=(parameters.seed, 4, len(curve)))
            done = (curve[-1][0] if curve else 0) + batch * len(losses)
            loss = float(np.cumsum(losses)[-1]) / len(losses)
            curve.append((done, loss, float(np.mean(answers == dataset.test_labels))))
            losses.clear()

        try:
            for epoch, (start, stop) in product(range(parameters.epochs), pairwise(stops)):
                order = np.random.default_rng([parameters.seed, 3, epoch]).permutation(len(values))
                begun = time.process_time()
                for chosen in order[start * batch : stop * batch].reshape(-1, batch):
                    watch(network, curve, losses)
                    losses.append(network.learn(values[chosen], labels[chosen], noise))
                seconds += time.process_time() - begun
                mark()
                done, loss, accuracy = curve[-1]
                progress(
                    done / (parameters.epochs * steps * batch),
                    f"epoch {epoch + 1}/{parameters.epochs}: loss {loss:.3f}, test {accuracy:.2%}",
                    stop == steps,
                )
            watch(network, curve, losses)
        except KeyboardInterrupt:
            interrupted = True
            for crossbar in network.pulsed:
                crossbar.settle()
            if losses:
                mark()
            if not curve:
                raise
    return ArrayTrained(network, curve, answers, seconds, interrupted)


RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
"""Learning rates of which one is looked for."""
SEARCHED, HELD = 10_000, 2_000
"""Training images that a search learns from and is judged by, at most."""


def search_rate(dataset: Dataset, parameters: ArrayParameters) -> dict[str, float]:
    """Accuracy on training images that are held out, of an epoch with each of `RATES`."""
    held = min(HELD, len(dataset.train_images) // 6)
    sets = dataset.train_images, dataset.train_labels
    images, labels = (each[: held + SEARCHED] for each in sets)
    small = replace(
        dataset,
        train_images=images[held:],
        train_labels=labels[held:],
        test_images=images[:held],
        test_labels=labels[:held],
    )
    found = {}
    for rate in RATES:
        tried = train_in_array(small, replace(parameters, rate=rate, epochs=1), marks=1)
        if tried.interrupted:
            raise KeyboardInterrupt
        found[str(rate)] = tried.curve[-1][2]
    return found
