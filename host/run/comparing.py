"""Comparison of a machine's logits and R_AH words with those of the golden model."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.host.link.answers import Answers
from allspin.host.machines.machine import Machine
from allspin.sim.network.network import Network
from allspin.sim.parameters import Brief


@dataclass(frozen=True)
class Compared(Brief):
    """Logits, or R_AH words that were read back, beside those of the golden model.

    Attributes
    ----------
    compared, mismatches : int
        Number of values compared, and of those that differ.
    difference : str or None
        First difference of logits, or else of classes, in words; None if all are equal.
    changed : float
        Share of the words that differ from the ideal network's.
    """

    compared: int
    mismatches: int
    difference: str | None
    changed: float = 0.0

    @property
    def share(self) -> str:
        """Differing values and all values, for people."""
        return f"{self.mismatches:,} of {self.compared:,}"


def compare_logits(answers: Answers, expected: npt.NDArray[np.int64]) -> Compared:
    """Compare a machine's answers with the golden model.

    Parameters
    ----------
    answers : Answers
        The machine's answers.
    expected : ndarray of int64, shape (images, classes)
        Logits of the golden model of the network or chip that the machine was loaded with.
    """
    wrong = np.argwhere(answers.logits != expected)
    classes = np.argmax(expected, axis=1)
    wrong_classes = np.flatnonzero(answers.classes != classes)
    difference = None
    if len(wrong):
        image, number = wrong[0]
        difference = (
            f"{len(wrong):,} of {expected.size:,} logits differ from the golden model; the first: "
            f"image {image}, class {number}: {answers.logits[image, number]}, "
            f"not {expected[image, number]}"
        )
    elif len(wrong_classes):
        image = wrong_classes[0]
        difference = (
            f"the logits are right, but {len(wrong_classes):,} classes differ; the first: "
            f"image {image}: {answers.classes[image]}, not {classes[image]}"
        )
    return Compared(expected.size, len(wrong), difference)


def compare_words(machine: Machine, network: Network) -> Compared:
    """Read back every R_AH word of a machine, and compare it with a chip's.

    Parameters
    ----------
    machine : Machine
        Machine that the chip is loaded into, and whose words can be read.
    network : Network
        Network of the chip.
    """
    compared = 0
    mismatches = 0
    changed = 0
    for number, layer in enumerate(network.layers):
        words = machine.read_words(number)
        compared += words.size
        mismatches += int(np.count_nonzero(words != layer.words))
        changed += int(np.count_nonzero(words != layer.levels[layer.states]))
    difference = None
    if mismatches:
        difference = f"{mismatches:,} of {compared:,} R_AH words differ from the golden chip's"
    return Compared(compared, mismatches, difference, changed / compared)
