"""What came of a run."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.chips.options import MadeChip
from allspin.host.link.payloads import Answers
from allspin.host.machines.opening import open_virtual
from allspin.host.run.comparison import LogitsCompared, Shown, WordsCompared
from allspin.host.show.say import BuildWatch, Display
from allspin.host.virtual.board import read_trace
from allspin.sim.errors import UserError
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
        return self.shown.images

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


# Images streamed through the virtual board while the engine's activity is recorded.

TRACED_IMAGES = 6
"""Images in the timeline."""


@dataclass(frozen=True, eq=False)
class TracedRun:
    """What came of a run.

    Attributes
    ----------
    answers : Answers
        What the machine answered.
    seconds : float
        Of the streaming, wall clock.
    cycles : int
        Clocks from the first image to the last, by the hardware's counter.
    activity : ndarray of uint64, shape (clocks,)
        The engine's activity word in each clock from the first event on.
    """

    answers: Answers
    seconds: float
    cycles: int
    activity: npt.NDArray[np.uint64]


def traced_clocks(network: Network, bounds: npt.NDArray[np.int64]) -> int:
    """Clocks that let the images of the timeline pass through all layers.

    Parameters
    ----------
    network : Network
        What runs.
    bounds : ndarray of int64, shape (images,)
        Of `allspin.hdl.cost.bound.cycle_bounds`.
    """
    return 2 * int(bounds[: TRACED_IMAGES + len(network.layers)].sum()) + 1000


def run_traced(
    network: Network, images: npt.NDArray[np.uint8], clocks: int, display: Display
) -> TracedRun:
    """Build the virtual board, program it and stream images through it.

    Parameters
    ----------
    network : Network
        What to run.
    images : ndarray of uint8, shape (images, height, width)
        Grey levels.
    clocks : int
        For how long the activity is recorded.
    display : Display
        Told of each step.

    Raises
    ------
    UserError
        If there is no C++ compiler, or the machine fails or miscounts.
    """
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "activity"
        display.start("compiling the gateware into a simulator")
        watch = BuildWatch(display)
        with open_virtual(
            network,
            trace=(trace, clocks),
            progress=watch,
        ) as machine:
            display.finish(watch.outcome.removeprefix("; "))
            display.start("programming weights, tables and converters over the link")
            machine.program(network)
            display.finish()
            display.start(f"streaming {len(images):,} test images")
            begun = time.perf_counter()
            answers = machine.stream(images, lambda done: display.advance(done, len(images)))
            seconds = time.perf_counter() - begun
            display.finish(f"{len(images) / seconds:,.0f} images/s")
            counters = machine.counters()
        if counters.images != len(images):
            raise UserError(
                f"{len(images)} images were streamed, but the machine's counters say {counters}"
            )
        return TracedRun(answers, seconds, counters.cycles, read_trace(trace))
