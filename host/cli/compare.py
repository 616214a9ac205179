"""``allspin compare``: spin neurons against CMOS neurons, from counted activity."""

import contextlib
from pathlib import Path

from allspin.host.cli.options import (
    PAPER,
    Arguments,
    Parser,
    add_options,
    add_shared,
    add_tile_arguments,
    answer,
    naming_options,
    read_options,
)
from allspin.host.compare.comparison import compare
from allspin.host.compare.comparison_table import notes, tables
from allspin.host.compare.subject import CompareOptions, ComparisonSubject, leave
from allspin.host.data.files import make_folder
from allspin.host.draw.picture_style import SCREEN, PictureStyle
from allspin.sim.cost.liberty import CELLS_45
from allspin.sim.errors import UserError
from allspin.sim.network.tiling import Tiles

HELP = """\
Compare the network's spin neurons with CMOS neurons: accuracy, area, energy and time, bare and
with what surrounds a neuron, for a neuron and for the whole network.

CMOS neurons are mapped to standard cells by Yosys and ABC, and their energy is counted net by
net on real images. docs/baseline.md says what each number means."""
EPILOG = """\
examples:
  allspin compare mnist-10
  allspin compare mnist-100 --json
  allspin compare mine.safetensors --with mine-bare.safetensors -o comparison
  allspin compare mnist-10 --liberty NangateOpenCellLibrary_typical.lib
  allspin compare mnist-10 --periphery amplifier,converter
  allspin compare mnist-10 --accuracy 98.5
"""


def add_arguments(parser: Parser) -> None:
    """Declare the command's options."""
    add_shared(parser, "network")
    add_shared(parser, "--style")
    add_shared(parser, "--wide", "--json")
    parser.add_argument(
        "--liberty",
        metavar="FILE",
        type="file",
        default=CELLS_45,
        help="standard cells (a small 45 nm library that ships)",
    )
    add_shared(
        parser,
        "-o --out",
        help="folder for pictures and numbers (out/compare/NET; none with --json)",
    )
    add_shared(parser, "--device", help=f"device file of the spin side ({PAPER})")
    add_shared(parser, "--at")
    add_tile_arguments(parser)
    add_shared(parser, "--data")
    add_options(parser, CompareOptions)


def run(arguments: Arguments) -> int:
    """Compare, print, and leave the pictures."""
    options, steps = read_options(arguments, CompareOptions), arguments.steps
    look, folder = PictureStyle.open(arguments.style or "screen"), arguments.out
    if folder is None and arguments.json and look != SCREEN:
        raise UserError("pictures with --json need `out`")
    with steps.waiting("reading network, device, cells and images"), naming_options():
        subject = ComparisonSubject.open(
            arguments.network,
            arguments.device,
            arguments.liberty,
            arguments.data,
            at=arguments.at,
            tiles=read_options(arguments, Tiles.asked),
            calibrated=arguments.accuracy is not None,
            progress=steps,
        )
        options.counted(len(subject.images))
    if folder is None and not arguments.json:
        folder = Path("out/compare") / Path(arguments.network).stem
    if folder is not None:
        make_folder(folder)
    found = compare(subject, options, progress=steps).to_dict()
    if folder is not None:
        steps.start(f"drawing into {folder}")
        try:
            leave(found, folder, look)
        except UserError:
            with contextlib.suppress(OSError):
                folder.rmdir()  # an empty one tells nothing
            raise
        steps.finish()
    answer(arguments, found, tables(found), notes(found))
    return 0
