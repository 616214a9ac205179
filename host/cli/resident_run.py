"""Test images that stay on the board: loaded, run and counted there, batch after batch."""

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.host.link.device import Answers, Device
from allspin.host.link.resident import ResidentCounts, ResidentImages
from allspin.host.show.progress import Steps


@dataclass(frozen=True, eq=False)
class ResidentRun:
    """What came of it.

    Attributes
    ----------
    at_once : int
        Images that were on the board at a time; fewer in the last batch.
    counts : ResidentCounts
        Of all batches.
    seconds : float
        Wall clock of the runs alone, without the loading.
    answers : Answers or None
        The logits, where they were asked for.
    """

    at_once: int
    counts: ResidentCounts
    seconds: float
    answers: Answers | None


def run_resident(
    device: Device,
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
    steps: Steps,
    *,
    logits: bool,
) -> ResidentRun:
    """Run images on a board that keeps as many of them at a time as fit.

    Parameters
    ----------
    device : Device
        A programmed device.
    images, labels : ndarray
        All of them, as of `ResidentImages.load`.
    steps : Steps
        Progress.
    logits : bool
        Whether to read the logits of each image.

    Raises
    ------
    UserError
        If the device keeps no images.
    """
    resident = ResidentImages(device)
    counts = ResidentCounts(0, 0, 0)
    at_once = 0
    seconds = 0.0
    answers: list[Answers] = []
    steps.start(f"running {len(images):,} resident images")
    while counts.images < len(images):
        first = counts.images
        loaded = resident.load(images[first:], labels[first:])
        at_once = max(at_once, loaded)
        begun = time.perf_counter()
        counts += resident.run(first=first)
        seconds += time.perf_counter() - begun
        if logits:
            answers.append(resident.logits())
        steps.advance(counts.images, len(images), f"{counts.images:,}")
    steps.finish(f"{at_once:,} at a time, {len(images) / seconds:,.0f} images a second")
    return ResidentRun(
        at_once,
        counts,
        seconds,
        Answers(
            np.concatenate([answer.logits for answer in answers]),
            np.concatenate([answer.classes for answer in answers]),
        )
        if logits
        else None,
    )
