"""What a network learns from a batch of images, each on a chip of its own."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.train.latent import Array, LatentNetwork
from allspin.host.train.robust_passes import backward, forward
from allspin.host.train.robustness import FIRST_TRAINING_CHIP, ChipLaw, Occasion, Robustness
from allspin.sim.chip.chip import Chip, calibrate
from allspin.sim.device.device import Device
from allspin.sim.network.network import Network
from allspin.sim.programming.programming import program_chip

# What a network reaches on chips of training's own, on images that it did not learn from.

CHIPS = 20
"""Chips that a trained network is judged by."""
FIRST_JUDGE = FIRST_TRAINING_CHIP + 1
"""The first of them: the law was counted on the one before."""


@dataclass(frozen=True, eq=False)
class Judged:
    """What chips of an occasion reach.

    Attributes
    ----------
    occasion : Occasion
        How they are used.
    accuracies : ndarray of float64, shape (chips,)
        Share of the images that each chip classifies rightly.
    """

    occasion: Occasion
    accuracies: npt.NDArray[np.float64]

    @property
    def title(self) -> str:
        """How they are used, in words."""
        return self.occasion.title

    @property
    def mean(self) -> float:
        """Mean over the chips."""
        return float(self.accuracies.mean())

    @property
    def worst(self) -> float:
        """The worst chip's."""
        return float(self.accuracies.min())

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "chips": self.occasion.title,
            "first": FIRST_JUDGE,
            "number": len(self.accuracies),
            "mean": round(self.mean, 6),
            "worst": round(self.worst, 6),
        }


def judge(
    network: Network,
    device: Device,
    occasion: Occasion,
    images: tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]],
) -> Judged:
    """Judge a network by training's chips.

    Parameters
    ----------
    network : Network
        As it was trained.
    device : Device
        What the chips are made of.
    occasion : Occasion
        How they are programmed, and whether they are calibrated.
    images : tuple of ndarray
        Grey levels, shape (images, height, width), and classes, shape (images,).
    """
    pixels, labels = images
    shares = []
    for seed in range(FIRST_JUDGE, FIRST_JUDGE + CHIPS):
        chip = Chip(device, seed)
        words = program_chip(chip, network, occasion.programming).words
        here = calibrate(chip, network).network if occasion.calibrated else network
        shares.append(float(np.mean(chip.golden(here, words).classify(pixels) == labels)))
    return Judged(occasion, np.array(shares))


# What a teacher, a network of real numbers, says of images.


def softmax(logits: Array) -> Array:
    """Shares of the classes, shape (images, classes)."""
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return shares


class Teacher:
    """A trained network, ready to answer: forward only, in place, since it is the widest by far.

    Parameters
    ----------
    network : LatentNetwork
        Not quantised.
    temperature : float
        By which its logits are divided.
    """

    def __init__(self, network: LatentNetwork, temperature: float) -> None:
        self._layers = network.layers
        self._weights = [network.weights(layer) for layer in range(network.layers)]
        self._top = np.float32(network.formats.input_top(0))
        self._gains, self._offsets = [], []
        self._respond = network.formats.respond_only
        for layer in range(network.layers - 1):
            self._gains.append(network.gains(layer))
            self._offsets.append(network.offsets(layer))
        self._scale = np.float32(np.exp(network.parameters[-1][0]) / temperature)

    def answers(self, values: Array) -> Array:
        """Share of each class that it sees.

        Parameters
        ----------
        values : ndarray of float32, shape (rows, images)
            Row values as whole numbers.

        Returns
        -------
        ndarray of float32, shape (images, classes)
        """
        drive = values.T
        for layer in range(self._layers):
            sums = drive @ self._weights[layer]
            if layer == 0:
                sums /= self._top
            if layer < self._layers - 1:
                sums *= self._gains[layer]
                sums -= self._offsets[layer]
                drive = self._respond(np.clip(sums, 0, 1, out=sums))
            else:
                drive = sums
        drive *= self._scale
        return softmax(drive)


JUDGE_SEED = 1605
"""The same chips judge every epoch."""
LEAST_SHARE = 1e-12
"""A logarithm is taken of no less."""


class RobustLesson:
    """Loss and gradients on chips that vary.

    Parameters
    ----------
    laws : list of (float, ChipLaw)
        Share of a batch's images, and what their chips are.
    robustness : Robustness
        How much the teacher says.
    teacher : LatentNetwork or None
        Who teaches.
    """

    def __init__(
        self,
        laws: list[tuple[float, ChipLaw]],
        robustness: Robustness,
        teacher: LatentNetwork | None,
    ) -> None:
        self.laws = laws
        self.robustness = robustness
        self.teacher = None if teacher is None else Teacher(teacher, robustness.temperature)

    def _parts(self, images: int) -> list[tuple[ChipLaw, slice]]:
        """The images of a batch that see each law's chips."""
        ends = np.rint(np.cumsum([share for share, _ in self.laws]) * images).astype(int)
        starts = [0, *ends[:-1]]
        return [
            (law, slice(start, end))
            for (_, law), start, end in zip(self.laws, starts, ends, strict=True)
            if end > start
        ]

    def gradients(
        self,
        network: LatentNetwork,
        values: Array,
        labels: npt.NDArray[np.int64],
        rng: np.random.Generator,
    ) -> tuple[float, list[Array]]:
        """Mean cross-entropy of a batch, and the gradient of what is learnt by each parameter.

        Parameters
        ----------
        network : LatentNetwork
            The pupil.
        values : ndarray of float32, shape (rows, images)
            Row values as whole numbers.
        labels : ndarray of int64, shape (images,)
            Class of each image.
        rng : Generator
            Draws the chips.
        """
        images = values.shape[1]
        scale = np.exp(network.parameters[-1][0])
        told = None if self.teacher is None else self.teacher.answers(values)
        loss, total = 0.0, [np.zeros_like(each) for each in network.parameters]
        for law, part in self._parts(images):
            sums, record = forward(network, values[:, part], law, rng)
            said = None if told is None else told[part]
            lost, slope = self._loss(sums * scale, labels[part], said)
            slope /= np.float32(images)
            for whole, share in zip(
                total, backward(network, slope * scale, record, law), strict=True
            ):
                whole += share
            total[-1] += scale * np.sum(slope * sums)
            loss += lost
        return loss / images, total

    def _loss(
        self, logits: Array, labels: npt.NDArray[np.int64], told: Array | None
    ) -> tuple[float, Array]:
        """Cross-entropy, summed over images, and the slope of what is learnt by each logit."""
        rows = np.arange(len(labels))
        slope = softmax(logits)
        loss = -float(np.sum(np.log(np.maximum(slope[rows, labels], LEAST_SHARE))))
        slope[rows, labels] -= 1
        if told is not None:
            how = self.robustness
            slope *= np.float32(1 - how.taught)
            pupil = softmax(logits / np.float32(how.temperature))
            slope += np.float32(how.taught * how.temperature) * (pupil - told)
        return loss, slope

    def accuracy(
        self, network: LatentNetwork, values: Array, labels: npt.NDArray[np.int64]
    ) -> float:
        """Share of images that chips classify rightly: over the laws by their shares.

        Parameters and result are those of `allspin.host.train.passes.accuracy_of`.
        """
        rng = np.random.default_rng(JUDGE_SEED)
        total = 0.0
        for share, law in self.laws:
            classes = np.argmax(forward(network, values, law, rng)[0], axis=1)
            total += share * float(np.mean(classes == labels))
        return total / sum(share for share, _ in self.laws)
