"""Test images shown to a programmed machine: streamed, or kept there and run batch after batch."""

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.host.link.machines.machine import Machine
from allspin.host.link.machines.resident import ResidentCounts
from allspin.host.link.payloads.answers import Answers
from allspin.host.show.display import Display
from allspin.sim.errors import UserError


@dataclass(frozen=True, eq=False)
class Shown:
    """What a machine did with images.

    Attributes
    ----------
    images, correct : int
        Images shown, and those that were classified rightly.
    seconds : float
        Wall clock; of resident images without the loading.
    labels : ndarray of int64, shape (images,)
        Classes of the images.
    answers : Answers or None
        None of resident images whose logits were not asked for.
    cycles_per_image : float or None
        Cycles per image by the machine's counters, if it has them.
    simulated_seconds : float or None
        Where a UART's time is simulated.
    at_once : int or None
        Resident images that were on the board at a time; fewer in the last batch.
    """

    images: int
    correct: int
    seconds: float
    labels: npt.NDArray[np.int64]
    answers: Answers | None
    cycles_per_image: float | None
    simulated_seconds: float | None = None
    at_once: int | None = None


def show_streamed(
    machine: Machine,
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
    display: Display,
) -> Shown:
    """Stream images through a machine.

    Parameters
    ----------
    machine : Machine
        A programmed machine.
    images : ndarray of uint8, shape (images, height, width)
        Grey levels.
    labels : ndarray of int64, shape (images,)
        Their classes.
    display : Display
        Told how many are answered.

    Raises
    ------
    UserError
        If the machine fails, or counted fewer images.
    """
    display.start(f"streaming {len(images):,} images")
    begun = time.perf_counter()
    answers = machine.stream(images, lambda done: display.advance(done, len(images), f"{done:,}"))
    seconds = time.perf_counter() - begun
    display.finish(f"{len(images) / seconds:,.0f} images/s")
    clocks, frequency = answers.clocks, machine.frequency
    return Shown(
        images=len(images),
        correct=int(np.count_nonzero(answers.classes == labels)),
        seconds=seconds,
        answers=answers,
        cycles_per_image=_cycles(machine, len(images)),
        simulated_seconds=None if clocks is None or frequency is None else clocks / frequency,
        labels=labels,
    )


def _cycles(machine: Machine, images: int) -> float | None:
    counters = machine.counters()
    if counters is None:
        return None
    if counters.images < images:
        raise UserError(
            f"{machine.name} answered {images} images, but its counter says {counters.images}; "
            "was it reset?"
        )
    return counters.cycles / counters.images


def show_resident(
    machine: Machine,
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
    display: Display,
    *,
    logits: bool,
) -> Shown:
    """Run images on a machine that keeps as many of them at a time as fit.

    Parameters
    ----------
    machine, images, labels, display
        As of `show_streamed`.
    logits : bool
        Whether to read the logits of each image.

    Raises
    ------
    UserError
        If the machine keeps no images, or fails.
    """
    resident = machine.resident_images()
    counts = ResidentCounts(0, 0, 0)
    at_once = 0
    seconds = 0.0
    answers: list[Answers] = []
    display.start(f"running {len(images):,} resident images")
    for batch in resident.batches(images, labels):
        at_once = max(at_once, len(batch))
        begun = time.perf_counter()
        counts += resident.run(first=batch.start)
        seconds += time.perf_counter() - begun
        if logits:
            answers.append(resident.logits())
        display.advance(counts.images, len(images), f"{counts.images:,}")
    display.finish(f"{at_once:,} at a time, {len(images) / seconds:,.0f} images/s")
    return Shown(
        images=len(images),
        correct=counts.correct,
        seconds=seconds,
        answers=Answers(
            np.concatenate([answer.logits for answer in answers]),
            np.concatenate([answer.classes for answer in answers]),
        )
        if logits
        else None,
        cycles_per_image=counts.cycles_per_image,
        at_once=at_once,
        labels=labels,
    )
