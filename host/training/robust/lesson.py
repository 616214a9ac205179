"""What a network learns from a batch of images, each on a chip of its own."""

import numpy as np
import numpy.typing as npt

from allspin.host.training.latent.network import LatentNetwork
from allspin.host.training.latent.number_formats import Array
from allspin.host.training.robust.law import ChipLaw
from allspin.host.training.robust.passes import backward, forward
from allspin.host.training.robust.robustness import Robustness
from allspin.host.training.robust.teacher import Teacher, softmax

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

        Parameters and result are those of `allspin.host.training.latent.passes.accuracy_of`.
        """
        rng = np.random.default_rng(JUDGE_SEED)
        total = 0.0
        for share, law in self.laws:
            classes = np.argmax(forward(network, values, law, rng)[0], axis=1)
            total += share * float(np.mean(classes == labels))
        return total / sum(share for share, _ in self.laws)
