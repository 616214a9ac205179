"""Images bent a little, anew in every epoch, in batches that lie ready while training takes them.

A transformation is applied to a group of images at once that lie side by side, one image a
column, so that moving a pixel copies a run of memory: an epoch of MNIST takes a fraction of
a second.

A thread prepares the batches. Of a long course a process of its own makes them, for which the
thread waits only: a thread that makes them waits for the interpreter, and so does whoever trains
meanwhile. The process gets a line of JSON and images by its standard input, and gives batch after
batch as bytes through a pipe, until it is killed or nobody reads them.
"""

import json
import math
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import asdict, astuple, dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from allspin.host.train.gradient.number_formats import Array
from allspin.host.train.training_options import Augmentation
from allspin.sim.network.golden import keep_freed_memory
from allspin.sim.network.pixels import quantise_pixels

DEPTH = 16
"""Batches that may lie ready."""
WORKER_FROM = 1000
"""Batches for which a process of their own is worth its start."""
WORKER_BYTES = 2**28
"""Images that it may hold once more."""
VALIDATION_SHARE = 12
"""One training image in so many is kept to choose between epochs: 5,000 of MNIST's."""
SPLIT_SEED = 2021
"""The same images are kept whatever the network's seed."""
TURNED = 2000
"""Images that are turned into row values at a time."""
GROUP = 32
"""Images that share one random transformation (in one epoch; the groups are drawn anew)."""
SIDE = 28
"""Pixels of an image's side by which amounts in pixels are told: MNIST's."""
KNOTS = 5
"""Knots of the elastic displacement along each side of the image."""


def bilinear(shape: tuple[int, int], y: Array, x: Array) -> Any:
    """Transformations that read an image at other places, between its pixels.

    Parameters
    ----------
    shape : tuple of int
        Height and width of an image.
    y, x : ndarray of float32, shape (transformations, pixels)
        Where each pixel of the result is read, in pixels; outside the image it is dark.

    Returns
    -------
    csr_array of float32, shape (transformations * pixels, transformations * pixels)
        By which images are multiplied: those of each transformation below the last one's. One
        product for all: a thread that trains meanwhile waits for the interpreter at each call.
    """
    from scipy.sparse import csr_array

    height, width = shape
    size = y.size
    top, left = np.floor(y), np.floor(x)
    down, right = y - top, x - left
    sources, shares = np.empty((*y.shape, 4), np.int32), np.empty((*y.shape, 4), np.float32)
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
    sources += (np.arange(len(y), dtype=np.int32) * (height * width))[:, None, None]
    ends = np.arange(0, 4 * size + 1, 4, dtype=np.int32)
    return csr_array((shares.ravel(), sources.ravel(), ends), shape=(size, size))


def _bumps(size: int) -> Array:
    """Weight of each knot at each pixel of a line, shape (size, KNOTS): smooth, sums of 1."""
    place = np.linspace(0.0, KNOTS - 1.0, size)
    distance = np.minimum(np.abs(place[:, None] - np.arange(KNOTS)), 1.0)
    return (0.5 + 0.5 * np.cos(np.pi * distance)).astype(np.float32)


Bent = tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]
"""Which images a batch is of, and their row values, shape (pixels, images): whole numbers."""


@dataclass(frozen=True)
class Course:
    """Images gone through some times, each time in another order and bent anew.

    The images that do not fill a batch are left out of that epoch.

    Parameters
    ----------
    shape : tuple of int
        Height and width of an image, and channels if it has some, which are bent alike.
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

    shape: tuple[int, ...]
    augmentation: Augmentation
    top: int
    size: int
    epochs: int
    seed: tuple[int, ...]

    @cached_property
    def _places(self) -> tuple[Array, Array, Array]:
        """Middle of an image, (2, 1), its pixels from there, and the knots' weights at each."""
        sides = self.shape[:2]
        middle = np.array([[(side - 1) / 2] for side in sides], np.float32)
        pixels = np.indices(sides, dtype=np.float32).reshape(2, -1) - middle
        bumps = np.einsum("yi,xj->ijyx", *map(_bumps, sides))
        return middle, pixels, bumps.reshape(KNOTS * KNOTS, -1)

    def draw(self, count: int, rng: np.random.Generator) -> Any:
        """Draw transformations, as `bilinear` has them."""
        how, (tall, wide) = self.augmentation, (side / SIDE for side in self.shape[:2])
        middle, (pixel_y, pixel_x), bumps = self._places

        def normal(*shape: int) -> Array:
            return rng.standard_normal((count, *shape), dtype=np.float32)

        angle = normal(1) * np.float32(np.deg2rad(how.rotation))
        stretch_y, stretch_x = 1 + how.stretch * normal(1), 1 + how.stretch * normal(1)
        sheared = pixel_x + how.stretch * normal(1) * pixel_y
        shift_y, shift_x = how.shift * tall * normal(1), how.shift * wide * normal(1)
        elastic = (how.elastic * normal(2, KNOTS * KNOTS)) @ bumps
        cos, sin = np.cos(angle), np.sin(angle)
        y = stretch_y * (cos * pixel_y - sin * sheared) + shift_y + tall * elastic[:, 0]
        x = stretch_x * (sin * pixel_y + cos * sheared) + shift_x + wide * elastic[:, 1]
        if how.mirror:
            x = np.where(rng.random((count, 1), dtype=np.float32) < how.mirror, -x, x)
        return bilinear((self.shape[0], self.shape[1]), y + middle[0], x + middle[1])

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
            The first epoch that is wanted.
        """
        for epoch in range(first, self.epochs):
            rng = np.random.default_rng([*self.seed, epoch])
            order = among[rng.permutation(len(among))]
            for start in range(0, len(among) - self.size + 1, self.size):
                chosen = order[start : start + self.size]
                yield chosen, self._values(images, chosen, rng)

    def _values(
        self,
        images: npt.NDArray[np.uint8],
        chosen: npt.NDArray[np.int64],
        rng: np.random.Generator,
    ) -> npt.NDArray[np.uint8]:
        """Row values of a batch of images."""
        # The last group is filled up with what is thrown away again.
        filled = np.resize(chosen, -(-self.size // GROUP) * GROUP)
        groups = images[filled].reshape(-1, GROUP, images.shape[1]).transpose(0, 2, 1)
        bent = groups.astype(np.float32, order="C")
        if any(astuple(self.augmentation)):
            places = bent.reshape(len(bent) * math.prod(self.shape[:2]), -1)
            bent = (self.draw(len(bent), rng) @ places).reshape(bent.shape)
        values = np.ascontiguousarray(np.concatenate(bent, axis=1)[:, : self.size])
        values *= np.float32(self.top / 255)
        return np.rint(values, out=values).astype(np.uint8)


def from_worker(
    course: Course, images: npt.NDArray[np.uint8], among: npt.NDArray[np.int64]
) -> Generator[Bent, None, None]:
    """The batches of a course, as `Course.batches` makes them, by a process of its own.

    It ends with the iterator, and the iterator with it: early, say, where it was killed for want
    of memory.
    """
    size, pixels = course.size, images.shape[1]
    ours, theirs = os.pipe()
    paths = os.pathsep.join(path for path in sys.path if isinstance(path, str) and path)
    with open(ours, "rb") as made:
        try:
            process = subprocess.Popen(
                # Not from the current folder, which may hold a numpy.py; Ctrl-C is not for it.
                [sys.executable, "-P", "-m", __name__, str(theirs)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": paths},
                pass_fds=[theirs],
                start_new_session=True,
            )
        finally:
            os.close(theirs)
        assert process.stdin is not None
        try:
            with suppress(BrokenPipeError), process.stdin as given:
                given.write(json.dumps([asdict(course), len(among)]).encode() + b"\n")
                given.write(images[among].data)
            while len(content := made.read(size * (8 + pixels))) == size * (8 + pixels):
                places = np.frombuffer(content, np.int64, size)
                values = np.frombuffer(content, np.uint8, offset=8 * size)
                yield among[places], values.reshape(pixels, size)
        finally:
            process.kill()
            process.wait()


def work(made: int) -> None:
    """Make what the standard input asks for, and write it to a file descriptor."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # whoever trained has ended
    said, count = json.loads(sys.stdin.buffer.readline())
    course = Course(**said | {"augmentation": Augmentation(**said["augmentation"])})
    content = np.frombuffer(sys.stdin.buffer.read(), np.uint8)
    images = content.reshape(count, math.prod(course.shape))
    keep_freed_memory()
    with threadpool_limits(1), open(made, "wb") as out:
        for batch in course.batches(images, np.arange(len(images))):
            out.writelines(part.tobytes() for part in batch)


def _made(
    course: Course, images: npt.NDArray[np.uint8], among: npt.NDArray[np.int64]
) -> Generator[Bent, None, None]:
    """The batches, of a process if that is worth it; where it is lost, this one goes on."""
    done, epoch = 0, len(among) // course.size
    small = images[0].nbytes * len(among) <= WORKER_BYTES
    # Python may be part of another program, which is then no Python to start.
    python = "python" in Path(sys.executable or "").name
    if course.epochs * epoch >= WORKER_FROM and small and python:
        with suppress(OSError):
            for batch in from_worker(course, images, among):
                yield batch
                done += 1
    yield from islice(course.batches(images, among, done // epoch), done % epoch, None)


def bent_batches(
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
    among: npt.NDArray[np.int64],
    course: Course,
) -> Generator[tuple[Array, npt.NDArray[np.int64]], None, None]:
    """Go through some images as a course says.

    The thread that prepares batches ends with the iterator: close it, or exhaust it.

    Parameters
    ----------
    images : ndarray of uint8, shape (images, pixels)
        Grey levels.
    labels : ndarray of int64, shape (images,)
        Class of each image.
    among : ndarray of int64, shape (chosen,)
        Which images to go through.
    course : Course
        In which order, and how they are bent.

    Yields
    ------
    values : ndarray of float32, shape (pixels, size)
        Row values as integers.
    labels : ndarray of int64, shape (size,)
    """
    with closing(_made(course, images, among)) as made, ThreadPoolExecutor(1, "batches") as thread:
        ready = deque(thread.submit(next, made, None) for _ in range(DEPTH))
        try:
            while (batch := ready.popleft().result()) is not None:
                ready.append(thread.submit(next, made, None))
                chosen, values = batch
                # By whoever trains, in whose cache they are then.
                yield values.astype(np.float32), labels[chosen]
        finally:
            thread.shutdown(cancel_futures=True)


def split(images: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Indices of the images to train on, and of those to choose between epochs on."""
    order = np.random.default_rng(SPLIT_SEED).permutation(images)
    kept = max(1, images // VALIDATION_SHARE)
    return order[kept:], order[:kept]


def row_values(
    images: npt.NDArray[np.uint8], chosen: npt.NDArray[np.int64], pixel_bits: int
) -> Array:
    """Row values of some images, float32, shape (rows, chosen)."""
    values = np.empty((len(chosen), images.shape[1]), np.float32)
    for start in range(0, len(chosen), TURNED):  # NumPy's indices take eight times a pixel
        part = slice(start, start + TURNED)
        values[part] = quantise_pixels(images[chosen[part]], pixel_bits)
    return values.T


if __name__ == "__main__":
    try:
        work(int(sys.argv[1]))
    except (MemoryError, ValueError):
        sys.exit(1)  # whoever trains has ended, or goes on alone
