"""Batches that lie ready while whoever takes them trains."""

import queue
import sys
import threading
from collections.abc import Generator
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from allspin.host.train.augment import Bent, Course
from allspin.host.train.latent import Array
from allspin.host.train.worker import WorkerLost, from_worker
from allspin.sim.network.formats import quantise_pixels

DEPTH = 16
"""Batches that may lie ready."""
PATIENCE = 0.05
"""Seconds between two looks at a thread that is to end."""
WORKER_FROM = 1000
"""Batches for which a process of their own is worth its start."""
WORKER_BYTES = 2**28
"""Images that it may hold once more."""

Batch = tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]


def _made(
    course: Course, images: npt.NDArray[np.uint8], among: npt.NDArray[np.int64]
) -> Generator[Bent, None, None]:
    """The batches, of a process if that is worth it; where it is lost, this one goes on."""
    done = 0
    small = images[0].nbytes * len(among) <= WORKER_BYTES
    # Python may be part of another program, which is then no Python to start.
    python = "python" in Path(sys.executable or "").name
    if course.length(among) >= WORKER_FROM and small and python:
        with suppress(WorkerLost, OSError):
            for batch in from_worker(course, images, among):
                yield batch
                done += 1
    yield from course.batches(images, among, done)


def bent_batches(
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
    among: npt.NDArray[np.int64],
    course: Course,
) -> Generator[Batch, None, None]:
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
    ready: queue.Queue[Bent | BaseException | None] = queue.Queue(DEPTH)
    stopped = threading.Event()

    def work() -> None:
        try:
            with closing(_made(course, images, among)) as made:
                for batch in made:
                    if stopped.is_set():
                        break
                    ready.put(batch)
            ready.put(None)
        except BaseException as error:
            ready.put(error)

    thread = threading.Thread(target=work, name="allspin batches", daemon=True)
    thread.start()
    try:
        while (batch := ready.get()) is not None:
            if isinstance(batch, BaseException):
                raise batch
            chosen, values = batch
            # By whoever trains, in whose cache they are then.
            yield values.astype(np.float32), labels[chosen]
    finally:
        stopped.set()
        while thread.is_alive():
            try:
                ready.get(timeout=PATIENCE)
            except queue.Empty:
                continue
        thread.join()


# Images that are kept to choose between epochs, and the row values that a network gets.

VALIDATION_SHARE = 12
"""One training image in so many is kept to choose between epochs: 5,000 of MNIST's."""
SPLIT_SEED = 2021
"""The same images are kept whatever the network's seed."""
FIRST_IMAGES = 2000
"""Images that the first weights are scaled on."""


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
    for start in range(0, len(chosen), FIRST_IMAGES):  # NumPy's indices take eight times a pixel
        part = slice(start, start + FIRST_IMAGES)
        values[part] = quantise_pixels(images[chosen[part]], pixel_bits)
    return values.T
