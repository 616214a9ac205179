"""What came of a run."""

from dataclasses import dataclass
from typing import Any

from allspin.host.study.running.comparison import LogitsCompared, WordsCompared
from allspin.host.study.running.made_chip import MadeChip
from allspin.host.study.running.score_card import score_card
from allspin.host.study.running.showing import Shown


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
