"""How a network is trained: real numbers first, then the machine's integers."""

import math
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from allspin.host.data.datasets import Dataset, are_vectors
from allspin.host.training.augment import AUGMENTATIONS, Augmentation, Augmenter
from allspin.host.training.feed import Batch, bent_batches
from allspin.host.training.latent import LatentNetwork
from allspin.host.training.number_formats import Array, NumberFormats
from allspin.host.training.optimiser import Adam
from allspin.host.training.passes import Noise, backward, forward
from allspin.host.training.robust import robustness
from allspin.host.training.robust.judged import Judged, judge
from allspin.host.training.robust.law import laws
from allspin.host.training.robust.lesson import RobustLesson
from allspin.host.training.robust.robustness import Occasion, Robustness
from allspin.host.training.robust.teacher import softmax
from allspin.host.training.training_target import TrainingTarget
from allspin.sim.device.checks import check_number
from allspin.sim.errors import UserError
from allspin.sim.extensions import UnknownKind
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.levels import (
    MAX_RAH_BITS,
    MAX_STATES,
    MIN_RAH_BITS,
    MIN_STATES,
    check_range,
    uniform_levels,
)
from allspin.sim.network.network import MAX_LAYERS, MAX_LINES, Network
from allspin.sim.network.neuron import NEURONS
from allspin.sim.network.neuron_kind import Neuron
from allspin.sim.network.pixels import quantise_pixels
from allspin.sim.network.tiling import Tiles, cut

RECIPE = 1
"""Version of the recipe: it changes when the same options give another network."""
BATCH = 256
"""Images in a batch, where there are many."""
EPOCH_STEPS = 64
"""Batches in an epoch, where there are few images: the batches are smaller then."""
SMALLEST_BATCH = 32
VALIDATION_SHARE = 12
"""One training image in so many is kept to choose between epochs: 5,000 of MNIST's."""
SPLIT_SEED = 2021
"""The same images are kept whatever the network's seed."""
MAX_BATCH = 65_536
RATE = 3e-3
"""Peak of the learning rate with real numbers."""
QUANTISED_SHARE = 2 / 3
"""Peak with the machine's integers, as a share of that."""
MIN_RATE, MAX_RATE = 1e-6, 1.0
WARM_UP = 0.02
"""Share of a phase in which the learning rate rises."""
MEMORY_EPOCHS = 2.5
"""Epochs over which the running average of the parameters reaches back."""
FIRST_IMAGES = 2000
"""Images that the first weights are scaled on."""
WIDE_CURRENT_HIDDEN_BITS = 7
"""Activations from this width on get input currents of 10 bits, not 8."""

DEFAULT_NEURON = "sot"
"""Of the hidden layers, where neither the options nor a device say it."""
EPOCHS = 100
QUICK_EPOCHS = 16
FLOAT_SHARE = 0.6
"""Epochs with real numbers, before, to each one with the machine's integers."""
DEFAULT_AUGMENTATION = "digits"
"""Of images, where the options do not say it."""
UNSAID = {"augment": DEFAULT_AUGMENTATION, "rate": RATE}
"""Options that a network's file leaves out where they have these values."""
MAX_EPOCHS = 10_000
MAX_NOISE = 0.5
MAX_SEED = 2**32 - 1


@dataclass(frozen=True)
class TrainingParameters:
    """What to train.

    Parameters
    ----------
    states : int
        States of a synapse, 2 to 128.
    hidden : tuple of int
        Neurons of each hidden layer, at most 14 layers.
    neuron : str or None
        Kind of neuron: one of `allspin.sim.network.neuron.NEURONS`. None: that of the target's
        device; `sot` without a target.
    pixel_bits, hidden_bits : int
        Width of a pixel and of a hidden activation, 1 to 8.
    rah_bits : int
        Width of an R_AH word, 2 to 8, wide enough for the states.
    noise : float or None
        Standard deviation of the noise on every weight in training, as a fraction of the
        range of R_AH (outermost level to outermost level), 0 to 0.5. None: that of a write
        of the target's device, by state; none without a target.
    epochs : int
        Epochs with the machine's integers, 1 to 10,000; `float_epochs` go before.
    seed : int
        Names all chance, 0 to 2**32 - 1.
    rate : float
        Peak of the learning rate with real numbers, 1e-6 to 1; with the machine's integers it is
        two thirds of it.
    batch : int or None
        Images in a batch, 1 to 65,536. None: 256, or fewer where there are few images.
    augmentation : Augmentation or None
        How far the training images are bent. None: as digits are, and lists of values not at all.
    target : TrainingTarget, optional
        The device whose levels the states have, and whose neuron the hidden layers have if it is
        of the kind that is asked for.
    robust : Robustness, optional
        Train for chips of the target's device, with all that varies, and how.
    tiles : Tiles, optional
        What the columns are cut into once training computes with the machine's integers.

    Raises
    ------
    ValueError, TypeError
        If a value is outside its range, or the target's device has no such levels; the message
        names the range.
    """

    states: int = 10
    hidden: tuple[int, ...] = (100,)
    neuron: str | None = None
    pixel_bits: int = 4
    hidden_bits: int = 4
    rah_bits: int = 8
    noise: float | None = None
    epochs: int = EPOCHS
    seed: int = 0
    rate: float = RATE
    batch: int | None = None
    augmentation: Augmentation | None = None
    target: TrainingTarget | None = None
    robust: Robustness | None = None
    tiles: Tiles | None = None

    def __post_init__(self) -> None:
        check_range("states", self.states, MIN_STATES, MAX_STATES)
        check_range("rah_bits", self.rah_bits, MIN_RAH_BITS, MAX_RAH_BITS)
        uniform_levels(self.states, self.rah_bits)
        object.__setattr__(self, "hidden", tuple(self.hidden))
        check_range("number of hidden layers", len(self.hidden), 1, MAX_LAYERS - 1)
        for width in self.hidden:
            check_range("hidden", width, 1, MAX_LINES)
        if self.neuron is not None and self.neuron not in NEURONS:
            raise UnknownKind.named("neuron", NEURONS, self.neuron)
        check_range("pixel_bits", self.pixel_bits, 1, 8)
        check_range("hidden_bits", self.hidden_bits, 1, 8)
        if self.noise is not None and not (
            isinstance(self.noise, (int, float)) and 0 <= self.noise <= MAX_NOISE
        ):
            raise ValueError(f"noise must be from 0 to {MAX_NOISE}, not {self.noise!r}")
        check_range("epochs", self.epochs, 1, MAX_EPOCHS)
        check_range("seed", self.seed, 0, MAX_SEED)
        object.__setattr__(self, "rate", check_number("rate", self.rate, MIN_RATE, MAX_RATE))
        if self.batch is not None:
            check_range("batch", self.batch, 1, MAX_BATCH)
        if self.target is not None:
            self.target.levels(self.states, self.rah_bits)
        if self.robust is not None and self.target is None:
            raise ValueError("robust training needs the device whose chips the network is to bear")

    @property
    def float_epochs(self) -> int:
        """Epochs with real numbers."""
        share = FLOAT_SHARE if self.robust is None else robustness.FLOAT_SHARE
        return max(1, round(share * self.epochs))

    @property
    def quantised_rate(self) -> float:
        """Peak of the learning rate with the machine's integers."""
        return self.rate * (QUANTISED_SHARE if self.robust is None else robustness.RATE_SHARE)

    @property
    def teacher(self) -> "TrainingParameters | None":
        """What the network that teaches this one is trained by; None where nobody does."""
        if self.robust is None or not self.robust.taught:
            return None
        epochs = max(1, round(robustness.TEACHER_SHARE * self.epochs))
        hidden = (self.robust.teacher,)
        return replace(self, hidden=hidden, epochs=epochs, noise=0.0, robust=None, tiles=None)

    @property
    def weight_noise(self) -> Noise:
        """Noise on the weights in training, as `allspin.host.training.passes.forward` takes it."""
        if self.noise is not None or self.target is None:
            return self.noise or 0.0
        return self.target.noise(self.states, self.rah_bits)

    @property
    def hidden_neuron(self) -> Neuron:
        """The neuron of the hidden layers."""
        if self.target is not None and self.neuron in (None, self.target.device.neuron.name):
            return self.target.device.neuron
        return NEURONS[self.neuron or DEFAULT_NEURON]()

    @property
    def formats(self) -> NumberFormats:
        """The number formats."""
        target = self.target
        return NumberFormats(
            neuron=self.hidden_neuron,
            states=self.states,
            pixel_bits=self.pixel_bits,
            hidden_bits=self.hidden_bits,
            rah_bits=self.rah_bits,
            current_bits=10 if self.hidden_bits >= WIDE_CURRENT_HIDDEN_BITS else 8,
            own_levels=None if target is None else target.levels(self.states, self.rah_bits),
        )

    def augmentation_of(self, image_shape: tuple[int, int]) -> Augmentation:
        """How far images of a shape are bent.

        Raises
        ------
        UserError
            If they are lists of values, which cannot be bent.
        """
        lists = are_vectors(image_shape)
        if self.augmentation is None:
            return AUGMENTATIONS["none" if lists else DEFAULT_AUGMENTATION]
        if lists and self.augmentation.text != "none":
            raise UserError(
                f"`augment` {self.augmentation.text} bends images, but the data set has lists of "
                f"{math.prod(image_shape)} values: give none, or the images' shape"
            )
        return self.augmentation

    def batch_of(self, images: int) -> int:
        """Images in a batch where so many are learnt from.

        Raises
        ------
        UserError
            If there are fewer images than a batch is to have.
        """
        if self.batch is None:
            return min(max(SMALLEST_BATCH, min(BATCH, images // EPOCH_STEPS)), images)
        if self.batch > images:
            raise UserError(
                f"`batch` must be at most {images:,}, the images that are learnt from, "
                f"not {self.batch:,}"
            )
        return self.batch

    def options(self, dataset: Dataset) -> dict[str, Any]:
        """All that a training on a data set uses, by the names of ``train``'s options.

        Raises
        ------
        UserError
            If the parameters do not go with the data set.
        """
        return {
            **_described(self),
            "augment": self.augmentation_of(dataset.image_shape).text,
            "rate": self.rate,
            "batch": self.batch_of(len(split(len(dataset.train_images))[0])),
        }


@dataclass(frozen=True)
class Progress:
    """Where the training is.

    Attributes
    ----------
    phase : str
        ``float`` or ``quantised``; ``teacher`` before them where there is one.
    epoch, epochs : int
        Epoch of this phase, from 1, and how many it has.
    step, steps : int
        Batches done of all phases together, and how many there are.
    loss : float
        Mean cross-entropy of the epoch so far.
    validation_accuracy : float or None
        At the end of an epoch, else None.
    """

    phase: str
    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    validation_accuracy: float | None


@dataclass(frozen=True, eq=False)
class Trained:
    """What came of a training.

    Attributes
    ----------
    network : Network
        The best network by validation, with the learning curve in its provenance.
    validation_accuracy, test_accuracy : float
        Share of images that the golden model classifies rightly.
    interrupted : bool
        Whether Ctrl-C ended it early.
    chips : list of Judged
        What chips reach on the validation images, if it was trained for them.
    """

    network: Network
    validation_accuracy: float
    test_accuracy: float
    interrupted: bool
    chips: list[Judged] = field(default_factory=list)


def split(images: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Indices of the images to train on, and of those to choose between epochs on."""
    order = np.random.default_rng(SPLIT_SEED).permutation(images)
    kept = max(1, images // VALIDATION_SHARE)
    return order[kept:], order[:kept]


def _rate(peak: float, done: float) -> float:
    """Learning rate when a share of the phase is done: up quickly, down along a cosine."""
    return peak * min(1.0, done / WARM_UP) * 0.5 * (1 + math.cos(math.pi * done))


def share_right(network: LatentNetwork, values: Array, labels: npt.NDArray[np.int64]) -> float:
    """Share of images that a network in training classifies rightly.

    Parameters
    ----------
    network : LatentNetwork
        The network.
    values : ndarray of float32, shape (rows, images)
        Row values as whole numbers.
    labels : ndarray of int64, shape (images,)
        Class of each image.
    """
    sums, _ = forward(network, values)
    return float(np.mean(np.argmax(sums, axis=1) == labels))


def _row_values(
    images: npt.NDArray[np.uint8], chosen: npt.NDArray[np.int64], pixel_bits: int
) -> Array:
    """Row values of some images, float32, shape (rows, chosen)."""
    values = np.empty((len(chosen), images.shape[1]), np.float32)
    for start in range(0, len(chosen), FIRST_IMAGES):  # NumPy's indices take eight times a pixel
        part = slice(start, start + FIRST_IMAGES)
        values[part] = quantise_pixels(images[chosen[part]], pixel_bits)
    return values.T


class _Training:
    """State of one training."""

    def __init__(
        self,
        dataset: Dataset,
        parameters: TrainingParameters,
        report: Callable[[Progress], None],
        network: LatentNetwork | None = None,
    ) -> None:
        self.dataset = dataset
        self.parameters = parameters
        self.report = report
        self.formats = parameters.formats
        self.noise = parameters.weight_noise
        self.images = images = dataset.train_images.reshape(len(dataset.train_images), -1)
        self.learnt, kept = split(len(images))
        self.validation_labels = dataset.train_labels[kept]
        self.validation_values = _row_values(images, kept, parameters.pixel_bits)
        self.network = self._first_network() if network is None else network
        self.augmenter = Augmenter(
            dataset.image_shape, parameters.augmentation_of(dataset.image_shape)
        )
        self.batch = parameters.batch_of(len(self.learnt))
        self.epoch_steps = len(self.learnt) // self.batch
        self.trained_before = network is not None
        float_epochs = 0 if self.trained_before else parameters.float_epochs
        self.steps = self.epoch_steps * (float_epochs + parameters.epochs)
        self.step = 0
        self.curve: list[dict[str, Any]] = []
        self.best: tuple[float, list[Array]] | None = None
        self.lesson: RobustLesson | None = None

    def _first_network(self) -> LatentNetwork:
        """A network that has learnt nothing yet."""
        parameters = self.parameters
        network = LatentNetwork(
            self.formats,
            (self.images.shape[1], *parameters.hidden, self.dataset.classes),
            np.random.default_rng([parameters.seed, 0]),
        )
        few = _row_values(self.images, self.learnt[:FIRST_IMAGES], parameters.pixel_bits)
        network.fit_first_weights(few)
        return network

    def _learn(self, batch: Batch, adam: Adam, rate: float, rng: np.random.Generator) -> float:
        if self.lesson is None:
            loss, gradients = self._gradients(batch, rng)
        else:
            loss, gradients = self.lesson.gradients(self.network, *batch, rng)
        adam.step(gradients, rate)
        self.network.clip()
        adam.follow()
        return loss

    def _gradients(self, batch: Batch, rng: np.random.Generator) -> tuple[float, list[Array]]:
        """Mean cross-entropy of a batch, and its gradient by each parameter."""
        values, labels = batch
        network = self.network
        sums, record = forward(network, values, self.noise, rng)
        scale = np.exp(network.parameters[-1][0])
        shares = softmax(sums * scale)
        rows = np.arange(len(labels))
        loss = -float(np.mean(np.log(np.maximum(shares[rows, labels], 1e-12))))
        shares[rows, labels] -= 1
        shares /= np.float32(len(labels))
        gradients = backward(network, shares * scale, record)
        gradients[-1][:] = scale * np.sum(shares * sums)
        return loss, gradients

    def consider(self) -> float:
        """Accuracy of the network as it is, which is kept if none before was better.

        A network that is trained for chips is judged by what chips reach.
        Of a network that came trained the latest is kept: it may have learnt the images that
        would choose.
        """
        judge = share_right if self.lesson is None else self.lesson.share_right
        accuracy = judge(self.network, self.validation_values, self.validation_labels)
        better = self.trained_before or self.best is None or accuracy >= self.best[0]
        if self.network.quantised and better:
            self.best = (accuracy, [parameter.copy() for parameter in self.network.parameters])
        return accuracy

    def _validate(self, adam: Adam) -> float:
        """Accuracy of the running average, which is kept if none before was better."""
        latest = [parameter.copy() for parameter in self.network.parameters]
        self.network.assign(adam.average)
        accuracy = self.consider()
        self.network.assign(latest)
        return accuracy

    def run_phase(self, phase: str, epochs: int, peak: float, number: int) -> None:
        """Train for some epochs, and go on from the running average.

        Parameters
        ----------
        phase : str
            Name of the phase in the learning curve.
        epochs : int
            How many.
        peak : float
            Largest learning rate.
        number : int
            Keeps the phase's draws apart from others'.
        """
        seed = self.parameters.seed
        adam = Adam(self.network.parameters, MEMORY_EPOCHS * self.epoch_steps)
        rng = np.random.default_rng([seed, number, 1])
        batches = bent_batches(
            self.images,
            self.dataset.train_labels,
            self.learnt,
            epochs=epochs,
            size=self.batch,
            top=self.formats.input_top(0),
            augmenter=self.augmenter,
            seed=(seed, number, 0),
        )
        steps = epochs * self.epoch_steps
        total = 0.0
        with closing(batches):
            for step, batch in enumerate(batches):
                epoch, place = divmod(step, self.epoch_steps)
                total += self._learn(batch, adam, _rate(peak, (step + 0.5) / steps), rng)
                loss = total / (place + 1)
                self.step += 1
                accuracy = None
                if place == self.epoch_steps - 1:
                    accuracy = self._validate(adam)
                    self.curve.append(
                        {
                            "phase": phase,
                            "epoch": epoch + 1,
                            "loss": round(loss, 6),
                            "validation_accuracy": round(accuracy, 6),
                        }
                    )
                    total = 0.0
                self.report(
                    Progress(phase, epoch + 1, epochs, self.step, self.steps, loss, accuracy)
                )
        self.network.assign(adam.average)

    def taught(self) -> LatentNetwork | None:
        """The network that teaches this one, trained first; None where nobody does."""
        parameters = self.parameters.teacher
        if parameters is None:
            return None
        teacher = _Training(self.dataset, parameters, self.report)
        self.steps += self.epoch_steps * parameters.epochs
        teacher.steps = self.steps
        teacher.run_phase("teacher", parameters.epochs, parameters.rate, 3)
        self.step, self.curve = teacher.step, teacher.curve
        return teacher.network

    @property
    def _occasions(self) -> tuple[Occasion, ...]:
        """Chips that the network is trained for."""
        robust, target = self.parameters.robust, self.parameters.target
        if robust is None or target is None:
            return ()
        return robust.occasions(target.programming, self.parameters.states)

    def cut(self) -> None:
        """Compute through the converters of tiles from here on, if that is asked for.

        The steps are those with which most validation images are right. Training goes on with
        them: weights follow a step more easily than a step could follow them.
        """
        if self.parameters.tiles is None:
            return
        kept = split(len(self.images))[1]
        network = self.network.export(self.dataset.image_shape, {})
        images = self.dataset.train_images[kept], self.validation_labels
        tiled = cut(network, self.parameters.tiles, *images)
        self.network.adcs = [layer.adc for layer in tiled.layers]

    def face_chips(self, teacher: LatentNetwork | None) -> None:
        """Learn from here on for chips that vary, if that is asked for."""
        robust, target = self.parameters.robust, self.parameters.target
        if robust is not None and target is not None:
            tiled = self.parameters.tiles is not None
            found = laws(target.device, self.formats, self._occasions, tiled)
            self.lesson = RobustLesson(found, robust, teacher)

    def _judged(self, network: Network) -> list[Judged]:
        """What chips reach on the validation images, if the network was trained for them."""
        target = self.parameters.target
        if target is None or not self._occasions:
            return []
        kept = split(len(self.images))[1]
        images = self.dataset.train_images[kept], self.validation_labels
        return [judge(network, target.device, each, images) for each in self._occasions]

    def finish(self, provenance: dict[str, Any], interrupted: bool) -> Trained:
        """Export the best network and score it."""
        assert self.best is not None
        accuracy, parameters = self.best
        self.network.assign(parameters)
        record = {
            **provenance,
            "data": {"name": self.dataset.name, "digest": self.dataset.digest},
            "validation_accuracy": round(accuracy, 6),
            "interrupted": interrupted,
            "curve": self.curve,
        }
        network = self.network.export(self.dataset.image_shape, record)
        chips = self._judged(network)
        if chips:
            record["validation_chips"] = [each.to_dict() for each in chips]
            network = replace(network, provenance=record)
        right = GoldenModel(network).classify(self.dataset.test_images) == self.dataset.test_labels
        return Trained(network, accuracy, float(np.mean(right)), interrupted, chips)


def train(
    dataset: Dataset,
    parameters: TrainingParameters,
    report: Callable[[Progress], None] = lambda progress: None,
) -> Trained:
    """Train a network.

    The training images bar a twelfth are learnt from; that twelfth chooses between epochs;
    the test images are used once, at the end.

    Parameters
    ----------
    dataset : Dataset
        What to learn.
    parameters : TrainingParameters
        How.
    report : callable, optional
        Called after every batch.

    Returns
    -------
    Trained

    Raises
    ------
    UserError
        If there is but one training image.
    KeyboardInterrupt
        On Ctrl-C before the first epoch with the machine's integers has ended; later, Ctrl-C
        ends the training and the best network so far is returned.
    """
    _check_images(dataset)
    # One thread: the products are too small to share, and sums come out the same everywhere.
    with threadpool_limits(1):
        training = _Training(dataset, parameters, report)
        interrupted = False
        try:
            teacher = training.taught()
            training.run_phase("float", parameters.float_epochs, parameters.rate, 1)
            training.network.start_quantising()
            training.cut()
            training.face_chips(teacher)
            training.run_phase("quantised", parameters.epochs, parameters.quantised_rate, 2)
        except KeyboardInterrupt:
            if training.best is None:
                raise
            interrupted = True
        return training.finish(_provenance(parameters, dataset), interrupted)


def tune(
    dataset: Dataset,
    parameters: TrainingParameters,
    network: LatentNetwork,
    provenance: dict[str, Any],
    report: Callable[[Progress], None] = lambda progress: None,
) -> Trained:
    """Train a network further that has the machine's integers already.

    Images are shared out as in `train`, but the last epoch's network is returned: the network may
    have learnt the images that would choose between epochs.

    Parameters
    ----------
    dataset : Dataset
        What to learn.
    parameters : TrainingParameters
        How; its epochs are with the machine's integers, and there are none before.
    network : LatentNetwork
        Quantised; changed in place.
    provenance : dict
        Where the network comes from.
    report : callable, optional
        Called after every batch.

    Returns
    -------
    Trained

    Raises
    ------
    UserError
        If there is but one training image.
    """
    _check_images(dataset)
    with threadpool_limits(1):
        training = _Training(dataset, parameters, report, network)
        training.cut()
        training.consider()
        interrupted = False
        try:
            training.run_phase("quantised", parameters.epochs, parameters.quantised_rate, 2)
        except KeyboardInterrupt:
            interrupted = True
        return training.finish(provenance, interrupted)


def _check_images(dataset: Dataset) -> None:
    """Raise unless there are images to train on and images to choose between epochs on."""
    if len(dataset.train_images) < 2:
        raise UserError("training needs at least 2 training images; give a larger data set")


def _described(parameters: TrainingParameters) -> dict[str, Any]:
    """What every network's provenance says of its parameters."""
    return {
        "states": parameters.states,
        "hidden": list(parameters.hidden),
        "neuron": parameters.hidden_neuron.name,
        "pixel_bits": parameters.pixel_bits,
        "hidden_bits": parameters.hidden_bits,
        "rah_bits": parameters.rah_bits,
        # As ever without a device: equal options make equal files.
        "noise": parameters.noise if parameters.target else parameters.noise or 0.0,
        "epochs": parameters.epochs,
        "seed": parameters.seed,
        **({} if parameters.target is None else parameters.target.to_dict()),
        **({} if parameters.robust is None else {"robust": parameters.robust.text}),
        **({} if parameters.tiles is None else parameters.tiles.to_dict()),
    }


def _provenance(parameters: TrainingParameters, dataset: Dataset) -> dict[str, Any]:
    """What a network's file says of its training: all that differs from `UNSAID`, and more."""
    options = parameters.options(dataset)
    unsaid = UNSAID | ({"batch": options["batch"]} if parameters.batch is None else {})
    return {
        "command": "train",
        "recipe": RECIPE,
        "options": {
            name: value
            for name, value in options.items()
            if name not in unsaid or value != unsaid[name]
        },
    }
