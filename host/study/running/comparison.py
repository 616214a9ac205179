"""A machine compared with the golden model: every logit, and every R_AH word of a chip."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.host.link.machines.machine import Machine
from allspin.host.link.payloads.answers import Answers
from allspin.host.study.running.showing import Shown
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network


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
