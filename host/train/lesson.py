"""Lesson of a network in training: its loss with noise or chips, its teacher, and its accuracy."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from allspin.host.train.gradient.chip_pass import ChipLaw
from allspin.host.train.gradient.latent import LatentNetwork
from allspin.host.train.gradient.loss import cross_entropy, softmax
from allspin.host.train.gradient.machine_pass import Noise
from allspin.host.train.gradient.number_formats import FINE, Array
from allspin.host.train.gradient.passes import backward, forward
from allspin.host.train.training_options import Robustness

JUDGE_SEED = 1605
"""Seed of the chips that judge every epoch: always the same."""


def teacher_shares(teacher: LatentNetwork, values: Array, temperature: float) -> Array:
    """Compute a teacher's shares of the classes.

    A dense teacher computes in place, since it is the widest network by far and needs no backward
    pass.

    Parameters
    ----------
    teacher : LatentNetwork
        Network that is not quantised, with one hidden layer, or with convolutions before it.
    values : ndarray of float32, shape (rows, images)
        Row values as whole numbers.
    temperature : float
        Divisor of the logits.

    Returns
    -------
    ndarray of float32, shape (images, classes)
    """
    factor = np.float32(np.exp(teacher.log_scale[0]) / temperature)
    if teacher.pass_images is not None:
        passes = teacher.passes(0, values.shape[1])
        logits = [forward(teacher, values[:, start:end])[0] for start, end in passes]
        return softmax(np.concatenate(logits) * factor)
    currents = values.T @ teacher.weights[0]
    currents /= np.float32(teacher.formats.input_top(0))
    currents *= teacher.gains(0)
    currents -= teacher.offsets[0]
    place = np.clip(currents, 0, 1, out=currents)
    place *= np.float32(FINE - 1)
    place += np.float32(0.5)
    response, _ = teacher.formats.smooth
    logits = response.take(place.astype(np.intp), mode="clip") @ teacher.weights[1]
    logits *= factor
    return softmax(logits)


class Lesson:
    """Loss, gradient and accuracy of a network in training.

    Parameters
    ----------
    noise : Noise
        Noise on the machine's weights, if the network is not trained for chips.
    laws : sequence of (float, ChipLaw)
        Share of a batch's images, and the law of their chips; empty to train for the machine.
    robustness : Robustness, optional
        Weight and temperature of the teacher.
    teacher : LatentNetwork, optional
        The teacher.
    """

    def __init__(
        self,
        noise: Noise,
        laws: Sequence[tuple[float, ChipLaw]] = (),
        robustness: Robustness | None = None,
        teacher: LatentNetwork | None = None,
    ) -> None:
        self.laws = laws
        self.robustness = robustness or Robustness()
        self.teacher = teacher
        self._noise = noise

    def gradient(
        self,
        network: LatentNetwork,
        values: Array,
        labels: npt.NDArray[np.int64],
        rng: np.random.Generator,
    ) -> tuple[float, Array]:
        """Compute the mean cross-entropy of a batch, and the gradient of the loss.

        Parameters
        ----------
        network : LatentNetwork
            The network that learns.
        values : ndarray of float32, shape (rows, images)
            Row values as whole numbers.
        labels : ndarray of int64, shape (images,)
            Class of each image.
        rng : Generator
            Draws of the noise, or of the chips.
        """
        images = len(labels)
        scale = np.exp(network.log_scale[0])
        taught = None
        if self.teacher is not None:
            taught = teacher_shares(self.teacher, values, self.robustness.temperature)
        losses, gradients = [], []
        for variation, start, end in self._passes(network, images):
            sums, record = forward(network, values[:, start:end], variation, rng)
            taught_here = None if taught is None else taught[start:end]
            loss, slopes = self.loss(sums * scale, labels[start:end], taught_here)
            slopes /= np.float32(images)
            gradient = backward(network, slopes * scale, record)
            gradient[-1] = scale * np.sum(slopes * sums)
            losses.append(loss)
            gradients.append(gradient)
        # Another order of summation would round otherwise, and train other networks.
        if self.laws:
            mean_loss = sum(float(np.sum(loss)) for loss in losses) / images
        else:
            mean_loss = float(np.mean(np.concatenate(losses)))
        return mean_loss, sum(gradients[1:], gradients[0])

    def _passes(
        self, network: LatentNetwork, images: int
    ) -> list[tuple[Noise | ChipLaw, int, int]]:
        """Return the noise or law of each pass over a batch, with its range of images."""
        laws: Sequence[tuple[float, Noise | ChipLaw]] = self.laws or [(1.0, self._noise)]
        ends = np.rint(np.cumsum([share for share, _ in laws]) * images).astype(int)
        passes = []
        begin = 0
        for (_, variation), finish in zip(laws, ends, strict=True):
            for start, end in network.passes(begin, finish):
                passes.append((variation, start, end))
            begin = finish
        return passes

    def loss(
        self, logits: Array, labels: npt.NDArray[np.int64], taught: Array | None
    ) -> tuple[Array, Array]:
        """Compute each image's cross-entropy, and the slope of the loss by each logit.

        Parameters
        ----------
        logits : ndarray of float32, shape (images, classes)
            The network's logits.
        labels : ndarray of int64, shape (images,)
            Class of each image.
        taught : ndarray of float32, shape (images, classes), or None
            The teacher's shares, which the loss compares with the network's.
        """
        losses, slopes = cross_entropy(logits, labels)
        if taught is not None:
            robustness = self.robustness
            slopes *= np.float32(1 - robustness.taught)
            shares = softmax(logits / np.float32(robustness.temperature))
            weight = np.float32(robustness.taught * robustness.temperature)
            slopes += weight * (shares - taught)
        return losses, slopes

    def accuracy(
        self, network: LatentNetwork, values: Array, labels: npt.NDArray[np.int64]
    ) -> float:
        """Compute the share of images that are classified correctly.

        The machine computes without noise; with laws, their chips compute.

        Parameters
        ----------
        network : LatentNetwork
            The network that learns.
        values : ndarray of float32, shape (rows, images)
            Row values as whole numbers.
        labels : ndarray of int64, shape (images,)
            Class of each image.
        """
        rng = np.random.default_rng(JUDGE_SEED)
        judged: Sequence[tuple[float, Noise | ChipLaw]] = self.laws or [(1.0, 0.0)]
        total = 0.0
        for share, variation in judged:
            sums = [
                forward(network, values[:, start:end], variation, rng)[0]
                for start, end in network.passes(0, len(labels))
            ]
            classes = np.argmax(np.concatenate(sums), axis=1)
            total += share * float(np.mean(classes == labels))
        return total / sum(share for share, _ in judged)
