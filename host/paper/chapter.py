"""What a part of the report is made of: pictures with their numbers, tables and claims."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from allspin.host.charts.line_charts import ChartLine
from allspin.host.draw.style import png_of
from allspin.host.paper.experiments import Experiment

# A claim is tried under one or more readings. A reading is either the *text's* (it takes the
# text at its word, or is one of several things that its words can mean) or an *assumption* (it
# adds something that the text does not have). Then
#
# * all of the text's readings agree with the claim: reproduced;
# * some agree and some do not: not determined by the text;
# * none of the text's readings agrees, or the text has no reading: reproduced under a named
#   assumption if one of the assumptions agrees, and contradicted if not.


class Verdict(Enum):
    """What is said of a claim."""

    REPRODUCED = "reproduced"
    ASSUMED = "reproduced under a named assumption"
    CONTRADICTED = "contradicted"
    UNDETERMINED = "not determined by the text"


@dataclass(frozen=True)
class Spread:
    """A figure over seeds.

    Attributes
    ----------
    mean, deviation : float
        Mean, and standard deviation of a sample (0 of a single value).
    count : int
        Values.
    """

    mean: float
    deviation: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Mean and deviation of some values."""
        deviation = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
        return cls(float(np.mean(values)), deviation, len(values))

    def cells(self) -> tuple[float, float, int]:
        """A share's mean and deviation in percent, and the count, for a row of a table."""
        return round(100 * self.mean, 2), round(100 * self.deviation, 2), self.count

    def percent(self) -> str:
        """A share in percent, with its deviation where there is one."""
        mean = f"{100 * self.mean:.2f}"
        return f"{mean} ± {100 * self.deviation:.2f} %" if self.count > 1 else f"{mean} %"


@dataclass(frozen=True)
class Reading:
    """One way to take a claim, and what came out.

    Parameters
    ----------
    name : str
        What is taken to be meant, or assumed.
    outcome : str
        What came out, in figures.
    agrees : bool
        Whether that is what is claimed.
    assumption : bool
        Whether the reading adds something that the text does not have.
    """

    name: str
    outcome: str
    agrees: bool
    assumption: bool = False


@dataclass(frozen=True)
class Claim:
    """A claim of the paper, tried.

    Parameters
    ----------
    claim : str
        What is claimed.
    paper : str
        The paper's value.
    readings : tuple of Reading
        How it was tried; at least one.
    reason : str
        Why the verdict is what it is.
    summary : str
        What came out in short, where the readings are many.
    """

    claim: str
    paper: str
    readings: tuple[Reading, ...]
    reason: str
    summary: str = ""

    @property
    def verdict(self) -> Verdict:
        """The verdict, by the rule above."""
        text = [reading.agrees for reading in self.readings if not reading.assumption]
        assumed = [reading.agrees for reading in self.readings if reading.assumption]
        if text and all(text):
            return Verdict.REPRODUCED
        if any(text):
            return Verdict.UNDETERMINED
        return Verdict.ASSUMED if any(assumed) else Verdict.CONTRADICTED

    @property
    def outcome(self) -> str:
        """What came out: in short, or the reading's figures, or each reading's with its name."""
        if self.summary:
            return self.summary
        if len(self.readings) == 1:
            return self.readings[0].outcome
        return "; ".join(f"{reading.name}: {reading.outcome}" for reading in self.readings)


def within(value: float, target: float, tolerance: float) -> bool:
    """Whether a value is as near to a target as it may be, both ends included."""
    return abs(value - target) <= tolerance + 1e-12


FALL = 0.005
"""A fall of less than this share is none."""


def falls(spreads: Sequence[Spread]) -> bool:
    """Whether an accuracy falls from the first value to the last of a sweep.

    By more than half a point and twice the standard error of the difference of their means.
    """
    first, last = spreads[0], spreads[-1]
    error = np.hypot(first.deviation / first.count**0.5, last.deviation / last.count**0.5)
    return first.mean - last.mean > max(FALL, 2 * float(error))


Runs = dict[Any, list[Experiment]]
"""Experiments of a chapter by what they are for; those of one key differ in their seeds."""
Found = Mapping[Any, list[dict[str, Any]]]
"""Their results, by the same keys."""
Cell = str | int | float


@dataclass(frozen=True)
class ChapterTable:
    """A table.

    Parameters
    ----------
    name : str
        Of its CSV file, without suffix.
    title : str
        What it shows.
    header : tuple of str
        Columns, with units.
    rows : list of tuple
        Text and numbers.
    """

    name: str
    title: str
    header: tuple[str, ...]
    rows: list[tuple[Cell, ...]]

    def csv(self) -> bytes:
        """The table as CSV, numbers with all their digits that matter."""
        text = io.StringIO()
        rows = ([f"{c:.9g}" if isinstance(c, float) else c for c in row] for row in self.rows)
        csv.writer(text, lineterminator="\n").writerows([self.header, *rows])
        return text.getvalue().encode()


@dataclass(frozen=True)
class ChapterPicture:
    """A picture, and the numbers that it was drawn from.

    Parameters
    ----------
    numbers : ChapterTable
        Its name is that of the picture's files, too.
    caption : str
        What is to be seen, and which figure of the paper it stands for.
    draw : callable
        Makes the figure.
    """

    numbers: ChapterTable
    caption: str
    draw: Callable[[], Figure]

    def _repr_png_(self) -> bytes:
        """What a notebook shows of it."""
        return png_of(self.draw())


@dataclass(frozen=True)
class Chapter:
    """A part of the report.

    Parameters
    ----------
    title : str
        What it is about.
    text : tuple of str
        Paragraphs: what was done, and which readings were taken.
    pictures : tuple of ChapterPicture
        With their numbers.
    tables : tuple of ChapterTable
        That stand in the report, besides the pictures' numbers.
    claims : sequence of Claim
        With verdicts.
    """

    title: str
    text: tuple[str, ...] = ()
    pictures: tuple[ChapterPicture, ...] = ()
    tables: tuple[ChapterTable, ...] = ()
    claims: Sequence[Claim] = ()


@dataclass(frozen=True)
class Effort:
    """How much is computed.

    Attributes
    ----------
    name : str
        ``quick`` or ``full``.
    seeds : int
        Seeds of the four types.
    sweep_seeds : int
        Seeds of each point of a sweep.
    chips : int
        Chips of the last chapter.
    fine : bool
        Whether sweeps have all their points, or a few.
    """

    name: str
    seeds: int
    sweep_seeds: int
    chips: int
    fine: bool

    def points(self, values: Sequence[Any], few: Sequence[Any]) -> list[Any]:
        """All values of a sweep, or the few of a quick run."""
        return list(values if self.fine else few)


QUICK = Effort("quick", seeds=2, sweep_seeds=2, chips=3, fine=False)
FULL = Effort("full", seeds=5, sweep_seeds=3, chips=20, fine=True)


@dataclass(frozen=True)
class Part:
    """How a chapter is made.

    Attributes
    ----------
    chapter : callable
        The chapter, from the results of its runs.
    runs : callable
        What must have been computed; nothing of what is computed while the chapter is made.
    """

    chapter: Callable[[Found, Effort], Chapter]
    runs: Callable[[Effort], Runs] = lambda effort: {}

    def experiments(self, effort: Effort) -> list[Experiment]:
        """All that must have been computed."""
        return [one for several in self.runs(effort).values() for one in several]

    def make(self, results: Mapping[Experiment, dict[str, Any]], effort: Effort) -> Chapter:
        """The chapter, from the results of experiments."""
        runs = self.runs(effort).items()
        found = {key: [results[one] for one in several] for key, several in runs}
        return self.chapter(found, effort)


def accuracy(runs: Sequence[dict[str, Any]]) -> Spread:
    """Accuracy over runs that differ in their seeds only."""
    return Spread.of([run["accuracy"] for run in runs])


def sweep_line(label: str, values: Sequence[float], spreads: Sequence[Spread]) -> ChartLine:
    """A line of accuracies in percent with their deviations."""
    means = [100 * spread.mean for spread in spreads]
    return ChartLine(label, list(values), means, [100 * spread.deviation for spread in spreads])


def lines_table(name: str, title: str, x: str, y: str, lines: Sequence[ChartLine]) -> ChapterTable:
    """Numbers of a picture's lines, a row a point."""
    rows: list[tuple[Cell, ...]] = [
        (line.label, *map(float, point))
        for line in lines
        for point in zip(line.x, line.y, line.error or [0.0] * len(line.x), strict=True)
    ]
    return ChapterTable(name, title, ("line", x, y, "standard deviation"), rows)
