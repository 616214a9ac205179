"""Training of a network: real numbers first, then the machine's integers."""

import math
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from allspin.host.data.datasets import Data, Dataset, load_dataset
from allspin.host.show.display import Display
from allspin.host.show.progress import shows_progress
from allspin.host.train.feed import Course, bent_batches, row_values, split
from allspin.host.train.gradient.adam import Adam
from allspin.host.train.gradient.latent import LatentNetwork
from allspin.host.train.gradient.loss import fit_logit_scale
from allspin.host.train.gradient.machine_pass import Noise
from allspin.host.train.gradient.number_formats import Array
from allspin.host.train.gradient.passes import forward
from allspin.host.train.kernels import Kernels, convolutions
from allspin.host.train.lesson import JUDGE_SEED, Lesson
from allspin.host.train.parameters import TrainingParameters, provenance_of
from allspin.host.train.trained import Trained, to_the_end
from allspin.host.train.training_chips import chip_law, judge
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel, keep_freed_memory
from allspin.sim.network.tiling import cut

WARM_UP = 0.02
"""Share of a phase in which the learning rate rises."""
LOG_EPOCHS = 10
"""Epochs between two lines of progress if no bar is shown."""
MEMORY_EPOCHS = 2.5
"""Epochs over which the running average of the parameters reaches back."""
SIGNIFICANCE = 2.0
"""Standard errors by which tuning must gain: the best of several epochs exceeds one easily by
chance."""

TEACHER_PHASE, FLOAT_PHASE, QUANTISED_PHASE = 3, 1, 2
"""Numbers of the phases in the seeds of their draws."""


class _Training:
    """State of one training: its network, its lesson, and its phases.

    Parameters
    ----------
    dataset : Dataset
        Data set to learn.
    parameters : TrainingParameters
        Parameters of the training.
    progress : Display
        Display of the share that is done.

    Attributes
    ----------
    network : LatentNetwork
        The network in training.
    lesson : Lesson
        Its loss.
    curve : list of dict
        The learning curve, one entry an epoch.
    best : (float, ndarray) or None
        Accuracy and values of the best quantised epoch so far.
    """

    network: LatentNetwork
    lesson: Lesson

    def __init__(self, dataset: Dataset, parameters: TrainingParameters, progress: Display) -> None:
        if len(dataset.train_images) < 2:
            raise UserError("training needs at least 2 training images; give a larger data set")
        keep_freed_memory()
        self.dataset = dataset
        self.parameters = parameters
        self._progress = progress
        self._last_accuracy = ""
        self.images = dataset.train_images.reshape(len(dataset.train_images), -1)
        self.learnt, kept = split(len(self.images))
        self.kept = dataset.train_images[kept], dataset.train_labels[kept]
        self.kept_values = row_values(self.images, kept, parameters.pixel_bits)
        self.batch = parameters.batch_of(len(self.learnt))
        self.epoch_steps = len(self.learnt) // self.batch
        self.steps = self.epoch_steps * parameters.epochs
        self.step = 0
        self.curve: list[dict[str, Any]] = []
        self.best: tuple[float, Array] | None = None
        self._imported_hits: npt.NDArray[np.int64] | None = None

    def begin(self, hidden: tuple[int, ...], noise: Noise, conv: tuple[Kernels, ...] = ()) -> None:
        """Begin with a network of random weights."""
        parameters = self.parameters
        columns = [kernels.columns for kernels in conv]
        topology = (self.images.shape[1], *columns, *hidden, self.dataset.classes)
        rng = np.random.default_rng([parameters.seed, 0])
        kinds = convolutions(conv, self.dataset.image_shape)
        self.network = LatentNetwork(
            parameters.formats, topology, rng, kinds, parameters.neuron_per
        )
        sample = self.network.sample(self.learnt)
        values = row_values(self.images, sample, parameters.pixel_bits)
        self.network.fit_first_weights(values)
        self.lesson = Lesson(noise)

    def learn(self) -> None:
        """Run all phases: the teacher's if it has one, real numbers, integers."""
        parameters = self.parameters
        robust = parameters.robust
        self.steps += self.epoch_steps * (parameters.teacher_epochs + parameters.float_epochs)
        teacher = None
        if robust is not None and parameters.teacher_epochs:
            self.begin((robust.teacher,), 0.0, parameters.conv)
            self.run_phase("teacher", parameters.teacher_epochs, parameters.rate, TEACHER_PHASE)
            teacher = self.network
        self.begin(parameters.hidden, parameters.weight_noise, parameters.conv)
        self.run_phase("float", parameters.float_epochs, parameters.rate, FLOAT_PHASE)
        self.network.start_quantising()
        self.cut()
        if robust is not None and parameters.target is not None:
            device = parameters.target.device
            tiled = parameters.tiles is not None
            laws = [
                (occasion.share, chip_law(device, self.network.formats, occasion, tiled))
                for occasion in parameters.occasions
                if occasion.share
            ]
            self.lesson = Lesson(0.0, laws, robust, teacher)
        self.run_quantised_phase()

    def tune(self, network: LatentNetwork) -> None:
        """Train a network further that was quantised elsewhere."""
        self.network = network
        self.lesson = Lesson(self.parameters.weight_noise)
        self.cut()
        sample = network.sample(self.learnt)
        sums, _ = forward(network, row_values(self.images, sample, self.parameters.pixel_bits))
        scale, _ = fit_logit_scale(sums, self.dataset.train_labels[sample])
        network.log_scale[:] = math.log(scale)
        self.consider(network.values)
        self._imported_hits = self.hits()
        self.run_quantised_phase()

    def run_quantised_phase(self) -> None:
        """Train with the machine's integers."""
        parameters = self.parameters
        self.run_phase("quantised", parameters.epochs, parameters.quantised_rate, QUANTISED_PHASE)

    def hits(self) -> npt.NDArray[np.int64]:
        """Return 1 for each validation image that is classified correctly, else 0.

        The weights have the noise of training. Each batch has its own draw, equal in every epoch.
        """
        rng = np.random.default_rng(JUDGE_SEED)
        images = self.kept_values.shape[1]
        batch = self.network.pass_images or self.batch
        sums = [
            forward(self.network, part, self.parameters.weight_noise, rng)[0]
            for part in np.split(self.kept_values, range(batch, images, batch), axis=1)
        ]
        return (np.argmax(np.concatenate(sums), axis=1) == self.kept[1]).astype(np.int64)

    def beats_imported(self) -> bool:
        """Return True if the network is better than an imported one, or none was imported.

        With noise any gain counts. Without noise the gain must exceed `SIGNIFICANCE` standard
        errors, which follow from the images on which the two networks disagree (McNemar, 1947, doi
        10.1007/BF02295996).
        """
        if self._imported_hits is None:
            return True
        gains = self.hits() - self._imported_hits
        variance = 0 if np.any(self.parameters.weight_noise) else np.count_nonzero(gains)
        return int(gains.sum()) > SIGNIFICANCE * math.sqrt(variance)

    def consider(self, values: Array) -> float:
        """Return the accuracy of the network with some values; keep them if they are the best."""
        latest = self.network.values.copy()
        self.network.values[:] = values
        accuracy = self.lesson.accuracy(self.network, self.kept_values, self.kept[1])
        is_best = self.best is None or accuracy >= self.best[0]
        if self.network.quantised and is_best and self.beats_imported():
            self.best = accuracy, values.copy()
        self.network.values[:] = latest
        return accuracy

    def run_phase(self, phase: str, epochs: int, peak: float, number: int) -> None:
        """Train for some epochs, and continue from the running average.

        Parameters
        ----------
        phase : str
            Name of the phase in the learning curve.
        epochs : int
            Number of epochs.
        peak : float
            Largest learning rate.
        number : int
            Number of the phase in the seeds of its draws.
        """
        network = self.network
        adam = Adam(network.values, MEMORY_EPOCHS * self.epoch_steps)
        rng = np.random.default_rng([self.parameters.seed, number, 1])
        course = Course(
            shape=self.dataset.image_shape,
            augmentation=self.parameters.augmentation_of(self.dataset),
            top=network.formats.input_top(0),
            size=self.batch,
            epochs=epochs,
            seed=(self.parameters.seed, number, 0),
        )
        total_loss = 0.0
        labels = self.dataset.train_labels
        with closing(bent_batches(self.images, labels, self.learnt, course)) as batches:
            for step, batch in enumerate(batches):
                epoch, place = divmod(step, self.epoch_steps)
                rate = _learning_rate(peak, (step + 0.5) / (epochs * self.epoch_steps))
                loss, gradient = self.lesson.gradient(network, *batch, rng)
                adam.step(gradient, rate)
                network.clip()
                adam.follow()
                total_loss += loss
                mean_loss = total_loss / (place + 1)
                is_epoch_end = place == self.epoch_steps - 1
                if is_epoch_end:
                    self._end_epoch(phase, epoch, mean_loss, adam.average)
                    total_loss = 0.0
                self.step += 1
                message = f"{phase} {epoch + 1}/{epochs}: loss {mean_loss:.3f}{self._last_accuracy}"
                self._progress.advance(self.step, self.steps, message)
                if is_epoch_end and (epoch in (0, epochs - 1) or (epoch + 1) % LOG_EPOCHS == 0):
                    self._progress.log(message)
        network.values[:] = adam.average

    def _end_epoch(self, phase: str, epoch: int, loss: float, values: Array) -> None:
        """Put an epoch on the learning curve."""
        accuracy = self.consider(values)
        self._last_accuracy = f", validation {accuracy:.2%}"
        self.curve.append(
            {
                "phase": phase,
                "epoch": epoch + 1,
                "loss": round(loss, 6),
                "validation_accuracy": round(accuracy, 6),
            }
        )

    def cut(self) -> None:
        """Compute through the ADCs of tiles from here on, if there are tiles.

        The steps of the ADCs are those with the best accuracy on the validation images. Training
        continues with them: weights adapt to a step more easily than a step to weights.
        """
        if self.parameters.tiles is not None:
            whole = self.network.export(self.dataset.image_shape, {})
            tiled = cut(whole, self.parameters.tiles, *self.kept)
            self.network.adcs = [layer.adc for layer in tiled.layers]

    def finish(self, provenance: dict[str, Any], interrupted: bool) -> Trained:
        """Export the best network and score it."""
        assert self.best is not None
        accuracy, self.network.values[:] = self.best
        record = {
            **provenance,
            "data": {"name": self.dataset.name, "digest": self.dataset.digest},
            "validation_accuracy": round(accuracy, 6),
            "interrupted": interrupted,
            "curve": self.curve,
        }
        network = self.network.export(self.dataset.image_shape, record)
        target = self.parameters.target
        chips = [
            judge(network, target.device, occasion, self.kept)
            for occasion in self.parameters.occasions
            if target is not None
        ]
        if chips:
            network = replace(network, provenance=record | {"validation_chips": chips})
        classes = GoldenModel(network).classify(self.dataset.test_images)
        test_accuracy = float(np.mean(classes == self.dataset.test_labels))
        return Trained(network, accuracy, test_accuracy, interrupted, chips)


def _learning_rate(peak: float, done: float) -> float:
    """Return the learning rate at a share of a phase: a quick rise, then a cosine down."""
    return peak * min(1.0, done / WARM_UP) * 0.5 * (1 + math.cos(math.pi * done))


def _run(
    training: _Training, learn: Callable[[], None], provenance: dict[str, Any], progress: Display
) -> Trained:
    """Run a training; if Ctrl-C ends it, return the best network so far."""
    progress.start(f"training on {len(training.learnt):,} images")
    # One thread: products are too small to share, and sums are then the same on every machine.
    with threadpool_limits(1):
        interrupted = False
        try:
            learn()
        except KeyboardInterrupt:
            if training.best is None:
                raise
            interrupted = True
        trained = to_the_end(partial(training.finish, provenance, interrupted))
    progress.finish(
        f"validation {trained.validation_accuracy:.2%}, test {trained.test_accuracy:.2%}"
    )
    return trained


@shows_progress
def train(
    data: Data | Dataset | None = None,
    parameters: TrainingParameters | None = None,
    *,
    progress: Any = None,
) -> Trained:
    """Train a network.

    The network learns from eleven twelfths of the training images. The last twelfth chooses between
    epochs. The test images are used once, at the end.

    Parameters
    ----------
    data : Dataset, str, Path or tuple of array_like, optional
        Data set, in any form that `allspin.load_dataset` takes; by default, the MNIST that ships.
    parameters : TrainingParameters, optional
        Parameters of the training.
    progress : Display or bool, optional
        Display of the share that is done: by default a bar, in a terminal or a notebook.

    Raises
    ------
    UserError
        If the data set cannot be read or has a single training image.
    KeyboardInterrupt
        On Ctrl-C before the first epoch with the machine's integers has ended. Later, Ctrl-C ends
        the training, and the best network so far is returned.
    """
    dataset = load_dataset(data)
    parameters = parameters or TrainingParameters()
    training = _Training(dataset, parameters, progress)
    return _run(training, training.learn, provenance_of(parameters, dataset), progress)


def tune(
    dataset: Dataset,
    parameters: TrainingParameters,
    network: LatentNetwork,
    provenance: dict[str, Any],
    progress: Display,
) -> Trained:
    """Train a network further that has the machine's integers already.

    Images are divided as in `train`. The given network is returned unless an epoch classifies more
    validation images correctly, beyond chance.

    Parameters
    ----------
    dataset : Dataset
        Data set to learn.
    parameters : TrainingParameters
        Parameters of the training; its epochs all have the machine's integers.
    network : LatentNetwork
        Quantised network; changed in place.
    provenance : dict
        Origin of the network.
    progress : Display
        Display of the share that is done.

    Raises
    ------
    UserError
        If the data set has a single training image.
    """
    training = _Training(dataset, parameters, progress)
    return _run(training, partial(training.tune, network), provenance, progress)
