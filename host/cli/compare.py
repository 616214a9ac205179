"""``allspin compare``: spin neurons against CMOS neurons, from counted activity."""

import argparse
import json
from pathlib import Path

from allspin.host.cli.options import (
    add_data_argument,
    add_picture_arguments,
    add_point_argument,
    add_table_arguments,
    add_tile_arguments,
    picture_options,
    tile_options,
)
from allspin.host.cli.parser import naming_options
from allspin.host.compare.assumptions import DEFAULT_PERIPHERY, PERIPHERY
from allspin.host.compare.comparison import compare
from allspin.host.compare.subject import IMAGES, MHZ, CompareOptions, Subject, leave
from allspin.host.compare.table import notes, tables
from allspin.host.data.files import make_folder
from allspin.host.show.progress import Steps
from allspin.host.show.say import say
from allspin.host.show.table import print_tables
from allspin.sim.cost.liberty import CELLS_45

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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("network", metavar="NET", help="network file, or the name of one that ships")
    add_picture_arguments(parser)
    add_table_arguments(parser)
    add("--json", action="store_true", help="print the comparison as one JSON object")
    add(
        "--liberty",
        metavar="FILE",
        type=Path,
        default=CELLS_45,
        help="standard cells (a small 45 nm library that ships)",
    )
    add(
        "-o",
        "--out",
        metavar="DIR",
        type=Path,
        help="folder for pictures and numbers (out/compare/NET; none with --json)",
    )
    add(
        "--with",
        dest="others",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="the same network trained with another neuron; may be given again (those that "
        "ship as NET-NEURON, else NET with its V-I converters set for the other neuron)",
    )
    add("--device", metavar="DEVICE", default="paper", help="device file of the spin side (paper)")
    add_point_argument(parser)
    add_tile_arguments(parser)
    add(
        "--accuracy",
        metavar="PERCENT",
        type=float,
        help="try tiles of 64 to 256 rows with converters of 2 to 8 bits, and say which are "
        "cheapest for this accuracy",
    )
    add_data_argument(parser)
    add(
        "--images",
        metavar="N",
        type=int,
        help=f"images whose activity is counted ({IMAGES})",
    )
    add(
        "--frequency",
        metavar="MHZ",
        type=float,
        default=CompareOptions.frequency / MHZ,
        help="clock of the CMOS neurons (100, as in the paper)",
    )
    add(
        "--periphery",
        metavar="PART[,PART]",
        default=",".join(DEFAULT_PERIPHERY),
        help=f"what is counted around a neuron: none, or of {', '.join(PERIPHERY)} "
        f"({','.join(DEFAULT_PERIPHERY)})",
    )


def run(arguments: argparse.Namespace) -> int:
    """Compare, print, and leave the pictures."""
    with naming_options():
        options = CompareOptions(
            frequency=arguments.frequency * MHZ,
            images=arguments.images,
            periphery=frozenset(arguments.periphery.split(",")) - {"none", ""},
            others=tuple(arguments.others),
            accuracy=arguments.accuracy,
        )
    with Steps() as steps, steps.waiting("reading network, device, cells and images"):
        subject = Subject.open(
            arguments.network,
            arguments.device,
            arguments.liberty,
            arguments.data,
            at=arguments.at,
            tiles=tile_options(arguments),
            calibrated=arguments.accuracy is not None,
            display=steps,
        )
    with naming_options():
        options.counted(len(subject.images))
    look, folder = picture_options(arguments), arguments.out
    if folder is None and not arguments.json:
        folder = Path("out/compare") / Path(arguments.network).stem
    if folder is not None:
        make_folder(folder)
    with Steps() as steps:
        steps.start("comparing")
        found = compare(subject, options, steps).to_dict()
        steps.finish()
        if folder is not None:
            steps.start(f"drawing into {folder}")
            leave(found, folder, look)
            steps.finish()
    if arguments.json:
        say(json.dumps(found))
        return 0
    print_tables(tables(found), notes(found), wide=arguments.wide)
    return 0
