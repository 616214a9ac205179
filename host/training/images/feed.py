"""Batches of bent images, made by a second thread while the first one trains."""

import queue
import threading
from collections.abc import Generator

import numpy as np
import numpy.typing as npt

from allspin.host.training.images.augment import GROUP, Augmenter

DEPTH = 16
"""Batches that may lie ready."""
PATIENCE = 0.05
"""Seconds between two looks at a thread that is to end."""

Batch = tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]


def _make(
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
    chosen: npt.NDArray[np.int64],
    top: int,
    augmenter: Augmenter,
    rng: np.random.Generator,
) -> Batch:
    # Groups of one length: the last is filled up with what is thrown away again.
    groups = -(-len(chosen) // GROUP)
    filled = images[np.resize(chosen, groups * GROUP)].reshape(groups, GROUP, -1)
    sources = filled.transpose(0, 2, 1).astype(np.float32, order="C")
    bent = sources if augmenter.still else augmenter.draw(groups, rng).bend(sources)
    values = np.concatenate(bent, axis=1)[:, : len(chosen)]
    values *= np.float32(top / 255)
    np.rint(values, out=values)
    return values, labels[chosen]


def bent_batches(
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
    among: npt.NDArray[np.int64],
    *,
    epochs: int,
    size: int,
    top: int,
    augmenter: Augmenter,
    seed: tuple[int, ...],
) -> Generator[Batch, None, None]:
    """Go through some images `epochs` times, each time in another order and bent anew.

    The images that do not fill a batch are left out of that epoch. The thread that makes the
    batches ends with the iterator: close it, or exhaust it.

    Parameters
    ----------
    images : ndarray of uint8, shape (images, pixels)
        Grey levels.
    labels : ndarray of int64, shape (images,)
        Class of each image.
    among : ndarray of int64, shape (chosen,)
        Which images to go through: those of a large set are not copied.
    epochs : int
        How many times.
    size : int
        Images in a batch, at most as many as are chosen.
    top : int
        Largest row value: grey 255.
    augmenter : Augmenter
        Bends the images.
    seed : tuple of int
        Names the order and the transformations; each epoch has draws of its own.

    Yields
    ------
    values : ndarray of float32, shape (pixels, size)
        Row values as integers.
    labels : ndarray of int64, shape (size,)
    """
    ready: queue.Queue[Batch | BaseException | None] = queue.Queue(DEPTH)
    stopped = threading.Event()

    def work() -> None:
        try:
            for epoch in range(epochs):
                rng = np.random.default_rng([*seed, epoch])
                order = among[rng.permutation(len(among))]
                for start in range(0, len(among) - size + 1, size):
                    if stopped.is_set():
                        return
                    chosen = order[start : start + size]
                    ready.put(_make(images, labels, chosen, top, augmenter, rng))
            ready.put(None)
        except BaseException as error:
            ready.put(error)

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
