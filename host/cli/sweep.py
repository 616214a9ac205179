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
from allspin.host.options import FLAT
from allspin.host.show.version import commit
from allspin.host.sweep.grid import FACTORS, make_grid, read_grid
from allspin.host.sweep.sweeping import make_plan, sweep
from allspin.host.sweep.workers import Cluster
from allspin.sim.errors import UserError, check_range, refused

EXAMPLES = """\
examples:
  allspin sweep --network paper-10,paper-100 --c2c 0,1,2 --chips 20 -o c2c.csv
  allspin sweep --network paper-{states} --states 10,100 \\
      --program open-loop,write-verify --neuron-d2d 0,1 --calibrate no,yes \\
      -o program.csv --pictures pictures
  allspin sweep --network mine.safetensors --device mine.toml \\
      --age 0,1e4,1e8 --temperature 300,358 \\
      --at 'current=8mA;current=10mA' -o age.csv
  allspin sweep grid.toml -o grid.csv --scheduler tcp://10.0.0.5:8786
  allspin sweep grid.toml -o virtual.csv --on virtual --images 1000
  allspin sweep --learn --states 16,64 --nonlinearity 0,0.5,1 -o learn.csv
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
    at: Values = None,
    temperature: Values = None,
    c2c: Values = None,
    d2d: Values = None,
    neuron_d2d: Values = None,
    neuron_c2c: Values = None,
    age: Values = None,
    program: Values = None,
    calibrate: Values = None,
    tile_rows: Values = None,
    adc_bits: Values = None,
    nonlinearity: Values = None,
    learn: bool = False,
    chips: int | None = None,
    chip: Annotated[int | None, Parameter(metavar="SEED")] = None,
    images: ImageCount = None,
    data: Annotated[str | None, Parameter(metavar="DATA")] = None,
    on: Annotated[str | None, Parameter(metavar="MACHINE")] = None,
    jobs: int | None = None,
    cluster: Annotated[Cluster | None, FLAT] = None,
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
    at : str, optional
        Operating points with semicolons between them, such as 'current=8mA;current=9mA': the
        device's unless given.
    temperature : str, optional
        Temperatures in kelvin: the device's unless given.
    c2c : str, optional
        Factors on the synapse's C2C.
    d2d : str, optional
        Factors on the synapse's D2D.
    neuron_d2d : str, optional
        Factors on the neuron's D2D.
    neuron_c2c : str, optional
        Factors on the neuron's C2C.
    age : str, optional
        Seconds since programming.
    program : str, optional
        Schemes: open-loop, pulse-width, write-verify, incremental; open-loop unless given.
    calibrate : str, optional
        Calibration of the neurons: no, yes or both; no unless given.
    tile_rows : str, optional
        Rows of tiles, powers of two: the network's unless given.
    adc_bits : str, optional
        Bits of tiles' converters: the network's unless given.
    nonlinearity : str, optional
        Factors on the nonlinearity P_max / A.
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
    pictures : Path, optional
        Folder for pictures of the finished sweep.
    """
    check_needs({"style": style}, {"pictures": pictures})
    check_excludes({"scheduler": cluster}, {"jobs": jobs})
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
        "at": at,
        "temperature": temperature,
        "c2c": c2c,
        "d2d": d2d,
        "neuron_d2d": neuron_d2d,
        "neuron_c2c": neuron_c2c,
        "age": age,
        "program": program,
        "calibrate": calibrate,
        "tile_rows": tile_rows,
        "adc_bits": adc_bits,
        "nonlinearity": nonlinearity,
    }
    settings = {"chips": chips, "first": chip, "images": images, "data": data, "on": on}
    plan = make_plan(make_grid(_entries(grid, factors, settings | {"learn": learn or None})))
    if pictures is not None:
        make_folder(pictures)
    begun = time.monotonic()
    found = sweep(plan, output, workers=jobs, cluster=cluster, progress=steps)
    seconds = time.monotonic() - begun
    drawn = []
    if pictures is not None:
        from allspin.host.sweep.pictures import draw_sweep

        steps.start("drawing")
        drawn = draw_sweep(found, pictures, look)
        steps.finish(f"{len(drawn)} files in {pictures}")
    record = {
        "table": str(output),
        "on": plan.grid.on,
        "chips": list(plan.grid.seeds),
        "images": plan.images,
        "rows": len(found.rows),
        "resumed": found.resumed,
        "seconds": seconds,
        **found.faults(),
        "points": [found.summary(point) for point in plan.points],
        "pictures": [str(picture) for picture in drawn],
        "commit": commit(),
    }
    answer(steps, record, found.table(), found.remarks(), json_wanted=json)
    return 0


def _entries(
    grid: Path | None, factors: dict[str, str | None], settings: dict[str, Any]
) -> dict[str, Any]:
    """Return the entries of a grid: those of its file, and in their place those of options."""
    entries = {} if grid is None else read_grid(grid)
    for name, text in factors.items():
        if text is not None:
            words = text.split(FACTORS[name].separator)
            entries[name] = [word.strip() for word in words if word.strip()]
    entries.update((name, value) for name, value in settings.items() if value is not None)
    return entries
