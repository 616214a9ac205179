"""A sweep from its grid to its table, and its result."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
from joblib import cpu_count

from allspin.host.chips.statistics import BESIDE, doubts, summary
from allspin.host.machines.opening import GOLDEN, VIRTUAL
from allspin.host.show.progress import shows_progress
from allspin.host.show.result import Result
from allspin.host.show.table import Cell, Table, TableColumn, frame
from allspin.host.show.version import commit
from allspin.host.sweep.factor import spell
from allspin.host.sweep.grid import grid_entries, make_grid
from allspin.host.sweep.job import Job, Row, Rows, expected_counts
from allspin.host.sweep.measuring import Watch, build_boards, measure, measure_here
from allspin.host.sweep.plan import SweepPlan, make_plan
from allspin.host.sweep.point import Point
from allspin.host.sweep.results import HEADER, OUTCOME_COLUMNS, ResultsTable, row_line
from allspin.host.sweep.workers import in_processes, on_cluster
from allspin.sim.files import write_atomically
from allspin.sim.programming.counts import Counts

PRINTED = 60
"""Most points in a terminal's table; the file has all."""
ON_CARD = 12
"""Most points on a notebook's card."""
FIGURES = {"accuracy": "mean", "deviation": "deviation", **BESIDE, "best": "best"}
"""Titles of the table's figures, by key of `Sweep.summary`."""

Progress = Callable[[float, float, str], None]
"""Callback with chips done, chips in all, and both in words."""


@dataclass(frozen=True, eq=False)
class Sweep(Result):
    """Result of a sweep.

    Attributes
    ----------
    plan : SweepPlan
        Grid and files of the sweep.
    rows : list of Row
        All rows, by point and chip.
    resumed : int
        Number of rows that the table had already.
    """

    plan: SweepPlan
    rows: list[Row]
    resumed: int

    def accuracies(self, point: Point) -> npt.NDArray[np.float64]:
        """Return the accuracy of each chip of a point, by seed."""
        return np.array([row.accuracy for row in self.rows if row.point == point])

    def faults(self, point: Point | None = None) -> dict[str, int]:
        """Count the faults of the line while a point, or all, was measured by this command."""
        rows = [row for row in self.rows if point in (None, row.point)]
        return {
            "resent": sum(row.resent for row in rows),
            "damaged": sum(row.damaged for row in rows),
        }

    def summary(self, point: Point) -> dict[str, Any]:
        """Summarise the chips of a point, as ``allspin sweep --json`` prints them."""
        rows = [row for row in self.rows if row.point == point]
        shares = self.accuracies(point)
        return {
            **vars(point),
            "chips": len(shares),
            **summary(shares),
            "worst_chip": self.plan.grid.seeds[int(shares.argmin())],
            "pulses_per_cell": float(np.mean([row.pulses_per_cell for row in rows])),
            "reads_per_cell": float(np.mean([row.reads_per_cell for row in rows])),
            "unconverged": float(np.mean([row.unconverged for row in rows])),
            **self.faults(point),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the record of the sweep; see ``docs/sweep.md``."""
        return {
            "on": self.plan.grid.on,
            "chips": list(self.plan.grid.seeds),
            "images": self.plan.images,
            "rows": len(self.rows),
            "resumed": self.resumed,
            **self.faults(),
            "points": [self.summary(point) for point in self.plan.points],
            "commit": commit(),
        }

    def tables(self) -> list[Table]:
        """Return the table of the first points: values that were varied, and accuracies."""
        return [self._table(PRINTED)]

    def card_tables(self) -> list[Table]:
        """Return a shorter table, whose title has the number of points that it leaves out."""
        table = self._table(ON_CARD)
        more = len(self.plan.points) - ON_CARD
        if more > 0:
            table = replace(table, title=f"{table.title}; {more:,} more points")
        return [table]

    def _table(self, most: int) -> Table:
        """Return the table of at most so many points."""
        grid = self.plan.grid
        names = grid.varied()
        rows = []
        for point in self.plan.points[:most]:
            figures = self.summary(point)
            row: list[Cell] = [spell(figures[name]) for name in names]
            for key in FIGURES:
                share = figures[key]
                row.append(None if share is None else 100 * share)
            rows.append(row)
        columns = [TableColumn(name, form="g") for name in names]
        columns += [TableColumn(title, "%", form=".2f") for title in FIGURES.values()]
        chips = f"{grid.chips} chip{'s' if grid.chips > 1 else ''}"
        title = f"Accuracy, {chips} a point, {self.plan.images:,} images, {grid.on}"
        return Table(title, columns, rows)

    def notes(self) -> list[str]:
        """Return the means that are uncertain, the points left out, and the line's faults."""
        names = self.plan.grid.varied()
        named = []
        for point in self.plan.points:
            title = ", ".join(f"{name} {getattr(point, name)}" for name in names)
            named.append((title, self.accuracies(point)))
        lines = doubts(named)
        more = len(self.plan.points) - PRINTED
        if more > 0:
            lines.append(f"... and {more:,} points more; the table has all")
        faults = self.faults()
        if any(faults.values()):
            lines.append(
                f"{faults['damaged']:,} frames came damaged, "
                f"{faults['resent']:,} requests were sent again"
            )
        return lines

    def to_pandas(self) -> Any:
        """Return a `pandas.DataFrame` with the factors and the result of each chip."""
        columns = ("chip", *OUTCOME_COLUMNS)
        return frame(
            {**vars(row.point), **{name: getattr(row, name) for name in columns}}
            for row in self.rows
        )

    def to_csv(self, path: str | Path) -> None:
        """Write the table, as `sweep` does to its ``path``."""
        write_atomically(Path(path), HEADER + b"".join(map(row_line, self.rows)))

    def plot(self) -> Any:
        """Draw the accuracies by each factor that was varied."""
        from allspin.host.sweep.pictures import accuracy_by_factor  # Matplotlib

        return accuracy_by_factor(self.rows, self.plan.grid.varied())


def run_sweep(
    plan: SweepPlan,
    path: Path,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Progress = lambda done, total, text: None,
) -> Sweep:
    """Measure every chip of every point that is not in the table yet.

    Parameters
    ----------
    plan : SweepPlan
        Plan from `allspin.host.sweep.plan.make_plan`.
    path : Path
        Table of results, a CSV file. Chips that are in it are not measured again.
    workers : int
        Number of processes on this machine; a board has one.
    scheduler : str, optional
        Address of a Dask cluster's scheduler, in place of processes here.
    progress : callable
        Called after each chip with the chips done, the chips in all, and both in words.

    Returns
    -------
    Sweep

    Raises
    ------
    UserError
        If the table is another sweep's or cannot be written, or a machine or the workers fail.
    """

    def known_counts(point: Point) -> Counts | None:
        return None if plan.grid.learn else expected_counts(point, plan.material)

    with ResultsTable(
        path, plan.record(), plan.points, plan.grid.seeds, plan.images, known_counts
    ) as table:
        resumed = len(table.rows)
        done = {(row.point, row.chip) for row in table.rows}
        jobs = [plan.job(*chip) for chip in _chips_in_order(plan) if chip not in done]
        if jobs:
            _fill(table, plan, jobs, workers, scheduler, progress)
        places = {point: number for number, point in enumerate(plan.points)}
        table.put_in_order(lambda row: (places[row.point], row.chip))
        return Sweep(plan, table.rows, resumed)


def _chips_in_order(plan: SweepPlan) -> Iterator[tuple[Point, int]]:
    """Yield point and seed of each chip in the order of measuring.

    The golden model measures a chip of every point, then the next chip: an unfinished table has
    all points, and a mixture of them lets the time left be estimated. Gateware measures all chips
    of a point, then the next point, since it is sent the states of a point only once.
    """
    if plan.grid.on == GOLDEN:
        for chip in plan.grid.seeds:
            for point in plan.points:
                yield point, chip
    else:
        for point in plan.points:
            for chip in plan.grid.seeds:
                yield point, chip


def _fill(
    table: ResultsTable,
    plan: SweepPlan,
    jobs: Sequence[Job],
    workers: int,
    scheduler: str | None,
    progress: Progress,
) -> None:
    """Measure jobs, and add each row to the table as soon as it is known."""
    total = len(table.rows) + len(jobs)
    furthest = 0.0

    def watch(chips: float = 0.0) -> None:
        # Chips that are measured again do not set the display back.
        nonlocal furthest
        furthest = max(furthest, len(table.rows) + chips)
        progress(furthest, total, f"{len(table.rows):,} of {total:,} chips")

    with closing(_measured(plan, jobs, workers, scheduler, watch)) as rows:
        for row in rows:
            table.add(row)
            watch()


def _measured(
    plan: SweepPlan, jobs: Sequence[Job], workers: int, scheduler: str | None, watch: Watch
) -> Rows:
    """Return the rows of jobs, measured on a cluster, in this process or in several."""
    workers = min(workers, len(jobs))
    if scheduler is not None:
        return on_cluster(jobs, scheduler)
    if plan.grid.on not in (GOLDEN, VIRTUAL) or workers == 1:
        return measure_here(jobs, watch)
    if plan.grid.on == VIRTUAL:
        # Built once here, not once by each worker.
        build_boards(jobs)
    return (row for _, row in in_processes(measure, jobs, workers))


@shows_progress
def sweep(
    grid: SweepPlan | Mapping[str, Any] | str | Path | Sequence[str | Path] | None = None,
    path: str | Path | None = None,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Any = None,
) -> Sweep:
    """Measure chips at every point of a grid; chips that the table has are not measured again.

    Parameters
    ----------
    grid : SweepPlan, mapping, str, Path or sequence of these
        Plan from `allspin.host.sweep.plan.make_plan`; a grid, such as
        ``{"network": ["paper-10"], "c2c": [0, 1], "chips": 20}``, or its file; or networks, by
        their names or files.
    path : str or Path, optional
        Table of results, a CSV file; each chip's row is written as soon as it is known. Without
        it the rows are only in the result.
    workers : int, optional
        Number of processes on this machine (one a core).
    scheduler : str, optional
        Address of a Dask cluster's scheduler, such as ``tls://10.0.0.5:8786``, in place of
        processes here.
    progress : Display or bool, optional
        Display of the steps: by default a bar, in a terminal or a notebook.

    Returns
    -------
    Sweep

    Raises
    ------
    UserError
        If the grid is not legal, a file is missing or damaged, the table is another sweep's or
        cannot be written, or a machine or the workers fail.
    """
    if path is None:
        with TemporaryDirectory() as folder:
            table = Path(folder) / "table.csv"
            return sweep(grid, table, workers=workers, scheduler=scheduler, progress=progress)
    path = Path(path)
    plan = grid if isinstance(grid, SweepPlan) else make_plan(make_grid(grid_entries(grid)))
    chips = plan.grid.chips
    points = len(plan.points)
    progress.start(
        f"sweeping {chips:,} chip{'s' if chips > 1 else ''} at "
        f"{points:,} point{'s' if points > 1 else ''}"
    )
    workers = cpu_count() if workers is None else workers
    result = run_sweep(plan, path, workers=workers, scheduler=scheduler, progress=progress.advance)
    resumed = f", {result.resumed:,} of them there already" if result.resumed else ""
    progress.finish(f"{len(result.rows):,} rows in {path}{resumed}")
    return result
