"""``allspin chips``: what networks reach over many chips of a device."""

import argparse
import json
from pathlib import Path

from allspin.host.chips.accuracy import CAUSES, COLUMNS
from allspin.host.chips.measured import CHIPS, MeasureOptions, chips_table, measure_chips, remarks
from allspin.host.cli.options import (
    PAPER,
    add_data_argument,
    add_missing_argument,
    add_point_argument,
    add_programming_arguments,
    add_tile_arguments,
    tile_options,
)
from allspin.host.cli.parser import naming_options
from allspin.host.show.progress import Steps
from allspin.host.show.say import say
from allspin.host.show.table import print_tables
from allspin.sim.errors import UserError
from allspin.sim.programming.schemes import DEFAULT_BAND

HELP = """\
Program many chips with networks, and say what share of the test images they classify rightly:
mean and standard deviation over the chips, by which variations the chips have and by how they
are programmed.

--measured adds two rows of chips whose cells a probe station read back, one
file a chip: with the mean neuron, and with the neurons of as many chips,
calibrated."""
EPILOG = """\
examples:
  allspin chips paper-10 paper-100
  allspin chips paper-10 --causes
  allspin chips paper-10 --tile-rows 128 --adc-bits 5
  allspin chips mine.safetensors --device mine.toml --chips 100 --json
  allspin chips mine.safetensors --device mine.toml --measured a.csv b.csv c.csv
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("networks", metavar="NET", nargs="+", help="network file, or the name of one that ships")
    add(
        "--device",
        metavar="DEVICE",
        default=PAPER,
        help=f"device file, or the name of one that ships ({PAPER})",
    )
    add_point_argument(parser)
    add("--chips", metavar="N", type=int, default=CHIPS, help=f"how many chips ({CHIPS})")
    add("--first", metavar="SEED", type=int, default=0, help="the first chip; the next follow (0)")
    add("--causes", action="store_true", help="each variation alone, and all in open loop")
    add_programming_arguments(parser)
    add_tile_arguments(parser)
    add(
        "--measured",
        dest="probed",
        metavar="CELLS",
        nargs="+",
        type=Path,
        help="cells as a probe station read them, CSV or .npz, a file a chip",
    )
    add_missing_argument(parser)
    add("--images", metavar="N", type=int, help="first N test images (all)")
    add_data_argument(parser)
    add("--json", action="store_true", help="print the results as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Measure, and print the table."""
    if arguments.missing is not None and arguments.probed is None:
        raise UserError("`missing` needs --measured CELLS")
    with naming_options():
        options = MeasureOptions(
            chips=arguments.chips,
            first=arguments.first,
            columns=CAUSES if arguments.causes else COLUMNS,
            polarity=arguments.polarity or "quieter",
            tries=arguments.tries,
            band=DEFAULT_BAND if arguments.band is None else arguments.band,
            probed=tuple(arguments.probed or ()),
            missing=arguments.missing or 0.0,
            tiles=tile_options(arguments),
        )
    with Steps() as steps:
        measured = measure_chips(
            arguments.networks,
            arguments.device,
            options,
            at=arguments.at,
            images=arguments.images,
            data=arguments.data,
            display=steps,
        )
    if arguments.json:
        say(json.dumps(measured.to_dict()))
        return 0
    print_tables([chips_table(measured)], remarks(measured))
    return 0
