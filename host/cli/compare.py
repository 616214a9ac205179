"""``allspin compare``: spin neurons against CMOS neurons, from counted activity."""

import contextlib
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from allspin.host.cli.answers import answer
from allspin.host.cli.shared import DataFile, DeviceName, Json, NetworkName, Steps, Style
from allspin.host.compare.comparison import compare
from allspin.host.compare.comparison_table import notes, tables
from allspin.host.compare.subject import CompareOptions, ComparisonSubject, leave
from allspin.host.data.files import make_folder
from allspin.host.draw.picture_style import PictureStyle
from allspin.host.options import FLAT, TILES
from allspin.sim.cost.liberty import CELLS_45
from allspin.sim.errors import UserError, refused
from allspin.sim.network.tiling import Tiles

EXAMPLES = """\
examples:
  allspin compare mnist-10
  allspin compare mnist-100 --json
  allspin compare mine.safetensors --with mine-bare.safetensors -o comparison
  allspin compare mnist-10 --liberty NangateOpenCellLibrary_typical.lib
  allspin compare mnist-10 --periphery amplifier,converter
  allspin compare mnist-10 --accuracy 98.5
"""


def run(
    network: NetworkName,
    /,
    *,
    liberty: Annotated[
        Path, Parameter(metavar="FILE", show_default=lambda file: "a 45 nm library that ships")
    ] = CELLS_45,
    output: Annotated[Path | None, Parameter(alias="-o", metavar="DIR")] = None,
    device: DeviceName = "paper",
    tiles: Annotated[Tiles | None, TILES] = None,
    data: DataFile = None,
    conditions: Annotated[CompareOptions, FLAT] = CompareOptions(),  # noqa: B008 (it is frozen)
    style: Style = None,
    json: Json = False,
    steps: Steps,
) -> int:
    """Compare the network's spin neurons with CMOS neurons.

    Accuracy, area, energy and time are compared, bare and with the circuits around a neuron, for a
    neuron and for the whole network. CMOS neurons are mapped to standard cells by Yosys and ABC,
    and their energy is counted net by net on real images. docs/baseline.md explains each number.

    Parameters
    ----------
    network : str
        Network file, or the name of a shipped network.
    liberty : Path
        Standard cells in a Liberty file.
    output : Path, optional
        Folder for pictures and numbers: out/compare/NET unless given; with `json` it is needed.
    device : str
        Device file of the spin side, or the name of a shipped device.
    """
    if output is None and json and style is not None:
        raise UserError("`style` with `json` needs `output`")
    look = PictureStyle.open(style or "screen")
    with steps.waiting("reading network, device, cells and images"), refused():
        subject = ComparisonSubject.open(
            network,
            device,
            liberty,
            data,
            tiles=tiles,
            calibrated=conditions.accuracy is not None,
            progress=steps,
        )
        conditions.counted(len(subject.images))
    folder = output
    if folder is None and not json:
        folder = Path("out/compare") / Path(network).stem
    if folder is not None:
        make_folder(folder)
    found = compare(subject, conditions, progress=steps).to_dict()
    if folder is not None:
        steps.start(f"drawing into {folder}")
        try:
            leave(found, folder, look)
        except UserError:
            with contextlib.suppress(OSError):
                folder.rmdir()  # if it is empty
            raise
        steps.finish()
    answer(steps, found, tables(found), notes(found), json_wanted=json)
    return 0
