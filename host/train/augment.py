"""Training images bent a little, anew in every epoch.

A transformation is applied to a group of images at once that lie side by side, one image a
column, so that moving a pixel copies a run of memory: an epoch of MNIST takes a fraction of
a second.
"""

from collections.abc import Generator
from dataclasses import astuple, dataclass, fields, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from allspin.sim.errors import check_number

Array = npt.NDArray[np.float32]

GROUP = 32
"""Images that share one random transformation (in one epoch; the groups are drawn anew)."""
KNOTS = 5
"""Knots of the elastic displacement along each side of the image."""


LIMITS = {"rotation": 180.0, "stretch": 0.5, "shift": 1000.0, "elastic": 1000.0, "mirror": 1.0}
"""The largest of each amount."""


@dataclass(frozen=True)
class Augmentation:
    """How far an image may be bent; each amount but the last has a normal distribution.

    Parameters
    ----------
    rotation : float
        Standard deviation of the angle, in degrees, 0 to 180.
    stretch : float
        Standard deviation of the scale along either axis and of the shear, as a fraction, 0 to
        0.5.
    shift : float
        Standard deviation of the shift along either axis, in pixels, 0 to 1000.
    elastic : float
        Standard deviation of the displacement at the knots of a coarse grid, in pixels, 0 to 1000.
    mirror : float
        Share of the images whose left and right are exchanged, 0 to 1.

    Raises
    ------
    ValueError
        If an amount is outside its range; the message names it.
    """

    rotation: float = 5.0
    stretch: float = 0.05
    shift: float = 0.7
    elastic: float = 0.5
    mirror: float = 0.0

    def __post_init__(self) -> None:
        for name, limit in LIMITS.items():
            object.__setattr__(self, name, check_number(name, getattr(self, name), 0, limit))

    @classmethod
    def parse(cls, text: str) -> Self:
        """The augmentation that a text such as ``objects`` or ``digits,rotation=3`` names.

        Parameters
        ----------
        text : str
            One of `AUGMENTATIONS`, and amounts that differ from its own.

        Raises
        ------
        ValueError
            If there is no such name, or an amount is outside its range.
        """
        name, *changes = (word.strip() for word in text.split(","))
        if name not in AUGMENTATIONS:
            raise ValueError(f"augment must be one of {', '.join(AUGMENTATIONS)}, not {name!r}")
        amounts: dict[str, float] = {}
        for change in changes:
            amount, _, value = change.partition("=")
            try:
                amounts[amount.strip()] = float(value)
            except ValueError:
                raise ValueError(f"augment takes amounts such as shift=1, not {change!r}") from None
            if amount.strip() not in LIMITS:
                raise ValueError(f"augment has no amount {amount!r}; it has {', '.join(LIMITS)}")
        return cls(*astuple(replace(AUGMENTATIONS[name], **amounts)))

    @property
    def text(self) -> str:
        """The shortest text that `parse` reads as this augmentation."""
        for name, known in AUGMENTATIONS.items():
            if astuple(self) == astuple(known):
                return name
        amounts = ((field.name, getattr(self, field.name)) for field in fields(self))
        return ",".join(["none", *(f"{name}={value!r}" for name, value in amounts if value)])


AUGMENTATIONS = {
    "none": Augmentation(0, 0, 0, 0),
    "digits": Augmentation(),
    "objects": Augmentation(0, 0, shift=1.0, elastic=0, mirror=0.5),
}
"""By name: images as they are; digits, which are turned and bent a little but have one reading
direction; things, which stand upright and may look either way."""


@dataclass(frozen=True, eq=False)
class Transformations:
    """Where each pixel of bent images is read, between four pixels of the image.

    Attributes
    ----------
    sources : ndarray of int32, shape (transformations, pixels, 4)
        Pixels that a pixel is mixed from.
    shares : ndarray of float32, shape (transformations, pixels, 4)
        How much of each; 0 for those outside the image, which are dark.
    """

    sources: npt.NDArray[np.int32]
    shares: Array

    def bend(self, images: Array) -> Array:
        """Apply each transformation to images of its own.

        Parameters
        ----------
        images : ndarray of float32, shape (transformations, pixels, images)
            One image a column.

        Returns
        -------
        ndarray of float32, shape (transformations, pixels, images)
        """
        from scipy.sparse import csr_array

        count, pixels, _ = self.sources.shape
        size = count * pixels
        ends = np.arange(0, 4 * size + 1, 4, dtype=np.int32)
        # A product with a sparse matrix, which adds the four up in their order. In one call, with
        # each transformation's images below the last one's: a thread that trains meanwhile waits
        # for the interpreter at each call.
        rows = self.sources + (np.arange(count, dtype=np.int32) * pixels)[:, None, None]
        mixing = csr_array((self.shares.ravel(), rows.ravel(), ends), shape=(size, size))
        return (mixing @ images.reshape(size, -1)).reshape(images.shape)


def bilinear(shape: tuple[int, int], y: Array, x: Array) -> Transformations:
    """Transformations that read an image at other places, between its pixels.

    Parameters
    ----------
    shape : tuple of int
        Height and width of an image.
    y, x : ndarray of float32, shape (transformations, pixels)
        Where each pixel of the result is read, in pixels.
    """
    height, width = shape
    top, left = np.floor(y), np.floor(x)
    down, right = y - top, x - left
    sources = np.empty((len(y), height * width, 4), dtype=np.int32)
    shares = np.empty((len(y), height * width, 4), dtype=np.float32)
    corners = (
        (top, left, (1 - down) * (1 - right)),
        (top, left + 1, (1 - down) * right),
        (top + 1, left, down * (1 - right)),
        (top + 1, left + 1, down * right),
    )
    for corner, (row, column, share) in enumerate(corners):
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        shares[:, :, corner] = share * inside
        sources[:, :, corner] = np.where(inside, row * width + column, 0)
    return Transformations(sources, shares)


def _bumps(size: int) -> Array:
    """Weight of each knot at each pixel of a line, shape (size, KNOTS): smooth, sums of 1."""
    place = np.linspace(0.0, KNOTS - 1.0, size)
    distance = np.minimum(np.abs(place[:, None] - np.arange(KNOTS)), 1.0)
    return (0.5 + 0.5 * np.cos(np.pi * distance)).astype(np.float32)


class Augmenter:
    """Draws transformations of images of one shape.

    Parameters
    ----------
    shape : tuple of int
        Height and width of an image.
    augmentation : Augmentation
        How far.
    """

    def __init__(self, shape: tuple[int, int], augmentation: Augmentation) -> None:
        self.shape = shape
        self.augmentation = augmentation
        height, width = shape
        y, x = np.indices(shape, dtype=np.float32).reshape(2, -1)
        self._y, self._x = y - np.float32((height - 1) / 2), x - np.float32((width - 1) / 2)
        bumps = np.einsum("yi,xj->ijyx", _bumps(height), _bumps(width))
        self._elastic = bumps.reshape(KNOTS * KNOTS, height * width)

    @property
    def still(self) -> bool:
        """Whether images are left as they are."""
        return not any(astuple(self.augmentation))

    def draw(self, count: int, rng: np.random.Generator) -> Transformations:
        """Draw transformations.

        Parameters
        ----------
        count : int
            How many.
        rng : Generator
            Where chance comes from.
        """
        height, width = self.shape
        how = self.augmentation

        def normal(*shape: int) -> Array:
            return rng.standard_normal((count, *shape), dtype=np.float32)

        angle = normal(1) * np.float32(np.deg2rad(how.rotation))
        stretch_y, stretch_x = 1 + how.stretch * normal(1), 1 + how.stretch * normal(1)
        sheared = self._x + how.stretch * normal(1) * self._y
        shift_y, shift_x = how.shift * normal(1), how.shift * normal(1)
        elastic = (how.elastic * normal(2, KNOTS * KNOTS)) @ self._elastic
        cos, sin = np.cos(angle), np.sin(angle)
        y = stretch_y * (cos * self._y - sin * sheared) + shift_y + elastic[:, 0]
        x = stretch_x * (sin * self._y + cos * sheared) + shift_x + elastic[:, 1]
        if how.mirror:
            mirrored = rng.random((count, 1), dtype=np.float32) < how.mirror
            x = np.where(mirrored, -x, x)
        y += np.float32((height - 1) / 2)
        x += np.float32((width - 1) / 2)
        return bilinear(self.shape, y, x)


# Which images come in which batch, and how they are bent.

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
