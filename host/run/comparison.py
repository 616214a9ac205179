"""A machine compared with the golden model: every logit, and every R_AH word of a chip."""

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.host.chips.options import MadeChip
from allspin.host.link.payloads import Answers
from allspin.host.machines.machine import Machine
from allspin.host.machines.opening import VIRTUAL
from allspin.host.machines.resident import ResidentCounts
from allspin.host.run.machine_options import MachineOptions
from allspin.host.show.say import BuildWatch, Display
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network

# A machine opened for a network, and programmed with it.


def opened(
    on: MachineOptions | Machine,
    network: Network,
    chip: MadeChip | None,
    resident: bool,
    display: Display,
) -> AbstractContextManager[Machine]:
    """The machine that was asked for, which is closed in the end; or the one that was given.

    Parameters
    ----------
    on : MachineOptions or Machine
        Which, or one that is open.
    network : Network
        What it shall run, with the chip's words where there is a chip.
    chip : MadeChip or None
        What it shall be made into.
    resident : bool
        Whether it shall keep images.
    display : Display
        Told of the opening.

    Raises
    ------
    UserError
        If there is no such machine, or the network does not fit it.
    """
    if isinstance(on, Machine):
        on.check(network)
        return nullcontext(on)
    display.start(f"opening {on.on}")
    watch = BuildWatch(display)
    machine = on.open(network, chip, resident=resident, progress=watch)
    display.finish(f"{machine.description}{watch.outcome if on.on == VIRTUAL else ''}")
    return machine


def program(machine: Machine, network: Network, chip: MadeChip | None, display: Display) -> None:
    """Program a machine with a network, or make it into a chip.

    Parameters
    ----------
    machine : Machine
        As of `opened`, with the same network and chip.
    network : Network
        What it shall run.
    chip : MadeChip or None
        What it shall be made into.
    display : Display
        Told how far it is.

    Raises
    ------
    UserError
        If the machine fails, or makes no chips.
    """
    display.start("programming")
    if chip is None:
        machine.program(network, lambda done: display.advance(done, None))
        display.finish()
        return
    maker = machine.chip_maker(chip.base, chip.device, chip.programming)
    maker.make(chip.chip, network, lambda done: display.advance(done, None))
    display.finish(maker.where)


# Test images shown to a programmed machine: streamed, or kept there and run batch after batch.


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


@dataclass(frozen=True)
class LogitsCompared:
    """Logits beside those of the golden model.

    Attributes
    ----------
    compared, mismatches : int
        How many, and how many of them are not the golden model's.
    difference : str or None
        The first difference in words, also one of classes alone; None if there is none.
    """

    compared: int
    mismatches: int
    difference: str | None


def compare_logits(
    shown: Shown,
    golden: GoldenModel,
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
) -> LogitsCompared:
    """Compare what a machine answered with the golden model.

    Parameters
    ----------
    shown : Shown
        With its answers.
    golden : GoldenModel
        Of what the machine was programmed with.
    images, labels : ndarray
        What it was shown.
    """
    assert shown.answers is not None
    expected = golden.logits(images)
    mismatches, difference = _first_difference(shown.answers, expected)
    correct = np.count_nonzero(np.argmax(expected, axis=1) == labels)
    if difference is None and shown.correct != correct:
        difference = f"it counted {shown.correct:,} correct classes, not {correct:,}"
    return LogitsCompared(expected.size, mismatches, difference)


def _first_difference(answers: Answers, expected: npt.NDArray[np.int64]) -> tuple[int, str | None]:
    """How many logits differ, and the first difference in words (also one of classes)."""
    wrong = np.argwhere(answers.logits != expected)
    if len(wrong):
        image, number = wrong[0]
        return len(wrong), (
            f"{len(wrong):,} of {expected.size:,} logits differ from the golden model; the first: "
            f"image {image}, class {number}: {answers.logits[image, number]}, "
            f"not {expected[image, number]}"
        )
    other = np.flatnonzero(answers.classes != np.argmax(expected, axis=1))
    if len(other):
        image = other[0]
        return 0, (
            f"the logits are right, but {len(other):,} classes differ; the first: "
            f"image {image}: {answers.classes[image]}, not {np.argmax(expected[image])}"
        )
    return 0, None


@dataclass(frozen=True)
class WordsCompared:
    """R_AH words that were read back, beside those of the golden model's chip.

    Attributes
    ----------
    compared, mismatches : int
        How many, and how many of them are not the golden chip's.
    changed : float
        Share of them that is not the ideal network's.
    """

    compared: int
    mismatches: int
    changed: float

    @property
    def difference(self) -> str | None:
        """What is wrong in words; None if nothing is."""
        if not self.mismatches:
            return None
        return f"{self.mismatches:,} of {self.compared:,} R_AH words differ from the golden chip's"


def compare_words(machine: Machine, network: Network) -> WordsCompared:
    """Read every R_AH word of a machine back, and compare it with a chip's network.

    Parameters
    ----------
    machine : Machine
        A machine that reads words back and was made into the chip.
    network : Network
        The chip's.
    """
    compared = mismatches = changed = 0
    for number, layer in enumerate(network.layers):
        words = machine.read_words(number)
        compared += words.size
        mismatches += int(np.count_nonzero(words != layer.words))
        changed += int(np.count_nonzero(words != layer.levels[layer.states]))
    return WordsCompared(compared, mismatches, changed / compared)
