"""Batches that lie ready while whoever takes them trains.

A thread prepares them. Of a long course a process of its own makes them, for which the thread
waits only: a thread that makes them waits for the interpreter, and so does whoever trains
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
from dataclasses import asdict
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from allspin.host.train.augment import Bent, Course
from allspin.host.train.latent import Array
from allspin.host.train.options import Augmentation
from allspin.sim.network.formats import quantise_pixels
from allspin.sim.network.golden import keep_freed_memory

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
FIRST_IMAGES = 2000
"""Images that the first weights are scaled on."""


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
    for start in range(0, len(chosen), FIRST_IMAGES):  # NumPy's indices take eight times a pixel
        part = slice(start, start + FIRST_IMAGES)
        values[part] = quantise_pixels(images[chosen[part]], pixel_bits)
    return values.T


if __name__ == "__main__":
    try:
        work(int(sys.argv[1]))
    except (MemoryError, ValueError):
        sys.exit(1)  # whoever trains has ended, or goes on alone
