"""``allspin sweep``: accuracies of many chips over a grid of factors."""

import time

from allspin.host.cli.options import (
    Arguments,
    Parser,
    add_options,
    add_shared,
    answer,
    naming_options,
    read_options,
)
from allspin.host.data.files import check_writable, make_folder
from allspin.host.draw.picture_style import PictureStyle
from allspin.host.machines.opening import GOLDEN, VIRTUAL
from allspin.host.show.version import commit
from allspin.host.sweep.grid import FACTORS, SETTINGS, Grid, make_grid, read_grid
from allspin.host.sweep.sweeping import make_plan, sweep
from allspin.host.sweep.workers import Cluster
from allspin.sim.errors import UserError, check_range

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
  allspin sweep --learn --states 16,64 --nonlinearity 0,0.5,1 -o learn.csv
"""
MAX_JOBS = 1024


def add_arguments(parser: Parser) -> None:
    """Declare the command's options."""
    parser.add_argument("grid", metavar="GRID.toml", nargs="?", type="file", help="grid file")
    add_shared(parser, "-o --output", metavar="OUT.csv", required=True, help="table of results")
    for name, factor in FACTORS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", metavar="LIST", help=factor.help)
    parser.add_argument(
        "--learn",
        action="store_true",
        default=None,
        help="let each chip learn in the array, as `train --in-array` does; networks are then "
        "hidden widths (100)",
    )
    parser.add_argument("--chips", metavar="N", type=int, help="how many chips at each point (20)")
    parser.add_argument(
        "--chip", dest="first", metavar="SEED", type=int, help="the first chip; the next follow (0)"
    )
    add_shared(parser, "--images")
    add_shared(parser, "--data", type=str)
    parser.add_argument(
        "--on", metavar="MACHINE", help=f"{GOLDEN}, {VIRTUAL} or a serial port ({GOLDEN})"
    )
    parser.add_argument(
        "--jobs",
        dest="workers",
        metavar="J",
        type=int,
        help="processes on this machine (one a core)",
    )
    add_options(parser, Cluster)
    parser.add_argument("--pictures", metavar="DIR", type="file", help="draw the finished sweep")
    add_shared(parser, "--style")
    add_shared(parser, "--json")


def _grid(arguments: Arguments) -> Grid:
    given = {
        name: value
        for name in (*FACTORS, *SETTINGS)
        if (value := getattr(arguments, name)) is not None
    }
    for name in set(FACTORS) & set(given):
        values = given[name].split(FACTORS[name].separator)
        given[name] = [value.strip() for value in values if value.strip()]
    return make_grid(({} if arguments.grid is None else read_grid(arguments.grid)) | given)


def run(arguments: Arguments) -> int:
    """Sweep, and say what came of it."""
    if arguments.workers is not None:
        with naming_options():
            check_range("workers", arguments.workers, 1, MAX_JOBS)
    cluster = None if arguments.address is None else read_options(arguments, Cluster)
    look = PictureStyle.open(arguments.style or "screen")
    path, steps = arguments.output, arguments.steps
    if path.suffix == ".parquet":
        raise UserError(
            "results are a CSV table, since Parquet cannot be added to row by row; "
            "give -o a name that ends in .csv"
        )
    check_writable(path, regular=True)
    grid = _grid(arguments)
    plan = make_plan(grid)
    if arguments.pictures is not None:
        make_folder(arguments.pictures)
    begun = time.monotonic()
    found = sweep(plan, path, workers=arguments.workers, cluster=cluster, progress=steps)
    seconds = time.monotonic() - begun
    pictures = []
    if arguments.pictures is not None:
        from allspin.host.sweep.pictures import draw_sweep

        steps.start("drawing")
        pictures = draw_sweep(found, arguments.pictures, look)
        steps.finish(f"{len(pictures)} files in {arguments.pictures}")
    record = {
        "table": str(path),
        "on": grid.on,
        "chips": list(grid.seeds),
        "images": plan.images,
        "rows": len(found.rows),
        "resumed": found.resumed,
        "seconds": seconds,
        **found.faults(),
        "points": [found.summary(point) for point in plan.points],
        "pictures": [str(picture) for picture in pictures],
        "commit": commit(),
    }
    answer(arguments, record, found.table(), found.remarks())
    return 0
