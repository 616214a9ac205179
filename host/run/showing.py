"""Test images shown to a machine: streamed, sampled several times, or resident on the board."""

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.host.link.answers import Answers
from allspin.host.machines.machine import Machine
from allspin.host.machines.resident import ResidentCounts
from allspin.host.show.display import Display
from allspin.sim.errors import UserError
from allspin.sim.parameters import Brief

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]

USES_AT_ONCE = 8192
"""Images of one stream, each counted as often as it is shown; bounds the memory."""


@dataclass(frozen=True, eq=False)
class ImagesShown(Brief):
    """Outcome of showing images to a machine.

    Attributes
    ----------
    labels : ndarray of int64, shape (images,)
        Classes of the images.
    correct : int
        Images that were classified correctly.
    seconds : float
        Wall-clock time; for resident images without loading them.
    answers : Answers or None
        None for resident images whose logits were not read.
    cycles_per_image : float or None
        Cycles per image by the machine's counters, if it has them.
    simulated_seconds : float or None
        Time of a simulated UART.
    at_once : int or None
        Resident images that were on the board at a time; the last batch may have fewer.
    by_samples : tuple of float
        For images that were shown several times: the share that is correct with the logits of the
        first 1, 2, 3 ... times added. Logits and classes in `answers` are those of all times.
    frequency : int or None
        Clock frequency of the machine in Hz, if it is known.
    """

    labels: Labels
    correct: int
    seconds: float
    answers: Answers | None
    cycles_per_image: float | None
    simulated_seconds: float | None = None
    at_once: int | None = None
    by_samples: tuple[float, ...] = ()
    frequency: int | None = None

    @property
    def machine_images_per_second(self) -> float | None:
        """Throughput by the machine's own count of cycles, if it has a counter and a clock."""
        if not self.frequency or not self.cycles_per_image:
            return None
        return self.frequency / self.cycles_per_image


def sample_images(
    machine: Machine, images: Images, labels: Labels, samples: int, progress: Display
) -> tuple[Answers, tuple[float, ...]]:
    """Show each image several times, and add its logits.

    Parameters
    ----------
    machine : Machine
        Machine that a network or chip is loaded into.
    images : ndarray of uint8, shape (images, height, width)
        Grey levels.
    labels : ndarray of int64, shape (images,)
        Classes of the images.
    samples : int
        Times that each image is shown.
    progress : Display
        Display of the step.

    Returns
    -------
    answers : Answers
        Sums of logits, and their classes.
    shares : tuple of float
        Share of the images that is correct after each time.
    """
    correct = np.zeros(samples, np.int64)
    sums = []
    clocks = 0
    images_at_once = max(1, USES_AT_ONCE // samples)
    for start in range(0, len(images), images_at_once):
        part = slice(start, start + images_at_once)
        answers = machine.stream(np.repeat(images[part], samples, axis=0), first=start * samples)
        classes = answers.logits.shape[1]
        added = np.cumsum(answers.logits.reshape(-1, samples, classes), axis=1)
        correct += np.count_nonzero(added.argmax(axis=2) == labels[part, np.newaxis], axis=0)
        sums.append(added[:, -1])
        clocks += answers.clocks or 0
        shown = min(part.stop, len(images))
        progress.advance(part.stop, len(images), f"{shown:,}")
    logits = np.concatenate(sums)
    answers = Answers(logits, logits.argmax(axis=1), clocks or None)
    return answers, tuple((correct / len(images)).tolist())


def stream_images(
    machine: Machine,
    images: Images,
    labels: Labels,
    progress: Display,
    samples: int | None = None,
) -> ImagesShown:
    """Stream images through a machine, each several times for samples.

    Parameters
    ----------
    machine, images, labels, progress
        Parameters of `sample_images`.
    samples : int, optional
        Times that each image is shown (once, by its own number).

    Raises
    ------
    UserError
        If the machine fails, or was reset meanwhile.
    """
    uses = len(images) * (samples or 1)
    progress.start(f"streaming {uses:,} images")
    begun = time.perf_counter()
    shares: tuple[float, ...] = ()
    if samples is None:
        answers = machine.stream(images, lambda done: progress.advance(done, uses, f"{done:,}"))
    else:
        answers, shares = sample_images(machine, images, labels, samples, progress)
    seconds = time.perf_counter() - begun
    progress.finish(f"{uses / seconds:,.0f} images/s")
    simulated_seconds = None
    if answers.clocks is not None and machine.frequency is not None:
        simulated_seconds = answers.clocks / machine.frequency
    return ImagesShown(
        labels=labels,
        correct=int(np.count_nonzero(answers.classes == labels)),
        seconds=seconds,
        answers=answers,
        cycles_per_image=_cycles_per_image(machine, uses),
        simulated_seconds=simulated_seconds,
        by_samples=shares,
        frequency=machine.frequency,
    )


def _cycles_per_image(machine: Machine, uses: int) -> float | None:
    """Return the cycles per image by the machine's counters; None without counters."""
    counters = machine.counters()
    if counters is None:
        return None
    if counters.images < uses:
        raise UserError(
            f"{machine.name} answered {uses} images, but its counter says "
            f"{counters.images}; was it reset?"
        )
    return counters.cycles / counters.images


def run_resident_images(
    machine: Machine, images: Images, labels: Labels, progress: Display, logits: bool
) -> ImagesShown:
    """Run images on a machine that keeps as many of them at a time as fit.

    Parameters
    ----------
    machine, images, labels, progress
        Parameters of `sample_images`.
    logits : bool
        True to read the logits too, not the number of correct classes alone.

    Raises
    ------
    UserError
        If the machine has no memory of images, or fails.
    """
    resident = machine.resident_images()
    counts = ResidentCounts(0, 0, 0)
    at_once = 0
    seconds = 0.0
    answers: list[Answers] = []
    progress.start(f"running {len(images):,} resident images")
    for batch in resident.batches(images, labels):
        at_once = max(at_once, len(batch))
        begun = time.perf_counter()
        counts += resident.run(first=batch.start)
        seconds += time.perf_counter() - begun
        if logits:
            answers.append(resident.logits())
        progress.advance(counts.images, len(images), f"{counts.images:,}")
    shown = ImagesShown(
        labels=labels,
        correct=counts.correct,
        seconds=seconds,
        answers=_joined(answers) if logits else None,
        cycles_per_image=counts.cycles_per_image,
        at_once=at_once,
        frequency=machine.frequency,
    )
    rate = shown.machine_images_per_second
    by_cycles = "" if rate is None else f", {rate:,.0f} by the board's cycles"
    progress.finish(f"{at_once:,} at a time, {len(images) / seconds:,.0f} images/s{by_cycles}")
    return shown


def _joined(answers: list[Answers]) -> Answers:
    """Join the answers of several batches."""
    logits = np.concatenate([each.logits for each in answers])
    classes = np.concatenate([each.classes for each in answers])
    return Answers(logits, classes)
