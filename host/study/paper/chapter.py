"""What a part of the report is made of: pictures with their numbers, tables and claims."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from matplotlib.figure import Figure

from allspin.host.show.pictures.curves import Line
from allspin.host.show.pictures.style import png_of
from allspin.host.study.paper.experiments import Experiment
from allspin.host.study.paper.verdict import Claim, Spread

Results = Mapping[Experiment, dict[str, Any]]
Cell = str | int | float


@dataclass(frozen=True)
class Table:
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
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.header)
        for row in self.rows:
            writer.writerow([f"{cell:.9g}" if isinstance(cell, float) else cell for cell in row])
        return text.getvalue().encode()


@dataclass(frozen=True)
class Picture:
    """A picture, and the numbers that it was drawn from.

    Parameters
    ----------
    numbers : Table
        Its name is the picture's.
    caption : str
        What is to be seen, and which figure of the paper it stands for.
    draw : callable
        Makes the figure.
    """

    numbers: Table
    caption: str
    draw: Callable[[], Figure]

    @property
    def name(self) -> str:
        """Name of its files, without suffix."""
        return self.numbers.name

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
    pictures : tuple of Picture
        With their numbers.
    tables : tuple of Table
        That stand in the report, besides the pictures' numbers.
    claims : tuple of Claim
        With verdicts.
    """

    title: str
    text: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()
    claims: tuple[Claim, ...] = field(default=())


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


class Part(Protocol):
    """A module of this package that makes a chapter."""

    def experiments(self, effort: Effort) -> list[Experiment]:
        """What must have been computed."""
        ...

    def chapter(self, results: Results, effort: Effort) -> Chapter:
        """The chapter, from the results."""
        ...


def no_experiments(effort: Effort) -> list[Experiment]:
    """Of a chapter that computes what it shows while it is made."""
    return []


def accuracy(results: Results, experiments: Sequence[Experiment]) -> Spread:
    """Accuracy over experiments that differ in their seeds only."""
    return Spread.of([results[one]["accuracy"] for one in experiments])


def sweep(
    results: Results,
    make: Callable[[Any, int], Experiment],
    values: Sequence[Any],
    seeds: int,
) -> list[Spread]:
    """Accuracy over seeds at each value of a sweep; `make` names the experiments."""
    return [accuracy(results, [make(value, seed) for seed in range(seeds)]) for value in values]


def percent(shares: Sequence[float]) -> list[float]:
    """Shares as percentages."""
    return [100 * share for share in shares]


def sweep_line(label: str, values: Sequence[float], spreads: Sequence[Spread]) -> Line:
    """A line of accuracies in percent with their deviations."""
    return Line(
        label,
        list(values),
        percent([spread.mean for spread in spreads]),
        percent([spread.deviation for spread in spreads]),
    )


def lines_table(name: str, title: str, x: str, y: str, lines: Sequence[Line]) -> Table:
    """Numbers of a picture's lines, a row a point."""
    rows: list[tuple[Cell, ...]] = []
    for line in lines:
        errors = line.error if line.error is not None else [0.0] * len(line.x)
        for point in zip(line.x, line.y, errors, strict=True):
            rows.append((line.label, *(float(number) for number in point)))
    return Table(name, title, ("line", x, y, "standard deviation"), rows)
