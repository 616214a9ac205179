"""A sweep from its grid to its table, as a step that is shown."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
from joblib import cpu_count

from allspin.host.chips.statistics import BESIDE, doubts, summary
from allspin.host.chips.tiles import calibration_images, needs_cut
from allspin.host.data.datasets import load_dataset, load_test_set
from allspin.host.machines.opening import GOLDEN, VIRTUAL
from allspin.host.show.progress import shows_progress
from allspin.host.show.table import Table as TableShown, TableColumn, frame
from allspin.host.show.version import commit
from allspin.host.sweep.grid import FALSE, TRUE, Grid, Point, grid_of, make_grid
from allspin.host.sweep.job import (
    Job,
    Material,
    Row,
    Rows,
    Watch,
    build_machines,
    counts_of,
    device_file,
    device_of,
    digest_of,
    images_digest,
    measure,
    measure_here,
    network_file,
    network_of,
)
from allspin.host.sweep.results import HEADER, OUTCOME_COLUMNS, ResultsTable, row_line
from allspin.host.sweep.workers import in_processes, on_cluster
from allspin.sim.files import write_atomically
from allspin.sim.parameters import Shown

SHOWN, ON_CARD = 60, 12
"""Points that are printed, and shown in a notebook; the sweep's own table has all."""
FIGURES = {"accuracy": "mean", "deviation": "deviation", **BESIDE, "best": "best"}
"""What the table says of each, by its key in ``--json``."""


@dataclass(frozen=True, eq=False)
class SweepPlan(Shown):
    """A grid whose files were found and fit one another.

    Attributes
    ----------
    grid : Grid
        The grid.
    points : list of Point
        Its points.
    material : Material
        Files by name and digest.
    images : int
        How many test images each chip is shown.
    """

    grid: Grid
    points: list[Point]
    material: Material
    images: int

    def job(self, point: Point, chip: int) -> Job:
        """The job that measures a chip, on the machine of the grid."""
        return Job(point, chip, self.images, self.grid.on, self.material)

    def record(self) -> dict[str, Any]:
        """What lies beside the table."""
        return {
            "grid": {**self.grid.to_dict(), "images": self.images},
            "networks": self.material.networks,
            "devices": self.material.devices,
            "data": self.material.data[1],
            "calibration_images": self.material.calibration,
            "commit": commit(),
        }


def make_plan(grid: Grid) -> SweepPlan:
    """Find a grid's files, and check that all of its points can be measured.

    Raises
    ------
    UserError
        If a file is missing or damaged, or does not fit the others.
    """
    points, named = grid.points(), [] if grid.learn else grid.networks()
    networks = {name: digest_of(network_file(name)) for name in named}
    devices = {name: digest_of(device_file(name)) for name in grid.factors["device"]}
    opened = {name: network_of(name, digest) for name, digest in networks.items()}
    programmed = [] if grid.learn else points
    for point in points:
        device_of(point, devices[point.device], bool(grid.learn))
    for point in programmed:
        point.programming(opened[point.network])
    cut = {each.network for each in programmed if needs_cut(opened[each.network], each.tiles)}
    data = None if grid.data is None else Path(grid.data)
    images, labels = load_test_set(data, opened.values(), grid.images)
    steps = [images_digest(*calibration_images(opened[name], grid.data)) for name in cut]
    if grid.learn:
        whole = load_dataset(data)
        steps = [images_digest(whole.train_images, whole.train_labels)]
    material = Material(
        networks,
        devices,
        (grid.data, images_digest(images, labels)),
        steps[0] if steps else None,
        (dict(grid.learn) if isinstance(grid.learn, Mapping) else {}) if grid.learn else None,
    )
    return SweepPlan(grid, points, material, len(images) if grid.images is None else grid.images)


def _measured(
    plan: SweepPlan, jobs: list[Job], workers: int, scheduler: str | None, watch: Watch
) -> Rows:
    workers = min(workers, len(jobs))
    if scheduler is not None:
        return on_cluster(jobs, scheduler)
    if plan.grid.on not in (GOLDEN, VIRTUAL) or workers == 1:
        return measure_here(jobs, watch)
    if plan.grid.on == VIRTUAL:
        # Built once here, not once by each worker.
        build_machines(jobs)
    return (row for _, row in in_processes(measure, jobs, workers))


@dataclass(frozen=True, eq=False)
class Sweep(Shown):
    """A finished sweep.

    Attributes
    ----------
    plan : SweepPlan
        What was swept.
    rows : list of Row
        All rows, by point and chip.
    resumed : int
        Rows that were there already.
    """

    plan: SweepPlan
    rows: list[Row]
    resumed: int

    def accuracies(self, point: Point) -> npt.NDArray[np.float64]:
        """Accuracy of each chip of a point, by seed."""
        return np.array([row.accuracy for row in self.rows if row.point == point])

    def faults(self, point: Point | None = None) -> dict[str, int]:
        """What went wrong on the line while a point, or all, was measured by this command."""
        rows = [row for row in self.rows if point in (None, row.point)]
        return {name: sum(getattr(row, name) for row in rows) for name in ("resent", "damaged")}

    def summary(self, point: Point) -> dict[str, Any]:
        """A point's chips together, as ``allspin sweep --json`` prints them."""
        shares = self.accuracies(point)
        return {
            **vars(point),
            "chips": len(shares),
            **summary(shares),
            "worst_chip": self.plan.grid.seeds[int(shares.argmin())],
            **{
                name: float(
                    np.mean([getattr(row, name) for row in self.rows if row.point == point])
                )
                for name in ("pulses_per_cell", "reads_per_cell", "unconverged")
            },
            **self.faults(point),
        }

    def table(self, most: int = SHOWN) -> TableShown:
        """The first points, with what was varied and what it came to."""
        grid, rows = self.plan.grid, []
        names = grid.varied()
        for point in self.plan.points[:most]:
            found = self.summary(point)
            figures = (found[name] for name in FIGURES)
            values = [found[name] for name in names]
            told = ((FALSE, TRUE)[each] if isinstance(each, bool) else each for each in values)
            rows.append((*told, *(each and 100 * each for each in figures)))
        chips = f"{grid.chips} chip{'s' * (grid.chips > 1)}"
        return TableShown(
            f"Accuracy, {chips} a point, {self.plan.images:,} images, {grid.on}",
            (
                *(TableColumn(name, form="g") for name in names),
                *(TableColumn(name, "%", form=".2f") for name in FIGURES.values()),
            ),
            rows,
        )

    def remarks(self) -> list[str]:
        """What is said below the table, line by line."""
        names = self.plan.grid.varied()
        lines = doubts(
            (", ".join(f"{name} {getattr(point, name)}" for name in names), self.accuracies(point))
            for point in self.plan.points
        )
        more, faults = len(self.plan.points) - SHOWN, self.faults()
        if more > 0:
            lines.append(f"... and {more:,} points more; the table has all")
        if any(faults.values()):
            lines.append(
                f"{faults['damaged']:,} frames came damaged, "
                f"{faults['resent']:,} requests were sent again"
            )
        return lines

    def to_pandas(self) -> Any:
        """A row for each chip: `pandas.DataFrame` with the factors, and the table's columns."""
        return frame(
            vars(row.point) | {name: getattr(row, name) for name in ("chip", *OUTCOME_COLUMNS)}
            for row in self.rows
        )

    def to_csv(self, path: str | Path) -> None:
        """Write the table, as `sweep` does to its ``path``."""
        write_atomically(Path(path), HEADER + b"".join(map(row_line, self.rows)))

    def plot(self) -> Any:
        """Accuracies by each factor that was varied."""
        # Pictures are loaded when somebody asks for them.
        from allspin.host.sweep.pictures import accuracy_by_factor

        return accuracy_by_factor(self.rows, self.plan.grid.varied())

    def _repr_html_(self) -> str:
        from allspin.host.draw.html import card_of

        table, more = self.table(ON_CARD), len(self.plan.points) - ON_CARD
        if more > 0:
            table = replace(table, title=f"{table.title}; {more:,} more points")
        return card_of([table], self.plot())


def run_sweep(
    plan: SweepPlan,
    path: Path,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Callable[[float, float, str], None] = lambda done, total, text: None,
) -> Sweep:
    """Measure every chip of every point that is not in the table yet.

    Parameters
    ----------
    plan : SweepPlan
        From `make_plan`.
    path : Path
        The table: a CSV file. What it holds of this plan is not measured again.
    workers : int
        Processes on this machine; a board has one.
    scheduler : str, optional
        Address of a Dask cluster's scheduler, in place of processes here.
    progress : callable
        Told after each chip how many are done, of how many, and the time left in words.

    Returns
    -------
    Sweep

    Raises
    ------
    UserError
        If the table is another sweep's or cannot be written, or a machine or the workers fail.
    """
    with ResultsTable(
        path,
        plan.record(),
        plan.points,
        plan.grid.seeds,
        plan.images,
        lambda point: None if plan.grid.learn else counts_of(point, plan.material),
    ) as table:
        resumed = len(table.rows)
        there = {(row.point, row.chip) for row in table.rows}
        # A chip of every point, then the next chip: whoever looks at the table early sees all
        # points, and the time left is estimated from a mixture of them. On gateware all chips
        # of a point, then the next point: its states are sent but once.
        if plan.grid.on == GOLDEN:
            order = ((point, chip) for chip in plan.grid.seeds for point in plan.points)
        else:
            order = ((point, chip) for point in plan.points for chip in plan.grid.seeds)
        todo = [plan.job(point, chip) for point, chip in order if (point, chip) not in there]
        if todo:
            total = resumed + len(todo)
            furthest = 0.0

            def tell(more: float = 0.0) -> None:
                nonlocal furthest
                furthest = max(furthest, len(table.rows) + more)
                progress(furthest, total, f"{len(table.rows):,} of {total:,} chips")

            with closing(_measured(plan, todo, workers, scheduler, tell)) as rows:
                for row in rows:
                    table.add(row)
                    tell()
        places = {point: number for number, point in enumerate(plan.points)}
        table.put_in_order(lambda row: (places[row.point], row.chip))
        return Sweep(plan, table.rows, resumed)


@shows_progress
def sweep(
    grid: SweepPlan | Mapping[str, Any] | str | Path | Sequence[str | Path] | None = None,
    path: str | Path | None = None,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Any = None,
) -> Sweep:
    """Measure chips at every point of a grid; what the table has already is not measured again.

    Parameters
    ----------
    grid : SweepPlan, mapping, str, Path or sequence of these
        What `allspin.host.sweep.sweeping.make_plan` returned; a grid, such as
        ``{"network": ["paper-10"], "c2c": [0, 1], "chips": 20}``, or its file; or networks, by
        their names or files.
    path : str or Path, optional
        The table: a CSV file, each chip a row that is written as soon as it is known. Without one
        the rows are only in what is returned.
    workers : int, optional
        Processes on this machine; one a core.
    scheduler : str, optional
        Address of a Dask cluster's scheduler, such as ``tls://10.0.0.5:8786``, in place of
        processes here.
    progress : Display or bool, optional
        Shows how far it is: by default a bar, in a terminal or a notebook.

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
            return sweep(
                *(grid, Path(folder) / "table.csv"),
                **{"workers": workers, "scheduler": scheduler, "progress": progress},
            )
    path = Path(path)
    plan = grid if isinstance(grid, SweepPlan) else make_plan(make_grid(grid_of(grid)))
    points = len(plan.points)
    progress.start(
        f"sweeping {plan.grid.chips:,} chip{'s' if plan.grid.chips > 1 else ''} at "
        f"{points:,} point{'s' if points > 1 else ''}"
    )
    workers = cpu_count() if workers is None else workers
    found = run_sweep(plan, path, workers=workers, scheduler=scheduler, progress=progress.advance)
    there = f", {found.resumed:,} of them there already" if found.resumed else ""
    progress.finish(f"{len(found.rows):,} rows in {path}{there}")
    return found
