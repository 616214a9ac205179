"""``train --in-array``: any topology, learnt by pulses, then written down in whole numbers."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from allspin.host.data.arrays import npz_bytes
from allspin.host.data.catalogue import open_device
from allspin.host.data.datasets import Data, Dataset, load_dataset
from allspin.host.keywords import takes
from allspin.host.train.array_devices import (
    CYCLE,
    ArrayParameters,
    Hidden,
    LearnRule,
    PulsedWeights,
    ReluHidden,
    SoftwareWeights,
    SotHidden,
    Weights,
    linear_synapse,
)
from allspin.host.train.films import asymmetry, symmetry_point
from allspin.host.train.latent import Array, NumberFormats
from allspin.host.train.lesson import cross_entropy
from allspin.host.train.parameters import AUTO, TrainingParameters
from allspin.host.train.trainer import Trained
from allspin.host.train.training_options import AUGMENTATIONS
from allspin.sim.chip.chip import Chip
from allspin.sim.device.device import Device, NeuronVariation
from allspin.sim.errors import UserError
from allspin.sim.files import write_atomically
from allspin.sim.network.formats import uniform_levels
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import GAIN_BITS, MAX_SHIFT, Converter, Layer, Network
from allspin.sim.network.neuron import ReluNeuron
from allspin.sim.programming.programming import program_chip
from allspin.sim.programming.schemes import Counts
from allspin.sim.synapse.synapse import CycleVariation

VERSION = 1
"""It changes when the same parameters train to another network."""
MARKS = 4
"""How often in an epoch the test accuracy is taken, for the learning curve."""
AT_BOUND = 0.005
"""Share of the range within which a film is at its end."""
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

    @property
    def pulsed(self) -> list[PulsedWeights]:
        """The crossbars of devices."""
        return [crossbar for crossbar in self.weights if isinstance(crossbar, PulsedWeights)]

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
    interrupted : bool
        Whether Ctrl-C ended it early.
    """

    network: ArrayNetwork
    curve: list[tuple[int, float, float]]
    answers: npt.NDArray[np.int64]
    seconds: float
    interrupted: bool = False


def train_in_array(
    dataset: Dataset,
    parameters: ArrayParameters,
    *,
    marks: int = MARKS,
    progress: Callable[[float, str], None] = lambda share, words: None,
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
        Told at each mark which share of the training is done, and how good it is.

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
    answers, seconds, interrupted = np.zeros(len(test_values), np.int64), 0.0, False
    with threadpool_limits(1):
        network = ArrayNetwork(parameters, values.shape[1], dataset.classes)
        noise = np.random.default_rng([parameters.seed, 2])
        for epoch, (start, stop) in product(range(parameters.epochs), pairwise(stops)):
            order = np.random.default_rng([parameters.seed, 3, epoch]).permutation(len(values))
            begun, losses = time.process_time(), []
            try:
                for chosen in order[start * batch : stop * batch].reshape(-1, batch):
                    losses.append(network.learn(values[chosen], labels[chosen], noise))
            except KeyboardInterrupt:
                interrupted = True
                for crossbar in network.pulsed:
                    crossbar.settle()
                if not losses and not curve:
                    raise
                if not losses:
                    break
            seconds += time.process_time() - begun
            try:
                answers = network.answers(test_values, seed=(parameters.seed, 4, len(curve)))
            except KeyboardInterrupt:
                interrupted = True
                answers = network.answers(test_values, seed=(parameters.seed, 4, len(curve)))
            accuracy = float(np.mean(answers == dataset.test_labels))
            done = epoch * steps + start + len(losses)
            loss = float(np.cumsum(losses)[-1]) / len(losses)
            curve.append((done * batch, loss, accuracy))
            progress(
                done / (parameters.epochs * steps),
                f"epoch {epoch + 1}/{parameters.epochs}: loss {loss:.3f}, test {accuracy:.2%}",
            )
            if interrupted:
                break
    return ArrayTrained(network, curve, answers, seconds, interrupted)


RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
"""Learning rates of which one is looked for."""
SEARCHED, HELD = 10_000, 2_000
"""Training images that a search learns from and is judged by, at most."""


def search_rate(dataset: Dataset, parameters: ArrayParameters) -> dict[str, float]:
    """Accuracy on training images that are held out, of an epoch with each of `RATES`."""
    held = min(HELD, len(dataset.train_images) // 6)
    images, labels = dataset.train_images[: held + SEARCHED], dataset.train_labels
    labels = labels[: len(images)]
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


def array_network(
    trained: ArrayNetwork,
    formats: NumberFormats,
    image_shape: tuple[int, int],
    provenance: Mapping[str, Any],
) -> Network:
    """Write what is read of the films down as the nearest states, and the neurons as tables.

    In the array a column's sum is a number of weights of 1 at full row current, `full_scale` of
    which drive a neuron with its full-scale current; so does a hidden layer's activation.

    Parameters
    ----------
    trained : ArrayNetwork
        Of pulsed weights, without biases.
    formats : NumberFormats
        Number formats; its states are those that are told apart.
    image_shape : tuple of int
        Height and width of an image.
    provenance : mapping
        Where the network comes from.
    """
    layers: list[Layer] = []
    last = len(trained.weights) - 1
    for layer, crossbar in enumerate(trained.pulsed):
        low, high, levels = crossbar.low, crossbar.high, formats.levels
        # A word of the largest weight is the largest word.
        unit = formats.outermost / max(abs(low), abs(high))
        uniform = uniform_levels(formats.states, formats.rah_bits)
        if np.array_equal(levels, uniform) and high == -low:
            places = (crossbar.matrix - low) * ((formats.states - 1) / (high - low))
            states = np.clip(np.rint(places), 0, formats.states - 1).astype(np.uint8)
        else:
            ranged = (levels / formats.outermost + 1) / 2
            levels = np.rint((low + ranged * (high - low)) * unit).astype(np.int16)
            middles = (levels[:-1] + levels[1:].astype(np.float64)) / 2
            states = np.searchsorted(middles, crossbar.matrix * unit).astype(np.uint8)
        converter = table = None
        if layer < last:
            # The gain is the same in each column, without an offset.
            full = trained.parameters.full_scale if layer == 0 else 1.0
            gain = formats.current_top / (formats.input_top(layer) * unit * full)
            shift = min(math.floor(math.log2((2**GAIN_BITS - 1) / gain)), MAX_SHIFT)
            gains = np.full(states.shape[1], round(gain * 2**shift), np.int32)
            converter = Converter(gains, np.zeros_like(gains), shift)
            table = formats.table if formats.neuron.has_table else None
        layers.append(Layer(states, levels, converter, table))
    return formats.network(layers, image_shape, provenance)


@dataclass(frozen=True, eq=False, kw_only=True)
class Learnt(Trained):
    """What came of learning in the array; `network` has it in whole numbers.

    Attributes
    ----------
    array_accuracy : float
        Share of the test images that the chip that learnt classified rightly.
    chip_accuracy : float or None
        The same of another chip that is programmed with the states, open loop, by the golden model;
        None where there is no device, or a weight is a pair.
    curve : list of (int, float, float)
        As of `ArrayTrained`.
    answers : ndarray of int64, shape (test images,)
        Classes that the chip that learnt gave.
    facts : dict
        Pulses, energy and time, films at the ends of their range, and where the device is
        symmetrical.
    given : ndarray of uint32
        Pulses that each device got.
    cells : dict of str to ndarray
        The chip that learnt, as ``allspin run --measured`` takes it: layer, row, column and R_AH of
        each cell as it is read. Nothing where a weight is a pair.
    """

    array_accuracy: float
    chip_accuracy: float | None
    curve: list[tuple[int, float, float]]
    answers: npt.NDArray[np.int64]
    facts: dict[str, Any]
    given: npt.NDArray[np.uint32]
    cells: dict[str, npt.NDArray[Any]]

    @property
    def epochs(self) -> list[dict[str, Any]]:
        """The learning curve as reports have it."""
        return [
            {"phase": "array", "loss": round(loss, 6), "validation_accuracy": accuracy}
            for _, loss, accuracy in self.curve
        ]

    def plot(self) -> Any:
        """The learning curve."""
        from allspin.host.draw.accuracy_charts import learning_curve

        return learning_curve(self.epochs, None, self.array_accuracy)

    def write(self, folder: Path) -> None:
        """Write learning curve and pulses per device, as CSV files and pictures, and the cells.

        Raises
        ------
        UserError
            If a file cannot be written.
        """
        from allspin.host.draw.accuracy_charts import pulse_histogram
        from allspin.host.draw.style import save_picture

        folder.mkdir(parents=True, exist_ok=True)
        pulses, devices = np.unique(self.given, return_counts=True)
        tables = {
            "learning": ("images,loss_nats,test_accuracy", self.curve),
            "pulses": ("pulses,devices", zip(pulses.tolist(), devices.tolist(), strict=True)),
        }
        for name, (head, rows) in tables.items():
            lines = [head, *(",".join(f"{value:.8g}" for value in row) for row in rows)]
            write_atomically(folder / f"{name}.csv", "\n".join([*lines, ""]).encode())
        if self.cells:
            write_atomically(folder / "cells.npz", npz_bytes(self.cells))
        save_picture(self.plot(), folder, "learning")
        save_picture(pulse_histogram(self.given), folder, "pulses")


LEFT_OUT = ("amplifier_gain", "amplifier_offset", "converter_gain", "converter_offset")
LEFT_OUT += ("hall_offset", "reference", "drifts", "decays")
"""Imperfections that learning does without."""


def cells_of(network: ArrayNetwork, unit: str) -> dict[str, npt.NDArray[Any]]:
    """What is read of each cell of a chip that learnt, layer by layer; nothing of pairs."""
    parts = []
    for layer, crossbar in enumerate(network.pulsed):
        read = crossbar.films[0].resistance
        parts.append(np.stack([np.full(read.shape, layer), *np.indices(read.shape), read]))
    joined = np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)
    names = "layer", "row", "column", "R_AH"
    return {**dict(zip(names, joined, strict=True)), "unit": np.array(unit)}


LEFT_OUT = ("amplifier_gain", "amplifier_offset", "converter_gain", "converter_offset")
LEFT_OUT += ("hall_offset", "reference", "drifts", "decays")
"""Imperfections that learning does without."""


def left_out(device: Device) -> list[str]:
    """What a device file has that learning does without."""
    found = [name for name in LEFT_OUT if getattr(device.imperfections, name)]
    written = device.imperfections.reference_column == "written"
    return found + ["reference_column"] * written + ["array"] * (device.array.reading != "ideal")


def facts_of(network: ArrayNetwork, pulses: npt.NDArray[np.uint32]) -> dict[str, Any]:
    """What pulses took and where they led, by the pulses that each device got."""
    every = [films for crossbar in network.pulsed for films in crossbar.films]
    synapse, device = every[0].synapse, network.parameters.device
    films = np.concatenate([each.film.ravel() for each in every])
    ends = np.minimum(films - synapse.low, synapse.high - films)
    taken = Counts(
        cells=films.size,
        potentiation=sum(each.widths[0] for each in every),
        depression=sum(each.widths[1] for each in every),
        pulses=int(pulses.sum()),
        saturations=sum(each.saturations for each in every),
    )
    point = symmetry_point(synapse)
    return {
        "pulses": taken.pulses,
        "saturations": taken.saturations,
        "pulses_per_device": float(pulses.mean()),
        "most_pulses": int(pulses.max()),
        "energy": device and taken.energy(device.electrical),
        "pulse_time": device and taken.time(device.electrical),
        "at_bounds": float(np.mean(ends <= AT_BOUND * synapse.span)),
        "asymmetry": asymmetry(synapse),
        "symmetry_point": None if point is None else (point - synapse.low) / synapse.span,
        "left_out": [] if device is None else left_out(device),
    }


def _array_parameters(parameters: TrainingParameters) -> ArrayParameters:
    """The same for the array.

    Raises
    ------
    UserError
        If there is something that the array has not.
    """
    neuron, device = parameters.hidden_neuron, parameters.target and parameters.target.device
    if not (neuron.spin or isinstance(neuron, ReluNeuron)):
        raise UserError(
            f"`neuron` must be a spin device in the array, such as sot, or relu, not {neuron.name}"
        )
    if parameters.augmentation != AUGMENTATIONS["none"]:
        raise UserError("`augment` must be none in the array, which sees each image as it is")
    if device is not None and parameters.noise is not None:
        raise UserError("`noise` is for learning without `device`, whose file has its C2C")
    deviation = CycleVariation(parameters.noise or 0.0, parameters.noise or 0.0)
    rule = parameters.rule or LearnRule()
    return ArrayParameters(
        **vars(rule),
        rate=ArrayParameters.rate if parameters.rate == AUTO else parameters.rate,
        epochs=parameters.epochs,
        batch=parameters.batch or ArrayParameters.batch,
        synapse=device.synapse if device else linear_synapse(parameters.states, deviation),
        device=device,
        neuron=neuron if neuron.spin else None,
        neuron_variation=device.neuron_variation if device else NeuronVariation(),
        hidden=parameters.hidden,
        seed=parameters.seed,
    )


def usual(given: Mapping[str, Any]) -> dict[str, Any]:
    """Options where those that are given do not say them: `DEFAULTS`, and what a device has."""
    if given.get("device") is None:
        return DEFAULTS
    device = open_device(given["device"], given.get("at"))
    return DEFAULTS | {"noise": None, "states": device.synapse.states}


@takes(parameters=TrainingParameters)
def learn_in_array(
    data: Data | Dataset | None, parameters: TrainingParameters, progress: Any = None
) -> Learnt:
    """Train a network by pulses, as the paper does, and write it down in whole numbers.

    It learns from all training images, so that none is left to choose between epochs. Ctrl-C ends
    it; what was learnt so far is returned.

    Parameters
    ----------
    data : Dataset, str, Path or tuple of array_like, optional
        What to learn, as of `allspin.load_dataset`.
    parameters : TrainingParameters
        How; those of `usual` where nothing else is asked for. Without a device ``noise`` is the
        cycle-to-cycle deviation of each update, as a fraction of the range of R_AH.
    progress : Display or bool, optional
        Shows which share of the training is done.

    Raises
    ------
    UserError
        If the parameters ask for what the array has not, or there are fewer images than a batch
        takes.
    """
    dataset = load_dataset(data)
    given, rates, target = _array_parameters(parameters), {}, parameters.target
    options = parameters.options(dataset) | {"in_array": True}
    if parameters.rate == AUTO:
        progress.start("looking for a learning rate")
        rates = search_rate(dataset, given)
        given = replace(given, rate=float(max(rates, key=lambda rate: rates[rate])))
        options["rate"] = given.rate
        progress.finish(", ".join(f"{rate}: {share:.2%}" for rate, share in rates.items()))
    provenance = {
        "command": "train",
        "recipe": VERSION,
        "options": options,
        "data": {"name": dataset.name, "digest": dataset.digest},
    }
    progress.start("learning in the array")
    trained = train_in_array(
        dataset, given, progress=lambda share, words: progress.advance(share, 1.0, words)
    )
    progress.finish()
    provenance["loss"] = [[images, round(loss, 6)] for images, loss, _ in trained.curve]
    formats = parameters.formats
    if given.pair:
        formats = replace(formats, own_levels=None)
    network = array_network(trained.network, formats, dataset.image_shape, provenance)
    models, images = [GoldenModel(network)], dataset.test_images
    if target is not None and not given.pair:
        other = Chip(target.device, (given.seed + 1) % 2**32)
        words = program_chip(other, network, target.programming).words
        models.append(other.golden(network, words))
    shares = [float(np.mean(each.classify(images) == dataset.test_labels)) for each in models]
    films = [films for crossbar in trained.network.pulsed for films in crossbar.films]
    pulses = np.concatenate([each.given.ravel() for each in films])
    learnt = Learnt(
        network,
        math.nan,
        shares[0],
        trained.interrupted,
        array_accuracy=trained.curve[-1][2],
        chip_accuracy=shares[1] if shares[1:] else None,
        curve=trained.curve,
        answers=trained.answers,
        facts=facts_of(trained.network, pulses)
        | {"rates": {str(rate): rates[rate] for rate in rates}},
        cells={} if target is None or given.pair else cells_of(trained.network, target.device.unit),
        given=pulses,
    )
    if target is None:  # whose files are as ever
        return learnt
    record = network.provenance | {"curve": learnt.epochs}
    return replace(learnt, network=replace(network, provenance=record))
