"""Training in the array, batch by batch: forward in the array, updates as pulses."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from allspin.host.training.in_array.hidden import Hidden, ReluHidden, SotHidden
from allspin.host.training.in_array.recipe import ArrayParameters
from allspin.host.training.in_array.weights import PulsedWeights, SoftwareWeights, Weights
from allspin.sim.errors import UserError

Array = npt.NDArray[np.float32]
Labels = npt.NDArray[np.integer]

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
        Biases of the output, in software; 0 unless the recipe has them.
    """

    def __init__(self, parameters: ArrayParameters, rows: int, classes: int) -> None:
        self.parameters = parameters
        rng = np.random.default_rng([parameters.seed, 0])
        self.weights: list[Weights] = []
        for layer, shape in enumerate(pairwise((rows, *parameters.hidden, classes))):
            initial = rng.standard_normal(shape, np.float32) * np.float32(math.sqrt(2 / shape[0]))
            self.weights.append(self._crossbar(initial, layer))
        self.neurons = [self._neurons(layer) for layer in range(len(parameters.hidden))]
        self.bias = np.zeros(classes, np.float32)

    def _crossbar(self, initial: Array, layer: int) -> Weights:
        given = self.parameters
        if given.synapse is None:
            return SoftwareWeights(initial)
        return PulsedWeights(
            given.synapse,
            initial,
            layer=layer,
            chip=given.seed,
            rng=np.random.default_rng([given.seed, 1, layer]),
            rounding=given.recipe.rounding,
            scheme=given.recipe.scheme,
        )

    def _neurons(self, layer: int) -> Hidden:
        given = self.parameters
        if given.neuron is None:
            return ReluHidden()
        columns = given.hidden[layer]
        return SotHidden(
            given.neuron, given.neuron_variation, given.full_scale, columns, given.seed, layer
        )

    def learn(self, values: Array, labels: Labels, rng: np.random.Generator) -> float:
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
        recipe = self.parameters.recipe
        drives, slopes = [values], []
        for crossbar, neurons in zip(self.weights, self.neurons, strict=False):
            activations, slope = neurons.forward(drives[-1] @ crossbar.matrix, rng)
            drives.append(activations)
            slopes.append(slope)
        shares = drives[-1] @ self.weights[-1].matrix + self.bias
        shares -= shares.max(axis=1, keepdims=True)
        np.exp(shares, out=shares)
        shares /= shares.sum(axis=1, keepdims=True)
        images = np.arange(len(labels))
        loss = -float(np.mean(np.log(np.maximum(shares[images, labels], 1e-12))))
        shares[images, labels] -= 1
        shares *= np.float32(-recipe.rate / len(labels))
        if recipe.output_bias:
            self.bias += shares.sum(axis=0)
        back = shares
        for layer in reversed(range(len(self.weights))):
            crossbar, change = self.weights[layer], drives[layer].T @ back
            if layer:
                # Through the weights that the batch was computed with.
                back = (back @ crossbar.matrix.T) * slopes[layer - 1]
            crossbar.update(change)
        return loss

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
        *inner, last = matrices or [crossbar.matrix for crossbar in self.weights]
        rng = np.random.default_rng(seed)
        answers = []
        for start in range(0, len(values), CHUNK):
            drive = values[start : start + CHUNK]
            for matrix, behind in zip(inner, neurons or self.neurons, strict=True):
                drive, _ = behind.forward(drive @ matrix, rng)
            answers.append(np.argmax(drive @ last + self.bias, axis=1))
        return np.concatenate(answers)


@dataclass(frozen=True)
class Mark:
    """A point of the learning curve.

    Attributes
    ----------
    images : int
        Training images seen so far.
    loss : float
        Mean cross-entropy since the mark before, in nats.
    accuracy : float
        On the test images, 0 to 1.
    """

    images: int
    loss: float
    accuracy: float


@dataclass(frozen=True, eq=False)
class ArrayTrained:
    """What came of a training in the array.

    Attributes
    ----------
    network : ArrayNetwork
        As it was at the end: nothing is chosen by the test images.
    curve : list of Mark
        The learning curve.
    accuracy : float
        On the test images at the end.
    answers : ndarray of int64, shape (test images,)
        Classes at the end.
    pulses : int
        Given in all.
    seconds : float
        Of processor time for the training, without the test images; it uses one core.
    """

    network: ArrayNetwork
    curve: list[Mark]
    accuracy: float
    answers: npt.NDArray[np.int64]
    pulses: int
    seconds: float


def train_in_array(
    train_images: npt.NDArray[np.uint8],
    train_labels: Labels,
    test_images: npt.NDArray[np.uint8],
    test_labels: Labels,
    parameters: ArrayParameters,
    *,
    marks: int = MARKS,
    report: Callable[[float], None] = lambda share: None,
) -> ArrayTrained:
    """Train a network in the array.

    Parameters
    ----------
    train_images, test_images : ndarray of uint8, shape (images, height, width)
        Grey levels. All training images are learnt from, but for those that do not fill the
        epoch's last batch.
    train_labels, test_labels : ndarray of int, shape (images,)
        Classes.
    parameters : ArrayParameters
        What and how.
    marks : int
        Points of the learning curve in an epoch.
    report : callable
        Told at each mark which share of the training is done.

    Returns
    -------
    ArrayTrained

    Raises
    ------
    UserError
        If there are fewer training images than a batch takes.
    """
    recipe = parameters.recipe
    steps = len(train_images) // recipe.batch
    if not steps:
        raise UserError(
            f"training in the array needs at least a batch of {recipe.batch} images, "
            f"not {len(train_images)}; give a larger data set"
        )
    values, test_values = row_values(train_images), row_values(test_images)
    classes = int(max(train_labels.max(), test_labels.max())) + 1
    stops = {round(steps * (mark + 1) / marks) for mark in range(marks)}
    with threadpool_limits(1):
        network = ArrayNetwork(parameters, values.shape[1], classes)
        noise = np.random.default_rng([parameters.seed, 2])
        curve: list[Mark] = []
        seconds = loss = 0.0
        since = 0
        answers = np.zeros(len(test_values), np.int64)
        for epoch in range(recipe.epochs):
            order = np.random.default_rng([parameters.seed, 3, epoch]).permutation(len(values))
            begun = time.process_time()
            for step in range(1, steps + 1):
                chosen = order[(step - 1) * recipe.batch : step * recipe.batch]
                loss += network.learn(values[chosen], train_labels[chosen], noise)
                since += 1
                if step not in stops:
                    continue
                seconds += time.process_time() - begun
                answers = network.answers(test_values, seed=(parameters.seed, 4, len(curve)))
                accuracy = float(np.mean(answers == test_labels))
                curve.append(Mark((epoch * steps + step) * recipe.batch, loss / since, accuracy))
                report((epoch * steps + step) / (recipe.epochs * steps))
                loss, since = 0.0, 0
                begun = time.process_time()
    pulses = sum(crossbar.pulses for crossbar in network.weights)
    return ArrayTrained(network, curve, curve[-1].accuracy, answers, pulses, seconds)
