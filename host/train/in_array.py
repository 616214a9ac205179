"""``train --in-array``: any topology, learnt by pulses, then written down in whole numbers."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from allspin.host.data.datasets import Dataset
from allspin.host.keywords import takes
from allspin.host.train.array_devices import (
    CYCLE,
    ArrayParameters,
    Hidden,
    PulsedWeights,
    ReluHidden,
    SoftwareWeights,
    SotHidden,
    Weights,
    linear_synapse,
)
from allspin.host.train.latent import Array, NumberFormats
from allspin.host.train.lesson import cross_entropy
from allspin.host.train.parameters import TrainingParameters
from allspin.host.train.training_options import AUGMENTATIONS
from allspin.sim.device.device import NeuronVariation
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import GAIN_BITS, MAX_SHIFT, Converter, Layer, Network
from allspin.sim.parameters import Brief
from allspin.sim.synapse.synapse import CycleVariation

VERSION = 1
"""It changes when the same parameters train to another network."""
MARKS = 4
"""How often in an epoch the test accuracy is taken, for the learning curve."""
CHUNK = 2500
"""Test images computed at a time."""


DEFAULTS: dict[str, Any] = {
    "rate": ArrayParameters.rate,
    "epochs": ArrayParameters.epochs,
    "batch": ArrayParameters.batch,
    "noise": CYCLE.potentiation,
    "hidden_bits": 8,
    "augment": "none",
}
"""Options where the options do not say them. Activations use a small part of the neurons' curve
here, so that they want more bits than where gains are learnt."""
QUICK_EPOCHS = 1


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
        drives, slopes = [values], []
        for crossbar, neurons in zip(self.weights, self.neurons, strict=False):
            activations, slope = neurons.forward(self._sums(drives[-1], crossbar.matrix, rng), rng)
            drives.append(activations)
            slopes.append(slope)
        logits = self._sums(drives[-1], self.weights[-1].matrix, rng) + self.bias
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

    def _sums(self, drive: Array, matrix: Array, rng: np.random.Generator) -> Array:
        """Sums of columns, with read noise."""
        sums, device = drive @ matrix, self.parameters.device
        if device is not None and device.imperfections.read_noise:
            # A cell's range is a range of weights of 2, of a pair of 1.
            span = 1 if self.parameters.pair else 2
            noise = np.float32(span * device.imperfections.read_noise)
            sums += noise * rng.standard_normal(sums.shape, np.float32)
        return sums

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
        *inner, last = matrices or [crossbar.matrix for crossbar in self.weights]
        rng = np.random.default_rng(seed)
        answers = []
        for start in range(0, len(values), CHUNK):
            drive = values[start : start + CHUNK]
            for matrix, behind in zip(inner, neurons or self.neurons, strict=True):
                drive, _ = behind.forward(self._sums(drive, matrix, rng), rng)
            answers.append(np.argmax(self._sums(drive, last, rng) + self.bias, axis=1))
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
    """

    network: ArrayNetwork
    curve: list[tuple[int, float, float]]
    answers: npt.NDArray[np.int64]
    seconds: float


def train_in_array(
    dataset: Dataset,
    parameters: ArrayParameters,
    *,
    marks: int = MARKS,
    progress: Callable[[float], None] = lambda share: None,
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
        Told at each mark which share of the training is done.

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
    answers, seconds = np.zeros(len(test_values), np.int64), 0.0
    with threadpool_limits(1):
        network = ArrayNetwork(parameters, values.shape[1], dataset.classes)
        noise = np.random.default_rng([parameters.seed, 2])
        for epoch, (start, stop) in product(range(parameters.epochs), pairwise(stops)):
            order = np.random.default_rng([parameters.seed, 3, epoch]).permutation(len(values))
            begun = time.process_time()
            losses = [
                network.learn(values[chosen], labels[chosen], noise)
                for chosen in order[start * batch : stop * batch].reshape(-1, batch)
            ]
            seconds += time.process_time() - begun
            answers = network.answers(test_values, seed=(parameters.seed, 4, len(curve)))
            accuracy = float(np.mean(answers == dataset.test_labels))
            done = epoch * steps + stop
            curve.append((done * batch, float(np.cumsum(losses)[-1]) / len(losses), accuracy))
            progress(done / (parameters.epochs * steps))
    return ArrayTrained(network, curve, answers, seconds)


def array_network(
    trained: ArrayNetwork,
    formats: NumberFormats,
    image_shape: tuple[int, int],
    provenance: Mapping[str, Any],
) -> Network:
    """Write the films down as the nearest states, and the neurons as tables.

    In the array a column's sum is a number of weights of 1 at full row current, `full_scale` of
    which drive a neuron with its full-scale current; so does a hidden layer's activation.

    Parameters
    ----------
    trained : ArrayNetwork
        Of pulsed weights and SOT neurons, without biases.
    formats : NumberFormats
        Number formats; its states are those of the synapse.
    image_shape : tuple of int
        Height and width of an image.
    provenance : mapping
        Where the network comes from.
    """
    layers: list[Layer] = []
    last = len(trained.weights) - 1
    for layer, crossbar in enumerate(trained.weights):
        assert isinstance(crossbar, PulsedWeights)
        synapse = crossbar.synapse
        places = (crossbar.film - synapse.low) * ((synapse.states - 1) / synapse.span)
        states = np.clip(np.rint(places), 0, synapse.states - 1).astype(np.uint8)
        converter = table = None
        if layer < last:
            # The gain is the same in each column, without an offset.
            full = trained.parameters.full_scale if layer == 0 else 1.0
            gain = formats.current_top / (formats.input_top(layer) * formats.outermost * full)
            shift = min(math.floor(math.log2((2**GAIN_BITS - 1) / gain)), MAX_SHIFT)
            gains = np.full(states.shape[1], round(gain * 2**shift), np.int32)
            converter, table = Converter(gains, np.zeros_like(gains), shift), formats.table
        layers.append(Layer(states, formats.levels, converter, table))
    return formats.network(layers, image_shape, provenance)


@dataclass(frozen=True, eq=False)
class Learnt(Brief):
    """What came of learning in the array.

    Attributes
    ----------
    network : Network
        As it was at the end, in whole numbers.
    array_accuracy : float
        Share of the test images that the array itself classified rightly.
    test_accuracy : float
        The same of the network, by the golden model.
    """

    network: Network
    array_accuracy: float
    test_accuracy: float


def _array_parameters(parameters: TrainingParameters) -> ArrayParameters:
    """The same for the array.

    Raises
    ------
    UserError
        If there is something that the array has not.
    """
    neuron = parameters.hidden_neuron
    if parameters.target is not None:
        raise UserError("`device` is for training offline; in the array each pulse is one state")
    if not neuron.spin:
        raise UserError(
            f"`neuron` must be a spin device in the array, such as sot, not {neuron.name}"
        )
    if parameters.augmentation != AUGMENTATIONS["none"]:
        raise UserError("`augment` must be none in the array, which sees each image as it is")
    deviation = parameters.noise or 0.0
    return ArrayParameters(
        rate=parameters.rate,
        epochs=parameters.epochs,
        batch=parameters.batch or ArrayParameters.batch,
        synapse=linear_synapse(parameters.states, CycleVariation(deviation, deviation)),
        neuron=neuron,
        hidden=parameters.hidden,
        seed=parameters.seed,
    )


@takes()
def learn_in_array(
    dataset: Dataset, parameters: TrainingParameters, progress: Any = None
) -> Learnt:
    """Train a network by pulses, as the paper does, and write it down in whole numbers.

    It learns from all training images, so that none is left to choose between epochs.

    Parameters
    ----------
    dataset : Dataset
        What to learn.
    parameters : TrainingParameters
        How; those of `DEFAULTS` where nothing else is asked for. ``noise`` is the cycle-to-cycle
        deviation of each update, as a fraction of the range of R_AH.
    progress : Display or bool, optional
        Shows which share of the training is done.

    Raises
    ------
    UserError
        If the parameters ask for what the array has not, or there are fewer images than a batch
        takes.
    """
    given = _array_parameters(parameters)
    provenance = {
        "command": "train",
        "recipe": VERSION,
        "options": parameters.options(dataset) | {"in_array": True},
        "data": {"name": dataset.name, "digest": dataset.digest},
    }
    progress.start("learning in the array")
    trained = train_in_array(
        dataset, given, progress=lambda share: progress.advance(share, 1.0, f"{share:.0%}")
    )
    progress.finish()
    provenance["loss"] = [[images, round(loss, 6)] for images, loss, _ in trained.curve]
    network = array_network(trained.network, parameters.formats, dataset.image_shape, provenance)
    right = GoldenModel(network).classify(dataset.test_images) == dataset.test_labels
    return Learnt(network, trained.curve[-1][2], float(np.mean(right)))
