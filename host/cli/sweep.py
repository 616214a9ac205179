"""``allspin sweep``: accuracies of many chips over a grid of factors."""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from allspin.host.data.files import check_writable, make_folder
from allspin.host.data.revision import commit
from allspin.host.link.machines import GOLDEN, VIRTUAL
from allspin.host.show.progress import Steps
from allspin.host.show.say import say
from allspin.host.show.terminal import Terminal
from allspin.host.study.sweep.cluster import Cluster
from allspin.host.study.sweep.grid import FACTORS, Grid, make_grid, read_grid
from allspin.host.study.sweep.pictures import draw_sweep
from allspin.host.study.sweep.point import Point
from allspin.host.study.sweep.runner import Plan, Sweep, make_plan, run_sweep
from allspin.host.study.sweep.table import Row
from allspin.host.study.work import cores
from allspin.sim.errors import UserError
from allspin.sim.network.levels import check_range

HELP = """\
Measure chips at every point of a grid: each combination of networks, devices, variations and
ways to program. The grid comes from a TOML file, from options (lists with commas), or both; an
option takes the place of the file's entry.

Each chip is a row of a CSV table, written as soon as it is known. The same command goes on with
a sweep that was interrupted, and with --pictures draws one that is done."""
EPILOG = """\
examples:
  allspin sweep --network paper-10,paper-100 --c2c 0,0.5,1,2 --chips 20 -o c2c.csv
  allspin sweep --network paper-{states} --states 10,100 --program open-loop,write-verify \\
      --neuron-d2d 0,1 --calibrate no,yes -o program.csv --pictures pictures
  allspin sweep grid.toml -o grid.csv --scheduler tls://10.0.0.5:8786 \\
      --tls-ca-file ca.pem --tls-cert mine.pem
  allspin sweep grid.toml -o virtual.csv --on virtual --images 1000
"""
MAX_JOBS = 1024
SHOWN = 60
"""Points that are printed; the table has all."""


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("grid", metavar="GRID.toml", nargs="?", type=Path, help="grid file")
    add("-o", "--output", metavar="OUT.csv", type=Path, required=True, help="table of results")
    for name, factor in FACTORS.items():
        add(_option(name), metavar="LIST", help=factor.help)
    add("--chips", metavar="N", type=int, help="how many chips at each point (20)")
    add("--first", metavar="SEED", type=int, help="the first chip; the next follow (0)")
    add("--images", metavar="N", type=int, help="first N test images (all)")
    add("--data", metavar="DIR", help="folder of IDX files (MNIST, which ships)")
    add("--on", metavar="MACHINE", help=f"{GOLDEN}, {VIRTUAL} or a serial port ({GOLDEN})")
    add("--jobs", metavar="J", type=int, help="processes on this machine (one a core)")
    add("--scheduler", metavar="ADDRESS", help="measure on a Dask cluster, such as tls://HOST:8786")
    for name, what in (
        ("ca-file", "who vouches for the cluster"),
        ("cert", "what this machine shows to it"),
        ("key", "the key of that (in the same file)"),
    ):
        add(f"--tls-{name}", metavar="PEM", type=Path, help=f"with tls://, {what}")
    add("--pictures", metavar="DIR", type=Path, help="draw the finished sweep")
    add("--json", action="store_true", help="print the result as one JSON object")


def _grid(arguments: argparse.Namespace) -> Grid:
    entries: dict[str, Any] = {} if arguments.grid is None else read_grid(arguments.grid)
    for name in FACTORS:
        given = getattr(arguments, name)
        if given is not None:
            entries[name] = [value.strip() for value in given.split(",") if value.strip()]
    for name in ("chips", "first", "images", "data", "on"):
        if getattr(arguments, name) is not None:
            entries[name] = getattr(arguments, name)
    return make_grid(entries)


def _jobs(arguments: argparse.Namespace) -> int:
    if arguments.jobs is None:
        return cores()
    if arguments.scheduler is not None:
        raise UserError("--jobs is for this machine; a cluster has the workers it has")
    try:
        return check_range("--jobs", arguments.jobs, 1, MAX_JOBS)
    except ValueError as error:
        raise UserError(str(error)) from error


def _cluster(arguments: argparse.Namespace) -> Cluster | None:
    files = [getattr(arguments, f"tls_{name}") for name in ("ca_file", "cert", "key")]
    if arguments.scheduler is None:
        if any(files):
            raise UserError("certificates are for --scheduler")
        return None
    try:
        return Cluster(arguments.scheduler, *files)
    except ValueError as error:
        raise UserError(str(error)) from error


def _output(path: Path) -> Path:
    if path.suffix == ".parquet":
        raise UserError(
            "results are a CSV table, since Parquet cannot be added to row by row; "
            "give -o a name that ends in .csv"
        )
    check_writable(path, regular=True)
    return path


def _summary(sweep: Sweep, point: Point) -> dict[str, Any]:
    shares = sweep.accuracies(point)
    return {
        **vars(point),
        "chips": len(shares),
        "accuracy": float(shares.mean()),
        "deviation": float(shares.std(ddof=1)) if len(shares) > 1 else None,
        "worst": float(shares.min()),
        "best": float(shares.max()),
        **_line_faults([row for row in sweep.rows if row.point == point]),
    }


def _line_faults(rows: list[Row]) -> dict[str, int]:
    """What went wrong on the line while these rows were measured, by this run of the command."""
    return {
        "resent": sum(row.outcome.resent for row in rows),
        "damaged": sum(row.outcome.damaged for row in rows),
    }


def _said(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _print_table(sweep: Sweep) -> None:
    plan = sweep.plan
    names = plan.grid.varied()
    chips = plan.grid.chips
    table = Table(
        title=f"Accuracy in %, {chips} chip{'s' if chips > 1 else ''} a point, "
        f"{plan.images:,} images, {plan.grid.on}",
        box=SIMPLE_HEAD,
    )
    for name in names:
        table.add_column(name, overflow="fold")
    for name in ("mean", "±", "worst", "best"):
        table.add_column(name, justify="right", no_wrap=True)
    for point in plan.points[:SHOWN]:
        summary = _summary(sweep, point)
        figures = (summary[key] for key in ("accuracy", "deviation", "worst", "best"))
        table.add_row(
            *(_said(getattr(point, name)) for name in names),
            *("-" if figure is None else f"{100 * figure:.2f}" for figure in figures),
        )
    console = Terminal()
    console.print(table)
    if len(plan.points) > SHOWN:
        console.print(f"... and {len(plan.points) - SHOWN:,} points more; the table has all")
    faults = _line_faults(sweep.rows)
    if any(faults.values()):
        console.print(
            f"{faults['damaged']:,} frames came damaged, "
            f"{faults['resent']:,} requests were sent again"
        )


def _swept(
    plan: Plan, arguments: argparse.Namespace, jobs: int, cluster: Cluster | None, steps: Steps
) -> Sweep:
    points = len(plan.points)
    steps.start(
        f"sweeping {plan.grid.chips:,} chip{'s' if plan.grid.chips > 1 else ''} at "
        f"{points:,} point{'s' if points > 1 else ''}"
    )
    sweep = run_sweep(
        plan,
        arguments.output,
        workers=jobs,
        scheduler=cluster,
        report=steps.advance,
    )
    there = f", {sweep.resumed:,} of them there already" if sweep.resumed else ""
    steps.finish(f"{len(sweep.rows):,} rows in {arguments.output}{there}")
    return sweep


def run(arguments: argparse.Namespace) -> int:
    """Sweep, and say what came of it."""
    jobs = _jobs(arguments)
    cluster = _cluster(arguments)
    path = _output(arguments.output)
    grid = _grid(arguments)
    plan = make_plan(grid)
    if arguments.pictures is not None:
        make_folder(arguments.pictures)
    steps = Steps()
    begun = time.monotonic()
    pictures: list[Path] = []
    try:
        sweep = _swept(plan, arguments, jobs, cluster, steps)
        seconds = time.monotonic() - begun
        if arguments.pictures is not None:
            steps.start("drawing")
            pictures = draw_sweep(sweep, arguments.pictures)
            steps.finish(f"{len(pictures)} files in {arguments.pictures}")
    finally:
        steps.stop()
    if arguments.json:
        record = {
            "table": str(path),
            "on": grid.on,
            "chips": list(grid.seeds),
            "images": plan.images,
            "rows": len(sweep.rows),
            "resumed": sweep.resumed,
            "seconds": seconds,
            **_line_faults(sweep.rows),
            "points": [_summary(sweep, point) for point in plan.points],
            "pictures": [str(picture) for picture in pictures],
            "commit": commit(),
        }
        say(json.dumps(record))
    else:
        _print_table(sweep)
    return 0
