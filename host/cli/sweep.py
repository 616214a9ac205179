"""``allspin sweep``: accuracies of many chips over a grid of factors."""

import time
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from allspin.host.cli.answers import answer
from allspin.host.cli.command import check_excludes, check_needs, need_pictures
from allspin.host.cli.shared import ImageCount, Json, Steps, Style
from allspin.host.data.files import check_writable, make_folder
from allspin.host.draw.picture_style import PictureStyle
from allspin.host.options import MACHINE
from allspin.host.sweep.grid import make_grid, read_grid
from allspin.host.sweep.plan import make_plan
from allspin.host.sweep.sweeping import sweep
from allspin.sim.errors import UserError, check_range, refused

EXAMPLES = """\
examples:
  allspin sweep --network paper-10,paper-100 --c2c 0,1,2 --chips 20 -o c2c.csv
  allspin sweep --network paper-{states} --states 10,100 \\
      --program open-loop,write-verify -o program.csv --pictures pictures
  allspin sweep --network mine.safetensors --device mine.toml \\
      --age 0,1e4,1e8 -o age.csv
  allspin sweep grid.toml -o grid.csv --scheduler tcp://10.0.0.5:8786
  allspin sweep grid.toml -o virtual.csv --on virtual --images 1000
  allspin sweep --learn --states 16,64 --c2c 0,1 -o learn.csv
"""
MAX_JOBS = 1024

Values = Annotated[str | None, Parameter(metavar="LIST")]
"""Values of a factor, with commas between them."""


def run(
    grid: Annotated[Path | None, Parameter(metavar="GRID.toml")] = None,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o", metavar="OUT.csv")],
    network: Values = None,
    states: Values = None,
    device: Values = None,
    c2c: Values = None,
    d2d: Values = None,
    age: Values = None,
    program: Values = None,
    learn: bool = False,
    chips: int | None = None,
    chip: Annotated[int | None, Parameter(metavar="SEED")] = None,
    images: ImageCount = None,
    data: Annotated[str | None, Parameter(metavar="DATA")] = None,
    on: Annotated[str | None, MACHINE] = None,
    jobs: int | None = None,
    scheduler: Annotated[str | None, Parameter(metavar="ADDRESS")] = None,
    pictures: Annotated[Path | None, Parameter(metavar="DIR")] = None,
    style: Style = None,
    json: Json = False,
    steps: Steps,
) -> int:
    """Measure chips at every point of a grid.

    The points are all combinations of networks, devices, variations and ways to program. The grid
    comes from a TOML file, which may have further factors (docs/sweep.md), from options, or both;
    an option takes the place of the file's entry. Each chip is a row of a CSV table, written as
    soon as it is known. The same command goes on with a sweep that was interrupted, and with
    pictures draws one that is done.

    Parameters
    ----------
    grid : Path, optional
        Grid file.
    output : Path
        Table of results.
    network : str, optional
        Networks; {states} in a name stands for each of the states.
    states : str, optional
        Numbers of states, put in for {states}.
    device : str, optional
        Devices: paper unless given.
    c2c : str, optional
        Factors on the synapse's C2C.
    d2d : str, optional
        Factors on the synapse's D2D.
    age : str, optional
        Seconds since programming.
    program : str, optional
        Schemes: open-loop, pulse-width, write-verify, incremental; open-loop unless given.
    learn : bool
        Let each chip learn in the array, as allspin learn does; networks are then hidden widths,
        100 unless given.
    chips : int, optional
        Number of chips at each point: 20 unless given.
    chip : int, optional
        Seed of the first chip; the next follow.
    data : str, optional
        Folder of IDX files, or .npz with x_train, y_train, x_test, y_test: MNIST unless given.
    on : str, optional
        Machine: golden, virtual or a serial port; golden unless given.
    jobs : int, optional
        Processes on this machine, 1 to 1024: one a core unless given.
    scheduler : str, optional
        Address of a Dask cluster's scheduler, such as tls://10.0.0.5:8786, which measures in
        place of processes on this machine. Certificates come from Dask's own configuration.
    pictures : Path, optional
        Folder for pictures of the finished sweep.
    """
    check_needs({"style": style}, {"pictures": pictures})
    check_excludes({"scheduler": scheduler}, {"jobs": jobs})
    need_pictures(pictures)
    if jobs is not None:
        with refused():
            check_range("`jobs`", jobs, 1, MAX_JOBS)
    look = PictureStyle.open(style or "screen")
    if output.suffix == ".parquet":
        raise UserError(
            "results are a CSV table, since Parquet cannot be added to row by row; "
            "give -o a name that ends in .csv"
        )
    check_writable(output, regular=True)
    factors = {
        "network": network,
        "states": states,
        "device": device,
        "c2c": c2c,
        "d2d": d2d,
        "age": age,
        "program": program,
    }
    settings = {"chips": chips, "first": chip, "images": images, "data": data, "on": on}
    plan = make_plan(make_grid(_entries(grid, factors, settings | {"learn": learn or None})))
    if pictures is not None:
        make_folder(pictures)
    begun = time.monotonic()
    swept = sweep(plan, output, workers=jobs, scheduler=scheduler, progress=steps)
    seconds = time.monotonic() - begun
    drawn: list[Path] = []
    if pictures is not None:
        from allspin.host.sweep.pictures import draw_sweep  # Matplotlib

        steps.start("drawing")
        drawn = draw_sweep(swept, pictures, look)
        steps.finish(f"{len(drawn)} files in {pictures}")
    record = {
        "table": str(output),
        **swept.to_dict(),
        "seconds": seconds,
        "pictures": [str(picture) for picture in drawn],
    }
    answer(steps, record, swept.tables(), swept.notes(), json_wanted=json)
    return 0


def _entries(
    grid: Path | None, factors: dict[str, str | None], settings: dict[str, Any]
) -> dict[str, Any]:
    """Return the entries of a grid: those of its file, and in their place those of options."""
    entries = {} if grid is None else read_grid(grid)
    for name, text in factors.items():
        if text is not None:
            entries[name] = [word.strip() for word in text.split(",") if word.strip()]
    entries.update((name, value) for name, value in settings.items() if value is not None)
    return entries
