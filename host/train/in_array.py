"""``train --in-array``: any topology, learnt by pulses, then written down in whole numbers."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from allspin.host.data.datasets import Dataset
from allspin.host.train.augment import AUGMENTATIONS
from allspin.host.train.in_array_weights import (
    Hidden,
    PulsedWeights,
    ReluHidden,
    SoftwareWeights,
    SotHidden,
    Weights,
)
from allspin.host.train.latent import NumberFormats
from allspin.host.train.parameters import TrainingParameters
from allspin.sim.device.device import NeuronVariation
from allspin.sim.errors import UserError, check_number, check_one_of, check_range
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import (
    GAIN_BITS,
    MAX_LAYERS,
    MAX_LINES,
    MAX_SHIFT,
    Converter,
    Layer,
    Network,
)
from allspin.sim.network.neuron import Neuron, SotNeuron
from allspin.sim.synapse.response import PulseResponse
from allspin.sim.synapse.synapse import CycleVariation, DeviceVariation, SotSynapse

# What is trained in the array, and how: one recipe for each family, and the four types.
#
# Two families, each with one recipe and no knob of its own for a type:
#
# software synapses (types 1 and 2)
#     Plain stochastic gradient descent, batches of 32, rate 0.1, 5 epochs.
# SOT synapses (types 3 and 4)
#     The same rule, batches of 32, rate 0.03, 3 epochs; each change is rounded at random to
#     whole pulses, and each pulse is one state of equal size, as a linearised response gives
#     it; weights from -1 to 1; a cycle-to-cycle deviation of 0.014 of the range on each update.
#
# Both train on all training images, without biases, from Gaussian weights of variance
# ``2 / rows`` (K. He et al., ICCV 2015). Neither rates nor epochs are in the paper.
#
# What had to be assumed, since the text does not give it:
#
# * the gain of the V-I converter (`FULL_SCALE`): 30 weights of 1 at full row current drive a
#   neuron with its full-scale current. No column sum of any type then meets the end of the
#   curve. With a smaller one the SOT neuron costs nothing (97 %), with a larger one more;
# * threshold, slope and knee of the neuron's curve (``host/data/devices/paper.toml``);
# * the C2C of 0.014: it is the *neuron's* figure. The synapse's own, 0.065 and 0.029, are run
#   beside it.

VERSION = 1
"""It changes when the same parameters train to another network."""
FULL_SCALE = 30.0
"""Column sum that drives a neuron with its full-scale current, in weights of 1."""
ASSUMED_CYCLE = 0.014
"""C2C of an update in types 3 and 4, of the range; an assumption."""
HIDDEN = (100,)
"""Neurons of each hidden layer, as the paper has them."""

ROUNDINGS = {
    "stochastic": "at random, so that the mean number of pulses is what was asked for",
    "nearest": "to the nearest whole number",
}
"""How a change becomes whole pulses."""
SCHEMES = {
    "equal": "equal pulses, one for each mean step that is asked for",
    "width": "pulses as wide as the step from the present R_AH needs: shorter or wider ones",
}
"""What pulses an update is made of."""


@dataclass(frozen=True)
class ArrayRecipe:
    """How a network is trained in the array.

    Parameters
    ----------
    rate : float
        Learning rate, weights from -1 to 1 and the mean cross-entropy of a batch in nats.
    epochs : int
        Times through the training images, 1 to 10,000.
    batch : int
        Images in a batch, 1 to 4096.
    rounding : str
        One of `ROUNDINGS`.
    scheme : str
        One of `SCHEMES`.
    output_bias : bool
        Whether the output layer has biases in software.

    Raises
    ------
    ValueError, TypeError
        If a value is outside its range.
    """

    rate: float
    epochs: int
    batch: int = 32
    rounding: str = "stochastic"
    scheme: str = "equal"
    output_bias: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", check_number("rate", self.rate, 1e-9, 1e6))
        check_range("epochs", self.epochs, 1, 10_000)
        check_range("batch", self.batch, 1, 4096)
        check_one_of("rounding", self.rounding, ROUNDINGS)
        check_one_of("scheme", self.scheme, SCHEMES)


SOFTWARE_RECIPE = ArrayRecipe(rate=0.1, epochs=5)
"""Of types 1 and 2."""
PULSED_RECIPE = ArrayRecipe(rate=0.03, epochs=3)
"""Of types 3 and 4."""


@dataclass(frozen=True)
class ArrayParameters:
    """A network to be trained in the array.

    Parameters
    ----------
    recipe : ArrayRecipe
        How.
    synapse : SotSynapse or None
        The device, R_AH in weights; None for numbers in software.
    neuron : Neuron or None
        The hidden layers' neuron; None for the ideal ReLU in software.
    neuron_variation : NeuronVariation
        How SOT neurons differ, in training and after it.
    full_scale : float
        Column sum that drives a neuron with its full-scale current, in weights of 1.
    hidden : tuple of int
        Neurons of each hidden layer, 1 to 65,535; at most 14 layers, or none.
    seed : int
        Names all chance, and the chip, 0 to 2**32 - 1.

    Raises
    ------
    ValueError, TypeError
        If a value is outside its range.
    """

    recipe: ArrayRecipe
    synapse: SotSynapse | None = None
    neuron: Neuron | None = None
    neuron_variation: NeuronVariation = field(default_factory=NeuronVariation)
    full_scale: float = FULL_SCALE
    hidden: tuple[int, ...] = HIDDEN
    seed: int = 0

    def __post_init__(self) -> None:
        full = check_number("full_scale", self.full_scale, 1e-6, 1e6)
        object.__setattr__(self, "full_scale", full)
        object.__setattr__(self, "hidden", tuple(self.hidden))
        check_range("number of hidden layers", len(self.hidden), 0, MAX_LAYERS - 1)
        for width in self.hidden:
            check_range("hidden", width, 1, MAX_LINES)
        check_range("seed", self.seed, 0, 2**32 - 1)


def linear_synapse(
    states: int,
    c2c: CycleVariation = CycleVariation(),  # noqa: B008 (it is frozen)
    d2d: DeviceVariation = DeviceVariation(),  # noqa: B008
) -> SotSynapse:
    """A synapse whose pulses are equal steps from state to state, R_AH from -1 to 1."""
    response = PulseResponse(math.inf, states - 1)
    return SotSynapse(response, response, states, c2c, d2d)


def raw_synapse(
    potentiation: float = 22.0,
    depression: float = 9.0,
    states: int = 100,
    c2c: CycleVariation = CycleVariation(),  # noqa: B008
) -> SotSynapse:
    """A synapse with a nonlinear response, R_AH from -1 to 1; the paper's by default.

    Parameters
    ----------
    potentiation, depression : float
        A, in pulses.
    states : int
        States, and P_max: the paper does not give P_max.
    c2c : CycleVariation
        Cycle-to-cycle variation.
    """
    return SotSynapse(
        PulseResponse(potentiation, states), PulseResponse(depression, states), states, c2c
    )


def assumed_cycle() -> CycleVariation:
    """The C2C that types 3 and 4 are trained with."""
    return CycleVariation(ASSUMED_CYCLE, ASSUMED_CYCLE)


def _type_1(seed: int) -> ArrayParameters:
    return ArrayParameters(SOFTWARE_RECIPE, seed=seed)


def _type_2(seed: int) -> ArrayParameters:
    return ArrayParameters(SOFTWARE_RECIPE, neuron=SotNeuron(), seed=seed)


def _type_3(seed: int) -> ArrayParameters:
    synapse = linear_synapse(100, assumed_cycle())
    return ArrayParameters(PULSED_RECIPE, synapse, SotNeuron(), seed=seed)


def _type_4(seed: int) -> ArrayParameters:
    synapse = linear_synapse(10, assumed_cycle())
    return ArrayParameters(PULSED_RECIPE, synapse, SotNeuron(), seed=seed)


TYPES: dict[int, Callable[[int], ArrayParameters]] = {
    1: _type_1,
    2: _type_2,
    3: _type_3,
    4: _type_4,
}
"""The paper's four types: what to train, by number, for a seed."""
TYPE_NAMES = {
    1: "software ReLU, software synapses",
    2: "SOT neurons, software synapses",
    3: "SOT neurons, SOT synapses of 100 states",
    4: "SOT neurons, SOT synapses of 10 states",
}
"""What the types are, as the paper lists them."""


# Training in the array, batch by batch: forward in the array, updates as pulses.

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


# What was trained in the array, as a network of whole numbers that every machine runs.


def _states(crossbar: Weights) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """State whose level is nearest to the R_AH that each film holds."""
    assert isinstance(crossbar, PulsedWeights)
    synapse = crossbar.synapse
    places = (crossbar.film - synapse.low) * ((synapse.states - 1) / synapse.span)
    return np.clip(np.rint(places), 0, synapse.states - 1).astype(np.uint8)


def _converter(gain: float, columns: int) -> Converter:
    """The V-I converter whose gain is nearest: the same in each column, without an offset."""
    shift = min(math.floor(math.log2((2**GAIN_BITS - 1) / gain)), MAX_SHIFT)
    gains = np.full(columns, round(gain * 2**shift), np.int32)
    return Converter(gains, np.zeros(columns, np.int32), shift)


def array_network(
    trained: ArrayNetwork,
    formats: NumberFormats,
    image_shape: tuple[int, int],
    provenance: Mapping[str, Any],
) -> Network:
    """Write the films down as states, and the neurons as tables.

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
    for number, crossbar in enumerate(trained.weights):
        converter = table = None
        if number < last:
            full = trained.parameters.full_scale if number == 0 else 1.0
            gain = formats.current_top / (formats.input_top(number) * formats.outermost * full)
            converter, table = _converter(gain, crossbar.matrix.shape[1]), formats.table
        layers.append(Layer(_states(crossbar), formats.levels, converter, table))
    return formats.network(layers, image_shape, provenance)


DEFAULTS: dict[str, Any] = {
    "rate": PULSED_RECIPE.rate,
    "epochs": PULSED_RECIPE.epochs,
    "batch": PULSED_RECIPE.batch,
    "noise": ASSUMED_CYCLE,
    "hidden_bits": 8,
    "augmentation": AUGMENTATIONS["none"],
}
"""Parameters where the options do not say them. Activations use a small part of the neurons' curve
here, so that they want more bits than where gains are learnt."""
QUICK_EPOCHS = 1


@dataclass(frozen=True, eq=False)
class Learnt:
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
    if parameters.augmentation is None or parameters.augmentation.text != "none":
        raise UserError("`augment` must be none in the array, which sees each image as it is")
    deviation = parameters.noise or 0.0
    return ArrayParameters(
        ArrayRecipe(
            rate=parameters.rate,
            epochs=parameters.epochs,
            batch=parameters.batch or PULSED_RECIPE.batch,
        ),
        synapse=linear_synapse(parameters.states, CycleVariation(deviation, deviation)),
        neuron=neuron,
        hidden=parameters.hidden,
        seed=parameters.seed,
    )


def learn_in_array(
    dataset: Dataset,
    parameters: TrainingParameters,
    report: Callable[[float], None] = lambda share: None,
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
    report : callable
        Told now and then which share of the training is done.

    Returns
    -------
    Learnt

    Raises
    ------
    UserError
        If the parameters ask for what the array has not, or there are fewer images than a batch
        takes.
    """
    given = _array_parameters(parameters)
    options = parameters.options(dataset) | {"in_array": True}
    trained = train_in_array(
        dataset.train_images,
        dataset.train_labels,
        dataset.test_images,
        dataset.test_labels,
        given,
        report=report,
    )
    network = array_network(
        trained.network,
        parameters.formats,
        dataset.image_shape,
        {
            "command": "train",
            "recipe": VERSION,
            "options": options,
            "data": {"name": dataset.name, "digest": dataset.digest},
            "loss": [[mark.images, round(mark.loss, 6)] for mark in trained.curve],
        },
    )
    right = GoldenModel(network).classify(dataset.test_images) == dataset.test_labels
    return Learnt(network, trained.accuracy, float(np.mean(right)))
