"""``allspin sweep``: accuracies of many chips over a grid of factors."""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from allspin.host.cli.options import add_data_argument, add_picture_arguments, picture_options
from allspin.host.cli.parser import naming_options
from allspin.host.data.files import check_writable, make_folder
from allspin.host.machines.opening import GOLDEN, VIRTUAL
from allspin.host.show.progress import Steps
from allspin.host.show.say import commit, say
from allspin.host.show.table import print_tables
from allspin.host.sweep.grid import FACTORS, Grid, make_grid, read_grid
from allspin.host.sweep.pictures import draw_sweep, line_faults, remarks, summary, summary_table
from allspin.host.sweep.sweep import make_plan, sweep
from allspin.host.sweep.workers import Cluster
from allspin.sim.errors import UserError, refused
from allspin.sim.network.formats import check_range

HELP = """\
Measure chips at every point of a grid: each combination of networks, devices, variations and
ways to program. The grid comes from a TOML file, from options (lists with commas), or both; an
option takes the place of the file's entry.

Each chip is a row of a CSV table, written as soon as it is known. The same command goes on with
a sweep that was interrupted, and with --pictures draws one that is done."""
EPILOG = """\
examples:
  allspin sweep --network paper-10,paper-100 --c2c 0,1,2 --chips 20 -o c2c.csv
  allspin sweep --network paper-{states} --states 10,100 \\
      --program open-loop,write-verify --neuron-d2d 0,1 --calibrate no,yes \\
      -o program.csv --pictures pictures
  allspin sweep --network mine.safetensors --device mine.toml \\
      --age 0,1e4,1e8 --temperature 300,358 \\
      --at 'current=8mA;current=10mA' -o age.csv
  allspin sweep grid.toml -o grid.csv --scheduler tls://10.0.0.5:8786 \\
      --tls-ca-file ca.pem --tls-cert mine.pem
  allspin sweep grid.toml -o virtual.csv --on virtual --images 1000
"""
MAX_JOBS = 1024


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
    add_data_argument(parser)
    add("--on", metavar="MACHINE", help=f"{GOLDEN}, {VIRTUAL} or a serial port ({GOLDEN})")
    add(
        "--jobs",
        dest="workers",
        metavar="J",
        type=int,
        help="processes on this machine (one a core)",
    )
    add("--scheduler", metavar="ADDRESS", help="measure on a Dask cluster, such as tls://HOST:8786")
    for option, name, what in (
        ("--tls-ca-file", "ca_file", "who vouches for the cluster"),
        ("--tls-cert", "certificate", "what this machine shows to it"),
        ("--tls-key", "key", "the key of that (in the same file)"),
    ):
        add(option, dest=name, metavar="PEM", type=Path, help=f"with tls://, {what}")
    add("--pictures", metavar="DIR", type=Path, help="draw the finished sweep")
    add_picture_arguments(parser)
    add("--json", action="store_true", help="print the result as one JSON object")


def _grid(arguments: argparse.Namespace) -> Grid:
    entries: dict[str, Any] = {} if arguments.grid is None else read_grid(arguments.grid)
    for name, factor in FACTORS.items():
        given = getattr(arguments, name)
        if given is not None:
            values = given.split(factor.separator)
            entries[name] = [value.strip() for value in values if value.strip()]
    for name in ("chips", "first", "images", "on"):
        if getattr(arguments, name) is not None:
            entries[name] = getattr(arguments, name)
    if arguments.data is not None:
        entries["data"] = str(arguments.data)
    return make_grid(entries)


def _jobs(arguments: argparse.Namespace) -> int | None:
    if arguments.workers is None:
        return None
    if arguments.scheduler is not None:
        raise UserError("--jobs is for this machine; a cluster has the workers it has")
    with naming_options():
        return check_range("workers", arguments.workers, 1, MAX_JOBS)


def _cluster(arguments: argparse.Namespace) -> Cluster | None:
    files = (arguments.ca_file, arguments.certificate, arguments.key)
    if arguments.scheduler is None:
        if any(files):
            raise UserError("certificates are for --scheduler")
        return None
    with refused():
        return Cluster(arguments.scheduler, *files)


def _output(path: Path) -> Path:
    if path.suffix == ".parquet":
        raise UserError(
            "results are a CSV table, since Parquet cannot be added to row by row; "
            "give -o a name that ends in .csv"
        )
    check_writable(path, regular=True)
    return path


def run(arguments: argparse.Namespace) -> int:
    """Sweep, and say what came of it."""
    jobs = _jobs(arguments)
    cluster = _cluster(arguments)
    look = picture_options(arguments)
    path = _output(arguments.output)
    grid = _grid(arguments)
    plan = make_plan(grid)
    if arguments.pictures is not None:
        make_folder(arguments.pictures)
    begun = time.monotonic()
    pictures: list[Path] = []
    with Steps() as steps:
        found = sweep(plan, path, workers=jobs, cluster=cluster, display=steps)
        seconds = time.monotonic() - begun
        if arguments.pictures is not None:
            steps.start("drawing")
            pictures = draw_sweep(found, arguments.pictures, look)
            steps.finish(f"{len(pictures)} files in {arguments.pictures}")
    if arguments.json:
        record = {
            "table": str(path),
            "on": grid.on,
            "chips": list(grid.seeds),
            "images": plan.images,
            "rows": len(found.rows),
            "resumed": found.resumed,
            "seconds": seconds,
            **line_faults(found.rows),
            "points": [summary(found, point) for point in plan.points],
            "pictures": [str(picture) for picture in pictures],
            "commit": commit(),
        }
        say(json.dumps(record))
        return 0
    print_tables([summary_table(found)], remarks(found))
    return 0
