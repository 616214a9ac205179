"""Batches of numbered images, and the threads that make batches."""

import threading

import numpy as np

from allspin.host.train.feed import Course, bent_batches
from allspin.host.train.training_options import AUGMENTATIONS

SHAPE = (4, 5)
STILL = AUGMENTATIONS["none"]
IMAGES = np.random.default_rng(1).integers(0, 256, (500, 20), dtype=np.uint8)
ALL = np.arange(500)
FEED = "allspin.host.train.feed"


def feed(count: int, course: Course, among: np.ndarray | None = None):
    """Return batches of images; an image's number is its first pixel and its label."""
    numbers = np.arange(count)
    images = np.zeros((count, 20), dtype=np.uint8)
    images[:, 0] = numbers
    return bent_batches(images, numbers, numbers if among is None else among, course)


def content(count: int, course: Course) -> list[bytes]:
    """Return the bytes of each batch."""
    return [values.tobytes() + labels.tobytes() for values, labels in feed(count, course)]


def threads() -> list[str]:
    """Return the names of the threads that make batches."""
    return [each.name for each in threading.enumerate() if each.name.startswith("batches")]
