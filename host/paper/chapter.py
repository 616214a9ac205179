"""Chapters of the report: experiments, pictures with their numbers, tables and claims."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from matplotlib.figure import Figure

from allspin.host.charts.line_charts import ChartLine, ChartPanel, curves
from allspin.host.draw.style import png_of
from allspin.host.paper.claims import Claim, Spread
from allspin.host.paper.experiments import Experiment
from allspin.host.show.table import Cell, Table, TableColumn

Runs = dict[Any, list[Experiment]]
"""Experiments of a chapter by keys of its own; those of one key differ in their seeds."""
Found = Mapping[Any, list[dict[str, Any]]]
"""Results of the experiments, by the same keys."""


@dataclass(frozen=True)
class ChapterTable:
    """Table of a chapter.

    Parameters
    ----------
    name : str
        Name of its CSV file, without suffix.
    table : Table
        The table.
    """

    name: str
    table: Table


def chapter_table(
    name: str, title: str, heads: Sequence[str], rows: Sequence[Sequence[Cell]]
) -> ChapterTable:
    """Make a table whose columns have heads with units, and floats of six digits.

    Parameters
    ----------
    name : str
        Name of its CSV file, without suffix.
    title : str
        Title above it.
    heads : sequence of str
        Heads of the columns, with units.
    rows : sequence of sequences of Cell
        Texts and numbers.
    """
    return ChapterTable(name, Table(title, [TableColumn(head, form=".6g") for head in heads], rows))


@dataclass(frozen=True)
class ChapterPicture:
    """Picture of a chapter, and its numbers.

    Parameters
    ----------
    numbers : ChapterTable
        Numbers of the picture; its name is that of the picture's files, too.
    caption : str
        Description, with the figure of the paper that it reproduces.
    draw : callable
        Returns the figure.
    """

    numbers: ChapterTable
    caption: str
    draw: Callable[[], Figure]

    def _repr_png_(self) -> bytes:
        return png_of(self.draw())


@dataclass(frozen=True)
class Chapter:
    """Chapter of the report.

    Parameters
    ----------
    title : str
        Heading.
    text : tuple of str
        Paragraphs about the experiments and the readings.
    pictures : tuple of ChapterPicture
        Pictures with their numbers.
    tables : tuple of ChapterTable
        Tables of the report, besides the pictures' numbers.
    claims : sequence of Claim
        Claims with verdicts.
    """

    title: str
    text: tuple[str, ...] = ()
    pictures: tuple[ChapterPicture, ...] = ()
    tables: tuple[ChapterTable, ...] = ()
    claims: Sequence[Claim] = ()


@dataclass(frozen=True)
class Effort:
    """Extent of the computation.

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
        True if sweeps have all their points, False for a few.
    """

    name: str
    seeds: int
    sweep_seeds: int
    chips: int
    fine: bool

    def points(self, values: Sequence[Any], few: Sequence[Any]) -> list[Any]:
        """Return all values of a sweep, or the few of a quick run."""
        return list(values if self.fine else few)


QUICK = Effort("quick", seeds=2, sweep_seeds=2, chips=3, fine=False)
FULL = Effort("full", seeds=5, sweep_seeds=3, chips=20, fine=True)


@dataclass(frozen=True)
class ChapterRecipe:
    """Recipe of a chapter: its experiments, and the function that makes it of their results.

    Attributes
    ----------
    chapter : callable
        Makes the chapter from the results of its experiments.
    runs : callable
        Returns the experiments; quick computations of the chapter itself are not among them.
    """

    chapter: Callable[[Found, Effort], Chapter]
    runs: Callable[[Effort], Runs] = lambda effort: {}

    def experiments(self, effort: Effort) -> list[Experiment]:
        """Return all experiments of the chapter."""
        return [one for several in self.runs(effort).values() for one in several]

    def make(self, results: Mapping[Experiment, dict[str, Any]], effort: Effort) -> Chapter:
        """Make the chapter from the results of experiments."""
        found = {}
        for key, experiments in self.runs(effort).items():
            found[key] = [results[experiment] for experiment in experiments]
        return self.chapter(found, effort)


def sweep_line(label: str, values: Sequence[float], spreads: Sequence[Spread]) -> ChartLine:
    """Return a line of accuracies in percent with their deviations."""
    means = [100 * spread.mean for spread in spreads]
    return ChartLine(label, list(values), means, [100 * spread.deviation for spread in spreads])


def over_seeds(
    count: int, make: Callable[..., Experiment], *args: Any, **values: Any
) -> list[Experiment]:
    """Return experiments that differ in their seeds only, from 0 to `count` - 1."""
    return [make(*args, seed=seed, **values) for seed in range(count)]


def lines_picture(
    name: str,
    title: str,
    panels: Sequence[ChartPanel],
    caption: str,
    *,
    heads: tuple[str, str] = ("", ""),
    lines: Sequence[ChartLine] = (),
    about: str = "",
    across: int = 2,
) -> ChapterPicture:
    """Make a picture of panels, with the numbers of its lines in a table, a row a point.

    Parameters
    ----------
    name : str
        Name of the files.
    title : str
        Title above the panels.
    panels : sequence of ChartPanel
        The panels.
    caption : str
        Description, with the figure of the paper that it reproduces.
    heads : (str, str)
        Heads of the table's abscissa and ordinate; by default the labels of the first panel.
    lines : sequence of ChartLine
        Lines of the table; by default those of all panels.
    about : str
        Title of the table; by default that of the picture.
    across : int
        Largest number of panels side by side.
    """
    rows: list[tuple[Cell, ...]] = []
    for line in lines or [line for panel in panels for line in panel.lines]:
        errors = line.error or [0.0] * len(line.x)
        for point in zip(line.x, line.y, errors, strict=True):
            rows.append((line.label, *map(float, point)))
    x = heads[0] or panels[0].x
    y = heads[1] or panels[0].y
    numbers = chapter_table(name, about or title, ("line", x, y, "standard deviation"), rows)
    return ChapterPicture(numbers, caption, partial(curves, title, panels, across))
