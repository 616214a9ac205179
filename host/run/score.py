"""Score of a network on a machine: accuracy, speed, and comparison with the golden model."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.link.answers import Answers
from allspin.host.run.comparing import Compared
from allspin.host.run.showing import ImagesShown
from allspin.host.run.slowest_stage import SlowestStage
from allspin.host.show.result import Result
from allspin.host.show.table import Figure, Number, Table, fact_table, figures
from allspin.sim.errors import UserError
from allspin.sim.network.fitted import text
from allspin.sim.programming.program import ProgrammedChip

MOST_CLASSES = 16
"""Most classes of a confusion matrix that can be read on a card."""


@dataclass(frozen=True, eq=False)
class Score(Result):
    """Score of a network on a machine.

    Attributes
    ----------
    network, on : str
        Names of the network and the machine.
    chip : ProgrammedChip or None
        Chip that the machine was loaded with; None for the ideal chip.
    shown : ImagesShown
        Outcome of showing the images.
    slowest_stage : SlowestStage or None
        Bound of the throughput; None for a machine without lanes.
    compared, words : Compared or None
        Comparison of logits and R_AH words with the golden model; None if they were not compared.
    resent, damaged : int
        Requests that were sent again, and frames that came damaged.
    commit : str or None
        Commit of allspin.
    """

    network: str
    on: str
    chip: ProgrammedChip | None
    shown: ImagesShown
    slowest_stage: SlowestStage | None
    compared: Compared | None
    words: Compared | None
    resent: int
    damaged: int
    commit: str | None

    @property
    def answers(self) -> Answers:
        """Logits and classes; raises a `UserError` if logits of resident images were not read."""
        if self.shown.answers is None:
            raise UserError("resident images count right classes alone: give `logits` or `check`")
        return self.shown.answers

    @property
    def logits(self) -> npt.NDArray[np.int64]:
        """Logits, shape (images, classes)."""
        return self.answers.logits

    @property
    def predictions(self) -> npt.NDArray[np.int64]:
        """Class that each image was taken for, shape (images,)."""
        return self.answers.classes

    @property
    def confusion_matrix(self) -> npt.NDArray[np.int64]:
        """Images by their class (row) and the class that they were taken for (column)."""
        from allspin.host.charts.confusion import confusion_counts  # Matplotlib

        return confusion_counts(self.shown.labels, self.predictions, self._classes)

    @property
    def images(self) -> int:
        """Number of images."""
        return len(self.shown.labels)

    @property
    def accuracy(self) -> float:
        """Share of the images that were classified correctly."""
        return self.shown.correct / self.images

    @property
    def images_per_second(self) -> float:
        """Throughput by the wall clock."""
        return self.images / self.shown.seconds

    @property
    def simulated_images_per_second(self) -> float | None:
        """Throughput by the clock of a simulated UART, if the machine has one."""
        seconds = self.shown.simulated_seconds
        return None if seconds is None else self.images / seconds

    @property
    def cycles_bound(self) -> float | None:
        """Cycles per image that the slowest stage needs; None for a machine without lanes."""
        return self.slowest_stage and self.slowest_stage.cycles

    @property
    def fitted_into(self) -> tuple[int, ...] | None:
        """Widths that the network was padded to; None if the machine has the network's sizes."""
        return self.slowest_stage and self.slowest_stage.fitted_into

    @property
    def cycles_bound_unfitted(self) -> float | None:
        """Cycles per image in a machine of the network's own sizes, if this one is larger."""
        return self.slowest_stage and self.slowest_stage.unfitted_cycles

    @property
    def difference(self) -> str | None:
        """First difference from the golden model in words; None if all is equal."""
        for compared in (self.compared, self.words):
            if compared is not None and compared.difference is not None:
                return compared.difference
        return None

    @property
    def title(self) -> str:
        """Names of the network, the chip and the machine."""
        chip = "" if self.chip is None else f"{self.chip.title}, "
        return f"{self.network} on {chip}{self.on}"

    @property
    def _classes(self) -> int:
        """Number of classes of a picture; 0 if logits were not read."""
        return 0 if self.shown.answers is None else self.logits.shape[1]

    def to_dict(self) -> dict[str, Any]:
        """Return the record that ``--json`` prints; see ``docs/formats.md``."""
        chip = self.chip
        shown = self.shown
        logits = self.compared
        words = self.words
        shares = list(shown.by_samples)
        return {
            "network": self.network,
            "on": self.on,
            "chip": chip and chip.seed,
            "programming": chip and chip.to_dict(),
            "images": self.images,
            "accuracy": self.accuracy,
            "samples": len(shares) or None,
            "accuracy_by_samples": shares or None,
            "resident": shown.at_once,
            "seconds": shown.seconds,
            "images_per_second": self.images_per_second,
            "simulated_seconds": shown.simulated_seconds,
            "simulated_images_per_second": self.simulated_images_per_second,
            "cycles_per_image": shown.cycles_per_image,
            "machine_images_per_second": shown.machine_images_per_second,
            "cycles_bound": self.cycles_bound,
            "fitted_into": self.fitted_into and list(self.fitted_into),
            "cycles_bound_unfitted": self.cycles_bound_unfitted,
            "logits_compared": logits and logits.compared,
            "mismatches": logits and logits.mismatches,
            "words_compared": words and words.compared,
            "word_mismatches": words and words.mismatches,
            "words_changed": words and words.changed,
            "resent": self.resent,
            "damaged": self.damaged,
            "commit": self.commit,
        }

    def tables(self) -> list[Table]:
        """Return the score, speed, comparisons and programming as one table."""
        rows = [*self._accuracies(), *self._speed(), *self._comparisons()]
        if self.chip is not None:
            rows += _chip_figures(self.chip)
        return [figures(self.title, [row for row in rows if row[1] is not None])]

    def notes(self) -> list[str]:
        """Return the assumptions of the chip that the paper leaves open."""
        return [] if self.chip is None else self.chip.readings()

    def _accuracies(self) -> list[Figure]:
        rows: list[Figure] = [("accuracy", _percent(self.accuracy), "%"), ("images", self.images)]
        for number, share in enumerate(self.shown.by_samples, 1):
            if number.bit_count() == 1:  # 1, 2, 4, 8 ...
                rows.append((f"  with {number:,} of its samples", _percent(share), "%"))
        return rows

    def _speed(self) -> list[Figure]:
        shown = self.shown
        megahertz = (shown.frequency or 0) / 1e6
        by_cycles = f"  by the board's cycles, at {megahertz:g} MHz"
        widths = self.fitted_into
        return [
            ("time", shown.seconds, "s"),
            ("throughput", self.images_per_second, "images/s"),
            (by_cycles, shown.machine_images_per_second, "images/s"),
            ("images on the board at a time", shown.at_once),
            ("simulated time", shown.simulated_seconds, "s"),
            ("simulated throughput", self.simulated_images_per_second, "images/s"),
            ("cycles per image", _cycles(shown.cycles_per_image)),
            ("  the engine's slowest stage", _cycles(self.cycles_bound)),
            ("  fitted into", None if widths is None else text(widths)),
            ("  bound in a machine of its own", _cycles(self.cycles_bound_unfitted)),
        ]

    def _comparisons(self) -> list[Figure]:
        logits = self.compared
        words = self.words
        rows: list[Figure] = []
        if logits is not None:
            rows.append(("logits compared", logits.compared))
            rows.append(("mismatches", logits.mismatches))
        if words is not None:
            rows.append(("R_AH words read back", words.compared))
            rows.append(("  not the golden chip's", words.mismatches))
            rows.append(("  not the ideal network's", _percent(words.changed), "%"))
        if self.resent or self.damaged:
            rows.append(("frames that came damaged", self.damaged))
            rows.append(("requests sent again", self.resent))
        return rows

    def card_tables(self) -> list[Table]:
        """Return the figures that are the same at each run."""
        facts = [
            ("accuracy", f"{self.accuracy:.2%}"),
            ("images", f"{self.images:,}"),
            ("machine", self.on),
            ("chip", self.chip and self.chip.title),
            ("cycles per image", _cycles(self.shown.cycles_per_image)),
            ("logits that differ", self.compared and self.compared.share),
            ("R_AH words that differ", self.words and self.words.share),
        ]
        return [fact_table(f"Score of {self.network}", facts)]

    def has_picture(self) -> bool:
        """Return True if the confusion matrix is small enough to be read on a card."""
        return 0 < self._classes <= MOST_CLASSES

    def plot(self) -> Any:
        """Draw accuracy against samples, or the confusion matrix if images were shown once."""
        from allspin.host.charts.confusion import confusion_matrix  # Matplotlib

        if self.shown.by_samples:
            return self._accuracy_by_samples()
        return confusion_matrix(self.shown.labels, self.predictions, self._classes)

    def _accuracy_by_samples(self) -> Any:
        from allspin.host.charts.line_charts import ChartLine, ChartPanel, curves  # Matplotlib
        from allspin.host.draw.style import name_text

        shares = self.shown.by_samples
        line = ChartLine("", range(1, len(shares) + 1), [100 * share for share in shares])
        ticks = [2.0**power for power in range(len(shares).bit_length())]
        x = "uses of each image"
        panel = ChartPanel([line], x, "accuracy (%)", x_scale="log", ticks=ticks)
        subject = self.network if self.chip is None else f"{self.network}, {self.chip.title}"
        title = f"{name_text(subject)}: logits of several uses added\n{self.images:,} images"
        return curves(title, [panel])


def _percent(share: float) -> Number:
    return Number(100 * share, ".2f")


def _cycles(cycles: float | None) -> Number | None:
    return None if cycles is None else Number(cycles, ".1f")


def _chip_figures(chip: ProgrammedChip) -> list[Figure]:
    """Return the cost of programming or the cells that were read, array and calibration."""
    rows: list[Figure] = []
    if chip.programming is not None:
        counts = chip.counts
        electrical = chip.device.electrical
        rows += [
            ("programmed", chip.programming.scheme),
            ("  pulses a cell", counts.pulses / counts.cells),
            ("  saturations a cell", counts.saturations / counts.cells),
        ]
        if counts.reads:
            outside = 100 * counts.unconverged / counts.cells
            rows.append(("  reads a cell", counts.reads / counts.cells))
            rows.append(("  cells outside the band", outside, "%"))
        rows += [
            ("  energy of the pulses", counts.energy(electrical), "J"),
            ("  time, cell after cell", counts.time(electrical), "s"),
        ]
    if chip.measured is not None:
        rows += [
            ("cells measured", chip.measured.cells - chip.measured.missing),
            ("  missing", chip.measured.missing),
            ("  saturated", chip.measured.saturated),
        ]
    if chip.array.layers:
        folded = "words and gains" if chip.array.folded else "the matrix itself"
        rows += [
            (f"array, {chip.device.array.reading}", folded),
            ("  its error, of a cell's range", 100 * chip.array.error, "%"),
            ("  of that not in the words", 100 * chip.array.residual, "%"),
            ("  words too large", 100 * chip.array.saturated, "%"),
        ]
    if chip.calibration_uses is not None:
        rows.append(("calibration, uses of neurons", chip.calibration_uses))
    return rows
