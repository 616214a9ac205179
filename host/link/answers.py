"""Answers of a machine to images, and readings of its counters."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.host.link.identity import Identity
from allspin.sim.parameters import Brief


@dataclass(frozen=True)
class Counters:
    """Counters of the engine, or the difference between two readings.

    Attributes
    ----------
    cycles : int
        Clocks in which at least one image was under way.
    images : int
        Images answered.
    rows : tuple of int
        For each layer, rows driven.
    neurons : tuple of int
        For each layer, neurons used (columns read, in the last).
    """

    cycles: int
    images: int
    rows: tuple[int, ...]
    neurons: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Answers(Brief):
    """Answers of a machine to a batch of images.

    Attributes
    ----------
    logits : ndarray of int64, shape (images, classes)
        Column sums of the last layer.
    classes : ndarray of int64, shape (images,)
        The class that the machine chose.
    clocks : int or None
        Clocks from the first byte of the first request to the last byte of the last answer
        where a UART's time is simulated; else None.
    """

    logits: npt.NDArray[np.int64]
    classes: npt.NDArray[np.int64]
    clocks: int | None = None


def parse_answers(content: bytes, identity: Identity, classes: int | None = None) -> Answers:
    """Parse a machine's answers to images over the link.

    Parameters
    ----------
    content : bytes
        Logits and class of one image after another, as in the answers to IMAGE requests.
    identity : Identity
        The machine's.
    classes : int, optional
        Classes of the network; the machine's by default.
    """
    width = identity.logit_bytes
    answers = np.frombuffer(content, dtype=np.uint8).reshape(-1, identity.answer_bytes)
    wide = np.zeros((len(answers), identity.classes, 8), dtype=np.uint8)
    # Into the high bytes, and back by an arithmetic shift: that extends the sign.
    wide[:, :, 8 - width :] = answers[:, :-2].reshape(len(answers), identity.classes, width)
    logits = wide.view("<i8")[:, :, 0] >> 8 * (8 - width)
    winners = answers[:, -2].astype(np.int64) | answers[:, -1].astype(np.int64) << 8
    return Answers(logits[:, :classes].astype(np.int64), winners)
