"""A sweep from its grid to its table, as a step that is shown."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from joblib import cpu_count

from allspin.host.show.display import Display, Silent
from allspin.host.study.sweep.cluster import Cluster
from allspin.host.study.sweep.grid import make_grid
from allspin.host.study.sweep.runner import Plan, Sweep, make_plan, run_sweep


def sweep(
    grid: Plan | Mapping[str, Any],
    path: str | Path,
    *,
    workers: int | None = None,
    cluster: Cluster | None = None,
    display: Display | None = None,
) -> Sweep:
    """Measure chips at every point of a grid; what the table has already is not measured again.

    Parameters
    ----------
    grid : Plan or mapping
        What `allspin.host.study.sweep.runner.make_plan` returned; or what
        `allspin.host.study.sweep.grid.make_grid` takes, such as
        ``{"network": ["paper-10"], "c2c": [0, 1], "chips": 20}``.
    path : str or Path
        The table: a CSV file, each chip a row that is written as soon as it is known.
    workers : int, optional
        Processes on this machine; one a core.
    cluster : Cluster, optional
        Measures in place of processes here.
    display : Display, optional
        Shows how far it is.

    Returns
    -------
    Sweep

    Raises
    ------
    UserError
        If the grid is not legal, a file is missing or damaged, the table is another sweep's or
        cannot be written, or a machine or the workers fail.
    """
    path = Path(path)
    plan = grid if isinstance(grid, Plan) else make_plan(make_grid(grid))
    display = display or Silent()
    points = len(plan.points)
    display.start(
        f"sweeping {plan.grid.chips:,} chip{'s' if plan.grid.chips > 1 else ''} at "
        f"{points:,} point{'s' if points > 1 else ''}"
    )
    found = run_sweep(
        plan,
        path,
        workers=cpu_count() if workers is None else workers,
        scheduler=cluster,
        report=display.advance,
    )
    there = f", {found.resumed:,} of them there already" if found.resumed else ""
    display.finish(f"{len(found.rows):,} rows in {path}{there}")
    return found
