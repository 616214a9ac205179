"""Batches that lie ready while whoever takes them trains."""

import queue
import sys
import threading
from collections.abc import Generator

import numpy as np
import numpy.typing as npt

from allspin.host.training.images.course import Bent, Course
from allspin.host.training.images.worker import from_worker

DEPTH = 16
"""Batches that may lie ready."""
PATIENCE = 0.05
"""Seconds between two looks at a thread that is to end."""
WORKER_FROM = 1000
"""Batches for which a process of their own is worth its start."""

Batch = tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]


def _made(
    course: Course, images: npt.NDArray[np.uint8], among: npt.NDArray[np.int64]
) -> Generator[Bent, None, None]:
    if course.length(among) < WORKER_FROM or not sys.executable:
        return course.batches(images, among)
    return from_worker(course, images, among)


def bent_batches(
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
    among: npt.NDArray[np.int64],
    course: Course,
) -> Generator[Batch, None, None]:
    """Go through some images as a course says.

    The thread that has the batches ready ends with the iterator: close it, or exhaust it.

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

    Raises
    ------
    UserError
        As of `from_worker`.
    """
    ready: queue.Queue[Batch | BaseException | None] = queue.Queue(DEPTH)
    stopped = threading.Event()

    def work() -> None:
        made = _made(course, images, among)
        try:
            for chosen, values in made:
                if stopped.is_set():
                    break
                ready.put((values, labels[chosen]))
            ready.put(None)
        except BaseException as error:
            ready.put(error)
        finally:
            made.close()

    thread = threading.Thread(target=work, name="allspin batches", daemon=True)
    thread.start()
    try:
        while (batch := ready.get()) is not None:
            if isinstance(batch, BaseException):
                raise batch
            yield batch
    finally:
        stopped.set()
        while thread.is_alive():
            try:
                ready.get(timeout=PATIENCE)
            except queue.Empty:
                continue
        thread.join()
