"""Batches of training images, bent anew in every epoch and prepared while training uses others.

A transformation is applied to a group of images at once. The images lie side by side, one image a
column, so that moving a pixel copies a run of memory: an epoch of MNIST takes a fraction of a
second.

A thread prepares the batches. In a long training a worker process makes them and the thread only
waits, since a thread that makes them competes with the training for the interpreter. The worker
gets a line of JSON and the images by its standard input. It writes batch after batch as bytes to a
pipe, until it is killed or the pipe is closed.
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

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from allspin.host.train.augment import Bending
from allspin.host.train.gradient.number_formats import Array
from allspin.host.train.training_options import Augmentation
from allspin.sim.network.golden import keep_freed_memory
from allspin.sim.network.pixels import quantise_pixels

READY_BATCHES = 16
"""Batches that are prepared ahead."""
WORKER_BATCHES = 1000
"""Batches from which a worker process is worth its start."""
WORKER_BYTES = 2**28
"""Largest size of the images that a worker holds a copy of."""
VALIDATION_SHARE = 12
"""Training images of which one is kept to choose between epochs: 5,000 of MNIST's."""
SPLIT_SEED = 2021
"""Seed of the choice of these images, the same for all networks."""
CHUNK = 2000
"""Images that are turned into row values at a time."""
GROUP = 32
"""Images that share one random transformation in one epoch; each epoch has other groups."""

Bent = tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]
"""Indices of a batch's images, and their row values, shape (pixels, images), as whole numbers."""


@dataclass(frozen=True)
class Course:
    """Several passes over images, each in another order and with other transformations.

    Images that do not fill a batch are left out of that epoch.

    Parameters
    ----------
    shape : tuple of int
        Height and width of an image, and channels if it has some; all channels are bent alike.
    augmentation : Augmentation
        Amounts of the transformations.
    top : int
        Largest row value: grey 255.
    size : int
        Images in a batch, at most as many as the course has.
    epochs : int
        Number of passes.
    seed : tuple of int
        Seed of order and transformations; each epoch has draws of its own.
    """

    shape: tuple[int, ...]
    augmentation: Augmentation
    top: int
    size: int
    epochs: int
    seed: tuple[int, ...]

    @cached_property
    def _bending(self) -> Bending:
        height, width = self.shape[:2]
        return Bending((height, width), self.augmentation)

    def batches(
        self, images: npt.NDArray[np.uint8], among: npt.NDArray[np.int64], first: int = 0
    ) -> Generator[Bent, None, None]:
        """Make the batches, one after another.

        Parameters
        ----------
        images : ndarray of uint8, shape (images, pixels)
            Grey levels.
        among : ndarray of int64, shape (chosen,)
            Indices of the course's images; the images of a large set are not copied.
        first : int
            First epoch to make.
        """
        for epoch in range(first, self.epochs):
            rng = np.random.default_rng([*self.seed, epoch])
            order = among[rng.permutation(len(among))]
            for start in range(0, len(among) - self.size + 1, self.size):
                chosen = order[start : start + self.size]
                yield chosen, self._row_values(images, chosen, rng)

    def _row_values(
        self,
        images: npt.NDArray[np.uint8],
        chosen: npt.NDArray[np.int64],
        rng: np.random.Generator,
    ) -> npt.NDArray[np.uint8]:
        """Return the row values of a batch of bent images."""
        # The last group is filled up with images that are dropped again below.
        filled = np.resize(chosen, -(-self.size // GROUP) * GROUP)
        groups = images[filled].reshape(-1, GROUP, images.shape[1]).transpose(0, 2, 1)
        bent = groups.astype(np.float32, order="C")
        if any(astuple(self.augmentation)):
            places = bent.reshape(len(bent) * math.prod(self.shape[:2]), -1)
            bent = (self._bending.draw(len(bent), rng) @ places).reshape(bent.shape)
        values = np.ascontiguousarray(np.concatenate(bent, axis=1)[:, : self.size])
        values *= np.float32(self.top / 255)
        return np.rint(values, out=values).astype(np.uint8)


def from_worker(
    course: Course, images: npt.NDArray[np.uint8], among: npt.NDArray[np.int64]
) -> Generator[Bent, None, None]:
    """Make the batches of a course in a worker process, like `Course.batches`.

    The worker ends with the iterator. If the worker ends early, for instance for lack of memory, so
    does the iterator.
    """
    size, pixels = course.size, images.shape[1]
    batch_bytes = size * (8 + pixels)
    reading_end, writing_end = os.pipe()
    with open(reading_end, "rb") as pipe:
        try:
            process = _start_worker(writing_end)
        finally:
            os.close(writing_end)
        assert process.stdin is not None
        try:
            with suppress(BrokenPipeError), process.stdin as order:
                order.write(json.dumps([asdict(course), len(among)]).encode() + b"\n")
                order.write(images[among].data)
            while len(content := pipe.read(batch_bytes)) == batch_bytes:
                places = np.frombuffer(content, np.int64, size)
                values = np.frombuffer(content, np.uint8, offset=8 * size)
                yield among[places], values.reshape(pixels, size)
        finally:
            process.kill()
            process.wait()


def _start_worker(writing_end: int) -> "subprocess.Popen[bytes]":
    """Start a worker that writes to a pipe."""
    paths = os.pathsep.join(path for path in sys.path if isinstance(path, str) and path)
    return subprocess.Popen(
        # -P: the current folder may hold a numpy.py. A session of its own: Ctrl-C is not for it.
        [sys.executable, "-P", "-m", __name__, str(writing_end)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": paths},
        pass_fds=[writing_end],
        start_new_session=True,
    )


def work(pipe: int) -> None:
    """Make the batches that the standard input asks for, and write them to a file descriptor."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # end when the training has ended
    values, count = json.loads(sys.stdin.buffer.readline())
    course = Course(**values | {"augmentation": Augmentation(**values["augmentation"])})
    content = np.frombuffer(sys.stdin.buffer.read(), np.uint8)
    images = content.reshape(count, math.prod(course.shape))
    keep_freed_memory()
    with threadpool_limits(1), open(pipe, "wb") as out:
        for batch in course.batches(images, np.arange(len(images))):
            out.writelines(part.tobytes() for part in batch)


def _worker_pays(
    course: Course, images: npt.NDArray[np.uint8], among: npt.NDArray[np.int64]
) -> bool:
    """Return True if a worker process is worth its start, and can be started."""
    batches = course.epochs * (len(among) // course.size)
    is_small = images[0].nbytes * len(among) <= WORKER_BYTES
    # In a program that embeds Python, the executable is not a Python to start.
    is_python = "python" in Path(sys.executable or "").name
    return batches >= WORKER_BATCHES and is_small and is_python


def _make_batches(
    course: Course, images: npt.NDArray[np.uint8], among: npt.NDArray[np.int64]
) -> Generator[Bent, None, None]:
    """Make the batches, in a worker if that pays; if it is lost, this process continues."""
    done = 0
    if _worker_pays(course, images, among):
        with suppress(OSError):
            for batch in from_worker(course, images, among):
                yield batch
                done += 1
    epoch, made = divmod(done, len(among) // course.size)
    yield from islice(course.batches(images, among, epoch), made, None)


def bent_batches(
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
    among: npt.NDArray[np.int64],
    course: Course,
) -> Generator[tuple[Array, npt.NDArray[np.int64]], None, None]:
    """Prepare the batches of a course.

    The thread that prepares them ends with the iterator: close it, or exhaust it.

    Parameters
    ----------
    images : ndarray of uint8, shape (images, pixels)
        Grey levels.
    labels : ndarray of int64, shape (images,)
        Class of each image.
    among : ndarray of int64, shape (chosen,)
        Indices of the course's images.
    course : Course
        Order and transformations.

    Yields
    ------
    values : ndarray of float32, shape (pixels, size)
        Row values as integers.
    labels : ndarray of int64, shape (size,)
    """
    with (
        closing(_make_batches(course, images, among)) as batches,
        ThreadPoolExecutor(1, "batches") as thread,
    ):
        ready = deque(thread.submit(next, batches, None) for _ in range(READY_BATCHES))
        try:
            while (batch := ready.popleft().result()) is not None:
                ready.append(thread.submit(next, batches, None))
                chosen, values = batch
                # The training's own core converts them, so that they are in its cache.
                yield values.astype(np.float32), labels[chosen]
        finally:
            thread.shutdown(cancel_futures=True)


def split(images: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the indices of the images to learn from, and of those to choose between epochs."""
    order = np.random.default_rng(SPLIT_SEED).permutation(images)
    kept = max(1, images // VALIDATION_SHARE)
    return order[kept:], order[:kept]


def row_values(
    images: npt.NDArray[np.uint8], chosen: npt.NDArray[np.int64], pixel_bits: int
) -> Array:
    """Return the row values of some images, float32, shape (rows, chosen)."""
    values = np.empty((len(chosen), images.shape[1]), np.float32)
    for start in range(0, len(chosen), CHUNK):  # NumPy's indices take eight times a pixel's memory
        part = slice(start, start + CHUNK)
        values[part] = quantise_pixels(images[chosen[part]], pixel_bits)
    return values.T


if __name__ == "__main__":
    try:
        work(int(sys.argv[1]))
    except (MemoryError, ValueError):
        sys.exit(1)  # the training has ended, or continues without a worker
