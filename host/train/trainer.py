"""How a network is trained: real numbers first, then the machine's integers."""

import math
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial, wraps
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from allspin.host.data.datasets import Data, Dataset, load_dataset
from allspin.host.keywords import takes
from allspin.host.show.display import Display
from allspin.host.train.feed import Course, bent_batches, row_values, split
from allspin.host.train.gradient.latent import Adam, LatentNetwork
from allspin.host.train.gradient.machine_pass import Noise
from allspin.host.train.gradient.number_formats import Array
from allspin.host.train.gradient.passes import forward
from allspin.host.train.kernels import Kernels, laid_on
from allspin.host.train.lesson import JUDGE_SEED, Lesson, calibrated, chip_law, judge
from allspin.host.train.parameters import (
    AUTO,
    EPOCHS,
    QUICK_EPOCHS,
    TrainingParameters,
    provenance_of,
)
from allspin.host.train.trained import Trained
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel, keep_freed_memory
from allspin.sim.network.tiling import cut

WARM_UP = 0.02
"""Share of a phase in which the learning rate rises."""
LINES = 10
"""Epochs between two lines of progress where there is no bar."""
MEMORY_EPOCHS = 2.5
"""Epochs over which the running average of the parameters reaches back."""
SURE = 2.0
"""Standard errors by which tuning must classify more images rightly: the best of several epochs
exceeds one easily by chance."""


class _Training:
    """State of one training: its network, its lesson, and the phases that it goes through."""

    def __init__(self, dataset: Dataset, parameters: TrainingParameters, progress: Display) -> None:
        if parameters.rate == AUTO or parameters.rule is not None:
            raise UserError("`rate` auto, and how changes become pulses, are for `in_array`")
        if len(dataset.train_images) < 2:
            raise UserError("training needs at least 2 training images; give a larger data set")
        keep_freed_memory()
        self.dataset = dataset
        self.parameters = parameters
        self._progress = progress
        self.told = ""
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
        self.came: npt.NDArray[np.int64] | None = None

    def begin(self, hidden: tuple[int, ...], noise: Noise, conv: tuple[Kernels, ...] = ()) -> None:
        """Begin with a network that has learnt nothing yet."""
        parameters = self.parameters
        columns = [each.columns for each in conv]
        topology = (self.images.shape[1], *columns, *hidden, self.dataset.classes)
        rng = np.random.default_rng([parameters.seed, 0])
        kinds = laid_on(conv, self.dataset.image_shape)
        per = parameters.neuron_per
        self.network = LatentNetwork(parameters.formats, topology, rng, kinds, per)
        few = row_values(self.images, self.network.few(self.learnt), parameters.pixel_bits)
        self.network.fit_first_weights(few)
        self.lesson = Lesson(noise)

    def learn(self) -> None:
        """Go through all phases: a teacher's if there is one, real numbers, integers."""
        parameters, robust, teacher = self.parameters, self.parameters.robust, None
        teaching, real = parameters.teacher_epochs, parameters.float_epochs
        self.steps += self.epoch_steps * (teaching + real)
        if robust is not None and teaching:
            self.begin((robust.teacher,), 0.0, parameters.conv)
            self.run_phase("teacher", teaching, parameters.rate, 3)
            teacher = self.network
        self.begin(parameters.hidden, parameters.weight_noise, parameters.conv)
        self.run_phase("float", real, parameters.rate, 1)
        self.network.start_quantising()
        self.cut()
        if robust is not None and parameters.target is not None:
            device, tiled = parameters.target.device, parameters.tiles is not None
            laws = [
                (each.share, chip_law(device, self.network.formats, each, tiled))
                for each in parameters.occasions
                if each.share
            ]
            self.lesson = Lesson(0.0, laws, robust, teacher)
        self.run_phase("quantised", parameters.epochs, parameters.quantised_rate, 2)

    def go_on(self, network: LatentNetwork) -> None:
        """Go on with a network that was quantised elsewhere."""
        self.network, self.lesson = network, Lesson(self.parameters.weight_noise)
        self.cut()
        few = network.few(self.learnt)
        sums, _ = forward(network, row_values(self.images, few, self.parameters.pixel_bits))
        network.log_scale[:] = math.log(calibrated(sums, self.dataset.train_labels[few])[0])
        self.consider(network.values)
        self.came = self.right()
        self.run_phase("quantised", self.parameters.epochs, self.parameters.quantised_rate, 2)

    def right(self) -> npt.NDArray[np.int64]:
        """Which kept images the network classifies rightly, 0 or 1, with the noise that it learns.

        Each batch of them has a draw of its own, the same in every epoch.
        """
        rng = np.random.default_rng(JUDGE_SEED)
        images, batch = self.kept_values.shape[1], self.network.at_once or self.batch
        sums = [
            forward(self.network, part, self.parameters.weight_noise, rng)[0]
            for part in np.split(self.kept_values, range(batch, images, batch), axis=1)
        ]
        return (np.argmax(np.concatenate(sums), axis=1) == self.kept[1]).astype(np.int64)

    def beats_what_came(self) -> bool:
        """Whether the network is better than one that came from elsewhere, if one did.

        With noise any gain counts. Without, it must exceed `SURE` standard errors, which the images
        tell on which the two disagree (McNemar, 1947, doi 10.1007/BF02295996).
        """
        if self.came is None:
            return True
        gains = self.right() - self.came
        chance = 0 if np.any(self.parameters.weight_noise) else np.count_nonzero(gains)
        return int(gains.sum()) > SURE * math.sqrt(chance)

    def consider(self, values: Array) -> float:
        """Accuracy of the network with some values, which are kept if none before were better."""
        latest = self.network.values.copy()
        self.network.values[:] = values
        accuracy = self.lesson.accuracy(self.network, self.kept_values, self.kept[1])
        better = self.best is None or accuracy >= self.best[0]
        if self.network.quantised and better and self.beats_what_came():
            self.best = accuracy, values.copy()
        self.network.values[:] = latest
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
        network, parameters, shape = self.network, self.parameters, self.dataset.image_shape
        adam = Adam(network.values, MEMORY_EPOCHS * self.epoch_steps)
        rng = np.random.default_rng([parameters.seed, number, 1])
        course = Course(
            shape=shape,
            augmentation=parameters.augmentation_of(self.dataset),
            top=network.formats.input_top(0),
            size=self.batch,
            epochs=epochs,
            seed=(parameters.seed, number, 0),
        )
        total = 0.0
        labels = self.dataset.train_labels
        with closing(bent_batches(self.images, labels, self.learnt, course)) as batches:
            for step, batch in enumerate(batches):
                epoch, place = divmod(step, self.epoch_steps)
                # Up quickly, down along a cosine.
                done = (step + 0.5) / (epochs * self.epoch_steps)
                rate = peak * min(1.0, done / WARM_UP) * 0.5 * (1 + math.cos(math.pi * done))
                lost, gradient = self.lesson.gradient(network, *batch, rng)
                adam.step(gradient, rate)
                network.clip()
                adam.follow()
                total += lost
                loss, accuracy = total / (place + 1), None
                if place == self.epoch_steps - 1:
                    accuracy = self.consider(adam.average)
                    self.curve.append(
                        {
                            "phase": phase,
                            "epoch": epoch + 1,
                            "loss": round(loss, 6),
                            "validation_accuracy": round(accuracy, 6),
                        }
                    )
                    total = 0.0
                self.step += 1
                if accuracy is not None:
                    self.told = f", validation {accuracy:.2%}"
                where = f"{phase} {epoch + 1}/{epochs}: loss {loss:.3f}{self.told}"
                self._progress.advance(self.step, self.steps, where)
                if accuracy is not None and (epoch in (0, epochs - 1) or (epoch + 1) % LINES == 0):
                    self._progress.log(where)
        network.values[:] = adam.average

    def cut(self) -> None:
        """Compute through the converters of tiles from here on, if that is asked for.

        The steps are those with which most validation images are right. Training goes on with
        them: weights follow a step more easily than a step could follow them.
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
            judge(network, target.device, each, self.kept)
            for each in self.parameters.occasions
            if target is not None
        ]
        if chips:
            network = replace(network, provenance=record | {"validation_chips": chips})
        right = GoldenModel(network).classify(self.dataset.test_images) == self.dataset.test_labels
        return Trained(network, accuracy, float(np.mean(right)), interrupted, chips)


def _trained(
    training: _Training, learn: Callable[[], None], provenance: dict[str, Any], progress: Display
) -> Trained:
    """What comes of a training, also if Ctrl-C ends it once there is a network."""
    progress.start(f"training on {len(training.learnt):,} images")
    # One thread: the products are too small to share, and sums come out the same everywhere.
    with threadpool_limits(1):
        interrupted = False
        try:
            learn()
        except KeyboardInterrupt:
            if training.best is None:
                raise
            interrupted = True
        trained = training.finish(provenance, interrupted)
    progress.finish(
        f"validation {trained.validation_accuracy:.2%}, test {trained.test_accuracy:.2%}"
    )
    return trained


def _or_in_array(function: Callable[..., Trained]) -> Callable[..., Trained]:
    """Let a function learn in the array where ``in_array`` is given."""

    @wraps(function)
    def called(*given: Any, in_array: bool = False, **words: Any) -> Trained:
        if not in_array:
            return function(*given, **words)
        from allspin.host.train import learnt as array

        few = {"epochs": array.QUICK_EPOCHS} if words.pop("quick", False) else {}
        learnt: Any = array.learn_in_array(*given, **(array.usual(words) | few | words))
        return learnt

    return called


@_or_in_array
@takes("data", parameters=TrainingParameters)
def train(
    data: Data | Dataset | npt.ArrayLike | None = None,
    parameters: TrainingParameters | npt.ArrayLike | None = None,
    *,
    quick: bool = False,
    progress: Any = None,
    **keywords: Any,
) -> Trained:
    """Train a network.

    The training images bar a twelfth are learnt from; that twelfth chooses between epochs;
    the test images are used once, at the end.

    Parameters
    ----------
    data : Dataset, str, Path or array_like, optional
        What to learn, as of `allspin.load_dataset`: ``train(x, y)`` has arrays by place. The MNIST
        that ships.
    parameters : TrainingParameters, optional
        How.
    quick : bool
        Whether seconds shall do, by fewer epochs, where `parameters` have the usual ones, and
        MNIST's images bent gently, where they do not say how.
    progress : Display or bool, optional
        Shows how far it is: by default a bar, in a terminal or a notebook.
    **keywords
        Of `TrainingParameters`, and ``device``, ``at``, ``level_choice``, ``polarity``,
        ``augment``, ``tile_rows`` and ``adc_bits`` as ``allspin train`` has them. With ``in_array``
        the network learns by pulses, and `allspin.host.train.learnt.Learnt` comes of it.

    Raises
    ------
    UserError
        If there is no such data set or but one training image.
    KeyboardInterrupt
        On Ctrl-C before the first epoch with the machine's integers has ended; later, Ctrl-C
        ends the training and the best network so far is returned.
    """
    dataset, parameters = (
        load_dataset(cast(Any, data)),
        cast(TrainingParameters | None, parameters) or TrainingParameters(),
    )
    if quick:
        epochs = QUICK_EPOCHS if parameters.epochs == EPOCHS else parameters.epochs
        parameters = replace(parameters.quickly(dataset), epochs=epochs)
    training = _Training(dataset, parameters, progress)
    return _trained(training, training.learn, provenance_of(parameters, dataset), progress)


def tune(
    dataset: Dataset,
    parameters: TrainingParameters,
    network: LatentNetwork,
    provenance: dict[str, Any],
    progress: Display,
) -> Trained:
    """Train a network further that has the machine's integers already.

    Images are shared out as in `train`. The network that came is returned unless an epoch gets
    more of the images right that choose between epochs, beyond what chance may do.

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
    progress : Display
        Told of every batch.

    Raises
    ------
    UserError
        If there is but one training image.
    """
    training = _Training(dataset, parameters, progress)
    return _trained(training, partial(training.go_on, network), provenance, progress)
