"""Which images come in which batch, and how they are bent."""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.host.training.images.augment import GROUP, Augmentation, Augmenter

Bent = tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]
"""Which images a batch is of, and their row values, shape (pixels, images): whole numbers."""


@dataclass(frozen=True)
class Course:
    """Images gone through some times, each time in another order and bent anew.

    The images that do not fill a batch are left out of that epoch.

    Parameters
    ----------
    shape : tuple of int
        Height and width of an image.
    augmentation : Augmentation
        How far they are bent.
    top : int
        Largest row value: grey 255.
    size : int
        Images in a batch, at most as many as are gone through.
    epochs : int
        How many times.
    seed : tuple of int
        Names the order and the transformations; each epoch has draws of its own.
    """

    shape: tuple[int, int]
    augmentation: Augmentation
    top: int
    size: int
    epochs: int
    seed: tuple[int, ...]

    def length(self, among: npt.NDArray[np.int64]) -> int:
        """How many batches there are."""
        return self.epochs * (len(among) // self.size)

    def batches(
        self, images: npt.NDArray[np.uint8], among: npt.NDArray[np.int64], first: int = 0
    ) -> Generator[Bent, None, None]:
        """Make the batches, one after another.

        Parameters
        ----------
        images : ndarray of uint8, shape (images, pixels)
            Grey levels.
        among : ndarray of int64, shape (chosen,)
            Which images to go through: those of a large set are not copied.
        first : int
            The first batch that is wanted.
        """
        augmenter = Augmenter(self.shape, self.augmentation)
        before, skipped = divmod(first, len(among) // self.size)
        for epoch in range(before, self.epochs):
            rng = np.random.default_rng([*self.seed, epoch])
            order = among[rng.permutation(len(among))]
            for start in range(0, len(among) - self.size + 1, self.size):
                chosen = order[start : start + self.size]
                values = self._values(images, chosen, augmenter, rng)
                if skipped:  # drawn all the same: the next ones' draws follow
                    skipped -= 1
                    continue
                yield chosen, values

    def _values(
        self,
        images: npt.NDArray[np.uint8],
        chosen: npt.NDArray[np.int64],
        augmenter: Augmenter,
        rng: np.random.Generator,
    ) -> npt.NDArray[np.uint8]:
        # Groups of one length: the last is filled up with what is thrown away again.
        groups = -(-len(chosen) // GROUP)
        filled = images[np.resize(chosen, groups * GROUP)].reshape(groups, GROUP, -1)
        sources = filled.transpose(0, 2, 1).astype(np.float32, order="C")
        bent = sources if augmenter.still else augmenter.draw(groups, rng).bend(sources)
        values = np.ascontiguousarray(np.concatenate(bent, axis=1)[:, : len(chosen)])
        values *= np.float32(self.top / 255)
        return np.rint(values, out=values).astype(np.uint8)
