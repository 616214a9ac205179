"""The state of one training: its network, and the phases that it goes through."""

import math
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from allspin.host.data.datasets import Dataset
from allspin.host.show.progress import Steps
from allspin.host.show.say import clock, tell
from allspin.host.train.augment import Course
from allspin.host.train.feed import FIRST_IMAGES, Batch, bent_batches, row_values, split
from allspin.host.train.latent import Adam, Array, LatentNetwork
from allspin.host.train.parameters import TrainingParameters
from allspin.host.train.passes import accuracy_of, backward, forward
from allspin.host.train.robust import Judged, RobustLesson, judge, softmax
from allspin.host.train.robustness import Occasion, laws
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel, keep_freed_memory
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import cut

WARM_UP = 0.02
"""Share of a phase in which the learning rate rises."""
MEMORY_EPOCHS = 2.5
"""Epochs over which the running average of the parameters reaches back."""


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


def _rate(peak: float, done: float) -> float:
    """Learning rate when a share of the phase is done: up quickly, down along a cosine."""
    return peak * min(1.0, done / WARM_UP) * 0.5 * (1 + math.cos(math.pi * done))


class Trainer:
    """State of one training.

    Parameters
    ----------
    dataset : Dataset
        What to learn.
    parameters : TrainingParameters
        How.
    report : callable
        Called after every batch.
    network : LatentNetwork, optional
        One that was trained before; None for one that has learnt nothing yet.

    Raises
    ------
    UserError
        If there is but one training image: there are images to train on, and images to choose
        between epochs on.
    """

    def __init__(
        self,
        dataset: Dataset,
        parameters: TrainingParameters,
        report: Callable[[Progress], None],
        network: LatentNetwork | None = None,
    ) -> None:
        if len(dataset.train_images) < 2:
            raise UserError("training needs at least 2 training images; give a larger data set")
        keep_freed_memory()
        self.dataset = dataset
        self.parameters = parameters
        self.report = report
        self.formats = parameters.formats
        self.noise = parameters.weight_noise
        self.images = images = dataset.train_images.reshape(len(dataset.train_images), -1)
        self.learnt, kept = split(len(images))
        self.validation_labels = dataset.train_labels[kept]
        self.validation_values = row_values(images, kept, parameters.pixel_bits)
        self.network = self._first_network() if network is None else network
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
        few = row_values(self.images, self.learnt[:FIRST_IMAGES], parameters.pixel_bits)
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
        judge = accuracy_of if self.lesson is None else self.lesson.accuracy
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
            Course(
                shape=self.dataset.image_shape,
                augmentation=self.parameters.augmentation_of(self.dataset.image_shape),
                top=self.formats.input_top(0),
                size=self.batch,
                epochs=epochs,
                seed=(seed, number, 0),
            ),
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
        teacher = Trainer(self.dataset, parameters, self.report)
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

    @property
    def _validation(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """Images that are kept to choose between epochs, and their labels."""
        kept = split(len(self.images))[1]
        return self.dataset.train_images[kept], self.validation_labels

    def cut(self) -> None:
        """Compute through the converters of tiles from here on, if that is asked for.

        The steps are those with which most validation images are right. Training goes on with
        them: weights follow a step more easily than a step could follow them.
        """
        if self.parameters.tiles is None:
            return
        network = self.network.export(self.dataset.image_shape, {})
        tiled = cut(network, self.parameters.tiles, *self._validation)
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
        return [judge(network, target.device, each, self._validation) for each in self._occasions]

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


# A training's progress on stderr: a bar on a terminal, a line now and then elsewhere.

LINES = 10
"""Epochs between two lines of progress where there is no terminal."""


class TrainingBar:
    """Shows what `allspin.host.train.train.train` reports, while it is entered."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._steps = Steps()
        self._accuracy = ""

    def __enter__(self) -> Self:
        self._steps.start("training")
        return self

    def __exit__(self, *_: object) -> None:
        self._steps.stop()

    def __call__(self, progress: Progress) -> None:
        """Show where the training is."""
        where = f"{progress.phase} {progress.epoch}/{progress.epochs}"
        ended = progress.validation_accuracy is not None
        if ended:
            self._accuracy = f", validation {progress.validation_accuracy:.2%}"
        loss = f"{where}, loss {progress.loss:.3f}{self._accuracy}"
        self._steps.advance(progress.step, progress.steps, loss)
        listed = progress.epoch in (1, progress.epochs) or progress.epoch % LINES == 0
        if ended and listed and not sys.stderr.isatty():
            spent = time.perf_counter() - self._start
            left = spent * (progress.steps / progress.step - 1)
            tell(f"{where}: loss {progress.loss:.4f}{self._accuracy}, {clock(spent, left)}")
