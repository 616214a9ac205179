"""Training loop in the array: batches of pulses, the learning curve, and the search for a rate."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise, product

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from allspin.host.data.datasets import Dataset
from allspin.host.learn.array_network import ArrayNetwork, row_values
from allspin.host.learn.parameters import ArrayParameters
from allspin.sim.errors import UserError

VERSION = 1
"""Version of the recipe; it changes when the same parameters train another network."""
MARKS = 4
"""Marks of the learning curve in an epoch."""
RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
"""Learning rates among which a search chooses."""
SEARCHED_IMAGES = 10_000
"""Training images that a search learns from, at most."""
HELD_IMAGES = 2_000
"""Training images that a search is judged on, at most."""

Mark = tuple[int, float, float]
"""Mark of the learning curve: training images so far; mean cross-entropy since the mark before, in
nats; and accuracy on the test images."""
Watch = Callable[[ArrayNetwork, list[Mark], list[float]], None]
"""Function that is called before each batch, and at the end, with the network, the learning curve,
and the losses since the last mark."""


def _ignore(network: ArrayNetwork, curve: list[Mark], losses: list[float]) -> None:
    """Watch nothing."""


def _say_nothing(share: float, message: str, is_epoch_end: bool) -> None:
    """Show no progress."""


@dataclass(frozen=True, eq=False)
class ArrayTrained:
    """Result of a training in the array.

    Attributes
    ----------
    network : ArrayNetwork
        The network at the end; the test images choose nothing.
    curve : list of (int, float, float)
        The learning curve, a `Mark` each.
    classes : ndarray of int64, shape (test images,)
        Classes at the end.
    seconds : float
        Processor time of the training on one core, without the test images.
    interrupted : bool
        True if Ctrl-C ended it early.
    """

    network: ArrayNetwork
    curve: list[Mark]
    classes: npt.NDArray[np.int64]
    seconds: float
    interrupted: bool = False


class _Course:
    """Training under way.

    Parameters
    ----------
    dataset : Dataset
        Training images, and test images for the curve.
    parameters : ArrayParameters
        The network and its learning rule.
    watch : Watch
        Called before each batch.
    """

    def __init__(self, dataset: Dataset, parameters: ArrayParameters, watch: Watch) -> None:
        self._parameters = parameters
        self._watch = watch
        self._values = row_values(dataset.train_images)
        self._labels = dataset.train_labels
        self._test_values = row_values(dataset.test_images)
        self._test_labels = dataset.test_labels
        self.network = ArrayNetwork(parameters, self._values.shape[1], dataset.classes)
        self._noise = np.random.default_rng([parameters.seed, 2])
        self.curve: list[Mark] = []
        self.losses: list[float] = []
        self.classes = np.zeros(len(self._test_values), np.int64)
        self.seconds = 0.0

    def learn(self, epoch: int, first: int, end: int) -> None:
        """Learn from some batches of an epoch."""
        seed, batch = self._parameters.seed, self._parameters.batch
        order = np.random.default_rng([seed, 3, epoch]).permutation(len(self._values))
        begin = time.process_time()
        for chosen in order[first * batch : end * batch].reshape(-1, batch):
            self._watch(self.network, self.curve, self.losses)
            loss = self.network.learn(self._values[chosen], self._labels[chosen], self._noise)
            self.losses.append(loss)
        self.seconds += time.process_time() - begin

    def mark(self) -> None:
        """Add the batches since the last mark to the learning curve."""
        seed = (self._parameters.seed, 4, len(self.curve))
        self.classes = self.network.classify(self._test_values, seed=seed)
        images = self._parameters.batch * len(self.losses)
        if self.curve:
            images += self.curve[-1][0]
        loss = float(np.cumsum(self.losses)[-1]) / len(self.losses)
        accuracy = float(np.mean(self.classes == self._test_labels))
        self.curve.append((images, loss, accuracy))
        self.losses.clear()

    def result(self, interrupted: bool) -> ArrayTrained:
        """Return the result."""
        return ArrayTrained(self.network, self.curve, self.classes, self.seconds, interrupted)


def train_in_array(
    dataset: Dataset,
    parameters: ArrayParameters,
    *,
    marks: int = MARKS,
    progress: Callable[[float, str, bool], None] = _say_nothing,
    watch: Watch = _ignore,
) -> ArrayTrained:
    """Train a network in the array.

    All training images are learnt from. Ctrl-C ends the training; the result so far is returned.

    Parameters
    ----------
    dataset : Dataset
        Training images, and test images for the learning curve.
    parameters : ArrayParameters
        The network and its learning rule.
    marks : int
        Marks of the learning curve in an epoch.
    progress : callable
        Called at each mark with the share that is done, a message, and True at the end of an epoch.
    watch : Watch
        Called before each batch.

    Raises
    ------
    UserError
        If the data set has fewer training images than a batch.
    KeyboardInterrupt
        On Ctrl-C before the first batch has been learnt.
    """
    batches = len(dataset.train_images) // parameters.batch
    if not batches:
        raise UserError(
            f"training in the array needs at least a batch of {parameters.batch} images, "
            f"not {len(dataset.train_images)}; give a larger data set"
        )
    stops = sorted({0, *(round(batches * (mark + 1) / marks) for mark in range(marks))})
    images = parameters.epochs * batches * parameters.batch
    interrupted = False
    with threadpool_limits(1):
        course = _Course(dataset, parameters, watch)
        try:
            for epoch, (first, end) in product(range(parameters.epochs), pairwise(stops)):
                course.learn(epoch, first, end)
                course.mark()
                done, loss, accuracy = course.curve[-1]
                message = (
                    f"epoch {epoch + 1}/{parameters.epochs}: loss {loss:.3f}, test {accuracy:.2%}"
                )
                progress(done / images, message, end == batches)
            watch(course.network, course.curve, course.losses)
        except KeyboardInterrupt:
            interrupted = True
            for crossbar in course.network.pulsed:
                crossbar.settle()
            if course.losses:
                course.mark()
            if not course.curve:
                raise
    return course.result(interrupted)


def search_rate(dataset: Dataset, parameters: ArrayParameters) -> dict[str, float]:
    """Compute the accuracy of one epoch with each of `RATES`, on held-out training images.

    Returns
    -------
    dict of str to float
        Accuracy by rate.
    """
    held = min(HELD_IMAGES, len(dataset.train_images) // 6)
    end = held + SEARCHED_IMAGES
    part = replace(
        dataset,
        train_images=dataset.train_images[held:end],
        train_labels=dataset.train_labels[held:end],
        test_images=dataset.train_images[:held],
        test_labels=dataset.train_labels[:held],
    )
    accuracies = {}
    for rate in RATES:
        trained = train_in_array(part, replace(parameters, rate=rate, epochs=1), marks=1)
        if trained.interrupted:
            raise KeyboardInterrupt
        accuracies[str(rate)] = trained.curve[-1][2]
    return accuracies
