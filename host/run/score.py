"""What came of a run: a score, or classes of image files, and how they compare with the model."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.chips.options import MadeChip
from allspin.host.data.images import Framed
from allspin.host.link.payloads import Answers
from allspin.host.machines.machine import Machine
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network

MOST_CLASSES = 16
"""With more classes than this a notebook's picture could not be read."""


def score_card(score: "Score") -> str:
    """The card of a score, as HTML: which classes were taken for which, and its figures."""
    # Pictures are loaded when a notebook asks for them.
    from allspin.host.draw.accuracy import confusion_matrix
    from allspin.host.draw.cards import beside, facts

    cycles, logits, words = score.shown.cycles_per_image, score.logits, score.words
    about = [
        ("accuracy", f"{score.accuracy:.2%}"),
        ("images", f"{score.images:,}"),
        ("machine", score.on),
        ("chip", None if score.chip is None else score.chip.title),
        ("cycles per image", None if cycles is None else f"{cycles:.1f}"),
        (
            "logits that differ",
            None if logits is None else f"{logits.mismatches:,} of {logits.compared:,}",
        ),
        (
            "R_AH words that differ",
            None if words is None else f"{words.mismatches:,} of {words.compared:,}",
        ),
        ("images/s", f"{score.images_per_second:,.0f}"),
    ]
    table, labels = facts(f"Score of {score.network}", about), score.shown.labels
    if score.shown.answers is None:
        return beside(table)
    answers = score.shown.answers.classes
    classes = int(max(labels.max(), answers.max())) + 1
    few = classes <= MOST_CLASSES
    return beside(table, *([confusion_matrix(labels, answers, classes)] if few else []))


@dataclass(frozen=True, eq=False)
class Shown:
    """What a machine did with images.

    Attributes
    ----------
    labels : ndarray of int64, shape (images,)
        Classes of the images.
    correct : int
        Images that were classified rightly.
    seconds : float
        Wall clock; of resident images without the loading.
    answers : Answers or None
        None of resident images whose logits were not asked for.
    cycles_per_image : float or None
        Cycles per image by the machine's counters, if it has them.
    simulated_seconds : float or None
        Where a UART's time is simulated.
    at_once : int or None
        Resident images that were on the board at a time; fewer in the last batch.
    """

    labels: npt.NDArray[np.int64]
    correct: int
    seconds: float
    answers: Answers | None
    cycles_per_image: float | None
    simulated_seconds: float | None = None
    at_once: int | None = None


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
) -> LogitsCompared:
    """Compare what a machine answered with the golden model.

    Parameters
    ----------
    shown : Shown
        With its answers.
    golden : GoldenModel
        Of what the machine was programmed with.
    images : ndarray of uint8, shape (images, height, width)
        What it was shown.
    """
    assert shown.answers is not None
    expected = golden.logits(images)
    mismatches, difference = first_difference(shown.answers, expected)
    correct = np.count_nonzero(np.argmax(expected, axis=1) == shown.labels)
    if difference is None and shown.correct != correct:
        difference = f"it counted {shown.correct:,} correct classes, not {correct:,}"
    return LogitsCompared(expected.size, mismatches, difference)


def first_difference(answers: Answers, expected: npt.NDArray[np.int64]) -> tuple[int, str | None]:
    """How many logits differ, and the first difference in words, also one of classes alone.

    Parameters
    ----------
    answers : Answers
        A machine's.
    expected : ndarray of int64, shape (images, classes)
        Logits of the golden model.
    """
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


@dataclass(frozen=True, eq=False)
class Score:
    """A network's score on a machine.

    Attributes
    ----------
    network, on : str
        What the network and the machine are called.
    chip : MadeChip or None
        What the machine was made into; None for the ideal chip.
    shown : Shown
        What it did with the images: logits and classes are in ``shown.answers``.
    cycles_bound : float or None
        Cycles per image that the slowest stage needs; None of a machine without lanes.
    logits, words : LogitsCompared and WordsCompared, or None
        What was compared with the golden model; None where nobody asked, or there are none.
    resent, damaged : int
        Requests that were sent again, and frames that came damaged.
    commit : str or None
        Which allspin it was.
    """

    network: str
    on: str
    chip: MadeChip | None
    shown: Shown
    cycles_bound: float | None
    logits: LogitsCompared | None
    words: WordsCompared | None
    resent: int
    damaged: int
    commit: str | None

    @property
    def images(self) -> int:
        """Images that were shown."""
        return len(self.shown.labels)

    @property
    def accuracy(self) -> float:
        """Share of the images that were classified rightly."""
        return self.shown.correct / self.images

    @property
    def images_per_second(self) -> float:
        """By the wall's clock."""
        return self.images / self.shown.seconds

    @property
    def simulated_images_per_second(self) -> float | None:
        """By the simulated UART's clock, if there is one."""
        seconds = self.shown.simulated_seconds
        return None if seconds is None else self.images / seconds

    @property
    def difference(self) -> str | None:
        """The first difference from the golden model in words; None if none was found."""
        for compared in (self.logits, self.words):
            if compared is not None and compared.difference is not None:
                return compared.difference
        return None

    def to_dict(self) -> dict[str, Any]:
        """What ``--json`` prints; see ``docs/formats.md``."""
        chip, logits, words = self.chip, self.logits, self.words
        return {
            "network": self.network,
            "on": self.on,
            "chip": None if chip is None else chip.seed,
            "programming": None if chip is None else chip.to_dict(),
            "images": self.images,
            "accuracy": self.accuracy,
            "resident": self.shown.at_once,
            "seconds": self.shown.seconds,
            "images_per_second": self.images_per_second,
            "simulated_seconds": self.shown.simulated_seconds,
            "simulated_images_per_second": self.simulated_images_per_second,
            "cycles_per_image": self.shown.cycles_per_image,
            "cycles_bound": self.cycles_bound,
            "logits_compared": None if logits is None else logits.compared,
            "mismatches": None if logits is None else logits.mismatches,
            "words_compared": None if words is None else words.compared,
            "word_mismatches": None if words is None else words.mismatches,
            "words_changed": None if words is None else words.changed,
            "resent": self.resent,
            "damaged": self.damaged,
            "commit": self.commit,
        }

    def _repr_html_(self) -> str:
        """What a notebook shows of it."""
        return score_card(self)


@dataclass(frozen=True, eq=False)
class Classified:
    """What a machine answered to image files.

    Attributes
    ----------
    files : tuple of str
        The files.
    framed : tuple of Framed
        The images that the machine was shown.
    score : Score
        Of the run; its accuracy says nothing, since no file has a label.
    """

    files: tuple[str, ...]
    framed: tuple[Framed, ...]
    score: Score

    @property
    def answers(self) -> Answers:
        """Logits and classes."""
        assert self.score.shown.answers is not None
        return self.score.shown.answers

    def to_dict(self) -> dict[str, Any]:
        """What ``--json`` prints; see ``docs/formats.md``."""
        answers = zip(self.answers.classes, self.answers.logits, strict=True)
        images = [
            {
                "file": file,
                "class": int(number),
                "logits": logits.tolist(),
                "framing": framed.framing,
                "inverted": framed.inverted,
            }
            for file, framed, (number, logits) in zip(self.files, self.framed, answers, strict=True)
        ]
        told = self.score.to_dict()
        shared = ("network", "on", "chip", "programming")
        after = ("logits_compared", "mismatches", "commit")
        return {
            **{name: told[name] for name in shared},
            "images": images,
            **{name: told[name] for name in after},
        }
