"""What came of a run: a score, or classes of image files, and how they compare with the model."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.data.framing import Framed
from allspin.host.link.answers import Answers
from allspin.host.run.comparing import Compared
from allspin.host.run.showing import ImagesShown
from allspin.sim.errors import UserError
from allspin.sim.parameters import Shown as Model
from allspin.sim.programming.program import ProgrammedChip

MOST_CLASSES = 16
"""With more classes than this a notebook's picture could not be read."""


@dataclass(frozen=True)
class Fit:
    """What a network was fitted into.

    Attributes
    ----------
    topology : tuple of int
        Widths of the machine's layers that it uses, from the pixels to the classes.
    bound : float
        Cycles per image that the slowest stage would need in a machine of the network's own sizes.
    """

    topology: tuple[int, ...]
    bound: float


@dataclass(frozen=True, eq=False)
class Score(Model):
    """A network's score on a machine.

    Attributes
    ----------
    network, on : str
        What the network and the machine are called.
    chip : ProgrammedChip or None
        What the machine was made into; None for the ideal chip.
    shown : ImagesShown
        What it did with the images.
    cycles_bound : float or None
        Cycles per image that the slowest stage needs; None of a machine without lanes.
    fit : Fit or None
        What the network was fitted into; None where the machine has its sizes.
    compared, words : Compared or None
        Logits and R_AH words that were compared with the golden model; None where nobody asked, or
        there are none.
    resent, damaged : int
        Requests that were sent again, and frames that came damaged.
    commit : str or None
        Which allspin it was.
    """

    network: str
    on: str
    chip: ProgrammedChip | None
    shown: ImagesShown
    cycles_bound: float | None
    fit: Fit | None
    compared: Compared | None
    words: Compared | None
    resent: int
    damaged: int
    commit: str | None

    @property
    def answers(self) -> Answers:
        """Logits and classes; a `UserError` of resident images whose logits nobody asked for."""
        if self.shown.answers is None:
            raise UserError("resident images count right classes alone: give `logits` or `check`")
        return self.shown.answers

    logits = property(lambda self: self.answers.logits, doc="Shape (images, classes).")
    predictions = property(lambda self: self.answers.classes, doc="Class that each was taken for.")

    @property
    def confusion_matrix(self) -> npt.NDArray[np.int64]:
        """How many images of each class (row) were taken for each class (column)."""
        from allspin.host.charts.confusion import confusion_counts

        return confusion_counts(self.shown.labels, self.predictions, self._classes)

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
        found = (each.difference for each in (self.compared, self.words) if each is not None)
        return next((each for each in found if each is not None), None)

    def to_dict(self) -> dict[str, Any]:
        """What ``--json`` prints; see ``docs/formats.md``."""
        chip, logits, words = self.chip, self.compared, self.words
        shares = list(self.shown.by_samples)
        return {
            "network": self.network,
            "on": self.on,
            "chip": chip and chip.seed,
            "programming": chip and chip.to_dict(),
            "images": self.images,
            "accuracy": self.accuracy,
            "samples": len(shares) or None,
            "accuracy_by_samples": shares or None,
            "resident": self.shown.at_once,
            "seconds": self.shown.seconds,
            "images_per_second": self.images_per_second,
            "simulated_seconds": self.shown.simulated_seconds,
            "simulated_images_per_second": self.simulated_images_per_second,
            "cycles_per_image": self.shown.cycles_per_image,
            "machine_images_per_second": self.shown.machine_images_per_second,
            "cycles_bound": self.cycles_bound,
            "fitted_into": self.fit and list(self.fit.topology),
            "cycles_bound_unfitted": self.fit and self.fit.bound,
            "logits_compared": logits and logits.compared,
            "mismatches": logits and logits.mismatches,
            "words_compared": words and words.compared,
            "word_mismatches": words and words.mismatches,
            "words_changed": words and words.changed,
            "resent": self.resent,
            "damaged": self.damaged,
            "commit": self.commit,
        }

    def plot(self) -> Any:
        """Accuracy against samples, or which classes were taken for which where asked for."""
        # Pictures are loaded when somebody asks for them.
        from allspin.host.charts.confusion import confusion_matrix
        from allspin.host.charts.line_charts import ChartLine, ChartPanel, curves
        from allspin.host.draw.style import name_text

        if shares := self.shown.by_samples:
            line = ChartLine("", range(1, len(shares) + 1), [100 * share for share in shares])
            ticks = [2.0**power for power in range(len(shares).bit_length())]
            x, y = "uses of each image", "accuracy (%)"
            panel = ChartPanel([line], x, y, x_scale="log", ticks=ticks)
            of = name_text(f"{self.network}, {self.chip.title}" if self.chip else self.network)
            images = f"{self.images:,} images"
            return curves(f"{of}: logits of several uses added\n{images}", [panel])
        return confusion_matrix(self.shown.labels, self.predictions, self._classes)

    @property
    def _classes(self) -> int:
        """How many of them a picture would have; 0 where they were not asked for."""
        return 0 if self.shown.answers is None else self.logits.shape[1]

    def _repr_html_(self) -> str:
        from allspin.host.draw.html import card_of
        from allspin.host.show.table import fact_table

        cycles = self.shown.cycles_per_image
        logits, words = (
            each and f"{each.mismatches:,} of {each.compared:,}"
            for each in (self.compared, self.words)
        )
        table = fact_table(
            f"Score of {self.network}",
            [
                ("accuracy", f"{self.accuracy:.2%}"),
                ("images", f"{self.images:,}"),
                ("machine", self.on),
                ("chip", self.chip and self.chip.title),
                ("cycles per image", cycles and f"{cycles:.1f}"),
                ("logits that differ", logits),
                ("R_AH words that differ", words),
            ],
        )
        return card_of([table], *([self.plot()] if 0 < self._classes <= MOST_CLASSES else []))


@dataclass(frozen=True, eq=False)
class Classified(Model):
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
        return self.score.answers

    logits, predictions = Score.logits, Score.predictions

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
